"""Training with phrases: they are words of the vectors, kept with them, and joined in documents and when resuming."""

from pathlib import Path

import numpy as np
import pytest

import word2vec
from word2vec.config import TrainConfig
from word2vec.corpus import Phrases
from word2vec.corpus.phrases import Phrase, PhraseSettings
from word2vec.errors import ConfigError
from word2vec.formats.run import CHECKPOINT_FILE
from word2vec.training import train
from word2vec.training.distributed import ProcessGroup
from word2vec.training.source import CORPUS_FOLDER, CorpusSource
from word2vec.vectors.documents import DocumentVectorizer

SMALL = {"dim": 8, "epochs": 2, "min_count": 1, "threads": 1, "validation": 0.0, "negatives": 2}
PHRASES = {"phrases": 2, "phrase_threshold": 1.0, "phrase_min_count": 2, "connector_words": "of"}


def sentences() -> list[list[str]]:
    draw = np.random.default_rng(0)
    parts = ["new york times", "new york", "bank of america", *(f"word{number}" for number in range(30))]
    return [" ".join(draw.choice(parts, 8)).split() for _ in range(60)]


def test_vectors_have_phrases_and_documents_join_them(tmp_path: Path) -> None:
    vectors = train(sentences(), tmp_path / "run", **SMALL, **PHRASES)
    loaded = word2vec.load(tmp_path / "run")
    assert isinstance(loaded, word2vec.WordVectors)
    for each in (vectors, loaded):
        assert isinstance(each.phrases, Phrases)
        assert {"new_york", "new_york_times", "bank_of_america"} <= set(each.words)
        documents = DocumentVectorizer(each).fit([])
        found = documents.transform(["new york times of", "bank of america new york"])
        expected = [each["new_york_times"], each[["bank_of_america", "new_york"]].mean(axis=0)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    rest = word2vec.WordVectors(["new", "york"], np.eye(2), phrases=vectors.phrases)  # a phrase without a vector
    np.testing.assert_allclose(DocumentVectorizer(rest).fit([]).transform(["new york"]), [[0.5, 0.5]])
    assert rest.unrefined().phrases is vectors.phrases
    assert word2vec.combine([vectors, loaded]).phrases is vectors.phrases
    assert word2vec.combine([vectors, rest], vocabulary="united").phrases is vectors.phrases
    assert word2vec.combine([vectors, word2vec.WordVectors(["new_york", "a"], np.eye(2))]).phrases is None


def test_the_phrases_of_files_and_of_sequences_train_the_same_vectors(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{' '.join(sentence)}\n" for sentence in sentences()), encoding="utf-8")
    of_files, of_sequences = (train(corpus, **SMALL, **PHRASES) for corpus in (str(text), sentences()))
    assert of_files.words == of_sequences.words
    np.testing.assert_array_equal(of_files.vectors, of_sequences.vectors)


def test_an_unfinished_run_keeps_its_rewritten_corpus_and_resumes_with_the_same_phrases(tmp_path: Path) -> None:
    whole = train(sentences(), **SMALL, **PHRASES)
    run = tmp_path / "run"
    with pytest.raises(RuntimeError, match="stopped"):
        train(sentences(), run, callbacks=[stop], **SMALL, **PHRASES)
    assert (run / CORPUS_FOLDER).is_dir()
    assert (run / CHECKPOINT_FILE).exists()
    with pytest.raises(ConfigError, match="--phrases was 2, not 1"):
        train(None, run, resume=True, **{**SMALL, **PHRASES, "phrases": 1})
    resumed = train(None, run, resume=True, **SMALL, **PHRASES)
    np.testing.assert_array_equal(resumed.vectors, whole.vectors)
    assert resumed.phrases is not None
    assert whole.phrases is not None
    assert resumed.phrases.to_bytes() == whole.phrases.to_bytes()


def stop(_: object) -> bool:
    """A callback that fails after the first epoch."""
    raise RuntimeError("stopped")


def test_all_processes_of_a_machine_see_the_same_phrases(topics_file: Path) -> None:
    config = TrainConfig(corpus=(str(topics_file),), phrases=1, phrase_threshold=0.01)
    first, second = (
        CorpusSource().open(config, None, ProcessGroup(local_rank=rank, local_size=2), False) for rank in (0, 1)
    )
    assert first.phrases is not None
    assert second.phrases is not None
    assert len(first.phrases) > 0
    assert (first.fingerprint, first.phrases.to_bytes()) == (second.fingerprint, second.phrases.to_bytes())


def test_formats_without_phrases_give_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    phrases = Phrases(PhraseSettings(), [{("new", "york"): Phrase(9, 20.0)}])
    vectors = word2vec.WordVectors(["new_york", "in"], np.eye(2), phrases=phrases)
    vectors.save(tmp_path / "v.npz")
    assert not caplog.records
    vectors.save(tmp_path / "v.txt")
    assert "phrases are not saved" in caplog.text
