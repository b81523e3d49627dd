"""What the package sets out to reach, and whether it does."""
from .figures import median, number, paired_ratio, quantile
from .processes import PIN_NAMES
from .requests import CLIENT, DEALER

LIMIT, CLASSIC = "limit", "classic C"


class Goals:
    def __init__(self, results):
        self.results, self.rows = results, []

    def add(self, what, value, limit, is_most):
        """One row; nothing if it was not measured."""
        if value is None:
            return
        met = value <= limit if is_most else value >= limit
        goal = ("≤ " if is_most else "≥ ") + number(limit)
        self.rows.append((what, number(value), goal, "yes" if met else "**no**"))

    def ratio(self, key, variant, base, figure="replies_per_s"):
        variants = self.results.get("throughput", {}).get(key)
        if not variants or variant not in variants or base not in variants:
            return None
        own, others = ([one and one[figure] for one in variants[name]] for name in (variant, base))
        return paired_ratio(own, others)


def throughput(goals):
    for size, connections in ((16, 1), (1024, 1), (16, 100), (1024, 100)):
        name = ("16 B" if size == 16 else "1 KiB") + (", 100 connections" if connections > 1 else "")
        for variant, floors, classic in (("inline", {64: .97, 1_000: .9}, {64: 2.5, 1_000: 4}),
                                         ("default", {64: .75, 1_000: .5}, {64: 2, 1_000: 2})):
            for window in floors:
                key = ("apart", size, connections, window)
                what = f"throughput, {variant}, {name}, window {window:,}"
                goals.add(what + ", of the limit", goals.ratio(key, variant, LIMIT), floors[window], False)
                goals.add(what + ", of the classic in C", goals.ratio(key, variant, CLASSIC), classic[window], False)
        goals.add(f"processor time a request, inline, {name}, window 1,000, of the limit's",
                  goals.ratio(("apart", size, connections, 1_000), "inline", LIMIT, "server_cpu_us"), 1.15, True)


def round_trips(goals):
    results = goals.results.get("round_trips", {})
    for variant, limits in (("inline", {"p50": 1.05, "p99": 1.15}), ("default", {"p50": 1.35, "p99": 1.5})):
        for name, limit in limits.items():
            if variant in results:
                own, base = ([one["round_trip_us"][name] for one in results[key]] for key in (variant, LIMIT))
                goals.add(f"round trip, {variant}, {name}, of the limit's", paired_ratio(own, base), limit, True)


def counters(goals):
    results = goals.results.get("counters", {})
    if ("inline", 1_000) in results:
        goals.add("heap allocations a request, inline", results["inline", 1_000]["allocations"], 2, True)
        calls, limit = (results[name, 1_000]["calls"] for name in ("inline", LIMIT))
        if calls is not None and limit:
            goals.add("system calls a request, inline, window 1,000, of the limit's", calls / limit, 1, True)


def heartbeats(goals):
    results = goals.results.get("heartbeats", {})
    if ("idle", "inline") in results:
        own, limit = (results["idle", kind]["to"] + results["idle", kind]["from"] for kind in ("inline", LIMIT))
        goals.add("heartbeat latency, idle, p50, of the limit's", quantile(own, .5) / quantile(limit, .5), 1.1, True)
    for kind in ("inline", "default"):
        if ("loaded", kind) in results:
            own, limit = (results["loaded", one]["to"] for one in (kind, LIMIT))
            if own and limit:
                goals.add(f"heartbeat latency, {kind} under full load, p99, of the limit's",
                          quantile(own, .99) / quantile(limit, .99), 2, True)
    jitter = goals.results.get("jitter", {})
    if jitter.get("blocking"):
        goals.add("heartbeat jitter with blocking handlers, p99 ms", quantile(jitter["blocking"], .99), 5, True)


def connections(goals):
    results = goals.results.get("connections", {})
    if ("inline", 5_000) in results:
        own, limit = (results[name, 5_000] for name in ("inline", LIMIT))
        if not all(own) or not all(limit):
            return
        memory = [median([one["memory_connected_kib"] - one["memory_kib"] for one in rounds])
                  for rounds in (own, limit)]
        goals.add("memory a connection, 5,000, of the limit's", memory[0] / memory[1], 1.1, True)
        rates = [[one["replies_per_s"] for one in rounds] for rounds in (own, limit)]
        goals.add("throughput, 5,000 connections, inline, of the limit", paired_ratio(*rates), .8, False)


def client(goals):
    for (pins, kind, window), both in goals.results.get("client", {}).items():
        if window == 10_000:
            own, dealer = ([one and one["replies_per_s"] for one in both[name]] for name in (CLIENT, DEALER))
            goals.add(f"client of ours, {kind}, window 10,000, {PIN_NAMES[pins]}, of a DEALER in C",
                      paired_ratio(own, dealer), .6, False)


def idle(goals):
    pairs = goals.results.get("pairs", {}).get(1_000)
    if pairs:
        goals.add("1,000 pairs on a pump: beats late by half an interval", pairs["late"], 0, True)
        goals.add("1,000 pairs on a pump: % of a core", pairs["cpu"] * 100, 40, True)
        goals.add("1,000 pairs on a pump: KiB a pair above libzmq's",
                  (pairs["memory_kib"] - pairs["sockets_kib"]) / 1_000, 64, True)
    star = goals.results.get("idle")
    if star:
        goals.add("idle star: % of a core", star["cpu"] * 100, .3, True)
        goals.add("idle star: RSS MB", star["rss_kib"] * 1024 / 1e6, 20, True)
    notices = goals.results.get("notices")
    if notices:
        goals.add("crash to the peer's taking over, p50 ms", quantile(notices, .5), 2, True)


def operations(goals):
    for name, limit in (("FSM step", 20), ("admission check, with the clock", 50), ("lease.isValid", 50)):
        one = goals.results.get("micro", {}).get(name)
        if one:
            goals.add(f"{name}, ns", one["ns"], limit, True)


def table(results):
    goals = Goals(results)
    for part in (throughput, round_trips, counters, heartbeats, connections, client, idle, operations):
        part(goals)
    lines = ["| what | measured | goal | reached |", "|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in goals.rows]) + "\n"
