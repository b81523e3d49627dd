"""How long a heartbeat takes from its publishing until the peer has decided, and how even the beats are."""
import os
import re
import signal
import time

from .processes import PEERS, PINS, STAR_PEER, Process, Failed, folder, free_ports, load

# Short, for many of them in a run. The same for all.
INTERVAL_MS = 20


class WatchedPair:
    """Two servers that write down their heartbeats. The first has the frontend."""

    def __init__(self, kind, cores, temporary, interval):
        self.port, backup, own, peer = free_ports(4)
        state = [f"tcp://127.0.0.1:{own}", f"tcp://127.0.0.1:{peer}"]
        self.files = [os.path.join(temporary, name) for name in ("first", "second")]
        self.processes = []
        for i, seat in enumerate(("primary", "backup")):
            front = f"tcp://*:{(self.port, backup)[i]}"
            if kind == "limit":
                command = [PEERS / "limit", front, state[i], state[1 - i], interval, self.files[i]]
            else:
                command = [STAR_PEER, "star", seat, front, state[i], state[1 - i], kind, self.files[i], interval]
            self.processes.append(Process(command, cores[i]))

    @property
    def pid(self):
        return self.processes[0].pid

    def end(self):
        """Ends both, and returns what they wrote down: by server, by "sent" and "heard", instants by number."""
        for process in self.processes:
            process.end(signal.SIGTERM)
        logs = []
        for path in self.files:
            log = {"sent": {}, "heard": {}}
            if not os.path.exists(path):
                raise Failed("a server has not written its heartbeats down")
            with open(path) as file:
                for word, number, instant in re.findall(r"(sent|heard) (\d+) (\d+)\n", file.read()):
                    log[word].setdefault(int(number), int(instant))
            logs.append(log)
        return logs

    def kill(self):
        for process in self.processes:
            process.end(signal.SIGKILL)


def transits(sender, listener, skip):
    """Milliseconds from publishing to decision, without the first beats, when the servers meet."""
    first = min(sender["sent"], default=0) + skip
    return [(at - sender["sent"][number]) / 1e6
            for number, at in listener["heard"].items() if number >= first and number in sender["sent"]]


def lost(sender, listener, skip):
    """Beats that were sent between two that were heard, and not heard themselves."""
    heard = listener["heard"]
    if not heard:
        return len(sender["sent"])
    first = min(sender["sent"]) + skip
    return sum(first <= number < max(heard) and number not in heard for number in sender["sent"])


def deviations(sender, interval, settling=1.5):
    """By how many milliseconds the time between two beats was not the interval, once the servers have met."""
    instants = sorted(sender["sent"].values())
    instants = [one for one in instants if one >= instants[0] + settling * 1e9]
    return [abs((b - a) / 1e6 - interval) for a, b in zip(instants, instants[1:])]


def watch(kind, cores, seconds, interval, load_options=None):
    with folder() as temporary:
        pair = WatchedPair(kind, cores, temporary, interval)
        try:
            time.sleep(0.7)
            result = None
            if load_options:
                result = load(pair, PINS["apart"][1], seconds=seconds, **load_options)
            else:
                time.sleep(seconds)
            return pair.end(), result
        finally:
            pair.kill()


def latencies(plan, say):
    """By (situation, kind): milliseconds of all rounds, in two directions; and how many beats were lost."""
    results = {}
    skip = 20
    for turn in range(plan.heartbeat_rounds):
        for situation in ("idle", "loaded"):
            for kind in ("limit", "inline", "default"):
                if situation == "idle":
                    if kind == "default":
                        continue
                    logs, _ = watch(kind, PINS["one"], plan.heartbeat_seconds, INTERVAL_MS)
                else:
                    logs, _ = watch(kind, PINS["apart"], plan.heartbeat_seconds, INTERVAL_MS, {"window": 1_000})
                one = results.setdefault((situation, kind), {"to": [], "from": [], "lost": 0})
                one["to"] += transits(logs[1], logs[0], skip)
                one["from"] += transits(logs[0], logs[1], skip)
                one["lost"] += lost(logs[1], logs[0], skip) + lost(logs[0], logs[1], skip)
        say(f"heartbeats: round {turn + 1} of {plan.heartbeat_rounds}")
    return results


def jitter(plan, say):
    """By kind: deviations from the interval of 250 ms, of a server under full load."""
    results = {}
    for kind in ("limit", "inline", "default", "blocking"):
        # Blocking handlers answer slowly: the window keeps all of them busy.
        logs, _ = watch(kind, PINS["apart"], plan.jitter_seconds, 250, {"window": 1_000})
        results[kind] = deviations(logs[0], 250)
        say(f"jitter: {kind}")
    return results
