"""How much memory there is: asked before much is taken, since systems grant more than there is and kill later."""

import os
import sys
from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # of a container


def installed_memory() -> int:
    """The bytes of memory of this machine or container; a number beyond any machine's where that is not known."""
    known = [sys.maxsize]
    if hasattr(os, "sysconf"):
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    limits = [path.read_text(encoding="ascii").strip() for path in LIMITS if path.is_file()]
    known += [int(limit) for limit in limits if limit.isdecimal()]  # where there is none, it says "max"
    return min(known)
