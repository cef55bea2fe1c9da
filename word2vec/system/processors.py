"""How many processors this process may use."""

import math
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath

CONTROL_GROUPS = Path("/sys/fs/cgroup")  # version 2: the file cpu.max of a group contains its quota and its period
OWN_GROUPS = Path("/proc/self/cgroup")  # the groups of this process; that of version 2 has the number 0
CFS = (CONTROL_GROUPS / "cpu/cpu.cfs_quota_us", CONTROL_GROUPS / "cpu/cpu.cfs_period_us")  # version 1


def usable_processors() -> int:
    """Return the number of processors that this process may use, at least 1.

    It is the smaller of two numbers: the processors that the system lets the process run on, and the CPU time per
    second that its container (control group) may use, rounded up.
    """
    quota = _container_quota()
    available = _process_cpu_count()
    return max(1, available if quota is None else min(available, math.ceil(quota)))


def _process_cpu_count() -> int:
    process_cpu_count = getattr(os, "process_cpu_count", None)  # Python 3.13
    if process_cpu_count is not None:
        return process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _container_quota() -> float | None:
    """The CPU seconds per second that the control groups of this process may use; None for no limit."""
    quotas = []
    for files in (*((group / "cpu.max",) for group in _control_groups()), CFS):
        with suppress(OSError, ValueError):  # also for "max", which is no limit
            quota, period = (int(text) for file in files for text in file.read_text(encoding="ascii").split())
            if quota > 0 and period > 0:  # -1 is no limit
                quotas.append(quota / period)
    return min(quotas, default=None)


def _control_groups() -> list[Path]:
    """The folders of the control group of this process and of those that contain it, as under systemd and Slurm.

    In a container, the outermost group is usually its own.
    """
    own = PurePosixPath()
    with suppress(OSError):
        lines = os.fsdecode(OWN_GROUPS.read_bytes()).splitlines()
        own = next((PurePosixPath(line.removeprefix("0::/")) for line in lines if line.startswith("0::/")), own)
    return [CONTROL_GROUPS / group for group in (own, *own.parents)]
