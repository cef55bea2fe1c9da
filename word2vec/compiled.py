"""Compiling small kernels with numba, kept on disk for the next process wherever there is a place to keep them."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function when it is first called; other threads may run meanwhile.

    subtle: numba refuses, already here, where neither the package's folder nor the user's cache can be written to, as
    in many containers; there the function is compiled anew by every process, which takes some seconds.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
