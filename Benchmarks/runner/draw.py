"""Which charts there are."""
from .charts import line_chart, quantile_chart
from .figures import median
from .requests import VARIANTS


def throughput(results):
    series = []
    for variant in VARIANTS:
        points = []
        for (pins, size, connections, window), variants in sorted(results.items()):
            if (pins, size, connections) == ("apart", 16, 1) and variant in variants:
                points.append((window, median([one and one["replies_per_s"] for one in variants[variant]])))
        series.append((variant, points))
    return line_chart("Throughput by requests in flight", "requests in flight (16 bytes each)", "replies a second",
                      series)


def connections(results):
    series = {}
    for (variant, count), rounds in sorted(results.items(), key=lambda item: item[0][1]):
        if any(rounds):
            series.setdefault(variant, []).append((count, median([one and one["replies_per_s"] for one in rounds])))
    return line_chart("Throughput by connections", "connections (1,000 requests in flight)", "replies a second",
                      [(name, series[name]) for name in VARIANTS if name in series])


def connection_memory(results):
    series = {}
    for (variant, count), rounds in sorted(results.items(), key=lambda item: item[0][1]):
        grown = [one["memory_connected_kib"] - one["memory_kib"] for one in rounds if one]
        if grown and count > 1:
            series.setdefault(variant, []).append((count, median(grown) / 1024))
    return line_chart("Memory by connections", "connections", "MiB",
                      [(name, series[name]) for name in VARIANTS if name in series])


def heartbeats(results):
    named = []
    for (situation, kind), one in results.items():
        taken = one["to"] if situation == "loaded" else one["to"] + one["from"]
        named.append((f"{kind}, {situation}", taken))
    return quantile_chart("Heartbeat latency", "milliseconds from publishing to decision", named)


def gaps(results, classic):
    named = [(name, one["gaps"]) for name, one in results.items()]
    if classic:
        named.append(("SIGKILL, classic C", classic))
    return quantile_chart("Time without service, by fault of the active server", "milliseconds", named)


def pairs(results, key, title, label, share=1.0):
    return line_chart(title, "pairs in one process on one pump", label,
                      [("all", [(count, one[key] * share) for count, one in results.items()])])


def draw_all(results, folder):
    """Writes the charts to a folder. Returns (section, title, path from the folder's parent) of each."""
    drawn = []

    def draw(section, title, name, make):
        text = make()
        if text:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.svg").write_text(text)
            drawn.append((section, title, f"{folder.name}/{name}.svg"))

    if results.get("throughput"):
        draw("Throughput", "Throughput by window", "throughput", lambda: throughput(results["throughput"]))
    if results.get("connections"):
        draw("Connections", "Throughput by connections", "connections", lambda: connections(results["connections"]))
        draw("Connections", "Memory by connections", "connection-memory",
             lambda: connection_memory(results["connections"]))
    if results.get("heartbeats"):
        draw("Heartbeat latency", "Heartbeat latency", "heartbeats", lambda: heartbeats(results["heartbeats"]))
    if results.get("gaps"):
        draw("Failover", "Time without service", "gaps", lambda: gaps(results["gaps"], results.get("classic_gaps")))
    if results.get("pairs"):
        title = "Pairs in one process on one pump"
        draw(title, "Processor time of idle pairs", "pairs-cpu",
             lambda: pairs(results["pairs"], "cpu", "Processor time of idle pairs", "% of a core", 100))
        draw(title, "Memory of idle pairs", "pairs-memory",
             lambda: pairs(results["pairs"], "memory_kib", "Memory of idle pairs", "MiB", 1 / 1024))
    return drawn
