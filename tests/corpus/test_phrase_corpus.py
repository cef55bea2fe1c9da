"""A corpus is rewritten with its phrases as words: on disk and in memory alike, exactly, and once."""

from pathlib import Path

import numpy as np
import pytest

import word2vec
from word2vec.corpus import Corpus, IndexedCorpus, index_corpus, open_corpus, phrase_corpus, save_corpus
from word2vec.corpus.index import PHRASES_FILE
from word2vec.corpus.phrase_corpus import join_phrases, phrases_of, write_text
from word2vec.corpus.phrases import Phrases, PhraseSettings
from word2vec.errors import ConfigError, CorpusError

SETTINGS = PhraseSettings(min_count=2, threshold=1.0, connector_words=("of", "the", "nowhere"))


def sentences(seed: int = 0) -> list[list[str]]:
    """Sentences of random words, among which some phrases are frequent."""
    draw = np.random.default_rng(seed)
    parts = ["new york", "new york times", "bank of the west", "state of", "the", "new_york", "a b", "a", "b c d"]
    parts += [f"word{number}" for number in range(60)]
    return [" ".join(draw.choice(parts, draw.integers(1, 12))).split() for _ in range(400)]


def words_of(corpus: Corpus) -> list[list[str]]:
    words = corpus.vocabulary().words
    return [
        [words[id_] for id_ in corpus.tokens[start:end]]
        for start, end in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)
    ]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{' '.join(sentence)}\n" for sentence in sentences()), encoding="utf-8")
    return path


def test_a_rewritten_corpus_is_the_text_with_joined_phrases(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrase_corpus, "BLOCK_TOKENS", 300)
    joined = join_phrases(index_corpus([text]), SETTINGS, 2)
    assert joined.phrases is not None
    assert len(joined.phrases.passes) == 2
    assert words_of(joined) == [joined.phrases.join(sentence) for sentence in sentences()]
    vocabulary = joined.vocabulary()
    assert {"new_york_times", "bank_of_the_west", "b_c_d"} <= set(vocabulary.words)
    assert vocabulary.counts.tolist() == np.bincount(joined.tokens).tolist()
    ties = list(zip((-vocabulary.counts).tolist(), vocabulary.words, strict=True))
    assert ties == sorted(ties)


def test_a_corpus_in_memory_is_rewritten_like_one_on_disk(text: Path, tmp_path: Path) -> None:
    on_disk = join_phrases(index_corpus([text]), SETTINGS, 2, threads=1)
    in_memory = join_phrases(open_corpus(sentences()), SETTINGS, 2, threads=2)
    assert isinstance(in_memory, word2vec.MemoryCorpus)
    assert on_disk.tokens.tolist() == in_memory.tokens.tolist()
    assert on_disk.vocabulary().words == in_memory.vocabulary().words
    save_corpus(in_memory, tmp_path / "saved")
    saved = IndexedCorpus(tmp_path / "saved")
    assert saved.fingerprint == in_memory.fingerprint
    for phrases in (on_disk.phrases, saved.phrases):
        assert phrases is not None
        assert in_memory.phrases is not None
        assert phrases.to_bytes() == in_memory.phrases.to_bytes()


def test_a_rewritten_index_is_built_once_and_again_if_it_is_damaged(
    text: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = index_corpus([text])
    first = join_phrases(corpus, SETTINGS, 2)
    assert isinstance(first, IndexedCorpus)
    found = phrase_corpus._find
    calls: list[PhraseSettings] = []
    monkeypatch.setattr(phrase_corpus, "_find", lambda *args: calls.append(args[1]) or found(*args))
    again = join_phrases(corpus, SETTINGS, 2)
    assert (again.fingerprint, calls) == (first.fingerprint, [])
    (first.folder / PHRASES_FILE).write_bytes(b"damaged\n")
    assert words_of(join_phrases(corpus, SETTINGS, 2)) == words_of(again)
    assert calls == [SETTINGS]
    assert "building it again" in caplog.text
    other = join_phrases(corpus, PhraseSettings(min_count=3, threshold=1.0), 2)
    assert other.fingerprint != first.fingerprint


def test_a_phrase_spelled_like_a_word_is_that_word(text: Path) -> None:
    corpus = index_corpus([text])
    counts = dict(zip(corpus.vocabulary().words, corpus.vocabulary().counts.tolist(), strict=True))
    assert counts["new_york"] > 0
    joined = join_phrases(corpus, PhraseSettings(min_count=2, threshold=1.0)).vocabulary()
    assert joined.words.count("new_york") == 1
    assert joined.counts[joined.ids["new_york"]] > counts["new_york"]


def test_words_that_are_only_left_in_phrases_are_not_in_the_vocabulary() -> None:
    corpus = open_corpus([["hong", "kong"]] * 5 + [["a"], ["b"]])
    assert join_phrases(corpus, PhraseSettings(min_count=1, threshold=0.1)).vocabulary().words == [
        "hong_kong",
        "a",
        "b",
    ]


def test_find_phrases_accepts_any_source(text: Path) -> None:
    options = {"min_count": 2, "threshold": 1.0, "connector_words": ["of", "the"], "passes": 2}
    expected = phrases_of(index_corpus([text]), PhraseSettings("original", 1.0, 2, ("of", "the")), 2)
    for source in (text, sentences()):
        found = word2vec.find_phrases(source, **options)  # type: ignore[arg-type]
        assert isinstance(found, Phrases)
        assert found.to_bytes() == expected.to_bytes()
    with pytest.raises(ConfigError, match="--passes must be from 1 to 20, not -1"):
        word2vec.find_phrases(text, passes=-1)


def test_a_threshold_that_finds_nothing_is_reported_with_the_best_score(text: Path) -> None:
    corpus = index_corpus([text])
    best = max(phrase.score for _, phrase in phrases_of(corpus, SETTINGS).table())
    with pytest.raises(CorpusError, match=rf"above the threshold 1e\+06; the highest is {best:.4g}; lower"):
        phrases_of(corpus, PhraseSettings("original", 1e6, 2, SETTINGS.connector_words))
    with pytest.raises(CorpusError, match="no pair of words occurs 100000 times"):
        phrases_of(corpus, PhraseSettings(min_count=100_000))


def test_the_rewritten_text_is_written_one_sentence_per_line(text: Path, tmp_path: Path) -> None:
    joined = join_phrases(index_corpus([text]), SETTINGS)
    write_text(joined, tmp_path / "out.txt")
    lines = (tmp_path / "out.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split() for line in lines] == words_of(joined)
