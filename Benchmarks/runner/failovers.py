"""Faults of real processes: how long clients wait, when the peer notices, and when a change of role reaches it."""
import json
import os
import random
import signal
import subprocess
import time

from .processes import (
    PEERS, TOOL, Failed, Process, boot_ns, command_lines, folder, free_ports, run_json, serve, wait_for)


class Pair:
    """Two `bstar serve` whose access logs are read. The primary is active when the block begins."""

    def __init__(self, temporary):
        ports = free_ports(4)
        self.ports = ports[:2]
        self.fronts = [f"tcp://127.0.0.1:{port}" for port in ports[:2]]
        state = [f"tcp://127.0.0.1:{port}" for port in ports[2:]]
        self.logs = [os.path.join(temporary, seat) for seat in ("primary", "backup")]
        self.commands = [
            serve(seat, self.fronts[i], state[i], state[1 - i], "--access-log", self.logs[i])
            for i, seat in enumerate(("primary", "backup"))]
        self.processes = [Process(command) for command in self.commands]

    def __enter__(self):
        wait_for(lambda: self.role(0) == "active" and self.role(1) == "passive")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.end(signal.SIGKILL)

    def records(self, index, event):
        if not os.path.exists(self.logs[index]):
            return []
        with open(self.logs[index]) as file:
            lines = [line for line in file if f'"event":"{event}"' in line and line.endswith("}\n")]
        return [json.loads(line) for line in lines]

    def role(self, index):
        records = self.records(index, "role")
        return records[-1]["role"] if records else None

    def restart(self, index):
        self.processes[index].end(signal.SIGKILL)
        self.processes[index] = Process(self.commands[index])


def stop_for(seconds):
    def fault(pair):
        pair.processes[0].send(signal.SIGSTOP)
        time.sleep(seconds)
        pair.processes[0].send(signal.SIGCONT)
    return fault


# Each with how long to look at it.
FAULTS = {
    "SIGKILL": (lambda pair: pair.processes[0].send(signal.SIGKILL), 1.0),
    "SIGTERM": (lambda pair: pair.processes[0].send(signal.SIGTERM), 1.0),
    "restart at once": (lambda pair: pair.restart(0), 1.5),
    "SIGSTOP for 2 s": (stop_for(2), 1.0),
    "SIGSTOP for 0.7 s": (stop_for(0.7), 0.8),
}


def one_gap(fault, seconds):
    """Milliseconds that a client waited without any reply, at 1,000 requests a second; how many requests failed; and
    how long the change of role took to reach the peer."""
    with folder() as temporary, Pair(temporary) as pair:
        client = subprocess.Popen(
            [str(TOOL), "request", "--primary", pair.fronts[0], "--backup", pair.fronts[1], "--rate", "1000",
             "--payload", "16", "--json", "--quiet", "--gap", "1ms", "--log-level", "error"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            # Any phase of the heartbeats.
            time.sleep(0.4 + random.uniform(0, 0.25))
            start = boot_ns()
            fault(pair)
            time.sleep(seconds)
            # Not SIGINT, which a shell has its background jobs ignore.
            client.send_signal(signal.SIGTERM)
            lines = [json.loads(line) for line in client.communicate(timeout=20)[0].splitlines()]
        finally:
            client.kill()
            client.wait()
        summary = next(line for line in lines if line["event"] == "summary")
        gaps = [line["length_us"] / 1e3 for line in lines
                if line["event"] in ("failover", "gap") and line["at"] >= start]
        roles = {index: [one for one in pair.records(index, "role") if one["at"] >= start] for index in (0, 1)}
        return max(gaps, default=0), summary["failed"], propagation(roles)


def propagation(roles):
    """Milliseconds from the old active's change to that of its peer: of a handover."""
    gone = [one["at"] for one in roles[0] if one["from"] == "active"]
    taken = [one["at"] for one in roles[1] if one["role"] == "active"]
    return (taken[0] - gone[0]) / 1e6 if gone and taken and taken[0] >= gone[0] else None


def gaps(plan, say):
    """By fault: the gaps of all runs, the failed requests, and the delays of a handover."""
    results = {}
    for turn in range(plan.fault_runs):
        for name, (fault, seconds) in FAULTS.items():
            if name not in plan.faults:
                continue
            gap, failed, delay = one_gap(fault, seconds)
            one = results.setdefault(name, {"gaps": [], "failed": 0, "propagation": []})
            one["gaps"].append(gap)
            one["failed"] += failed
            if delay is not None:
                one["propagation"].append(delay)
        if (turn + 1) % 10 == 0 or turn + 1 == plan.fault_runs:
            say(f"failovers: {turn + 1} of {plan.fault_runs}")
    return results


def classic_gaps(plan, say):
    """SIGKILL of the active of the classic pair in C, with a client in the zguide's manner."""
    values = []
    for _ in range(plan.classic_runs):
        ports = free_ports(4)
        fronts = [f"tcp://127.0.0.1:{port}" for port in ports[:2]]
        state = [f"tcp://127.0.0.1:{port}" for port in ports[2:]]
        commands = command_lines("classic C", fronts, state)
        with Process(commands[0]) as first, Process(commands[1]):
            time.sleep(2.2)
            killer = subprocess.Popen(["sh", "-c", f"sleep {4.0 + random.uniform(0, 1):.2f}; kill -9 {first.pid}"])
            values.append(run_json([PEERS / "classic_client", *fronts, 10])["longest_gap_ms"])
            killer.wait()
    say(f"failovers of the classic pair: {len(values)}")
    return values


def notices(plan, say):
    """Milliseconds from SIGKILL of the active to the passive's becoming active, with votes at it all the time."""
    values = []
    for _ in range(plan.notice_runs):
        with folder() as temporary, Pair(temporary) as pair:
            voter = subprocess.Popen(
                [str(PEERS / "load"), str(pair.ports[1]), "--header", "--ready-only", "--wait", "10"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            time.sleep(0.3 + random.uniform(0, 0.25))
            start = boot_ns()
            pair.processes[0].send(signal.SIGKILL)
            if voter.wait(15) != 0:
                raise Failed("the backup did not take over")
            took = wait_for(lambda: [one["at"] for one in pair.records(1, "role") if one["role"] == "active"])
            values.append((took[0] - start) / 1e6)
    say(f"notices of a crash: {len(values)}")
    return values
