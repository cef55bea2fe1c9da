"""The registry of named corpora, and where downloaded ones are stored."""

from pathlib import Path

import pytest

from word2vec.corpus import named
from word2vec.corpus.named import DOWNLOADS, NAMED_CORPORA, TEXT8, corpora_folder, download_corpus
from word2vec.system.download import Download


def test_names_of_corpora() -> None:
    assert sorted(NAMED_CORPORA) == ["pydocs", "text8"]


def test_text8_is_the_well_known_file() -> None:
    assert (TEXT8.name, TEXT8.url) == ("text8", "http://mattmahoney.net/dc/text8.zip")
    assert TEXT8.sha256 == "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
    assert (TEXT8.size, TEXT8.text_sha1) == (100_000_000, "0dc3edebc970dcc96137e7deda4d9995af9d93de")
    assert DOWNLOADS == {"text8": TEXT8}


def test_downloads_are_stored_in_data_of_a_checkout_or_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Download, Path]] = []

    def fetch(download: Download, folder: Path, *, progress: bool) -> Path:
        asked.append((download, folder))
        return folder / download.name

    monkeypatch.setattr(named, "fetch", fetch)
    monkeypatch.setattr(named, "__file__", str(tmp_path / "checkout" / "word2vec" / "corpus" / "named.py"))
    assert corpora_folder() == tmp_path / "cache" / "corpora"
    (tmp_path / "checkout" / "data").mkdir(parents=True)
    (tmp_path / "checkout" / "data" / "README.md").touch()
    assert corpora_folder() == tmp_path / "cache" / "corpora"  # there may be a folder data/ beside an installed package
    (tmp_path / "checkout" / "pyproject.toml").touch()
    data = tmp_path / "checkout" / "data"
    assert corpora_folder() == data
    assert download_corpus("text8") == NAMED_CORPORA["text8"]() == data / "text8"
    assert asked == [(TEXT8, data)] * 2
