"""The torchtext adapter, compared with torchtext itself where it is installed (`make torchtext`)."""

import sys
import warnings
from types import ModuleType

import numpy as np
import pytest

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import Word2VecError
from word2vec.vectors.torchtext import to_vectors, to_vocab
from word2vec.vectors.word_vectors import WordVectors

WORDS = ["the", "array", "of", "zebra"]
COUNTS = [9, 4, 4, 1]
SENTENCES = [word for word, count in zip(WORDS, COUNTS, strict=True) for _ in range(count)]


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(WORDS, np.random.default_rng(0).standard_normal((4, 3)), counts=COUNTS)


@pytest.fixture
def torchtext() -> ModuleType:
    """The module torchtext.vocab; skip if it is not installed or incompatible with the installed torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing it warns that it is no longer developed
        try:
            import torchtext.vocab
        except (ImportError, OSError):
            pytest.skip("torchtext is not installed here; run 'make torchtext'")
    return torchtext.vocab


@pytest.mark.parametrize("specials", [[], ["<unk>"], ["<unk>", "<pad>", "<bos>"]])
def test_vocab_equals_the_one_built_by_torchtext(
    torchtext: ModuleType, vectors: WordVectors, specials: list[str]
) -> None:
    expected = torchtext.build_vocab_from_iterator([[word] for word in reversed(SENTENCES)], specials=specials)
    for known in (vectors, Vocabulary(WORDS, COUNTS)):
        vocab = to_vocab(known, specials=specials)
        assert isinstance(vocab, torchtext.Vocab)
        assert vocab.get_itos() == expected.get_itos() == [*specials, *WORDS]


def test_ties_are_sorted_alphabetically_as_in_torchtext(torchtext: ModuleType) -> None:
    known = WordVectors(["b", "c", "a"], np.eye(3), counts=[2, 5, 2])
    assert to_vocab(known, specials=[]).get_itos() == ["c", "a", "b"]
    assert to_vocab(WordVectors(["b", "c", "a"], np.eye(3)), specials=[]).get_itos() == ["b", "c", "a"]
    assert to_vocab(WordVectors(["b", "c"], np.eye(2), counts=[3, 0]), specials=[]).get_itos() == ["b", "c"]


def test_unknown_words_become_the_first_special(torchtext: ModuleType, vectors: WordVectors) -> None:
    vocab = to_vocab(vectors, specials=["<pad>", "<unk>"])
    assert vocab(["the", "unknown", "zebra"]) == [2, 0, 5]
    with pytest.raises(RuntimeError):
        to_vocab(vectors, specials=[])(["unknown"])


def test_a_special_token_that_is_a_word_occurs_once(torchtext: ModuleType, vectors: WordVectors) -> None:
    assert to_vocab(vectors, specials=["of"]).get_itos() == ["of", "the", "array", "zebra"]


def test_lookup_agrees_with_torchtext(torchtext: ModuleType, vectors: WordVectors, tmp_path) -> None:
    vectors.save(tmp_path / "v.txt")
    expected = torchtext.Vectors("v.txt", cache=str(tmp_path))
    converted = to_vectors(vectors)
    assert isinstance(converted, torchtext.Vectors)
    assert (converted.itos, converted.stoi) == (expected.itos, expected.stoi)
    assert (converted.dim, len(converted)) == (expected.dim, len(expected))
    tokens = ["zebra", "unknown", "the", "Array"]
    for lower in (False, True):
        found = converted.get_vecs_by_tokens(tokens, lower_case_backup=lower)
        np.testing.assert_array_equal(found, expected.get_vecs_by_tokens(tokens, lower_case_backup=lower))
    np.testing.assert_array_equal(converted["of"], vectors["of"])
    converted.vectors[:] = 0
    assert vectors.vectors.any()


def test_vocab_and_vectors_together_fill_an_embedding(torchtext: ModuleType, vectors: WordVectors) -> None:
    vocab = to_vocab(vectors, specials=["<unk>", "<pad>"])
    table = to_vectors(vectors).get_vecs_by_tokens(vocab.get_itos()).numpy()
    assert not table[:2].any()
    for word in WORDS:
        np.testing.assert_array_equal(table[vocab[word]], vectors[word])


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'torchtext'"), OSError("Could not load this library\n!")]
)
def test_torchtext_that_cannot_be_imported_is_reported(
    vectors: WordVectors, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name.startswith("torchtext"):
                raise error

    for name in [name for name in sys.modules if name.split(".")[0] == "torchtext"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    for adapt in (to_vocab, to_vectors):
        with pytest.raises(Word2VecError, match="torchtext cannot be loaded") as caught:
            adapt(vectors)
        assert str(error).splitlines()[0] in str(caught.value)
        assert "pip install 'word2vec-fused[torchtext]'" in str(caught.value)
        assert "\n" not in str(caught.value)
