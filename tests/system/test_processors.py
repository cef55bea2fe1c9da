"""The number of usable processors is the smaller of the affinity of the process and the quota of its container."""

import os
from pathlib import Path

import pytest

from word2vec.system import processors
from word2vec.system.processors import usable_processors


@pytest.mark.parametrize(
    ("cpu_max", "expected"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("1600000 100000", 8),
        ("max 100000", 8),
        ("", 8),
        ("100000", 8),
        ("0 0", 8),
        (None, 8),
    ],
)
def test_quota_of_a_container(
    cpu_max: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processors, "_process_cpu_count", lambda: 8)
    monkeypatch.setattr(processors, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(processors, "CFS", (tmp_path / "cpu.cfs_quota_us", tmp_path / "cpu.cfs_period_us"))
    if cpu_max is not None:
        (tmp_path / "cpu.max").write_text(cpu_max + "\n")
    assert usable_processors() == expected


@pytest.mark.parametrize("limited", ["", "job", "job/step"])
def test_quota_of_a_control_group_that_contains_the_process(
    limited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processors, "_process_cpu_count", lambda: 8)
    monkeypatch.setattr(processors, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(processors, "CFS", (tmp_path / "cpu.cfs_quota_us", tmp_path / "cpu.cfs_period_us"))
    monkeypatch.setattr(processors, "OWN_GROUPS", tmp_path / "own")
    (tmp_path / "own").write_text("1:cpu:/other\n0::/job/step\n")
    (tmp_path / "job" / "step").mkdir(parents=True)
    for group in ("", "job", "job/step"):
        (tmp_path / group / "cpu.max").write_text("300000 100000\n" if group == limited else "max 100000\n")
    assert usable_processors() == 3


@pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 8)])
def test_quota_of_a_container_of_version_1(
    quota: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = (tmp_path / "cpu.cfs_quota_us", tmp_path / "cpu.cfs_period_us")
    monkeypatch.setattr(processors, "_process_cpu_count", lambda: 8)
    monkeypatch.setattr(processors, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(processors, "CFS", files)
    for file, text in zip(files, (quota, "100000"), strict=True):
        file.write_text(text + "\n")
    assert usable_processors() == expected


def test_processors_that_the_system_counts_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "_container_quota", lambda: None)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    assert usable_processors() == 3
    monkeypatch.setattr(os, "process_cpu_count", lambda: None, raising=False)
    assert usable_processors() == 1
