"""gensim's `Phrases` on this package: the same counts, phrases and scores, and files without pickle."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec.compat.gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrases
from word2vec.errors import ConfigError, FormatError


def sentences() -> list[list[str]]:
    """Sentences of random words, one of them longer than sentences of an indexed corpus."""
    draw = np.random.default_rng(0)
    words = ["of", "the", "", "a_b", *(f"w{number}" for number in range(50))]
    return [draw.choice(words, size).tolist() for size in (0, 1, 2, 1500, *draw.integers(0, 30, 200))]


def joined_count(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):  # type: ignore[no-untyped-def]
    return float(bigram_count)


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 1.5, "min_count": 1},
        {"threshold": 0.3, "min_count": 2, "connector_words": ENGLISH_CONNECTOR_WORDS},
        {"threshold": 0.1, "min_count": 1, "scoring": "npmi", "delimiter": " "},
        {"threshold": 3, "scoring": joined_count},
    ],
)
def test_counts_phrases_and_scores_are_those_of_gensim(options: dict[str, Any]) -> None:
    theirs = pytest.importorskip("gensim.models.phrases").Phrases(sentences()[:-50], **options)
    mine = Phrases(sentences()[:-50], **options)
    for model in (theirs, mine):
        model.add_vocab(iter(sentences()[-50:]))
    assert mine.vocab == theirs.vocab
    assert mine.corpus_word_count == theirs.corpus_word_count
    assert mine.export_phrases() == theirs.export_phrases() != {}
    text = [[word for word in sentence if word] for sentence in sentences()]  # gensim loses empty words
    assert mine.find_phrases(text) == theirs.find_phrases(text) != {}
    assert list(mine[text]) == list(theirs[text])
    assert mine.freeze()[text[3]] == theirs.freeze()[text[3]]


def test_models_are_saved_without_pickle(tmp_path: Path) -> None:
    model = Phrases(sentences(), threshold=1.2, min_count=1, connector_words=["of"])
    path = tmp_path / "model"
    for each, kind in ((model, Phrases), (model.freeze(), FrozenPhrases)):
        each.save(path)
        assert path.read_bytes().startswith(b"{")
        loaded = kind.load(path)
        assert type(loaded) is kind
        assert vars(loaded) == vars(each)
        assert loaded[sentences()[3]] == model[sentences()[3]]
    Phrases(sentences(), threshold=3, scoring=joined_count).save(path)
    with pytest.raises(ConfigError, match="a scoring function of its own; pass it"):
        Phrases.load(path)
    assert Phrases.load(path, scoring=joined_count).scoring is joined_count


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({}), "a pickle, which could run code"),
        (b"{}", "not a model that Phrases.save wrote"),
        (b"[1", "not a model that Phrases.save wrote"),
        (b'{"format": "word2vec-gensim-phrases", "version": 2, "class": "Phrases", "scorer": null, "attributes": {}}',
         "has version 2"),
        (b'{"format": "word2vec-gensim-phrases", "version": 1, "class": "Phrases", "scorer": null, '
         b'"attributes": {"vocab": 3}}', "damaged"),
    ],
)  # fmt: skip
def test_other_files_are_rejected(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        Phrases.load(tmp_path / "model")
