"""Servers under load: throughput, round trips, processor time, allocations, system calls and connections."""
import os
import re
import subprocess
import time

from .figures import median
from .processes import PEERS, PINS, STAR_PEER, Failed, Servers, folder, free_ports, load, run_json

# Each with what the load generator is told beyond its window. The first is what the others compare with.
VARIANTS = {
    "limit": ("limit", {}),
    "classic C": ("classic C", {}),
    "classic Python": ("classic Python", {}),
    "limit, header": ("limit", {"header": True}),
    "inline": ("inline", {}),
    "default": ("default", {}),
    "inline, header": ("inline", {"header": True}),
    "default, header": ("default", {"header": True}),
}
# What each is compared with: those that get the header, which is a frame more, with the limit that gets it too.
LIMIT = {variant: "limit, header" if options else "limit" for variant, (_, options) in VARIANTS.items()}
DEALER, CLIENT = "DEALER in C", "client of ours"
OURS = {"inline", "default", "inline, header", "default, header", CLIENT}

# Above it, neither side's memory would be what is measured.
LARGEST_IN_FLIGHT = 64 << 20


def throughput(plan, say):
    """Results by (pins, size, connections, window) and by variant: a list with one entry for each round."""
    results = {}
    for pins, sizes_and_windows in plan.throughput:
        for turn in range(plan.rounds):
            for variant, (kind, options) in VARIANTS.items():
                server_core, load_core = PINS[pins]
                with Servers(kind, server_core) as servers:
                    for size, connections, window in sizes_and_windows:
                        if size * window > LARGEST_IN_FLIGHT:
                            continue
                        try:
                            one = load(servers, load_core, size=size, window=window, seconds=plan.seconds,
                                       connections=connections, **options)
                        except Failed as error:
                            say(f"{variant}: {error}")
                            one = None
                        key = (pins, size, connections, window)
                        results.setdefault(key, {}).setdefault(variant, []).append(one)
            say(f"throughput, {pins}: round {turn + 1} of {plan.rounds}")
    return results


def round_trips(plan, say):
    """A blocking REQ client, server and client on one core. By variant, a list with one entry for each round."""
    results = {}
    for turn in range(plan.rounds):
        for variant, (kind, options) in VARIANTS.items():
            if options:
                continue
            server_core, load_core = PINS["one"]
            with Servers(kind, server_core) as servers:
                command = [PEERS / "pingpong", servers.port, plan.seconds, 16, servers.pid]
                results.setdefault(variant, []).append(run_json(command, load_core))
        say(f"round trips: round {turn + 1} of {plan.rounds}")
    return results


def counters(plan, say, variants=VARIANTS):
    """What does not depend on the machine's speed: allocations and system calls a request, by (variant, window)."""
    results = {}
    for variant, (kind, options) in variants.items():
        for window in (1, 1_000):
            results[variant, window] = one = {"allocations": [], "own": [], "calls": [], "switches": []}
            for _ in range(plan.counter_rounds):
                allocated = allocations(kind, window, plan.seconds, options)
                if allocated:
                    one["allocations"].append(allocated["allocations_libzmq"] + allocated["allocations_own"])
                    one["own"].append(allocated["allocations_own"])
                calls, switches = system_calls(kind, window, plan.seconds, options)
                one["calls"].append(calls)
                one["switches"].append(switches)
            for name in one:
                one[name] = median(one[name])
        say(f"counters: {variant}")
    return results


def allocations(kind, window, seconds, options):
    with folder() as temporary:
        path = os.path.join(temporary, "allocations")
        env = {"LD_PRELOAD": str(PEERS / "allocations.so"), "ALLOCATIONS": path}
        with Servers(kind, PINS["apart"][0], env) as servers:
            return load(servers, PINS["apart"][1], window=window, seconds=seconds, allocations=path, **options)


def system_calls(kind, window, seconds, options):
    """System calls of the server a request, from the kernel's counter; and its context switches."""
    server_core, load_core = PINS["one"] if window == 1 else PINS["apart"]
    with Servers(kind, server_core) as servers:
        # The load waits until it is served, and has warmed up before it counts.
        load(servers, load_core, window=window, seconds=0.1, **options)
        command = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(servers.pid)]
        try:
            counter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
        except OSError:
            counter = None
        time.sleep(0.2)
        before = replies_in(servers, load_core, window, seconds, options)
        if counter is None:
            return None, before["server_switches"]
        counter.send_signal(2)
        match = re.search(r"^(\d+),", counter.communicate(timeout=20)[1], re.M)
        calls = int(match.group(1)) / before["all"] if match else None
        return calls, before["server_switches"]


def replies_in(servers, core, window, seconds, options):
    """A run of the load with the number of all its requests, those of the warm-up included."""
    result = load(servers, core, window=window, seconds=seconds, **options)
    result["all"] = max(1, result["total"])
    return result


def connections(plan, say):
    """Throughput, processor time and memory with so many connections, by (variant, count)."""
    results = {}
    for turn in range(plan.connection_rounds):
        for count in plan.connections:
            for variant in ("limit", "classic C", "inline", "default"):
                kind, options = VARIANTS[variant]
                server_core, load_core = PINS["apart"]
                with Servers(kind, server_core) as servers:
                    try:
                        one = load(servers, load_core, window=1_000, seconds=plan.seconds, connections=count, **options)
                    except Failed as error:
                        say(f"{variant}, {count} connections: {error}")
                        one = None
                results.setdefault((variant, count), []).append(one)
        say(f"connections: round {turn + 1} of {plan.connection_rounds}")
    return results


def memory(plan, say):
    """By variant: the bytes by which a fresh server grows for each of 10,000 requests in flight."""
    results, window = {}, 10_000
    for variant, (kind, options) in VARIANTS.items():
        grown = []
        for _ in range(plan.connection_rounds):
            with Servers(kind, PINS["apart"][0]) as servers:
                one = load(servers, PINS["apart"][1], window=window, seconds=plan.seconds, **options)
            grown.append((one["memory_full_kib"] - one["memory_connected_kib"]) * 1024 / window)
        results[variant] = median(grown)
    say("memory of requests in flight")
    return results


def client(plan, say):
    """One client of ours, and a DEALER in C that sends the same frames, to the same server. By (pins, server, window) and
    by who asks: a list with one entry for each round."""
    results = {}
    for turn in range(plan.rounds):
        for pins, windows in plan.client:
            for kind in ("inline", "default"):
                server_core, load_core = PINS[pins]
                with Servers(kind, server_core) as servers:
                    fronts = [f"tcp://127.0.0.1:{port}" for port in (servers.port, *free_ports(1))]
                    for window in windows:
                        both = results.setdefault((pins, kind, window), {DEALER: [], CLIENT: []})
                        command = [STAR_PEER, "client", *fronts, window, plan.client_seconds, 16]
                        try:
                            one = (load(servers, load_core, window=window, seconds=plan.client_seconds, header=True),
                                   run_json(command, load_core))
                        except Failed as error:
                            say(f"client, {kind}, window {window:,}: {error}")
                            one = None, None
                        for who, measured in zip((DEALER, CLIENT), one):
                            both[who].append(measured)
        say(f"client: round {turn + 1} of {plan.rounds}")
    return results


def losses(*results):
    """What was lost or wrong, by server: for ours there must be nothing."""
    bad = []
    for result in results:
        for key, variants in result.items():
            named = variants.items() if isinstance(variants, dict) else [(key[0], variants)]
            for variant, rounds in named:
                missing = sum(one is None for one in rounds)
                lost = sum(one["lost"] for one in rounds if one)
                wrong = sum(one["wrong"] for one in rounds if one)
                if missing or lost or wrong:
                    bad.append((variant, key, lost, wrong, missing))
    return bad
