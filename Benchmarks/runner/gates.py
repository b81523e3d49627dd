"""What fails in CI: counters that are the same on every machine. Wall time never does."""
import json

from . import micro, requests
from .plan import Plan
from .processes import BENCHMARKS

LIMITS = BENCHMARKS / "Thresholds" / "requests.json"


def check():
    limits = json.loads(LIMITS.read_text())
    plan = Plan(name="gate", seconds=1.0, counter_rounds=1)
    variants = {name: requests.VARIANTS[name] for name in ("limit", "inline", "inline, header", "default")}
    found = requests.counters(plan, print, variants)
    failures = []
    for name, most in limits.items():
        variant, window, counter = name.split(" / ")
        value = found[variant, int(window)][counter]
        if value is None:
            print(f"{name}: not measured here")
            continue
        met = value <= most
        print(f"{name}: {value:.3f}, at most {most}{'' if met else '  FAILED'}")
        if not met:
            failures.append(name)
    if not micro.LIMITS.exists():
        print("the operations have no limits yet")
    elif not micro.check():
        failures.append("Microbenchmarks")
    print("gates: " + (f"failed: {', '.join(failures)}" if failures else "passed"))
    return 1 if failures else 0
