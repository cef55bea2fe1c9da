"""Standard input and pipes are copied to files that exist as long as they are needed."""

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from word2vec.corpus.sources import STDIN
from word2vec.corpus.spooling import is_stream, spooled
from word2vec.errors import CorpusError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"some words")))
    return tmp_path / "cache"


def test_standard_input_and_pipes_are_streams(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    assert [is_stream(path) for path in (STDIN, tmp_path / "pipe", tmp_path / "file")] == [True, True, False]


def test_copy_of_standard_input_is_removed_after_use(cache: Path) -> None:
    with spooled(STDIN, cache) as file:
        assert file.read_bytes() == b"some words"
    assert list(cache.iterdir()) == []


def test_copy_of_a_pipe(cache: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"from a pipe",), daemon=True)
    writer.start()
    with spooled(pipe, cache) as file:
        assert file.read_bytes() == b"from a pipe"
    writer.join()


def test_errors_name_the_stream_and_not_its_copy(cache: Path) -> None:
    with pytest.raises(CorpusError, match=r"^standard input: contains no words$"), spooled(STDIN, cache) as file:
        raise CorpusError(f"{file}: contains no words")
    assert list(cache.iterdir()) == []


def test_cache_that_cannot_be_created(cache: Path) -> None:
    cache.write_bytes(b"a file")
    failure = pytest.raises(CorpusError, match="cache: the copy of standard input cannot be written: ")
    with failure, spooled(STDIN, cache):
        pass
