"""Compiled code is used even if it cannot be cached."""

import errno
from collections.abc import Callable
from typing import Any

import numba
import pytest

from word2vec.system.jit import compiled


def test_full_disk_does_not_prevent_the_use_of_compiled_code(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def full_disk(**_: Any) -> Callable[..., Any]:
        def compile_(function: Callable[[int], int]) -> Callable[[int], int]:
            def kernel(number: int) -> int:
                calls.append(number)
                if len(calls) == 1:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return function(number)

            kernel.__name__ = function.__name__
            return kernel

        return compile_

    monkeypatch.setattr(numba, "njit", full_disk)

    @compiled
    def double(number: int) -> int:
        return 2 * number

    assert [double(3), double(4)] == [6, 8]
    assert calls == [3, 3, 4]
    (warning,) = caplog.messages
    assert warning.startswith("compiled code (double) cannot be cached: No space left on device")


def test_without_any_cache_folder_functions_are_compiled_by_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def without_cache(*arguments: Any, **options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*arguments, **options)

    monkeypatch.setattr(numba, "njit", without_cache)

    @compiled
    def triple(number):  # type: ignore[no-untyped-def]
        return 3 * number

    assert triple(3) == 9
