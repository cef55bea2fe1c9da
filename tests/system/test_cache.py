"""Where the cache folder is."""

from pathlib import Path

import pytest

from word2vec.system.cache import cache_folder


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"  # set by conftest.py
    monkeypatch.delenv("WORD2VEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().name == "word2vec"
    assert cache_folder().is_relative_to(tmp_path)
