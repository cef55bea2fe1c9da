"""Free memory is the smallest of what the system, the container and the shell allow."""

import sys
from pathlib import Path

import pytest
import torch

from word2vec.system import memory
from word2vec.system.memory import free_memory, free_on_card


def test_processes_share_the_machine_but_not_the_address_space_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_system_memory", lambda: 900)
    monkeypatch.setattr(memory, "_container_memory", lambda limit, usage: 600)
    monkeypatch.setattr(memory, "_address_space", lambda: 250)
    assert [free_memory(processes) for processes in (1, 2, 3, 4)] == [250, 250, 200, 150]


def test_unknown_limits_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_system_memory", lambda: 900)
    monkeypatch.setattr(memory, "_container_memory", lambda limit, usage: None)
    monkeypatch.setattr(memory, "_address_space", lambda: None)
    assert free_memory() == 900
    monkeypatch.setattr(memory, "_system_memory", lambda: None)
    assert free_memory() is None


@pytest.mark.parametrize(("limit", "expected"), [("1000000", 600_000), ("max", None), (None, None)])
def test_limit_of_a_container(limit: str | None, expected: int | None, tmp_path: Path) -> None:
    if limit:
        (tmp_path / "memory.max").write_text(limit + "\n")
        (tmp_path / "memory.current").write_text("500000\n")
        (tmp_path / "memory.stat").write_text("anon 400000\ninactive_file 100000\n")
    assert memory._container_memory(tmp_path / "memory.max", tmp_path / "memory.current") == expected


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_linux_reports_a_plausible_size() -> None:
    found = free_memory()
    assert found is not None
    assert 10**7 < found < 10**14


def test_cuda_device_without_an_index_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", {1: (10, 99), 2: (20, 99)}.__getitem__)
    assert free_on_card(torch.device("cuda")) == 20
    assert free_on_card(torch.device("cuda", 1)) == 10
