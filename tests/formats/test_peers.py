"""Exchange of files with gensim and fastText: they load our files, and we load theirs."""

from pathlib import Path

import numpy as np
import pytest

from tests.formats.fasttext_models import finite
from tests.formats.samples import NAMES, bits
from word2vec import formats
from word2vec.formats import Table

KeyedVectors = pytest.importorskip("gensim.models").KeyedVectors


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_gensim_reads_our_files(name: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / NAMES[name]
    kept = [row for row, word in enumerate(table.words) if word.strip() == word]  # gensim strips Unicode spaces
    vectors = table.vectors[kept]
    formats.write(path, Table([table.words[row] for row in kept], vectors))
    gensim = KeyedVectors.load_word2vec_format(str(path), binary=name.endswith("binary"))
    assert gensim.index_to_key == [table.words[row] for row in kept]
    np.testing.assert_array_equal(bits(gensim.vectors), bits(vectors))


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary"])
def test_files_written_by_gensim_are_read(name: str, table: Table, tmp_path: Path) -> None:
    gensim = KeyedVectors(vector_size=7)
    gensim.add_vectors(table.words, table.vectors)
    gensim.save_word2vec_format(str(tmp_path / "gensim"), binary=name.endswith("binary"))
    found = formats.read(tmp_path / "gensim")
    assert found.words == table.words
    np.testing.assert_array_equal(bits(found.vectors), bits(table.vectors))
    if name == "word2vec-binary":
        formats.write(tmp_path / "ours.bin", table)
        assert (tmp_path / "ours.bin").read_bytes() == (tmp_path / "gensim").read_bytes()


def test_text_files_written_by_fasttext_are_read(tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(["cat naïve 東京 dog"] * 50), encoding="utf-8")
    settings = {"dim": 5, "minCount": 1, "bucket": 20, "epoch": 0, "thread": 1, "verbose": 0}
    model = finite(lambda: fasttext.train_unsupervised(str(corpus), **settings))
    # as written by its command line: a header, then words and numbers of five digits, with a space at the end
    rows = [f"{word} " + "".join(f"{number:.5g} " for number in model[word]) for word in model.words]
    (tmp_path / "model.vec").write_text(f"{len(rows)} 5\n" + "\n".join(rows) + "\n", encoding="utf-8")
    found = formats.read(tmp_path / "model.vec")
    assert found.words == model.words
    np.testing.assert_allclose(found.vectors, [model[word] for word in model.words], rtol=1e-4)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim opens a file without a header twice
def test_gensim_reads_our_glove_files(table: Table, tmp_path: Path) -> None:
    kept = [row for row, word in enumerate(table.words) if word.strip() == word]
    words = [table.words[row] for row in kept]
    formats.write(tmp_path / "v.glove", Table(words, table.vectors[kept]))
    gensim = KeyedVectors.load_word2vec_format(str(tmp_path / "v.glove"), no_header=True)
    assert gensim.index_to_key == words
    np.testing.assert_array_equal(bits(gensim.vectors), bits(table.vectors[kept]))


def test_gensim_computes_the_same_vectors_from_fasttext_models(tmp_path: Path) -> None:
    from gensim.models.fasttext import load_facebook_vectors

    from tests.formats.test_fasttext import UNKNOWN, model
    from word2vec.vectors.word_vectors import WordVectors

    (tmp_path / "m.bin").write_bytes(model((b"cat", b"dog", "naïve".encode()), minn=2, maxn=4))
    loaded, gensim = WordVectors.load(tmp_path / "m.bin"), load_facebook_vectors(str(tmp_path / "m.bin"))
    for word in [*loaded.words, *UNKNOWN]:
        np.testing.assert_allclose(loaded[word], gensim[word], rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        "toy-model-pretrained.bin",  # has an empty word
        "lee_fasttext.bin",  # the first version of the format
        "non_ascii_fasttext.bin",  # the same
        "lee_fasttext_new.bin",
    ],
)
def test_gensim_computes_the_same_vectors_from_its_fasttext_models(name: str) -> None:
    from gensim.models.fasttext import load_facebook_vectors
    from gensim.test.utils import datapath

    from word2vec.vectors.word_vectors import WordVectors

    loaded, gensim = WordVectors.load(datapath(name)), load_facebook_vectors(datapath(name))
    assert loaded.words == [word for word in gensim.index_to_key if word]
    # in later versions of fastText, unlike in gensim, the end of the sentence has no n-grams
    words = [word for word in loaded.words if word != "</s>" or name == "lee_fasttext.bin"]
    for word in [*words, "rejection", "přiliš", "日本", "a" * 30]:
        np.testing.assert_allclose(loaded[word], gensim[word], rtol=1e-4, atol=1e-6)


def test_the_first_version_gives_the_vectors_that_fasttext_wrote() -> None:
    from gensim.test.utils import datapath

    from word2vec.vectors.word_vectors import WordVectors

    model, text = (WordVectors.load(datapath(f"lee_fasttext.{extension}")) for extension in ("bin", "vec"))
    assert model.words == text.words
    np.testing.assert_allclose(model.vectors, text.vectors, rtol=1e-4, atol=1e-5)  # the text has five digits


@pytest.mark.parametrize("extension", ["gz", "bz2"])
def test_gensim_reads_our_compressed_files(extension: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"v.bin.{extension}"
    formats.write(path, Table(["a", "b"], table.vectors[:2]))
    gensim = KeyedVectors.load_word2vec_format(str(path), binary=True)
    np.testing.assert_array_equal(bits(gensim.vectors), bits(table.vectors[:2]))
