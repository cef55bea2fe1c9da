"""How the loops of the fused CPU engine are compiled: flags, inlining, and what their names in the cache contain."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.extending import overload

from word2vec.system import instruction_set, instructions
from word2vec.system.jit import cached_on_disk

IMPORTED = (instruction_set.__file__, instructions.__file__, "compiling.py", "draws.py", "simd.py", "objectives.py")
"""Files that all loops contain code of."""

FLAGS = {"reassoc", "contract", "nsz", "arcp"}
"""Fast-math flags: all except those that assume that there is no NaN, because NaN indicates divergence."""

INLINED: Any = {"fastmath": FLAGS, "forceinline": True}
"""Compiler options for every function that a kernel calls.

subtle: without inlining, a process that compiles a kernel may link its calls to other copies of the called functions
than those stored in the cache with the kernel. The copies are optimized separately and round differently, so one seed
would give two results, depending on whether the kernel was compiled or loaded.
"""


def inlined(function):
    """Let kernels call a function: it is inlined, and literals among its arguments are compile-time constants."""

    @overload(function, prefer_literal=True, strict=False, jit_options=INLINED)
    def implementation(*arguments):
        return function

    return function


def compiled_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop, which runs without the interpreter lock, and cache it on disk.

    subtle: numba names the cache files by the qualified name of the function. Loops of one name would share an index
    file, which two processes that compile at once can corrupt for good; and numba detects changes of the file of the
    function only, not of those it imports. So a name contains the constants of the loop and `digest_of` these files.
    """
    return cached_on_disk(numba.njit(nogil=True, fastmath=FLAGS, boundscheck=False, error_model="numpy")(function))


def digest_of(*names: str) -> int:
    """Return a checksum of files, by path or by name in this subpackage, whose functions a kernel contains."""
    return zlib.crc32(b"".join((Path(__file__).parent / name).read_bytes() for name in names))
