"""Compiling small kernels with numba, kept on disk for the next process wherever there is a place to keep them."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import numba

logger = logging.getLogger("word2vec")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function when it is first called; other threads may run meanwhile.

    subtle: numba refuses, already here, where neither the package's folder nor the user's cache can be written to, as
    in many containers; there the function is compiled anew by every process, which takes some seconds. Where the disk
    is full it refuses when it has compiled, and runs what it compiled when called again.
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
        logger.warning("compiled code (%s) cannot be kept for the next time: %s", kernel.__name__, reason)
        return kernel(*arguments)
