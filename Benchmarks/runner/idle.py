"""What servers take that have nothing to do."""
import subprocess
import time

from .figures import median
from .processes import (
    PEERS, STAR_PEER, Failed, Process, Servers, cpu_seconds, folder, free_ports, run_json, serve, status_kib)


def pairs(plan, say):
    """By the number of pairs in one process on one pump: what it says of itself, and what the sockets take."""
    results = {}
    for count in plan.pairs:
        with folder() as temporary:
            try:
                one = run_json([STAR_PEER, "pairs", count, plan.pair_seconds, temporary],
                               timeout=plan.pair_seconds + 150)
            except (Failed, subprocess.TimeoutExpired) as error:
                say(f"{count} pairs: {error}")
                continue
        one["sockets_kib"] = sockets_kib(count * 2)
        results[count] = one
        say(f"pairs on one pump: {count}")
    return results


def sockets_kib(servers):
    """Memory of the sockets of so many servers, without the servers."""
    with folder() as temporary:
        none = measure_sockets(0, temporary)
        return measure_sockets(servers, temporary) - none


def measure_sockets(count, temporary):
    with Process([PEERS / "sockets", count, temporary], output=subprocess.PIPE) as process:
        if process.popen.stdout.readline() != b"ready\n":
            raise Failed("the sockets did not open")
        time.sleep(1)
        return status_kib(process.pid, "RssAnon")


def star(plan, say):
    """One `bstar serve` beside its peer: share of a core, memory, and the time until it says that it starts."""
    with Servers("default") as servers:
        time.sleep(2)
        before, start = cpu_seconds(servers.pid), time.monotonic()
        time.sleep(plan.idle_seconds)
        cpu = (cpu_seconds(servers.pid) - before) / (time.monotonic() - start)
        memory = status_kib(servers.pid, "VmRSS"), status_kib(servers.pid, "RssAnon")
    starts = []
    for _ in range(9):
        ports = free_ports(3)
        command = serve("primary", *[f"tcp://127.0.0.1:{port}" for port in ports])
        start = time.monotonic()
        with Process(command, output=subprocess.PIPE) as process:
            process.popen.stdout.readline()
            starts.append((time.monotonic() - start) * 1e3)
    say("idle star")
    return {"cpu": cpu, "rss_kib": memory[0], "anonymous_kib": memory[1], "start_ms": median(starts)}
