"""The command line of Benchmarks/run."""
import argparse
import datetime
import json
import subprocess
import sys
import time

from . import draw, failovers, gates, heartbeats, idle, machine, micro, plan as plans, report, requests
from .processes import BENCHMARKS, PEER_SCRATCH, PEERS, ROOT, SCRATCH, TOOL, Failed

# In this order: what the servers do with requests first.
PARTS = {
    "throughput": requests.throughput, "round_trips": requests.round_trips, "counters": requests.counters,
    "connections": requests.connections, "memory": requests.memory, "client": requests.client,
    "heartbeats": heartbeats.latencies, "jitter": heartbeats.jitter,
    "gaps": failovers.gaps, "classic_gaps": failovers.classic_gaps, "notices": failovers.notices,
    "pairs": idle.pairs, "idle": idle.star, "micro": micro.measure,
}


# Those in which the classic server in Python takes part.
PYTHON = {"throughput", "round_trips", "counters", "memory"}


def arguments(given):
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run of a few minutes, not to be quoted")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"some of: {' '.join(PARTS)}")
    parser.add_argument("--gate", action="store_true",
                        help="check the counters that do not depend on the machine's speed, and write nothing")
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    parser.add_argument("--output", help="the name of the results (default: the date)")
    parser.add_argument("--rounds", type=int, help="how often each server is measured in turn (default: 7)")
    parser.add_argument("--faults", type=int, help="how often each fault is tried")
    return parser.parse_args(given)


def build(parts, peers="all"):
    def run(*command, cwd=ROOT):
        print("+", *command, flush=True)
        subprocess.run(command, cwd=cwd, check=True)

    run("make", "-s", "-C", str(BENCHMARKS / "Peers"), peers, f"BUILD={PEERS}")
    # As the pages tell those who run it; in folders of their own, since all is built anew when the flags change.
    static = ("swift", "build", "-c", "release", "--static-swift-stdlib", "--scratch-path")
    run(*static, str(SCRATCH), "--product", "bstar")
    if {"client", "heartbeats", "jitter", "pairs"} & set(parts):
        run(*static, str(PEER_SCRATCH), "--product", "StarPeer", cwd=BENCHMARKS)


def plain(value):
    """For JSON, whose keys are strings."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def main(given):
    options = arguments(given)
    plan = plans.quick() if options.quick else plans.Plan()
    if options.rounds:
        plan.rounds = plan.connection_rounds = plan.counter_rounds = plan.heartbeat_rounds = options.rounds
    if options.faults:
        plan.fault_runs = plan.notice_runs = options.faults
    parts = options.only or list(PARTS)
    # Before hours are spent on a table with a gap.
    if not options.gate and PYTHON & set(parts) and not machine.pyzmq():
        print("the python3 of the PATH has no pyzmq, on which one of the peers runs: python3 -m pip install pyzmq, or have the "
              "PATH lead to the system's python3, with python3-zmq", file=sys.stderr)
        return 2
    if not options.no_build:
        build(*((["counters"], "gate") if options.gate else (parts,)))
    if options.gate:
        return gates.check()

    start = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - start:7.1f} s  {text}", flush=True)

    described = machine.describe()
    for name, value in described:
        print(f"{name}: {value}")
    built = datetime.datetime.fromtimestamp(TOOL.stat().st_mtime)
    described.append(("bstar built", f"{built:%Y-%m-%d %H:%M}"))
    others = machine.Others()
    results, failures = {}, []
    for name in (name for name in PARTS if name in parts):
        # What hours have measured must not be lost by what comes after it.
        try:
            results[name] = PARTS[name](plan, say)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
            say(f"FAILED: {failures[-1]}")

    described.append(others.row())
    print(*described[-1])
    name = options.output or datetime.date.today().isoformat()
    folder = BENCHMARKS / "Results"
    folder.mkdir(exist_ok=True)
    charts = draw.draw_all(results, folder / name)
    losses = requests.losses(*(results.get(part, {}) for part in ("throughput", "connections", "client")))
    path = folder / f"{name}.md"
    report.write(path, plan, options.only, described, results, charts, (time.monotonic() - start) / 60, losses, failures)
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "raw.json").write_text(json.dumps(plain(results)) + "\n")
    print(f"wrote {path.relative_to(ROOT)}")
    ours = [loss for loss in losses if loss[0] in requests.OURS]
    for loss in ours:
        print("OURS LOST REPLIES:", loss)
    return 1 if ours or failures else 0
