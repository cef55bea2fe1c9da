"""Compiled code where there is no room to keep it."""

import errno
from collections.abc import Callable
from typing import Any

import numba
import pytest

from word2vec.system.jit import compiled


def test_what_cannot_be_kept_is_used_all_the_same(
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
    assert caplog.messages == ["compiled code (double) cannot be kept for the next time: No space left on device"]
