"""Reading an index: its files, its vocabularies, its warnings, and folders that contain none."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.errors import CorpusError


def message(source: Callable[[], object]) -> str:
    """The one-line message of a failure."""
    with pytest.raises(CorpusError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_vocabulary_is_a_prefix_of_all_words(tmp_path: Path) -> None:
    draw = random.Random(0)
    path = tmp_path / "text"
    path.write_text(" ".join(str(int(draw.paretovariate(0.7))) for _ in range(5000)))
    corpus = index_corpus([path])
    everything = corpus.vocabulary()
    for min_count in (1, 2, 3, 50):
        for max_size in (None, 2, 10, 10**6):
            expected = everything.prefix(min_count, max_size)
            found = corpus.vocabulary(min_count, max_size)
            assert found.words == expected.words
            assert found.counts.tolist() == expected.counts.tolist()
    top = everything.counts[0]
    error = message(lambda: corpus.vocabulary(6000))
    assert f"0 words with min_count 6000 (the most frequent word, {everything.words[0]!r}, has count {top})" in error


def test_facts_describe_the_corpus(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a b a\nc\n")
    built = index_corpus([path], lowercase=True)
    corpus = IndexedCorpus(built.folder)
    assert (corpus.facts.words, corpus.facts.sentences, corpus.facts.distinct_words) == (4, 2, 3)
    assert corpus.facts.lowercase
    assert corpus.fingerprint == built.fingerprint == corpus.folder.name
    np.testing.assert_array_equal(corpus.tokens, [0, 1, 0, 2])
    np.testing.assert_array_equal(corpus.offsets, [0, 3, 4])


def test_warnings_count_what_was_replaced_or_ignored(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"caf\xe9 ol\xe9 " + b"x" * (MAX_WORD_BYTES + 1))
    (tmp_path / "b").write_bytes(b"\xff plain")
    corpus = index_corpus([tmp_path / "a", tmp_path / "b"])
    assert set(corpus.vocabulary().words) == {"caf\ufffd", "ol\ufffd", "\ufffd", "plain"}
    assert corpus.warnings == [
        "3 byte sequences were not valid UTF-8; replaced by U+FFFD",
        "1 words were longer than 1,024 bytes; ignored",
    ]


def test_folder_without_an_index(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert message(partial(IndexedCorpus, folder)).startswith(
            f"{folder}: the corpus index is incomplete or corrupt"
        )
