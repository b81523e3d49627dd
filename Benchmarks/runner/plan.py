"""How much is measured: a run to be believed, and a short one."""
from dataclasses import dataclass, field

WINDOWS = (1, 64, 1_000, 10_000)
SIZES = (16, 1 << 10, 64 << 10)


def grid(sizes, windows, connections=(1,)):
    return [(size, count, window) for size in sizes for count in connections for window in windows]


@dataclass
class Plan:
    name: str = "full"
    rounds: int = 7
    seconds: float = 1.0
    # By pins: (size, connections, window).
    throughput: list = field(default_factory=lambda: [
        ("apart", grid(SIZES, WINDOWS) + grid((16, 1 << 10), (64, 1_000), (100,))),
        ("free", grid((16,), (64, 1_000))),
    ])
    counter_rounds: int = 3
    connections: tuple = (1, 10, 100, 1_000, 5_000)
    connection_rounds: int = 3
    # By pins: windows. Unpinned, all share the machine, as they do with most of its users.
    client: tuple = (("apart", WINDOWS), ("free", (1_000, 10_000)))
    client_seconds: float = 2
    heartbeat_rounds: int = 5
    heartbeat_seconds: float = 10
    jitter_seconds: float = 60
    faults: tuple = ("SIGKILL", "SIGTERM", "restart at once", "SIGSTOP for 2 s", "SIGSTOP for 0.7 s")
    fault_runs: int = 100
    classic_runs: int = 20
    notice_runs: int = 100
    pairs: tuple = (1, 10, 100, 1_000)
    pair_seconds: float = 300
    idle_seconds: float = 60


def quick():
    """A few minutes: to see that all works, and how it roughly stands. Not to be quoted."""
    return Plan(
        name="quick", rounds=3, seconds=0.5,
        throughput=[("apart", grid((16,), WINDOWS) + grid((1 << 10,), (1_000,)) + grid((16,), (1_000,), (100,)))],
        counter_rounds=1, connections=(1, 100, 1_000), connection_rounds=1,
        client=(("apart", (64, 10_000)),), client_seconds=1, heartbeat_rounds=2, heartbeat_seconds=4,
        jitter_seconds=8, faults=("SIGKILL", "SIGTERM", "SIGSTOP for 2 s"), fault_runs=3, classic_runs=1,
        notice_runs=5, pairs=(1, 10, 100), pair_seconds=8, idle_seconds=8)
