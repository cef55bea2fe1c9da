"""Where the cache folder is, and what to do if it cannot be used."""

import errno
import os
from pathlib import Path

import pytest

from word2vec.errors import ConfigError
from word2vec.system.cache import cache_folder, remedy


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"  # set by conftest.py
    monkeypatch.delenv("WORD2VEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().name == "word2vec"
    assert cache_folder().is_relative_to(tmp_path)


@pytest.mark.parametrize(("value", "expected"), [("~/x", "home/x"), ("~", "home"), ("$WORD2VEC_UNSET~", None)])
def test_home_folder_is_expanded(
    value: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORD2VEC_CACHE", value)
    assert cache_folder() == (tmp_path / expected if expected else Path(value))


def test_unknown_user_in_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD2VEC_CACHE", "~no-such-user/x")
    with pytest.raises(ConfigError, match="WORD2VEC_CACHE is ~no-such-user/x, but the home folder"):
        cache_folder()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, "ask its owner"),
        (errno.EPERM, "ask its owner"),
        (errno.EROFS, "ask its owner"),
        (errno.ENOSPC, "free some disk space"),
        (errno.EDQUOT, "free some disk space"),
        (errno.ENOTDIR, "set WORD2VEC_CACHE"),
    ],
)
def test_remedy_depends_on_the_cause(number: int, expected: str) -> None:
    text = remedy(OSError(number, os.strerror(number)))
    assert text.startswith(expected)
    assert text.endswith("set WORD2VEC_CACHE to another folder")
