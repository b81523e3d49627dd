"""The results as Markdown."""
from . import targets
from .figures import median, number, paired_ratio, quantile, spread
from .processes import PIN_NAMES
from .requests import DEALER, LIMIT, VARIANTS


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def size_name(size):
    return f"{size} B" if size < 1024 else f"{size >> 10} KiB"


def values(rounds, key):
    return [one and one[key] for one in rounds]


def throughput(results):
    parts = []
    for (pins, size, connections, window), variants in sorted(results.items()):
        rows = []
        for variant in VARIANTS:
            rounds = variants.get(variant)
            if not rounds or not any(rounds):
                rows.append([variant] + ["–"] * 9)
                continue
            rates, cpu = values(rounds, "replies_per_s"), values(rounds, "server_cpu_us")
            base, cpu_base = (values(variants[LIMIT[variant]], key) for key in ("replies_per_s", "server_cpu_us"))
            trips = [one["round_trip_us"] for one in rounds if one]
            rows.append([
                variant, number(median(rates)), number(paired_ratio(rates, base)), number(spread(rates), 2),
                number(median(cpu)), number(paired_ratio(cpu, cpu_base)),
                number(median([one["p50"] for one in trips])), number(median([one["p99"] for one in trips])),
                f"{number(median(values(rounds, 'server_cpu')), 2)} / {number(median(values(rounds, 'own_cpu')), 2)}",
                sum(one["lost"] + one["wrong"] for one in rounds if one)])
        title = f"{size_name(size)}, window {window:,}" + (f", {connections} connections" if connections > 1 else "")
        parts.append(f"#### {title}, {PIN_NAMES[pins]}\n\n" + table(
            ["server", "replies/s", "of limit", "spread", "CPU µs/request", "of limit", "p50 µs", "p99 µs",
             "cores: server / load", "lost"], rows))
    return "\n".join(parts)


def round_trips(results):
    base = results["limit"]
    rows = []
    for variant, rounds in results.items():
        row = [variant]
        for quantile_name in ("p50", "p99"):
            own = [one["round_trip_us"][quantile_name] for one in rounds]
            others = [one["round_trip_us"][quantile_name] for one in base]
            row += [number(median(own)), number(paired_ratio(own, others))]
        rows.append(row + [number(median([one["server_cpu_us"] for one in rounds]))])
    return table(["server", "p50 µs", "of limit", "p99 µs", "of limit", "CPU µs/request"], rows)


def counters(results):
    rows = [[variant, f"{window:,}"] + [number(one[name]) for name in ("allocations", "own", "calls", "switches")]
            for (variant, window), one in results.items()]
    return table(["server", "window", "allocations", "of them not libzmq's", "system calls", "context switches"], rows)


def connections(results):
    rows = []
    order = list(VARIANTS)
    for (variant, count), rounds in sorted(results.items(), key=lambda one: (one[0][1], order.index(one[0][0]))):
        base = values(results["limit", count], "replies_per_s")
        rates = values(rounds, "replies_per_s")
        memory = [(one["memory_connected_kib"] - one["memory_kib"]) / (count - 1) if one and count > 1 else None
                  for one in rounds]
        rows.append([f"{count:,}", variant, number(median(rates)), number(paired_ratio(rates, base)),
                     number(median(values(rounds, "server_cpu_us"))), number(median(memory)),
                     sum(one["lost"] + one["wrong"] for one in rounds if one) if any(rounds) else "–"])
    return table(["connections", "server", "replies/s", "of limit", "CPU µs/request", "KiB/connection", "lost"], rows)


def memory(results):
    return table(["server", "bytes/request in flight"], [[variant, number(one)] for variant, one in results.items()])


def client(results):
    rows = []
    for (pins, kind, window), both in sorted(results.items()):
        dealer = values(both[DEALER], "replies_per_s")
        for who, rounds in both.items():
            rates = values(rounds, "replies_per_s")
            cpu = [one["own_cpu"] * 1e6 / one["replies_per_s"] for one in rounds if one]
            rows.append([kind, PIN_NAMES[pins], f"{window:,}", who, number(median(rates)),
                         number(paired_ratio(rates, dealer)), number(spread(rates), 2), number(median(cpu)),
                         sum(one["lost"] + one["wrong"] for one in rounds if one)])
    return table(["server", "cores", "window", "client", "replies/s", "of the DEALER", "spread", "its CPU µs/request", "lost"],
                 rows)


def heartbeats(results):
    rows = []
    for (situation, kind), one in results.items():
        for direction, name in (("to", "to the loaded server"), ("from", "from the loaded server")):
            if situation == "idle":
                if direction == "from":
                    continue
                name, taken = "both", one["to"] + one["from"]
            else:
                taken = one[direction]
            rows.append([situation, name, kind, len(taken)] + [number(quantile(taken, q)) for q in (.5, .99, .999, 1)]
                        + [one["lost"]])
    return table(["situation", "direction", "server", "beats", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "lost"], rows)


def jitter(results):
    rows = [[kind, len(taken)] + [number(quantile(taken, q)) for q in (.5, .99, 1)] for kind, taken in results.items()]
    return table(["handlers", "beats", "p50 ms", "p99 ms", "max ms"], rows)


def gaps(results):
    classic, notices, results = results["classic"], results["notices"], results["faults"]
    rows = [[name, len(one["gaps"])] + [number(quantile(one["gaps"], q)) for q in (.5, .9, .99, 1)] + [one["failed"]]
            for name, one in results.items()]
    if classic:
        rows.append(["SIGKILL, classic C and its client", len(classic)]
                    + [number(quantile(classic, q)) for q in (.5, .9, .99, 1)] + ["–"])
    text = table(["fault of the active", "runs", "p50 ms", "p90 ms", "p99 ms", "max ms", "failed requests"], rows)
    rows = []
    if notices:
        rows.append(["SIGKILL of `bstar serve` to the peer's taking over", len(notices)]
                    + [number(quantile(notices, q)) for q in (.5, .99, 1)])
    delays = [one for result in results.values() for one in result["propagation"]]
    if delays:
        rows.append(["change of role to the peer's own", len(delays)]
                    + [number(quantile(delays, q)) for q in (.5, .99, 1)])
    return text + "\n" + table(["from … to …", "runs", "p50 ms", "p99 ms", "max ms"], rows)


def pairs(results):
    rows = []
    for count, one in results.items():
        own = one["memory_kib"] - one["sockets_kib"]
        rows.append([f"{count:,}", one["active"], f"{one['heartbeats']:,} of {one['expected']:,.0f}", one["late"],
                     number(one["late_p99_ms"]), number(one["late_max_ms"]), number(one["cpu"] * 100),
                     number(one["cpu"] * 100 / count), number(one["memory_kib"] / count), number(own / count)])
    return table(["pairs", "active", "beats heard", "late by > 125 ms", "late p99 ms", "max ms", "% of a core",
                  "% a pair", "KiB a pair", "of it above libzmq's"], rows)


def idle(one):
    return table(["% of a core", "RSS MB", "of it its own MB", "ms to start"], [[
        number(one["cpu"] * 100), number(one["rss_kib"] * 1.024e-3), number(one["anonymous_kib"] * 1.024e-3),
        number(one["start_ms"])]])


def micro(results):
    rows = [[name, number(one["ns"]), number(one["allocations"])] for name, one in results.items()]
    return table(["operation", "ns", "allocations"], rows)


# Each with the part that it is of, its title, and what must be known to read it.
SECTIONS = [
    ("goals", "Figures to reach", "What is not reached is in the table like all else.", targets.table),
    ("throughput", "Throughput",
     "Medians of the rounds. *of limit* is the median of the ratios within each round; *spread* is the highest "
     "rate by the lowest, less one. Where requests have the header of a client of ours, the limit gets it too. "
     "*CPU* is the server's processor time for a request. Where the load takes a whole core and the server does "
     "not, the load is what limits the rate: compare the processor time then.", throughput),
    ("round_trips", "Round trip", "A blocking REQ socket, server and client on one core.", round_trips),
    ("counters", "Counters", "For a request.", counters),
    ("connections", "Connections", "1,000 requests of 16 bytes in flight, by each connection in turn.", connections),
    ("memory", "Memory of requests in flight",
     "What a fresh server grows by under a window of 10,000 requests of 16 bytes.", memory),
    ("client", "Client",
     "One client of ours, a task for each request in flight, and in turn a DEALER in C that sends the same 16 bytes with the "
     "same header, and keeps nothing for its requests but a place in a table.", client),
    ("heartbeats", "Heartbeat latency",
     "From the instant before a beat is given to libzmq to that at which the peer's state machine has decided; for"
     " the limit, until it was read. Every 20 ms. Idle: all on one core. Loaded: one server on a core with a "
     "window of 1,000 requests, its peer and the load on the other.", heartbeats),
    ("jitter", "Heartbeat jitter",
     "How far the time between two beats is from 250 ms, with a window of 1,000 requests. *blocking* handlers "
     "block their thread for a millisecond.", jitter),
    ("gaps", "Failover",
     "The longest time in which a client waited for and got no reply, at 1,000 requests a second.", gaps),
    ("pairs", "Pairs in one process on one pump", "Both servers of each pair, idle, 250 ms.", pairs),
    ("idle", "Idle star", "`bstar serve`.", idle),
    ("micro", "Operations", "", micro),
]


def write(path, plan, only, machine, results, charts, minutes, losses, failures):
    parts = [f"# Results of {path.stem}\n\n"
             + (f"Of a **{plan.name}** run of `Benchmarks/run` these parts: {', '.join(only)};" if only
                else f"A **{plan.name}** run of `Benchmarks/run`,")
             + f" {minutes:.0f} minutes."
             + (" Too short to be quoted." if plan.name == "quick" else "")
             + f" {plan.rounds} rounds, in which all servers take turns.\n", table(["", ""], machine)]
    results = {**results, "goals": results}
    if results.get("gaps"):
        results["gaps"] = {"faults": results["gaps"], "classic": results.get("classic_gaps"),
                           "notices": results.get("notices")}
    for key, title, text, render in SECTIONS:
        if not results.get(key):
            continue
        parts.append(f"## {title}\n\n{text}\n")
        parts += [f"![{chart_title}]({file})\n" for chart_key, chart_title, file in charts if chart_key == title]
        parts.append(render(results[key]))
    lost = [f"* {variant}, {key}: {lost} lost, {wrong} wrong, {missing} runs failed"
            for variant, key, lost, wrong, missing in losses]
    parts.append("## Lost replies\n\n" + ("\n".join(lost) if lost else "None, by any server.") + "\n")
    if failures:
        parts.append("## What could not be measured\n\n" + "\n".join(f"* {one}" for one in failures) + "\n")
    path.write_text("\n".join(parts))
