"""The servers that are compared, and how they are started, pinned and stopped."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "Benchmarks"
PEERS = BENCHMARKS / ".build" / "peers"
SCRATCH = ROOT / ".build-static"
TOOL = SCRATCH / "release" / "bstar"
PEER_SCRATCH = BENCHMARKS / ".build-static"
STAR_PEER = PEER_SCRATCH / "release" / "StarPeer"

# Which core is whose: a server and its load apart, both on one, or as the kernel likes.
PINS = {"apart": ("0", "1"), "one": ("1", "1"), "free": (None, None)}
PIN_NAMES = {"apart": "a core each", "one": "one core", "free": "unpinned"}


def pinned(core, command):
    return ["taskset", "-c", core, *map(str, command)] if core else list(map(str, command))


def free_ports(count):
    """Ports that nobody listens at. All are taken at a time, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("0.0.0.0", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Process:
    """A process that is gone when its block ends."""

    def __init__(self, command, core=None, env=None, output=subprocess.DEVNULL):
        self.popen = subprocess.Popen(
            pinned(core, command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no", **(env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)

    def send(self, number):
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def end(self, number=signal.SIGTERM):
        self.send(number)
        # A stopped process takes no other signal.
        if number != signal.SIGKILL:
            self.send(signal.SIGCONT)
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Servers:
    """A pair of servers of one kind, or the one limit loop. Clients reach the first at `port`."""

    def __init__(self, kind, core=None, env=None):
        self.kind = kind
        self.port, backup, own, peer = free_ports(4)
        state = [f"tcp://127.0.0.1:{own}", f"tcp://127.0.0.1:{peer}"]
        fronts = [f"tcp://*:{self.port}", f"tcp://*:{backup}"]
        commands = command_lines(kind, fronts, state)
        self.processes = [Process(commands[0], core, env)] + [Process(command) for command in commands[1:]]

    @property
    def pid(self):
        return self.processes[0].pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.end(signal.SIGKILL)


def command_lines(kind, fronts, state):
    """The commands of the first server, and of the second if there is one."""
    if kind == "limit":
        return [[PEERS / "limit", fronts[0]]]
    if kind == "classic C":
        return [[PEERS / "classic_reactor", seat, fronts[i], state[i], state[1 - i]]
                for i, seat in enumerate(("primary", "backup"))]
    if kind == "classic Python":
        return [["python3", BENCHMARKS / "Peers" / "classic_reactor.py", seat, fronts[i], state[i], state[1 - i]]
                for i, seat in enumerate(("primary", "backup"))]
    inline = ["--inline"] if kind.startswith("inline") else []
    return [serve(seat, fronts[i], state[i], state[1 - i], *inline) for i, seat in enumerate(("primary", "backup"))]


def serve(seat, front, listen, connect, *more):
    return [TOOL, "serve", "--seat", seat, "--frontend", front, "--listen", listen, "--connect", connect,
            "--log-level", "error", *more]


class Failed(Exception):
    pass


def run_json(command, core=None, timeout=120):
    """Runs a program that prints one JSON object."""
    done = subprocess.run(pinned(core, command), capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
    if done.returncode != 0 or not done.stdout.strip():
        raise Failed(f"{' '.join(map(str, command))}: {done.returncode} {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def load(servers, core=None, **options):
    """What the load generator measures. Options are its own; `header=True` for those without a value."""
    command = [PEERS / "load", servers.port, "--pid", servers.pid]
    for name, value in options.items():
        if value is True:
            command.append(f"--{name.replace('_', '-')}")
        elif value:
            command += [f"--{name}", value]
    return run_json(command, core)


def cpu_seconds(pid):
    """What a process has used, in nanoseconds' resolution: the clock that `clock_getcpuclockid` returns."""
    return time.clock_gettime(~pid << 3 | 2)


def status_kib(pid, key):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def folder():
    return tempfile.TemporaryDirectory(prefix="bench-")


def wait_for(condition, seconds=20, every=0.005):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed("waited for something that did not come")
        time.sleep(every)
    return value
