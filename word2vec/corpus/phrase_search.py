"""find_phrases: the function that users call to find the phrases of any source of text or tokens."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from word2vec.config import check_phrase_passes
from word2vec.corpus.opening import Tokenizer, open_corpus
from word2vec.corpus.phrases import Phrases, PhraseSettings, as_connector_words


def find_phrases(
    source: Any,
    *,
    passes: int = 1,
    scoring: str = "original",
    threshold: float | None = None,
    min_count: int = 5,
    connector_words: str | Iterable[str] | None = None,
    delimiter: str = "_",
    lowercase: bool = False,
    tokenizer: Tokenizer | None = None,
    column: str | None = None,
    threads: int | None = None,
    cache: Path | None = None,
    progress: bool = False,
) -> Phrases:
    """Find frequent phrases, such as new_york.

        phrases = word2vec.find_phrases("text8", passes=2)
        phrases.join("the mayor of new york".split())  # ['the', 'mayor', 'of', 'new_york']

    Args:
        source: Files, or sequences of tokens or texts in memory; see `word2vec.open_corpus`.
        passes: The number of passes; each can join the phrases of those before it to longer ones.
        scoring: "original", the score of word2vec.c, or "npmi".
        threshold: Pairs of words with a higher score are joined; None for 10, or 0.5 for NPMI.
        min_count: Pairs that occur fewer times are ignored.
        connector_words: Words that may be inside a phrase: "none", "english", words separated by spaces, or a list.
        delimiter: The text between the words of a phrase.
        lowercase: Whether to lowercase the text.
        tokenizer: How texts are split.
        column: The column of a table that contains the text.
        threads: The number of threads; all processors by default. The result does not depend on it.
        cache: The cache folder; `system.cache.cache_folder()` by default.
        progress: Whether to draw a progress bar on stderr.

    Raises:
        ConfigError: A setting is out of range.
        CorpusError: The source cannot be read, or no pair has a score above the threshold.
    """
    check_phrase_passes(passes)
    settings = PhraseSettings(scoring, threshold, min_count, as_connector_words(connector_words), delimiter)
    corpus = open_corpus(
        source,
        lowercase=lowercase,
        tokenizer=tokenizer,
        column=column,
        threads=threads,
        cache=cache,
        progress=progress,
    )
    from word2vec.corpus.phrase_corpus import phrases_of  # numba is loaded only when something is counted

    return phrases_of(corpus, settings, passes, threads=threads, cache=cache)
