"""Free memory of the machine and of a CUDA device.

Free memory is the smallest of three numbers: what the operating system has available, what the container (control
group) may still use, and what the shell's address space limit (`ulimit -v`) leaves.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch  # not imported at run time: counting words does not need it

# (limit, usage) files of control groups, versions 2 and 1
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def free_memory(processes: int = 1) -> int | None:
    """Return the memory that this process may still allocate.

    Args:
        processes: The number of processes on this machine, including this one, that will allocate equal amounts.

    Returns:
        Bytes per process, or None if the platform does not report it.
    """
    shared = (_system_memory(), *(_container_memory(limit, usage) for limit, usage in CGROUPS))
    found = [size // processes for size in shared if size]
    if address_space := _address_space():  # this limit applies to each process separately
        found.append(address_space)
    return min(found, default=None)


def free_on_card(device: "torch.device") -> int:
    """Return the free memory of a CUDA device in bytes."""
    import torch

    # subtle: torch before 2.5 rejects a device without an index
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.mem_get_info(index)[0]


def _system_memory() -> int | None:
    """Return the bytes that Linux reports as available without swapping."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return None


def _container_memory(limit: Path, usage: Path) -> int | None:
    """Return the bytes left in a control group; reclaimable file cache does not count as used."""
    with suppress(OSError, ValueError):
        lines = (usage.parent / "memory.stat").read_text(encoding="ascii").splitlines()
        statistics = {name: int(size) for name, size in map(str.split, lines)}
        file_cache = statistics.get("inactive_file", 0)
        return max(1, int(limit.read_text()) - int(usage.read_text()) + file_cache)
    return None


def _address_space() -> int | None:
    """Return the bytes of address space left under `ulimit -v`."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(1, limit - pages * resource.getpagesize()) if limit != resource.RLIM_INFINITY else None
    return None
