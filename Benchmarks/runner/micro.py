"""The operations in Benchmarks/Microbenchmarks, by ordo-one's benchmark plugin."""
import json
import re
import subprocess

from .processes import BENCHMARKS, Failed

LIMITS = BENCHMARKS / "Thresholds" / "operations.json"
# One sample is so many operations, as the benchmarks say.
SCALE = 1_000_000


def measure(_plan, say):
    """By operation: nanoseconds and heap allocations, each the median of the samples."""
    # In a folder of its own: the plugin builds with other flags, and would have all built anew each time.
    command = ["swift", "package", "--scratch-path", ".build-micro", "benchmark", "--format", "jmh", "--path",
               "stdout", "--no-progress", "--quiet"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    # The plugin prints its builds before it.
    found = re.search(r"^\[\s*\{.*^\]|^\[\{.*\]$", done.stdout, re.M | re.S)
    if done.returncode != 0 or not found:
        raise Failed(f"{' '.join(command)}: {done.returncode} {(done.stdout + done.stderr)[-500:]}")
    results = {}
    for one in json.loads(found.group(0)):
        name = one["benchmark"].split(".")[-1].replace("_", " ")
        metric = one["primaryMetric"]
        median = metric["scorePercentiles"]["50.0"] / SCALE
        if metric["scoreUnit"] == "# / s":
            continue
        # Wall time is in microseconds.
        key, value = ("allocations", median) if metric["scoreUnit"] == "#" else ("ns", median * 1e3)
        results.setdefault(name, {})[key] = value
    say("operations")
    return results


def check():
    """Whether no operation takes more allocations than it should."""
    limits, found = json.loads(LIMITS.read_text()), measure(None, print)
    met = True
    for name, most in limits.items():
        value = found[name]["allocations"]
        print(f"{name}: {value:.3f} allocations, at most {most}{'' if value <= most else '  FAILED'}")
        met = met and value <= most
    return met
