"""Find the phrases of a corpus, and rewrite the corpus with each phrase as a word.

A corpus on disk is rewritten to an index in the cache, named by a digest of the fingerprint of the corpus and of the
settings, so the next run and other processes of the machine open it; a corpus in memory is rewritten in memory. Words
are ranked by their new counts. Sentences are those of the corpus, so a line of more than 1,000 words is cut, and no
phrase crosses a cut.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from word2vec.corpus.base import Corpus
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import build_index, existing_index, write_encoded
from word2vec.corpus.memory import MemoryCorpus, collect
from word2vec.corpus.phrase_counts import Links, PairCounts, check_counts, count_pairs, find_links, make_table, score
from word2vec.corpus.phrase_kernels import LINK_SHIFT, join_pairs
from word2vec.corpus.phrases import Phrase, Phrases, PhraseSettings, Words
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.corpus.word_counts import RankedWords
from word2vec.errors import CorpusError
from word2vec.system.atomic_files import atomic_path
from word2vec.system.cache import cache_folder
from word2vec.system.processors import usable_processors

BLOCK_TOKENS = 1 << 22  # about how many ids are rewritten at a time
KEY = "phrases 1"  # part of the names of indexes; increase the number if other phrases would be joined

Encoded = Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class _Found:
    """The phrases of one pass over a corpus, best score first.

    Attributes:
        vocabulary: All words of the corpus.
        links: Its connector words.
        pairs: The pairs that are phrases.
        words: (P) The words of each phrase.
        scores: (P,) The score of each.
    """

    vocabulary: Vocabulary
    links: Links
    pairs: PairCounts
    words: Sequence[Words]
    scores: npt.NDArray[np.float64]

    @property
    def phrases(self) -> dict[Words, Phrase]:
        """The phrases as part of a model."""
        return {
            words: Phrase(count, score)
            for words, count, score in zip(self.words, self.pairs.counts.tolist(), self.scores.tolist(), strict=True)
        }


def phrases_of(
    corpus: Corpus,
    settings: PhraseSettings,
    passes: int = 1,
    *,
    threads: int | None = None,
    cache: Path | None = None,
) -> Phrases:
    """Find the phrases of a corpus.

    Args:
        corpus: The corpus.
        settings: The settings of all passes.
        passes: The number of passes; each reads the corpus with the phrases of those before it joined.
        threads: The number of threads; all processors by default. The result does not depend on it.
        cache: The cache folder for rewritten indexes; `system.cache.cache_folder()` by default.

    Raises:
        CorpusError: No pair has a score above the threshold, or the corpus cannot be rewritten.
    """
    if passes > 1:
        corpus = join_phrases(corpus, settings, passes - 1, threads=threads, cache=cache)
    return _extended(corpus.phrases, settings, _find(corpus, settings, threads))


def join_phrases(
    corpus: Corpus,
    settings: PhraseSettings,
    passes: int = 1,
    *,
    threads: int | None = None,
    cache: Path | None = None,
    verified: bool = False,
) -> Corpus:
    """Rewrite a corpus with its phrases as words; `phrases` of the result is the model.

    Args:
        corpus: The corpus.
        settings: The settings of all passes.
        passes: The number of passes.
        threads: The number of threads; all processors by default. The result does not depend on it.
        cache: The cache folder for rewritten indexes; `system.cache.cache_folder()` by default.
        verified: Whether another process of this machine has just opened the rewritten index.

    Raises:
        CorpusError: No pair has a score above the threshold, or the index cannot be written.
    """
    for _ in range(passes):
        corpus = _joined_once(corpus, settings, threads or usable_processors(), cache or cache_folder(), verified)
    return corpus


def _joined_once(corpus: Corpus, settings: PhraseSettings, threads: int, cache: Path, verified: bool) -> Corpus:
    if isinstance(corpus, MemoryCorpus):
        found = _find(corpus, settings, threads)
        table = _PhraseTable(found, settings.delimiter, corpus.report)
        rewritten = collect(table.encoded(corpus), table, lowercase=corpus.lowercase, report=replace(corpus.report))
        rewritten.phrases = _extended(corpus.phrases, settings, found)
        return rewritten
    assert isinstance(corpus, IndexedCorpus)  # noqa: S101 (there are no others)
    digest = hashlib.sha256(f"{KEY} {corpus.fingerprint} {settings.text}".encode()).hexdigest()[:32]
    folder = cache / "indexes" / digest
    existing = existing_index(folder, verified)
    if existing is not None and existing.phrases is not None:
        return existing
    found = _find(corpus, settings, threads)
    phrases = _extended(corpus.phrases, settings, found)

    def write(work: Path) -> None:
        table = _PhraseTable(found, settings.delimiter, corpus.report)
        write_encoded(
            work, table, table.encoded(corpus), corpus.report, corpus.facts.lowercase, threads, phrases=phrases
        )

    build_index(folder, write)
    return IndexedCorpus(folder)


def write_text(corpus: Corpus, path: Path) -> None:
    """Write the words of a corpus to a text file, one sentence per line; an existing file is replaced at the end.

    Raises:
        Word2VecError: The file cannot be written.
    """
    words = np.array(corpus.vocabulary().words, object)  # (V,)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for start, end in pairwise(corpus.offsets.tolist()):
            if end > start:
                file.write(" ".join(words[corpus.tokens[start:end]]) + "\n")


def _extended(earlier: Phrases | None, settings: PhraseSettings, found: _Found) -> Phrases:
    """Return the phrases of earlier passes and of one more."""
    return (earlier or Phrases(settings, ())).with_pass(found.phrases)


def _find(corpus: Corpus, settings: PhraseSettings, threads: int | None) -> _Found:
    """Find the phrases of one pass."""
    vocabulary = corpus.vocabulary()
    check_counts(corpus.tokens, vocabulary.counts)
    is_connector = np.zeros(len(vocabulary), np.bool_)
    is_connector[[vocabulary.ids[word] for word in settings.connector_words if word in vocabulary]] = True
    links = find_links(corpus.tokens, corpus.offsets, is_connector)
    counts = np.where(is_connector, 0, vocabulary.counts)
    pairs = count_pairs(corpus.tokens, corpus.offsets, counts, links, settings.min_count, threads)
    distinct = int(np.count_nonzero(counts)) + pairs.distinct
    scores = score(pairs, counts, settings, distinct, len(corpus.tokens))
    above = np.flatnonzero(scores > settings.above)
    earlier = 0 if corpus.phrases is None else len(corpus.phrases.passes)
    if not len(above) and not earlier:
        raise _nothing_found(settings, scores)
    above = above[np.argsort(-scores[above], kind="stable")]
    logger.info("pass %d: %s phrases of %s pairs", earlier + 1, f"{len(above):,}", f"{pairs.distinct:,}")
    chosen, words = pairs[above], vocabulary.words
    between = {link: links.words_of(link) for link in np.unique(chosen.link).tolist()}
    named = [
        (words[first], *(words[each] for each in between[link]), words[second])
        for first, link, second in zip(chosen.first.tolist(), chosen.link.tolist(), chosen.second.tolist(), strict=True)
    ]
    return _Found(vocabulary, links, chosen, named, scores[above])


def _nothing_found(settings: PhraseSettings, scores: npt.NDArray[np.float64]) -> CorpusError:
    if not len(scores):
        return CorpusError(
            f"no phrases: no pair of words occurs {settings.min_count} times; lower the minimum count of phrases, or "
            "use more text"
        )
    return CorpusError(
        f"no phrases: no pair of words has a score above the threshold {settings.above:g}; the highest is "
        f"{scores.max():.4g}; lower the threshold"
    )


class _PhraseTable:
    """Rewrites a corpus, and counts its words; a `Table` of memory.py."""

    def __init__(self, found: _Found, delimiter: str, report: ReadReport) -> None:
        self.long_words, self.empty_tokens = report.long_words, report.empty_tokens
        pairs, vocabulary = found.pairs, found.vocabulary
        self._links = found.links
        self._begins = np.zeros(len(vocabulary), np.bool_)
        self._begins[pairs.first] = True
        # subtle: a phrase may be spelled like a word of the text, or like another phrase, and is the same word then
        self._ids = dict(vocabulary.ids)
        joined = [self._ids.setdefault(delimiter.join(words), len(self._ids)) for words in found.words]
        rows = np.stack(
            [(pairs.first << LINK_SHIFT) + pairs.second + 1, pairs.link, np.array(joined, np.int64)], axis=1
        )
        self._phrases = make_table(len(rows) + 1, rows)
        self._counts = np.zeros(len(self._ids), np.int64)

    def encoded(self, corpus: Corpus) -> Encoded:
        """Yield the ids of blocks of sentences, and for each sentence the number of ids of its block before its end."""
        offsets = corpus.offsets
        borders = np.searchsorted(offsets, np.arange(0, len(corpus.tokens), BLOCK_TOKENS))
        for first, last in pairwise([*np.unique(borders).tolist(), len(offsets) - 1]):
            ids = np.empty(int(offsets[last] - offsets[first]), np.int32)
            ends = np.empty(last - first, np.int64)
            size = join_pairs(
                corpus.tokens, offsets, first, last, self._links.is_connector, self._links.table, self._begins,
                self._phrases, ids, ends,
            )  # fmt: skip
            self._counts += np.bincount(ids[:size], minlength=len(self._counts))
            yield ids[:size], ends

    def by_frequency(self) -> RankedWords:
        """Return the words, most frequent first; those that are only left in phrases are not among them."""
        words = list(self._ids)
        order = np.array(sorted(range(len(words)), key=words.__getitem__), np.int64)
        order = order[np.argsort(-self._counts[order], kind="stable")]
        rank = np.empty(len(words), np.int32)
        rank[order] = np.arange(len(words), dtype=np.int32)
        order = order[: np.count_nonzero(self._counts)]
        return RankedWords([words[each].encode() for each in order.tolist()], self._counts[order], rank)
