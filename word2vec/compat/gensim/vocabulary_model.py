"""VocabularyModel: the half of `Word2Vec` that counts words, chooses the vocabulary and creates its vectors."""

import logging
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from word2vec.compat.gensim.counting import Counts, Sentences, TrimRule, check_corpus, count_words, select_words
from word2vec.compat.gensim.errors import NotReadyError
from word2vec.compat.gensim.models.keyedvectors import KeyedVectors
from word2vec.corpus.vocabulary import Vocabulary

_log = logging.getLogger("word2vec")


class VocabularyModel:
    """A vocabulary with its vectors and output table.

    Args:
        vector_size: D, the number of dimensions.
        min_count: Ignore words that occur fewer times than this.
        max_vocab_size: Count only this many words, the most frequent ones; None for all.
        max_final_vocab: Raise `min_count` until at most this many words remain; None for no limit.
        sample: Subsampling threshold for frequent words.
        seed: Random seed.
        hs: Whether the rows of the output table belong to nodes of a Huffman tree, for hierarchical softmax.
        trim_rule: Decides about each word; see `counting.TrimRule`.

    Attributes:
        wv: The keyed vectors: words, vectors and counts; rows are sorted by frequency.
        output: (V, D) the output table, or None before a vocabulary is built.
        corpus_count: Sentences of the corpus that the vocabulary was built from.
        corpus_total_words: Its words.
        raw_vocab: The counts of all its words, until a vocabulary is chosen from them.
        effective_min_count: `min_count`, or the larger number that `max_final_vocab` requires.
    """

    def __init__(
        self,
        vector_size: int,
        min_count: int,
        max_vocab_size: int | None,
        max_final_vocab: int | None,
        sample: float,
        seed: int,
        hs: int,
        trim_rule: TrimRule | None,
    ) -> None:
        self.vector_size = self.layer1_size = int(vector_size)
        self.min_count, self.max_vocab_size, self.max_final_vocab = min_count, max_vocab_size, max_final_vocab
        self.sample, self.seed, self.hs, self.trim_rule = sample, seed, hs, trim_rule
        self.wv = self.empty_vectors()
        self.output: NDArray[np.float32] | None = None
        self.raw_vocab: dict[Any, int] = {}
        self.effective_min_count = min_count
        self.corpus_count = self.corpus_total_words = 0

    @property
    def syn1neg(self) -> NDArray[np.float32] | None:
        """The output table, (V, D), for negative sampling; rows belong to words."""
        return None if self.hs else self.output

    @syn1neg.setter
    def syn1neg(self, table: NDArray[np.float32] | None) -> None:
        self.output = table

    @property
    def syn1(self) -> NDArray[np.float32] | None:
        """The output table, (V, D), for hierarchical softmax; rows belong to nodes of the tree, from the root on."""
        return self.output if self.hs else None

    def build_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
    ) -> None:
        """Count the words of a corpus, choose the vocabulary and create its vectors.

        Args:
            corpus_iterable: Lists of words.
            corpus_file: A file, in place of `corpus_iterable`; a sentence per line, words separated by whitespace.
            update: Whether to add words to a vocabulary that exists. Its counts grow, and rows are sorted again.
            progress_per: Has no effect.
            keep_raw_vocab: Whether to keep `raw_vocab`.
            trim_rule: Decides about each word, in place of that of the model.
        """
        self.scan_vocab(corpus_iterable, corpus_file)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule)

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[Any, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Choose the vocabulary from word counts; see `build_vocab`."""
        self._set_counts(Counts(dict(word_freq), corpus_count or 0))
        self.prepare_vocab(update, keep_raw_vocab, trim_rule)

    def scan_vocab(
        self, corpus_iterable: Sentences | None = None, corpus_file: str | PathLike[str] | None = None
    ) -> tuple[int, int]:
        """Count the words of a corpus; returns the numbers of words and sentences."""
        check_corpus(corpus_iterable, corpus_file)
        self._set_counts(count_words(corpus_iterable, corpus_file))
        return self.corpus_total_words, self.corpus_count

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Choose the vocabulary from the counted words.

        Args:
            update: Whether to add words to a vocabulary that exists.
            keep_raw_vocab: Whether to keep `raw_vocab`.
            trim_rule: Decides about each word, in place of that of the model.
            min_count: Replaces that of the model.
            sample: Replaces that of the model.
            dry_run: Whether to return the numbers only.

        Returns:
            The numbers of dropped words, of retained occurrences and words, and of words and occurrences that
            subsampling leaves.

        Raises:
            NotReadyError: The vocabulary is to be updated, but there is none.
        """
        if update and not len(self.wv):
            raise NotReadyError("there is no vocabulary to update; call build_vocab without update first")
        min_count, sample = (
            self.min_count if min_count is None else min_count,
            self.sample if sample is None else sample,
        )
        rule = trim_rule or self.trim_rule
        words, effective = select_words(self.raw_vocab, min_count, self.max_final_vocab, rule)
        keep = Vocabulary(list(words), list(words.values())).keep_probability(sample)  # (V,)
        report = {
            "drop_unique": len(self.raw_vocab) - len(words),
            "retain_total": sum(words.values()),
            "downsample_unique": int((keep < 1).sum()),
            "downsample_total": int(keep @ np.fromiter(words.values(), np.float64, len(words))),
            "num_retained_words": len(words),
        }
        if not dry_run:
            self.min_count, self.sample, self.effective_min_count = min_count, sample, effective
            self._add_words(words, update)
        self.raw_vocab = self.raw_vocab if keep_raw_vocab or dry_run else {}
        return report

    def reset_from(self, other_model: "VocabularyModel") -> None:
        """Take over the vocabulary of another model, with new vectors."""
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        counts = other_model.wv.expandos["count"].tolist()
        self._add_words(dict(zip(other_model.wv.index_to_key, counts, strict=True)), update=False)

    def empty_vectors(self) -> KeyedVectors:
        """Return vectors without keys, of the class that this model has."""
        return KeyedVectors(self.vector_size)

    def _set_counts(self, counts: Counts) -> None:
        words = counts.words
        if self.max_vocab_size is not None and len(words) > self.max_vocab_size:
            words = dict(Counter(words).most_common(self.max_vocab_size))
            _log.warning(
                "max_vocab_size: only the %d most frequent of %d words are kept", len(words), len(counts.words)
            )
        self.raw_vocab, self.corpus_count, self.corpus_total_words = words, counts.sentences, counts.total

    def _add_words(self, words: Mapping[Any, int], update: bool) -> None:
        """Create the vectors of words, or add them to those that exist, and sort the rows by frequency."""
        old = self.wv if update else self.empty_vectors()
        outputs = self.output if update else np.zeros((0, self.vector_size), np.float32)
        if outputs is None:
            raise NotReadyError("the model has no output table, so words cannot be added to it")
        old.add_random(words, np.random.default_rng([self.seed, len(old)]))
        old.allocate_vecattrs(["count"], [np.int64])
        # of a word that exists, all occurrences count, also if they are too few for a new word
        counted = {word: self.raw_vocab.get(word, 0) for word in old.key_to_index} if update else words
        for word, count in counted.items():
            old.expandos["count"][old.key_to_index[word]] += count
        outputs = np.concatenate([outputs, np.zeros((len(old) - len(outputs), self.vector_size), np.float32)])
        order = np.argsort(-old.expandos["count"], kind="stable")  # (V,)
        old.reorder(order)
        # the nodes of a tree do not belong to words; a new tree has the old nodes, from the root on
        self.wv, self.output = old, outputs if self.hs else outputs[order]
