"""Tables that do not fit into memory are refused before any is taken, with what would fit."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.test_loop import small
from word2vec.corpus import word_counts as counting
from word2vec.errors import ConfigError
from word2vec.system import memory
from word2vec.system.memory import free_memory, refuse_too_large
from word2vec.training.loop import train

CPU = torch.device("cpu")


def free(size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda processes=1: size and size // processes)


def test_what_would_fit_fits_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    free(2_000_000_000, monkeypatch)
    with pytest.raises(ConfigError) as caught:
        refuse_too_large(1_000_000, 300, CPU)
    assert str(caught.value) == (
        "the tables of 1,000,000 words in 300 dimensions need 3.6 GB, but the machine has 2.0 GB free: "
        "take --dim 160 or --max-vocab 548245"
    )
    refuse_too_large(1_000_000, 160, CPU)
    refuse_too_large(548_245, 300, CPU)
    for words, dim in ((1_000_000, 161), (548_246, 300)):
        with pytest.raises(ConfigError):
            refuse_too_large(words, dim, CPU)


def test_processes_that_train_together_need_more(monkeypatch: pytest.MonkeyPatch) -> None:
    free(7_200_000_000, monkeypatch)
    refuse_too_large(328_947, 300, CPU, processes=2)
    with pytest.raises(ConfigError) as caught:
        refuse_too_large(1_000_000, 300, CPU, processes=2)
    assert str(caught.value) == (
        "the tables of each of 2 processes of 1,000,000 words in 300 dimensions need 10.9 GB, "
        "but the machine has 3.6 GB free for each: take --dim 96 or --max-vocab 328947"
    )
    # one of a machine of its own has none to share the memory with, and each has a card to itself
    refuse_too_large(650_000, 300, CPU, processes=1)
    card(7_200_000_000, monkeypatch)
    refuse_too_large(650_000, 300, torch.device("cuda"), processes=8)


def test_where_only_fewer_words_would_fit_only_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    free(1_000_000, monkeypatch)
    with pytest.raises(ConfigError, match=r"need 192 MB, but the machine has 1 MB free: take --max-vocab 5208$"):
        refuse_too_large(1_000_000, 10, CPU)
    free(100, monkeypatch)
    with pytest.raises(ConfigError, match="take a machine with more memory"):
        refuse_too_large(1_000_000, 10, CPU)


def test_where_nothing_is_known_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    free(None, monkeypatch)
    refuse_too_large(10**9, 10**4, CPU)


def card(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA device, the third, that wants to be called by its number, as torch before 2.5 does."""
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", {2: (free, 10**12)}.__getitem__)


def test_the_card_is_asked_where_it_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    card(10**6, monkeypatch)
    with pytest.raises(ConfigError, match="but the CUDA device has 1 MB free"):
        refuse_too_large(1_000_000, 10, torch.device("cuda"))


def test_processes_share_a_machine_but_each_has_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_of_system", lambda: 900)
    monkeypatch.setattr(memory, "_of_container", lambda limit, used: 600)
    monkeypatch.setattr(memory, "_of_shell", lambda: 250)
    assert [free_memory(processes) for processes in (1, 2, 3, 4)] == [250, 250, 200, 150]


@pytest.mark.parametrize(("limit", "expected"), [("1000000", 600_000), ("max", None), (None, None)])
def test_the_limit_of_a_container(limit: str | None, expected: int | None, tmp_path: Path) -> None:
    if limit:
        (tmp_path / "memory.max").write_text(limit + "\n")
        (tmp_path / "memory.current").write_text("500000\n")
        (tmp_path / "memory.stat").write_text("anon 400000\ninactive_file 100000\n")
    assert memory._of_container(tmp_path / "memory.max", tmp_path / "memory.current") == expected


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_system_is_asked() -> None:
    found = free_memory()
    assert found is not None
    assert 10**7 < found < 10**14


def test_nothing_is_left_of_a_training_that_does_not_fit(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting.load_kernels()  # which asks for free memory, too
    free(1000, monkeypatch)
    with pytest.raises(ConfigError, match="the tables of 18 words in 16 dimensions need 0 MB"):
        train(small(topics_file), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_limit_of_the_shell_is_told_in_one_line(topics_file: Path, tmp_path: Path) -> None:
    program = """if True:
        import resource, sys
        from pathlib import Path
        from word2vec.training import loop as training  # what is imported takes addresses too
        from word2vec.cli.commands import run
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + 10**9, resource.RLIM_INFINITY))
        sys.exit(run(sys.argv[1:]))
    """
    settings = ["--min-count", "1", "--dim", "65536", "--engine", "autograd", "--output", str(tmp_path / "run")]
    many = tmp_path / "many.txt"
    many.write_text(" ".join(f"word{number}" for number in range(5000)))
    done = subprocess.run(
        [sys.executable, "-c", program, "train", str(many), *settings], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the tables of 5,000 words in 65536 dimensions need 3.9 GB, but the machine has " in done.stderr
    assert not (tmp_path / "run").exists()
