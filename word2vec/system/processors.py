"""How many processors this process may use."""

import math
import os
from contextlib import suppress
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")  # control groups, version 2: quota and period
CFS = (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))  # version 1


def usable_processors() -> int:
    """Return the number of processors that this process may use, at least 1.

    It is the smaller of two numbers: the processors that the system lets the process run on, and the CPU time per
    second that its container (control group) may use, rounded up.
    """
    quota = _container_quota()
    available = _process_cpu_count()
    return max(1, available if quota is None else min(available, math.ceil(quota)))


def _process_cpu_count() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _container_quota() -> float | None:
    """The CPU seconds per second that a container may use; None for no limit."""
    for files in ((CPU_MAX,), CFS):
        with suppress(OSError, ValueError):  # also for "max", which is no limit
            quota, period = (int(text) for file in files for text in file.read_text(encoding="ascii").split())
            if quota > 0 and period > 0:  # -1 is no limit
                return quota / period
    return None
