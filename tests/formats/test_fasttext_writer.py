"""fastText models that are written: the bytes of an independent writer, and opened by gensim and fastText."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.formats.samples import write_bytes
from tests.formats.test_fasttext import UNKNOWN, file_of, first_version, model
from word2vec import formats
from word2vec.errors import ConfigError
from word2vec.formats import Table
from word2vec.models.subwords import Subwords
from word2vec.vectors.word_vectors import WordVectors

WORDS = ["the", "</s>", "naïve", "東京", "🙂"]
BUCKETS, DIM = 30_000, 6


@pytest.fixture
def vectors() -> WordVectors:
    """Vectors whose n-grams use few of the buckets."""
    rng = np.random.default_rng(0)
    probe = Subwords(np.empty((0, DIM), np.float32), 3, 6, buckets=BUCKETS, used=np.arange(0))
    used = rng.permutation(np.unique(probe.ngrams([word.encode() for word in [*WORDS, *UNKNOWN[:4]]])[0]))
    rows, own, output = (rng.standard_normal((n, DIM), dtype=np.float32) for n in (len(used), len(WORDS), len(WORDS)))
    subwords = replace(probe, rows=rows, used=used, word_rows=own)
    known = subwords.known_vectors([word.encode() for word in WORDS], own)
    return WordVectors(WORDS, known, counts=[9, 8, 5, 5, 1], output=output, subwords=subwords)


def test_bytes_equal_those_of_the_independent_writer(tmp_path: Path) -> None:
    for settings in ({}, {"bucket": 0, "minn": 0, "maxn": 0}):
        expected = model(tokens=27, **settings)
        table = formats.read(write_bytes(tmp_path / "m.bin", expected))
        formats.write(tmp_path / "n.bin", table, "fasttext")
        assert (tmp_path / "n.bin").read_bytes() == expected


def test_models_are_read_and_written_to_the_same_bytes(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "m.bin")
    loaded = WordVectors.load(tmp_path / "m.bin")
    assert (loaded.words, loaded.counts.tolist()) == (WORDS, [9, 8, 5, 5, 1])  # type: ignore[union-attr]
    np.testing.assert_array_equal(loaded.vectors, vectors.vectors)
    np.testing.assert_array_equal(loaded.output, vectors.output)
    np.testing.assert_array_equal(loaded[UNKNOWN[:4]], vectors[UNKNOWN[:4]])
    loaded.save(tmp_path / "again.bin")
    loaded.save(tmp_path / "run")
    WordVectors.load(tmp_path / "run").save(tmp_path / "from_run.bin")
    for name in ("again.bin", "from_run.bin"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "m.bin").read_bytes()


@pytest.mark.parametrize("ngrams", [True, False])
def test_gensim_computes_the_same_vectors(ngrams: bool, vectors: WordVectors, tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models.fasttext")
    if not ngrams:
        vectors = WordVectors(WORDS, vectors.vectors)
    vectors.save(tmp_path / "m.bin", format="fasttext")
    keyed, full = gensim.load_facebook_vectors(tmp_path / "m.bin"), gensim.load_facebook_model(tmp_path / "m.bin")
    assert keyed.index_to_key == full.wv.index_to_key == WORDS
    words = [word for word in WORDS if word != "</s>"]  # gensim gives it n-grams
    for found in (keyed, full.wv):
        np.testing.assert_allclose(found[words], vectors[words], atol=1e-6)
        for word in UNKNOWN[:4] if ngrams else ():
            np.testing.assert_allclose(found[word], vectors[word], atol=1e-6)
    np.testing.assert_array_equal(full.syn1neg, np.zeros((5, DIM)) if vectors.output is None else vectors.output)


def test_fasttext_computes_the_same_vectors(vectors: WordVectors, tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    vectors.save(tmp_path / "m.bin")
    theirs = fasttext.load_model(str(tmp_path / "m.bin"))
    words, counts = theirs.get_words(include_freq=True)
    assert (words, counts.tolist()) == (WORDS, [9, 8, 5, 5, 1])
    for word in [*WORDS, *UNKNOWN[:4]]:
        np.testing.assert_allclose(theirs.get_word_vector(word), vectors[word], atol=1e-6)
    np.testing.assert_array_equal(theirs.get_output_matrix(), vectors.output)
    theirs.save_model(str(tmp_path / "again.bin"))
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "m.bin").read_bytes()


def test_unused_buckets_take_no_space(vectors: WordVectors, tmp_path: Path) -> None:
    with (tmp_path / "probe").open("wb") as file:
        file.truncate(1 << 20)
    if (tmp_path / "probe").stat().st_blocks:
        pytest.skip("the file system has no holes")
    vectors.save(tmp_path / "m.bin")
    stat = (tmp_path / "m.bin").stat()
    assert stat.st_size > 4 * DIM * BUCKETS
    assert 512 * stat.st_blocks < stat.st_size / 1.5


@pytest.mark.parametrize("block", [64, 5000])
def test_holes_do_not_depend_on_the_block_size(
    block: int, vectors: WordVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(vectors.subwords, buckets=1500, used=np.arange(7, 1500, 70), rows=vectors.subwords.rows[:22])  # type: ignore[type-var, union-attr]
    table = Table(WORDS, vectors.vectors, subwords=few)
    formats.write(tmp_path / "m.bin", table)
    monkeypatch.setattr("word2vec.formats.file_io.PAGE", block)
    monkeypatch.setattr("word2vec.formats.fasttext_writer.BLOCK", 3 * block)
    formats.write(tmp_path / "n.bin", table)
    assert (tmp_path / "n.bin").read_bytes() == (tmp_path / "m.bin").read_bytes()


def test_unknown_own_rows_follow_from_the_vectors(vectors: WordVectors, tmp_path: Path) -> None:
    assert vectors.subwords is not None
    WordVectors(WORDS, vectors.vectors, subwords=replace(vectors.subwords, word_rows=None)).save(tmp_path / "m.bin")
    np.testing.assert_allclose(WordVectors.load(tmp_path / "m.bin").vectors, vectors.vectors, atol=1e-6)


@pytest.mark.parametrize("content", [first_version(model()), model((b"a", b"caf\xe9", b"</s>"))])
def test_other_models_keep_their_vectors(content: bytes, tmp_path: Path) -> None:
    old = WordVectors.load(write_bytes(tmp_path / "old.bin", content))
    old.save(tmp_path / "new.bin")
    new = WordVectors.load(tmp_path / "new.bin")
    assert new.words == old.words
    np.testing.assert_allclose(new.vectors, old.vectors, rtol=1e-5)
    np.testing.assert_array_equal(new[UNKNOWN[:4]], old[UNKNOWN[:4]])
    assert file_of(new.subwords.rows) is not None  # type: ignore[union-attr]


def test_models_are_not_compressed(vectors: WordVectors, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match=r"files of format fasttext are not compressed; remove \.gz from the name"):
        vectors.save(tmp_path / "m.bin.gz")
    with caplog.at_level(logging.WARNING):
        vectors.save(tmp_path / "m.bin.gz", format="word2vec-binary")
    assert "n-grams are not saved" in caplog.text
