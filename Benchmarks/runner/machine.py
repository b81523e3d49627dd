"""What was measured where."""
import os
import platform
import re
import resource
import subprocess
import time
from pathlib import Path

from .processes import ROOT


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


class Others:
    """How much of the processors other programs took while this one measured: what disturbs every figure."""

    def __init__(self):
        self.start = self.read()

    @staticmethod
    def read():
        with open("/proc/stat") as file:
            ticks = [int(one) for one in file.readline().split()[1:]]
        idle, stolen = ticks[3] + ticks[4], ticks[7]
        own = sum(getattr(resource.getrusage(who), key) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
                  for key in ("ru_utime", "ru_stime"))
        hertz = os.sysconf("SC_CLK_TCK")
        return time.monotonic(), (sum(ticks[:8]) - idle - stolen) / hertz, own, stolen / hertz

    def row(self):
        took, busy, own, stolen = (b - a for a, b in zip(self.start, self.read()))
        return ("beside it", f"other programs took {max(0, busy - own) / took:.2f} cores on average, "
                f"and the hypervisor {stolen / took:.2f}")


def pyzmq():
    """Its version and that of the libzmq that it runs on, or nothing: python3 may be another one than the system's."""
    return output("python3", "-c", "import zmq; print(f'{zmq.__version__} on libzmq {zmq.zmq_version()}')")


def describe():
    """Rows of the table about the machine."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", info)
    virtual = "hypervisor" in info
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    release = platform.freedesktop_os_release()["PRETTY_NAME"] if hasattr(platform, "freedesktop_os_release") else ""
    changed = output("git", "status", "--porcelain", "--untracked-files=no")
    return [
        ("processor", f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores"
         + (", virtual machine" if virtual else "")),
        ("memory", f"{memory:.0f} GiB"),
        ("system", f"{release}, Linux {platform.release()}"),
        ("Swift", output("swift", "--version").splitlines()[0]),
        ("C compiler", (output("cc", "--version").splitlines() or ["none"])[0]),
        ("libzmq", output("dpkg-query", "-W", "-f", "${Version}", "libzmq5")
         or output("pkg-config", "--modversion", "libzmq")),
        ("czmq", output("dpkg-query", "-W", "-f", "${Version}", "libczmq4")
         or output("pkg-config", "--modversion", "libczmq")),
        ("pyzmq", pyzmq() or "not there"),
        ("Python", platform.python_version()),
        ("commit", output("git", "rev-parse", "--short", "HEAD") + (" with changes" if changed else "")),
        ("load before", " ".join(f"{one:.2f}" for one in os.getloadavg())),
    ]
