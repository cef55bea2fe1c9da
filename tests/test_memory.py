"""The memory that there is, of the machine or of the container."""

import os
import sys
from pathlib import Path

import pytest

from word2vec import memory
from word2vec.memory import installed_memory


def test_memory_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LIMITS", ())
    first = Path("/proc/meminfo").read_text().split()  # MemTotal: N kB, which leaves out what the kernel kept
    assert first[0] == "MemTotal:"
    assert installed_memory() == pytest.approx(int(first[1]) * 1024, rel=0.1)


@pytest.mark.parametrize(("limit", "least"), [("1000\n", 1000), ("max\n", None), ("9" * 30, None)])
def test_a_container_may_have_less(
    limit: str, least: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LIMITS", ())
    machine = installed_memory()
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(memory, "LIMITS", (tmp_path / "nowhere", tmp_path / "memory.max"))
    assert installed_memory() == (least or machine)


def test_a_system_that_does_not_tell_has_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LIMITS", ())
    monkeypatch.delattr(os, "sysconf")
    assert installed_memory() == sys.maxsize
