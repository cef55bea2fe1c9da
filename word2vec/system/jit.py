"""Compile small kernels with numba, and cache the compiled code on disk if possible."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import numba

logger = logging.getLogger("word2vec")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with numba on its first call, and release the global lock while it runs.

    subtle: if neither the folder of the package nor the user's cache is writable, as in many containers, numba raises
    an error here, when it is asked to cache; then every process compiles the function again, which takes seconds. If
    the disk is full, numba raises an error after compiling, and runs the compiled code when called again.
    """
    try:
        kernel = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        kernel = numba.njit(nogil=True)(function)
    return functools.partial(_call, kernel)


def _call(kernel: Any, *arguments: Any) -> Any:
    try:
        return kernel(*arguments)
    except OSError as error:
        reason = error.strerror or error
        logger.warning("compiled code (%s) cannot be cached: %s; it will be compiled again", kernel.__name__, reason)
        return kernel(*arguments)
