"""Tables of floret: the hash, the vectors of words, and spaCy as a reader where it is installed."""

from pathlib import Path

import numpy as np
import pytest

from word2vec.errors import FormatError
from word2vec.formats.floret import floret_table, list_strings, murmur3
from word2vec.models.subwords import Subwords
from word2vec.vectors.word_vectors import WordVectors

WORDS = ["</s>", "king", "kings", "kingdom", "ring", "größe", "a", "walking", "talking", "talked"]


@pytest.fixture
def vectors() -> WordVectors:
    """Vectors that are means of their own rows and those of n-grams."""
    rng = np.random.default_rng(0)
    rows, own = rng.standard_normal((500, 6), dtype=np.float32), rng.standard_normal((len(WORDS), 6), dtype=np.float32)
    subwords = Subwords(rows, 3, 5, word_rows=own)
    known = subwords.known_vectors([word.encode() for word in WORDS], own)
    return WordVectors(WORDS, known, subwords=subwords)


def mean_rows(table: np.ndarray, words: list[str], subwords: Subwords) -> np.ndarray:
    """The vectors of words by the definition of floret: the mean of the rows of <word> and of its n-grams."""
    strings = list_strings(words, subwords)
    rows = table[[murmur3(text.encode()) % len(table) for text in strings.distinct]][strings.numbers]
    return np.array([rows[a:b].mean(axis=0) for a, b in zip(strings.starts, strings.starts[1:], strict=False)])


HASHES = {"": 0, "a": 4133058697, "0123456789abcdef": 3477787047, "0123456789abcdefg": 2856712670, "x" * 40: 3717287009}
"""Hashes computed by spaCy."""


@pytest.mark.parametrize("text", HASHES)
def test_hash(text: str) -> None:
    assert murmur3(text.encode()) == HASHES[text]


def test_strings_of_a_word() -> None:
    strings = list_strings(["ab", "b"], Subwords(np.ones((1, 1), np.float32), 1, 2))
    expected = ["<ab>", "<a", "a", "ab", "b", "b>", "<b>", "<b", "b", "b>"]
    assert [strings.distinct[number] for number in strings.numbers] == expected
    assert strings.starts.tolist() == [0, 6, 10]


@pytest.mark.parametrize("rows_per_string", [1, 4])
def test_words_keep_their_vectors(rows_per_string: int, vectors: WordVectors) -> None:
    assert vectors.subwords
    table = floret_table(vectors._table, vectors.subwords, rows_per_string)
    strings = list_strings(WORDS, vectors.subwords)
    assert len(table) >= rows_per_string * len(strings.distinct) > len(table) / 2
    found = mean_rows(table, WORDS, vectors.subwords)
    assert np.linalg.norm(found - vectors.vectors) < 0.01 * np.linalg.norm(vectors.vectors)


def test_unknown_words_get_the_vectors_of_the_model(vectors: WordVectors) -> None:
    assert vectors.subwords
    table = floret_table(vectors._table, vectors.subwords, rows_per_string=1000)  # hardly any string shares a row
    unknown = ["kingring", "walked"]
    strings = list_strings(unknown, vectors.subwords)
    known = set(list_strings(WORDS, vectors.subwords).distinct)
    for word, found, first, last in zip(
        unknown, mean_rows(table, unknown, vectors.subwords), strings.starts, strings.starts[1:], strict=False
    ):
        texts = [strings.distinct[number] for number in strings.numbers[first:last]]
        ids = vectors.subwords.ngrams([word.encode()])[0]  # those of texts[1:]
        rows = [vectors.subwords.rows[row] for text, row in zip(texts[1:], ids, strict=True) if text in known]
        np.testing.assert_allclose(found, np.sum(rows, axis=0) / len(texts), atol=1e-5)


def test_file(vectors: WordVectors, tmp_path: Path) -> None:
    assert vectors.subwords
    vectors.save(tmp_path / "table.floret")
    first, *lines = (tmp_path / "table.floret").read_text(encoding="utf-8").splitlines()
    table = floret_table(vectors._table, vectors.subwords)
    assert first == f"{len(table)} 6 3 5 1 0 < >"
    numbers = np.array([line.split() for line in lines], np.float32)
    np.testing.assert_array_equal(numbers[:, 0], np.arange(len(table)))
    np.testing.assert_array_equal(numbers[:, 1:], table)


def test_vectors_without_ngrams_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no character n-grams, of which a floret table consists; train with --sub"):
        WordVectors(["a"], np.ones((1, 2))).save(tmp_path / "table.floret")
    assert list(tmp_path.iterdir()) == []


def test_spacy_reads_the_table(vectors: WordVectors, tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed here; install the extra interop-test")
    from spacy.training.initialize import convert_vectors

    assert vectors.subwords
    vectors.save(tmp_path / "table.floret")
    pipeline = spacy.blank("xx")
    convert_vectors(pipeline, tmp_path / "table.floret", truncate=0, prune=-1, mode="floret")
    table = floret_table(vectors._table, vectors.subwords)
    for word in [*WORDS, "kingring"]:
        expected = mean_rows(table, [word], vectors.subwords)[0]
        np.testing.assert_allclose(pipeline.vocab[word].vector, expected, atol=1e-5)
