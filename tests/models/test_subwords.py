"""Character n-grams, compared with their definition; tests/formats compares them with fastText itself."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from word2vec.models.subwords import Subwords, hash_words
from word2vec.vectors.word_vectors import WordVectors


def plain_hash(ngram: bytes) -> int:
    """32-bit FNV-1a over signed bytes."""
    value = 2166136261
    for byte in ngram:
        value = (value ^ (byte - 256 if byte > 127 else byte) % 2**32) * 16777619 % 2**32
    return value


def plain_ngrams(word: str, min_n: int, max_n: int, buckets: int) -> list[int]:
    letters = f"<{word}>"
    found = []
    for start in range(len(letters)):
        for length in range(max(1, min_n), max_n + 1):
            ngram = letters[start : start + length]
            if len(ngram) == length and not (length == 1 and ngram in "<>" and start in (0, len(letters) - 1)):
                found.append(plain_hash(ngram.encode()) % buckets)
    return found


@pytest.mark.parametrize(("min_n", "max_n"), [(3, 6), (1, 1), (1, 3), (0, 2), (5, 4), (0, 0), (2, 100)])
@pytest.mark.parametrize("word", ["a", "ab", "word", "naïveté", "東京タワー", "🙂x🙂", "<>", "", "\x80ÿ"])
def test_ngrams_follow_the_definition(word: str, min_n: int, max_n: int) -> None:
    for buckets in (1, 7, 2_000_003):
        subwords = Subwords(np.broadcast_to(np.float32(0), (buckets, 1)), min_n, max_n)
        ids, ends = subwords.ngrams([b"first", word.encode(), b"last"])
        assert ids[ends[0] : ends[1]].tolist() == plain_ngrams(word, min_n, max_n, buckets)
        assert ids[: ends[0]].tolist() == plain_ngrams("first", min_n, max_n, buckets)
        assert len(ids) == ends[2]


def test_ngrams_take_the_memory_of_those_that_exist() -> None:
    def peak(max_n: int) -> int:
        tracemalloc.start()
        hash_words([b"ab"] * 10, 1, max_n, 7)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(1)  # compiles
    assert peak(1000) == pytest.approx(peak(4), abs=4096)


def test_the_hash_is_fnv_with_signed_bytes() -> None:
    assert plain_hash(b"a") == 0xE40C292C  # test vector of the FNV authors
    assert plain_hash(b"foobar") == 0xBF9CF968
    unsigned = (((2166136261 ^ 0xC3) * 16777619 % 2**32) ^ 0xA9) * 16777619 % 2**32
    assert plain_hash("é".encode()) != unsigned


@pytest.fixture
def subwords() -> Subwords:
    return Subwords(np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32), 3, 5)


def test_vectors_are_means_of_ngram_rows(subwords: Subwords) -> None:
    rows = subwords.rows[plain_ngrams("word", 3, 5, 50)]
    np.testing.assert_allclose(subwords.vector("word"), rows.mean(axis=0), rtol=1e-6)
    own = np.ones((2, 4), np.float32)
    known = subwords.known_vectors([b"word", b"</s>"], own)
    np.testing.assert_allclose(known[0], (rows.sum(axis=0) + 1) / (len(rows) + 1), rtol=1e-6)
    np.testing.assert_array_equal(known[1], own[1])  # the end-of-sentence token has no n-grams


def test_own_rows_are_found_from_the_vectors(subwords: Subwords) -> None:
    words, own = [b"word", b"</s>", "é".encode()], np.random.default_rng(2).standard_normal((3, 4), dtype=np.float32)
    np.testing.assert_allclose(subwords.own_rows(words, subwords.known_vectors(words, own)), own, atol=1e-5)


def test_buckets_without_a_row_count_as_zeros(subwords: Subwords) -> None:
    rows = subwords.rows.copy()
    rows[1::2] = 0
    dense = replace(subwords, rows=rows)
    order = 2 * np.random.default_rng(3).permutation(25)
    sparse = replace(subwords, rows=rows[order], used=order, buckets=50)
    np.testing.assert_array_equal(sparse.bucket_rows(15, 25), rows[15:25])
    words = ["word", "word", "", "naïveté", *"abcdefgh"]
    expected, found = dense.vectors(words)
    np.testing.assert_array_equal(sparse.vectors(words)[0], expected)
    assert found.tolist() == sparse.vectors(words)[1].tolist() == expected.any(axis=1).tolist()
    assert set(found[4:].tolist()) == {True, False}
    unknown = words[4 + found[4:].tolist().index(False)]
    assert (dense.vector(unknown), sparse.vector(unknown)) == (None, None)
    assert dense.compact().used is not None
    assert (dense.compact().used == np.arange(0, 50, 2)).all()
    assert sparse.compact() is sparse
    assert subwords.compact() is subwords


def test_vectors_do_not_depend_on_the_block_size(subwords: Subwords, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"word{i}é".encode() for i in range(30)]
    own = np.random.default_rng(1).standard_normal((30, 4), dtype=np.float32)
    whole = subwords.known_vectors(words, own)
    monkeypatch.setattr("word2vec.models.subwords._BLOCK_WORDS", 7)
    monkeypatch.setattr("word2vec.models.subwords._BLOCK_ROWS", 5)
    np.testing.assert_array_equal(subwords.known_vectors(words, own), whole)


def test_word_vectors_use_ngrams_for_unknown_words(subwords: Subwords) -> None:
    table = np.eye(3, 4, dtype=np.float32)
    found = WordVectors(["one", "two", "three"], table, subwords=subwords)
    assert "four" not in found
    np.testing.assert_array_equal(found["four"], subwords.vector("four"))
    np.testing.assert_array_equal(found[["two", "four"]], [table[1], subwords.vector("four")])
    assert found[[]].shape == (0, 4)
    row = subwords.vector("four")
    assert row is not None
    expected = row / np.linalg.norm(row)
    assert dict(found.nearest("four")) == pytest.approx(dict(zip(found.words, expected[:3].tolist(), strict=True)))
    assert found.similarity("two", "four") == pytest.approx(float(expected[1]))
    assert found.odd_one_out(["one", "four", "two"]) in ("one", "four", "two")
    assert len(found.analogy("one", "two", "four")) == 1
    with pytest.raises(KeyError, match="'' has no vector"):
        found[""]  # <> has no n-gram of three characters
