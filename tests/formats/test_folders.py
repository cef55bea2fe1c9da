"""Folders with a model card: they are written as a whole, and never over another folder."""

from pathlib import Path

import numpy as np
import pytest

from word2vec import formats
from word2vec.errors import Word2VecError
from word2vec.formats import FORMATS, Table

WITH_CARD = [name for name, entry in FORMATS.items() if entry.card and name != "spacy"]  # see test_spacy_pipeline.py
TABLE = Table(["king", "queen"], np.eye(2, dtype=np.float32), np.array([3, 1]))


@pytest.mark.parametrize("name", WITH_CARD)
def test_the_card_has_library_size_and_notes(name: str, tmp_path: Path) -> None:
    formats.write(tmp_path / "parent" / "shared", TABLE, name, notes="\n## Scores\n")
    card = (tmp_path / "parent" / "shared" / "README.md").read_text(encoding="utf-8")
    library = {"hf": "word2vec-fused", "model2vec": "model2vec"}[name]
    assert card.startswith(f"---\nlibrary_name: {library}\ntags:\n- embeddings\n")
    assert "\n---\n\n# shared\n" in card
    assert "2 dimensions, 2 words, which occur 4 times in the corpus" in card
    assert card.endswith("\n## Scores\n")


@pytest.mark.parametrize("name", WITH_CARD)
def test_other_folders_are_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").touch()
    (tmp_path / "file").touch()
    for path in (tmp_path / "used", tmp_path / "file"):
        with pytest.raises(Word2VecError, match=f"^cannot write {path}: it exists and is not an empty folder; choose"):
            formats.write(path, TABLE, name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "thesis.txt", "used"]
    (tmp_path / "empty").mkdir()
    formats.write(tmp_path / "empty", TABLE, name)
    assert (tmp_path / "empty" / "README.md").exists()


def test_a_folder_for_the_hub_is_read_like_a_run(tmp_path: Path) -> None:
    formats.write(tmp_path / "shared", TABLE, "hf")
    found = formats.read(tmp_path / "shared")
    assert found.words == TABLE.words
    np.testing.assert_array_equal(found.vectors, TABLE.vectors)


def test_formats_for_other_libraries_are_not_read(tmp_path: Path) -> None:
    for name in ("model2vec", "spacy", "floret"):
        with pytest.raises(Word2VecError, match=f"the format {name} can be written, but not read"):
            formats.read(tmp_path, format=name)
