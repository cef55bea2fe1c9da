"""How much memory is free, and whether the tables fit: asked before it is taken, for who is ended can say nothing.

What is free is the least of what the system has available, what a container may still use, and what the shell's
limit (`ulimit -v`) leaves. The corpus is memory-mapped and needs no memory of its own.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from word2vec.errors import ConfigError

if TYPE_CHECKING:
    import torch  # which counting words does without

# While an engine gives the rows of a table room to begin at lines of the cache, there are three tables for a moment.
TABLES, NUMBER_BYTES = 3, 4
# Where several processes train together, each keeps both tables as it trains them, as the last averaging has made them,
# as they are to be averaged next, and as much again for what is still to be moved; and in half the bytes what is sent.
AVERAGED_TABLES = 9
ROW_NUMBERS = 16  # a row takes a multiple of these, one line of the cache
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def refuse_too_large(words: int, dim: int, device: "torch.device", processes: int = 0) -> None:
    """Compare the tables with the memory that is free on the machine or on the card.

    Args:
        words: V, the size of the vocabulary.
        dim: the dimensions.
        device: where to train.
        processes: that train together on this machine; 0 for one that trains by itself.

    Raises:
        ConfigError: the tables do not fit; says what would.
    """
    on_card = device.type == "cuda"
    where, free = (
        ("the CUDA device has", free_on_card(device)) if on_card else ("the machine has", free_memory(processes or 1))
    )
    width = -(-dim // ROW_NUMBERS) * ROW_NUMBERS
    tables = AVERAGED_TABLES if processes else TABLES
    needed = tables * NUMBER_BYTES * words * width
    if free is None or needed <= free:
        return
    numbers = free // (tables * NUMBER_BYTES)  # that fit into a table
    dims = numbers // words // ROW_NUMBERS * ROW_NUMBERS
    fitting = [f"--dim {dims}"] if dims else []
    fitting += [f"--max-vocab {numbers // width}"] if numbers // width >= 2 else []
    of, each = (f" of each of {processes} processes", " for each") if processes > 1 and not on_card else ("", "")
    raise ConfigError(
        f"the tables{of} of {words:,} words in {dim} dimensions need {_size(needed)}, "
        f"but {where} {_size(free)} free{each}: take {' or '.join(fitting) or 'a machine with more memory'}"
    )


def free_on_card(device: "torch.device") -> int:
    """The bytes that are free on a CUDA device."""
    import torch

    # subtle: a device without its number is refused before torch 2.5
    number = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.mem_get_info(number)[0]


def free_memory(processes: int = 1) -> int | None:
    """Bytes of memory that this process may still take, or None where that cannot be found out.

    Args:
        processes: that are to take as much on this machine, this one among them.
    """
    found = [size // processes for size in (_of_system(), *map(_of_container, *zip(*CGROUPS, strict=True))) if size]
    if shell := _of_shell():  # is each process's own
        found.append(shell)
    return min(found, default=None)


def _of_system() -> int | None:
    """What Linux says is available without swapping."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return None


def _of_container(limit: Path, used: Path) -> int | None:
    """What a control group leaves; the file cache, which gives way, is not counted as used."""
    with suppress(OSError, ValueError):
        facts = (line.split() for line in (used.parent / "memory.stat").read_text(encoding="ascii").splitlines())
        cache = {name: int(size) for name, size in facts}.get("inactive_file", 0)
        return max(1, int(limit.read_text()) - int(used.read_text()) + cache)
    return None


def _of_shell() -> int | None:
    """What `ulimit -v` leaves of addresses."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(1, limit - pages * resource.getpagesize()) if limit != resource.RLIM_INFINITY else None
    return None


def _size(size: int) -> str:
    """A size for people: 512 MB, 12.3 GB."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
