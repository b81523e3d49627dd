"""The operations in Benchmarks/Microbenchmarks, by ordo-one's benchmark plugin."""
import json
import subprocess

from .processes import BENCHMARKS, Failed

LIMITS = BENCHMARKS / "Thresholds" / "operations.json"
# One sample is so many operations, as the benchmarks say.
SCALE = 1_000_000
PREFIX = "package.benchmark.Microbenchmarks."


def measure(_plan, say):
    """By operation: nanoseconds and heap allocations, each the median of the samples."""
    # In a folder of its own: the plugin builds with other flags, and would have all built anew each time.
    command = ["swift", "package", "--scratch-path", ".build-micro", "benchmark", "--format", "jmh", "--path",
               "stdout", "--no-progress", "--quiet"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    # The plugin prints its builds before it, and may go on in the same line.
    start = done.stdout.find('[{"')
    if done.returncode != 0 or start < 0:
        raise Failed(f"{' '.join(command)}: {done.returncode} {(done.stdout + done.stderr)[-500:]}")
    results = {}
    for one in json.JSONDecoder().raw_decode(done.stdout[start:])[0]:
        metrics = one["secondaryMetrics"]

        def median(metric):
            return metrics[metric]["scorePercentiles"]["50.0"] / SCALE

        name = one["benchmark"].removeprefix(PREFIX).replace("_", " ")
        # Wall time is in microseconds.
        results[name] = {"ns": median("Time (wall clock)") * 1e3, "allocations": median("Allocations")}
    say("operations")
    return results


def check():
    """Whether no operation takes more allocations than it should."""
    limits, found = json.loads(LIMITS.read_text()), measure(None, print)
    if not any(one["allocations"] for one in found.values()):
        # Heartbeats do allocate: whoever counts none does not count.
        print("the operations: allocations are not measured here")
        return True
    met = True
    for name, most in limits.items():
        value = found[name]["allocations"]
        print(f"{name}: {value:.3f} allocations, at most {most}{'' if value <= most else '  FAILED'}")
        met = met and value <= most
    return met
