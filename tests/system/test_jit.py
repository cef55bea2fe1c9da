"""Compiled code is cached on disk, used even if it cannot be cached, and compiled again if the cache is damaged."""

import errno
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pytest
from numba.core.caching import CacheImpl, IndexDataCacheFile

from word2vec.system import jit
from word2vec.system.jit import compiled, compiled_with


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for compiled code."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    jit._warn_damaged.cache_clear()
    jit._warn_not_cached.cache_clear()
    return tmp_path / "numba"


def new_function() -> Any:
    """The same function as a new process would compile or load it."""

    @compiled
    def triple(number):  # type: ignore[no-untyped-def]
        return 3 * number

    return triple


def cut(content: bytes) -> bytes:
    return content[: random.Random(len(content)).randrange(1, len(content))]


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(content) // 2] ^= 4
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": cut,
    "zeroed": lambda content: bytes(len(content)),
    "flipped": flipped,
    "of another program": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_code_is_compiled_again(
    suffix: str, damage: str, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert new_function()(3) == 9
    (path,) = cache.rglob(f"*.{suffix}")
    good = path.read_bytes()
    path.write_bytes(DAMAGES[damage](good))
    function = new_function()
    assert function(3) == 9
    assert function.stats.cache_hits.total() == 0
    assert caplog.messages == [f"{path.parent}: compiled code in this folder is damaged; it is compiled again"]
    repaired = new_function()
    assert repaired(3) == 9
    assert repaired.stats.cache_hits.total() == 1
    assert len(caplog.messages) == 1


def test_one_warning_for_many_damaged_files(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert new_function()(3) == 9
    for path in cache.rglob("*.nb?"):
        path.write_bytes(b"")
    assert new_function()(3) == 9
    for path in cache.rglob("*.nb?"):
        path.write_bytes(b"")
    assert new_function()(3) == 9
    assert len(caplog.messages) == 1


def test_code_of_another_user_that_cannot_be_read_is_replaced(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert new_function()(3) == 9
    monkeypatch.setattr(Path, "read_bytes", lambda path: (_ for _ in ()).throw(PermissionError(errno.EACCES, path)))
    assert new_function()(3) == 9


def test_full_disk_does_not_prevent_the_use_of_compiled_code(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full_disk(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "_save_data", full_disk)
    assert [new_function()(3), new_function()(4)] == [9, 12]
    (warning,) = caplog.messages
    assert "cannot be cached" in warning
    assert str(cache) in warning
    assert "No space left on device" in warning


def test_without_any_cache_folder_functions_are_compiled_by_every_process(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    function = new_function()
    assert caplog.messages == []
    assert function(3) == 9
    (warning,) = caplog.messages
    assert "no locator available" in warning
    assert not cache.exists()


def multiplication(factor: int) -> Any:
    """One of several functions that share an index, because they differ only in a closure."""

    @compiled
    def multiply(number):  # type: ignore[no-untyped-def]
        return factor * number

    return multiply


def test_code_of_another_function_is_never_used_if_a_save_fails(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert multiplication(3)(3) == 9
    (index,) = cache.rglob("*.nbi")
    index.unlink()  # as after damage; the code is still there
    with monkeypatch.context() as patched:
        patched.setattr(IndexDataCacheFile, "_save_data", full_disk)
        assert multiplication(5)(3) == 15
    assert [multiplication(5)(3), multiplication(3)(3)] == [15, 9]


FACTOR = 3  # stands for code of another module


def test_a_change_of_inlined_code_is_detected(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("inlined")
    module.__file__ = str(tmp_path / "inlined.py")

    def compile_and_call(factor: int) -> tuple[int, int]:
        """The result, and the number of cache hits."""
        monkeypatch.setitem(globals(), "FACTOR", factor)
        Path(str(module.__file__)).write_text(f"FACTOR = {factor}\n")

        @compiled_with(module)
        def times(number):  # type: ignore[no-untyped-def]
            return FACTOR * number

        return times(3), times.stats.cache_hits.total()  # type: ignore[attr-defined]

    assert [compile_and_call(3), compile_and_call(3), compile_and_call(5)] == [(9, 0), (9, 1), (15, 0)]


TRAIN = """
import sys
from word2vec.cli import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.slow
def test_training_survives_random_damage_to_the_compiled_code(tmp_path: Path) -> None:
    text, cache, run = tmp_path / "text", tmp_path / "numba", tmp_path / "run"
    text.write_text("one two three four five six seven\n" * 300)
    settings = ["--dim", "8", "--epochs", "1", "--threads", "1", "--min-count", "1", "--subsample", "0"]
    command = [sys.executable, "-c", TRAIN, "train", str(text), "--output", str(run), *settings]

    def train(number: int) -> tuple[str, bytes]:
        caches = {"NUMBA_CACHE_DIR": str(cache), "WORD2VEC_CACHE": str(tmp_path / f"cache{number}")}
        environment = os.environ | caches
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr, (run / "vectors.safetensors").read_bytes()

    _, vectors = train(0)
    draw = random.Random(0)
    for number in range(1, 7):
        paths = sorted(cache.rglob("*.nb?"))
        for path in draw.sample(paths, 2):
            content = bytearray(path.read_bytes())
            position = draw.randrange(len(content))
            if number % 2:
                del content[position:]
            else:
                content[position] ^= 1 << draw.randrange(8)
            path.write_bytes(content)
        messages, repaired = train(number)
        assert messages.count("is damaged") in (1, 2)  # one for each folder
        assert repaired == vectors
