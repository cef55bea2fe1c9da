"""Against the real gensim and fastText: they load what is written here, and what they write is loaded."""

from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.formats.fasttexts import finite
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


def test_what_fasttext_writes_as_text_is_read(tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(["cat naïve 東京 dog"] * 50), encoding="utf-8")
    settings = {"dim": 5, "minCount": 1, "bucket": 20, "epoch": 0, "thread": 1, "verbose": 0}
    model = finite(lambda: fasttext.train_unsupervised(str(corpus), **settings))
    # its command line writes .vec so: a header, then words and numbers of five digits, a space at the end
    rows = [f"{word} " + "".join(f"{number:.5g} " for number in model[word]) for word in model.words]
    (tmp_path / "model.vec").write_text(f"{len(rows)} 5\n" + "\n".join(rows) + "\n", encoding="utf-8")
    found = formats.read(tmp_path / "model.vec")
    assert found.words == model.words
    np.testing.assert_allclose(found.vectors, [model[word] for word in model.words], rtol=1e-4)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim opens a file without a header twice
def test_gensim_reads_glove_as_it_does_stanfords(table: Table, tmp_path: Path) -> None:
    kept = [row for row, word in enumerate(table.words) if word.strip() == word]
    words = [table.words[row] for row in kept]
    formats.write(tmp_path / "v.glove", Table(words, table.vectors[kept]))
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "v.glove"), no_header=True)
    assert theirs.index_to_key == words
    np.testing.assert_array_equal(bits(theirs.vectors), bits(table.vectors[kept]))


def test_gensim_models_of_fasttext_give_the_same_vectors(tmp_path: Path) -> None:
    from gensim.models.fasttext import load_facebook_vectors

    from tests.formats.test_fasttext import UNKNOWN, model
    from word2vec.vectors.word_vectors import WordVectors

    (tmp_path / "m.bin").write_bytes(model((b"cat", b"dog", "naïve".encode()), minn=2, maxn=4))
    ours, theirs = WordVectors.load(tmp_path / "m.bin"), load_facebook_vectors(str(tmp_path / "m.bin"))
    for word in [*ours.words, *UNKNOWN]:
        np.testing.assert_allclose(ours[word], theirs[word], rtol=1e-5)


@pytest.mark.parametrize("ending", ["gz", "bz2"])
def test_gensim_reads_what_is_compressed(ending: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"v.bin.{ending}"
    formats.write(path, Table(["a", "b"], table.vectors[:2]))
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=True)
    np.testing.assert_array_equal(bits(theirs.vectors), bits(table.vectors[:2]))
