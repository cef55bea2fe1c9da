"""The language model probe on a small text, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import TOPICS, topic_text
from word2vec.errors import CorpusError, Word2VecError
from word2vec.evaluation.probes import LanguageModelResult, probe_language_model
from word2vec.vectors.word_vectors import WordVectors

WORDS = [word for words in TOPICS.values() for word in words]


def topic_vectors(words: list[str] = WORDS) -> WordVectors:
    topics = np.repeat(np.eye(3), 6, axis=0)  # (18, 3)
    return WordVectors(words, topics + 0.01 * np.random.default_rng(0).normal(size=(18, 3)))


def probe(corpus: object, **settings: object) -> LanguageModelResult:
    given = {"layers": 1, "hidden": 16, "dropout": 0.0, "bptt": 6, "batch_size": 16, "epochs": 1, "seeds": 2}
    return probe_language_model(topic_vectors(), corpus, **given | settings)  # type: ignore[arg-type]


def test_vectors_lower_the_perplexity(topics_file: Path, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    result = probe(str(topics_file), output=tmp_path / "models")
    assert torch.equal(torch.random.get_rng_state(), before)
    frozen, tuned, random = result.scores
    assert [each.init for each in result.scores] == ["frozen", "fine-tuned", "random"]
    assert max(frozen.test) < min(random.test)
    assert max(tuned.test) < min(random.test)
    change = result.change(frozen)
    assert change is not None
    assert change[0] < 0
    assert result.change(random) is None
    # a word is one of six of its topic, except at the start of a sentence
    assert 6 < result.trigram < min(random.test) + 4
    assert result.words == (5400, 300, 300)
    assert (result.vocabulary, result.unknown) == (19, 0)
    assert result.covered == 1
    assert set(result.samples["frozen"].split()) <= set(WORDS)
    assert len(list((tmp_path / "models").glob("*-[12].safetensors"))) == 6
    again = probe(str(topics_file), inits=("frozen",), seeds=1)
    assert again.scores[0].test == frozen.test[:1]


def test_words_outside_the_vocabulary_are_unknown() -> None:
    sentences = [line.split() for line in topic_text(300).splitlines()]
    sentences[3].append("platypus")
    result = probe(sentences, inits=("random",), seeds=1, cell="rnn")
    assert result.vocabulary == 19
    cut = probe(sentences, inits=("random",), seeds=1, max_vocab=15)
    assert cut.vocabulary == 15
    assert 0.1 < cut.unknown < 0.4


def test_unusable_texts_are_refused(topics_file: Path) -> None:
    with pytest.raises(CorpusError, match="one batch has 6,000; use more text"):
        probe(str(topics_file), batch_size=1000)
    with pytest.raises(CorpusError, match="too few for a language model"):
        probe([[str(number) for number in range(400)]])
    with pytest.raises(Word2VecError, match="none of the 19 words of the text has a vector"):
        probe_language_model(topic_vectors([word.upper() for word in WORDS]), str(topics_file))
