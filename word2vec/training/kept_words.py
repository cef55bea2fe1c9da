"""KeptWords: words of the vectors that training started from which the corpus does not have, for the result.

They are not part of the trained tables. The result has the words of both, and counts of all text that the vectors were
trained on: the sums of the counts of the start and those in the corpus.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.formats.ngrams import encoded
from word2vec.models.subwords import WORD_ROWS, Subwords
from word2vec.training.warm_start import WarmStart


@dataclass(frozen=True)
class KeptWords:
    """Words that are not trained, and their place among the trained ones.

    Attributes:
        words: All words of the result, most frequent first as far as counts are known: V trained and K kept ones.
        counts: (V + K,) their counts; None if the start has none and words are kept.
        places: (V + K,) the row in the result of each trained word, and then of each kept word.
        kept: The kept words, K.
        vectors: (K, D) their vectors.
        output: (K, D) their output vectors, zeros if the start has none.
        word_rows: (K, D) their own rows if n-grams are trained that the start has; else None.
    """

    words: list[str]
    counts: NDArray[np.int64] | None
    places: NDArray[np.int64]
    kept: list[str]
    vectors: NDArray[np.float32]
    output: NDArray[np.float32]
    word_rows: NDArray[np.float32] | None

    @classmethod
    def of(cls, start: WarmStart, vocabulary: Vocabulary) -> "KeptWords":
        """Find the words to keep.

        Args:
            start: The vectors that training starts from.
            vocabulary: The words to train.
        """
        rows = np.array([row for row, word in enumerate(start.words) if word not in vocabulary], np.int64)  # (K,)
        kept, counts = [start.words[row] for row in rows], None
        words, order = [*vocabulary.words, *kept], np.arange(len(vocabulary) + len(kept))
        if start.counts is not None:
            of_trained = start.rows_of(vocabulary.words)  # (V,)
            before = np.where(of_trained >= 0, start.counts[of_trained], 0)
            counts = np.concatenate([vocabulary.counts + before, start.counts[rows]])
            order = np.argsort(-counts, kind="stable")
            counts = counts[order]
        elif not kept:
            counts = vocabulary.counts
        places = np.empty(len(words), np.int64)
        places[order] = np.arange(len(words))
        output = np.zeros_like(start.vectors[rows]) if start.output is None else start.output[rows]
        own = None if start.ngrams is None or start.ngrams.word_rows is None else start.ngrams.word_rows[rows]
        return cls([words[row] for row in order], counts, places, kept, start.vectors[rows], output, own)

    def add_to(
        self, tables: Mapping[str, NDArray[np.float32]], ngrams: Subwords | None
    ) -> dict[str, NDArray[np.float32]]:
        """Return the tables of a model by name with the rows of the kept words, in the order of the result.

        Args:
            tables: The tables.
            ngrams: The n-grams of the model, or None.
        """
        own = self.word_rows
        if own is None and ngrams is not None:  # rows that give the words the vectors they had
            own = ngrams.own_rows(encoded(self.kept), self.vectors)
        rows = {"input": self.vectors, WORD_ROWS: own, "output": self.output}
        merged = dict(tables)
        for name in tables.keys() & rows.keys():
            more = rows[name]
            assert more is not None  # noqa: S101 (own rows exist if the model has n-grams)
            merged[name] = np.empty((len(self.words), more.shape[1]), np.float32)
            merged[name][self.places[: len(tables[name])]] = tables[name]
            merged[name][self.places[len(tables[name]) :]] = more
        return merged
