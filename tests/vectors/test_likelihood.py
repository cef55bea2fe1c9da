"""Probabilities under hierarchical softmax by enumeration, likelihoods by gensim, and files that keep the nodes."""

import math
from pathlib import Path

import numpy as np
import pytest
from gensim.models import Word2Vec

from word2vec.errors import UnknownWordError, Word2VecError
from word2vec.sampling.huffman import HuffmanTree
from word2vec.vectors import WordVectors

WORDS = ["the", "of", "a", "cat", "dog", "red", "blue"]
COUNTS = [20, 9, 9, 4, 3, 3, 1]
FORMATS = {"run": "run", "safetensors": "v.safetensors", "npz": "v.npz"}


def make_vectors(dim: int = 5) -> WordVectors:
    draw = np.random.default_rng(0)
    vectors, nodes = (draw.normal(size=(7, dim)) for _ in range(2))
    return WordVectors(WORDS, vectors, counts=COUNTS, nodes=nodes)


@pytest.mark.parametrize("context", ["red", ["red"], ["cat", "the", "cat"]])
def test_probabilities_sum_to_one(context: str | list[str]) -> None:
    vectors = make_vectors()
    probabilities = [vectors.probability(word, context) for word in WORDS]
    assert sum(probabilities) == pytest.approx(1, abs=1e-12)
    assert min(probabilities) > 0
    assert len({round(p, 9) for p in probabilities}) == 7


def test_likelihoods_sum_the_probabilities_of_all_pairs_or_windows() -> None:
    vectors, sentence = make_vectors(), ["the", "cat", "unknown", "of", "a", "dog"]
    known = [word for word in sentence if word != "unknown"]
    windows = {place: known[max(0, place - 2) : place] + known[place + 1 : place + 2] for place in range(5)}
    pairs = [math.log(vectors.probability(known[place], one)) for place, all_ in windows.items() for one in all_]
    means = [math.log(vectors.probability(known[place], all_)) for place, all_ in windows.items()]
    assert vectors.log_likelihood(sentence, (2, 1)) == pytest.approx(sum(pairs), rel=1e-6)
    assert vectors.log_likelihood(sentence, (2, 1), "cbow") == pytest.approx(sum(means), rel=1e-6)
    assert vectors.log_likelihood([]) == vectors.log_likelihood(["cat"]) == vectors.log_likelihood(["unknown"]) == 0


@pytest.mark.parametrize("sg", [0, 1])
def test_likelihoods_are_those_of_gensim(sg: int) -> None:
    draw = np.random.default_rng(0)
    theirs = Word2Vec(vector_size=8, min_count=1, hs=1, negative=0, sg=sg, window=3)
    counts = [50, 29, 23, 11, 7, 5, 1]  # without ties, so that the codes are the same
    theirs.build_vocab_from_freq(dict(zip(WORDS, counts, strict=True)))
    theirs.wv.vectors[:], theirs.syn1[:] = draw.normal(size=(7, 8)), draw.normal(size=(7, 8)) / 4
    nodes = np.concatenate([theirs.syn1[5::-1], np.zeros((1, 8))])  # which gensim numbers from the leaves
    ours = WordVectors(WORDS, theirs.wv.vectors, counts=counts, nodes=nodes)
    # not of a single word, for which gensim scores an undefined mean
    sentences = [["a", "zebra", *draw.choice(WORDS, length)] for length in (1, 3, 12)]
    for sentence, expected in zip(sentences, theirs.score(sentences, len(sentences)), strict=True):
        found = ours.log_likelihood(sentence, 3, ["cbow", "skipgram"][sg])
        known = [WORDS.index(word) for word in sentence if word != "zebra"]
        inputs = [min(len(known), place + 4) - max(0, place - 3) - 1 for place in range(len(known))]
        lengths = HuffmanTree.of(np.array(counts)).lengths[known]
        scores = np.dot(lengths, inputs if sg else np.sign(inputs))
        # gensim looks the logarithms, 0.7 on average, up in a table, and rounds the scores down by up to 0.04
        assert -1e-3 <= found - expected <= 0.03 * scores
        assert scores == 0 or found < -0.3 * scores


@pytest.mark.parametrize("name", FORMATS)
def test_files_keep_the_nodes_and_a_part_of_the_words_has_none(name: str, tmp_path: Path) -> None:
    vectors, path = make_vectors(), tmp_path / FORMATS[name]
    vectors.save(path)
    loaded = WordVectors.load(path)
    assert loaded.output is None
    assert loaded.nodes is not None
    np.testing.assert_array_equal(loaded.nodes, vectors.nodes)
    assert loaded.probability("cat", "dog") == vectors.probability("cat", "dog")
    assert WordVectors.load(path, 7).nodes is not None
    with pytest.raises(Word2VecError, match="load all words"):
        WordVectors.load(path, 6).probability("cat", "dog")


def test_mistakes_are_reported() -> None:
    vectors = make_vectors()
    other = WordVectors(WORDS, vectors.vectors, counts=COUNTS, output=vectors.vectors)
    with pytest.raises(Word2VecError, match="train with --objective hierarchical-softmax"):
        other.probability("cat", "dog")
    with pytest.raises(UnknownWordError, match="horse"):
        vectors.probability("cat", "horse")
    with pytest.raises(Word2VecError, match="no context word"):
        vectors.probability("cat", [])
    with pytest.raises(Word2VecError, match="'the cat' is not a list of words"):
        vectors.log_likelihood("the cat")
    with pytest.raises(Word2VecError, match=r"\['the', 'cat'\] is not a word"):
        vectors.log_likelihood([["the", "cat"]])  # type: ignore[list-item]
    with pytest.raises(UnknownWordError, match="horse"):
        vectors.probability("horse", "cat")
    with pytest.raises(Word2VecError, match="no probabilities"):
        other.log_likelihood([])
    with pytest.raises(Word2VecError, match="use skipgram or cbow"):
        vectors.log_likelihood(["the", "cat"], model="glove")
    with pytest.raises(Word2VecError, match="pass counts"):
        WordVectors(WORDS, vectors.vectors, nodes=vectors.nodes)
    with pytest.raises(Word2VecError, match="not in descending order"):
        WordVectors(WORDS, vectors.vectors, counts=COUNTS[::-1], nodes=vectors.nodes).probability("cat", "dog")
