"""The operations in Benchmarks/Microbenchmarks, by ordo-one's benchmark plugin."""
import subprocess

def measure(plan, say):
    return {}
def check():
    return True
