"""Against the real gensim and fastText: they load what is written here, and what they write is loaded."""

from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.formats.samples import NAMES, bits
from word2vec import formats
from word2vec.formats import Table


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_gensim_reads_what_is_written(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    kept = [row for row, word in enumerate(table.words) if word.strip() == word]  # gensim strips these
    vectors = table.vectors[kept]
    formats.write(path, Table([table.words[row] for row in kept], vectors))
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=name.endswith("binary"))
    assert theirs.index_to_key == [table.words[row] for row in kept]
    np.testing.assert_array_equal(bits(theirs.vectors), bits(vectors))


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_what_gensim_writes_is_read(name: str, table: Table, tmp_path: Path) -> None:
    theirs = KeyedVectors(vector_size=7)
    theirs.add_vectors(table.words, table.vectors)
    theirs.save_word2vec_format(str(tmp_path / "gensim"), binary=name.endswith("binary"))
    found = formats.read(tmp_path / "gensim")
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    if name == "word2vec-binary":
        formats.write(tmp_path / "ours.bin", table)
        assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "gensim").read_bytes()
