"""The name of an index, and the memos that save reading a text again."""

import hashlib
from pathlib import Path

import pytest

from word2vec.corpus import content_key
from word2vec.corpus.read_settings import ReadSettings
from word2vec.errors import CorpusError


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    """Two texts."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"text {name}")
    return [tmp_path / "a", tmp_path / "b"]


def key_of(text: Path, indexes: Path) -> str:
    return content_key.content_key([text], content_key.file_states([text]), indexes, ReadSettings())


def fail(*_: object) -> bytes:
    raise AssertionError("must not be called")


def test_digest_covers_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_key, "HASH_BYTES", 7)
    path = tmp_path / "text"
    for content in (b"1234567", b"1234567 ", b"1234567 8901234", b"7654321 8901234", b"1234567 8904321"):
        path.write_bytes(content)
        assert content_key._digest(path) == hashlib.sha256(content).digest()


def test_memo_saves_reading_the_text_again(texts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [key_of(text, tmp_path / "indexes") for text in texts]
    assert len(set(keys)) == 2
    assert all(content_key.KEY.fullmatch(key) for key in keys)
    monkeypatch.setattr(content_key, "_digest", fail)
    assert [key_of(text, tmp_path / "indexes") for text in texts] == keys


def test_memo_of_another_text_is_ignored(texts: list[Path], tmp_path: Path) -> None:
    indexes = tmp_path / "indexes"
    keys = [key_of(text, indexes) for text in texts]
    first, second = indexes.iterdir()
    first.write_bytes(second.read_bytes())
    assert [key_of(text, indexes) for text in texts] == keys


def test_vanished_file_is_named(texts: list[Path]) -> None:
    states = content_key.file_states(texts)
    texts[1].unlink()
    with pytest.raises(CorpusError, match=r"b: cannot be read: No such file"):
        content_key.check_unchanged(texts, states)
