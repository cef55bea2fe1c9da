"""Embedding tables that do not fit into memory are rejected before allocation; the message names sizes that fit."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.topics import small
from word2vec.errors import ConfigError
from word2vec.training import table_memory, train
from word2vec.training.table_memory import reject_too_large

CPU = torch.device("cpu")


def set_free(size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the machine has this much free memory."""
    monkeypatch.setattr(table_memory, "free_memory", lambda processes=1: size and size // processes)


def set_free_on_card(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is a CUDA device, the third, that must be addressed by its index, as in torch before 2.5."""
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", {2: (size, 10**12)}.__getitem__)


def test_suggested_sizes_are_the_largest_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(2_000_000_000, monkeypatch)
    with pytest.raises(ConfigError) as caught:
        reject_too_large((1_000_000, 1_000_000), 300, CPU)
    assert str(caught.value) == (
        "not enough memory: embedding tables of 1,000,000 words and 300 dimensions need 3.6 GB, "
        "but the machine has 2.0 GB free; use --dim 160 or --max-vocab 548245"
    )
    reject_too_large((1_000_000, 1_000_000), 160, CPU)
    reject_too_large((548_245, 548_245), 300, CPU)
    for words, dim in ((1_000_000, 161), (548_246, 300)):
        with pytest.raises(ConfigError):
            reject_too_large((words, words), dim, CPU)


def test_ngrams_that_do_not_fit_are_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(1_000_000_000, monkeypatch)
    with pytest.raises(ConfigError) as caught:
        reject_too_large((50_000, 50_000), 300, CPU, ngrams=1_000_000)
    # two tables of words, that of n-grams, and for a moment a second one of n-grams
    assert str(caught.value) == (
        "not enough memory: embedding tables of 50,000 words, 1,000,000 n-grams and 300 dimensions need 2.6 GB, "
        "but the machine has 1.0 GB free; use --dim 112 or --buckets 361184 or shorter --subwords"
    )
    reject_too_large((50_000, 50_000), 112, CPU, ngrams=1_000_000)
    reject_too_large((50_000, 50_000), 300, CPU, ngrams=361_184)
    with pytest.raises(ConfigError):
        reject_too_large((50_000, 50_000), 300, CPU, ngrams=361_185)
    with pytest.raises(ConfigError, match=r"use a lower --max-vocab$"):
        reject_too_large((9_000_000, 9_000_000), 10, CPU, ngrams=100)
    with pytest.raises(ConfigError, match=r"n-grams .* use --dim 48 or a lower --max-vocab or shorter --subwords$"):
        reject_too_large((1_000_000, 1_000_000), 300, CPU, ngrams=1_100_000)


def test_processes_that_train_together_need_more(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(7_200_000_000, monkeypatch)
    reject_too_large((328_947, 328_947), 300, CPU, processes=2)
    with pytest.raises(ConfigError) as caught:
        reject_too_large((1_000_000, 1_000_000), 300, CPU, processes=2)
    assert str(caught.value) == (
        "not enough memory: embedding tables of 1,000,000 words and 300 dimensions need 10.9 GB for each of "
        "2 processes, but the machine has 3.6 GB free for each; use --dim 96 or --max-vocab 328947"
    )
    # the only process on its machine does not share memory, and each process has a CUDA device to itself
    reject_too_large((650_000, 650_000), 300, CPU, processes=1)
    set_free_on_card(7_200_000_000, monkeypatch)
    reject_too_large((650_000, 650_000), 300, torch.device("cuda"), processes=8)


def test_only_settings_that_help_are_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(1_000_000, monkeypatch)
    with pytest.raises(ConfigError, match=r"need 192 MB, but the machine has 1 MB free; use --max-vocab 5208$"):
        reject_too_large((1_000_000, 1_000_000), 10, CPU)
    set_free(100, monkeypatch)
    with pytest.raises(ConfigError, match="use a machine with more memory"):
        reject_too_large((1_000_000, 1_000_000), 10, CPU)


def test_unknown_free_memory_rejects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(None, monkeypatch)
    reject_too_large((10**9, 10**9), 10**4, CPU)


def test_memory_of_the_cuda_device_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free_on_card(10**6, monkeypatch)
    with pytest.raises(ConfigError, match="but the CUDA device has 1 MB free"):
        reject_too_large((1_000_000, 1_000_000), 10, torch.device("cuda"))


def test_training_that_does_not_fit_leaves_nothing_behind(
    topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_free(1000, monkeypatch)
    with pytest.raises(ConfigError, match="tables of 18 words and 16 dimensions need 0 MB"):
        train(small(topics_file), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_address_space_limit_is_reported_in_one_line(topics_file: Path, tmp_path: Path) -> None:
    program = """if True:
        import resource, sys
        from pathlib import Path
        from word2vec import training  # imports take address space too
        from word2vec.cli import run
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
    assert "tables of 5,000 words and 65536 dimensions need 3.9 GB, but the machine has " in done.stderr
    assert not (tmp_path / "run").exists()
