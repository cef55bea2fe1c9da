"""What training returns and saves: word vectors, or vectors of inputs and of targets."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec.corpus.phrases import Phrases
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import FormatError, Word2VecError
from word2vec.formats.ngrams import encoded
from word2vec.models.base import NODES
from word2vec.models.ngram_index import NgramIndex
from word2vec.models.subwords import WORD_ROWS
from word2vec.training.kept_words import KeptWords
from word2vec.vectors import PairVectors, WordVectors

Vectors = WordVectors | PairVectors
Tables = Mapping[str, NDArray[np.float32]]

logger = logging.getLogger("word2vec")


def refine_if_possible(vectors: WordVectors) -> WordVectors:
    """Return refined vectors; a warning says why if that is impossible, because trained vectors must not be lost."""
    try:
        return vectors.refine()
    except Word2VecError as error:
        logger.warning("--refine: %s; the vectors are not refined", error)
        return vectors


class ResultKind(ABC):
    """Turns the tables of a model into the result of training, and writes it to a run folder.

    Attributes:
        rows: Numbers of rows of the input table and of the output table.
        size: The same as a text for messages.
        places: (V,) the rows of the trained words in the tables of the result, if it has others as well; None if not.
    """

    rows: tuple[int, int]
    size: str
    places: NDArray[np.int64] | None = None

    @abstractmethod
    def make(self, tables: Tables) -> Vectors:
        """Return the result, from the tables of the model by name; they are not copied."""

    @abstractmethod
    def table(self, tables: Tables) -> WordVectors:
        """Return the table that test sets and TensorBoard show."""

    def refine(self, vectors: Vectors) -> Vectors:
        """Return the refined result of a run with `refine`; the result itself if it cannot be refined."""
        return vectors

    @abstractmethod
    def save(self, vectors: Vectors, run: Path) -> None:
        """Write the result to a run folder."""

    @abstractmethod
    def check(self, run: Path) -> None:
        """Check that a run folder contains a readable result.

        Raises:
            FormatError: It does not.
        """

    def is_in(self, run: Path) -> bool:
        """Return whether a run folder contains a readable result; an interrupted export may leave another one."""
        try:
            self.check(run)
        except FormatError:
            return False
        return True


class WordResult(ResultKind):
    """The result of training on text: inputs and targets have one vocabulary.

    Args:
        vocabulary: The words.
        ngrams: Their character n-grams, or None.
        phrases: The phrases that are words of the vocabulary, or None.
        kept: Words that are not trained but part of the result, or None.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        ngrams: NgramIndex | None = None,
        phrases: Phrases | None = None,
        kept: KeptWords | None = None,
    ) -> None:
        self._vocabulary, self._ngrams, self._phrases, self._kept = vocabulary, ngrams, phrases, kept
        self.rows = len(vocabulary), len(vocabulary)
        self.size = f"{len(vocabulary) if kept is None else len(kept.words):,} words"
        self.places = None if kept is None else kept.places[: len(vocabulary)]

    def make(self, tables: Tables) -> WordVectors:
        """Return word vectors; see `ResultKind.make`."""
        words: list[str] = self._vocabulary.words
        counts: NDArray[np.int64] | None = self._vocabulary.counts
        if self._kept is not None:
            index = None if self._ngrams is None else self._ngrams.subwords(tables["ngrams"], tables[WORD_ROWS])
            words, counts, tables = self._kept.words, self._kept.counts, self._kept.add_to(tables, index)
        output, nodes = tables.get("output"), tables.get(NODES)
        if self._ngrams is None:
            return WordVectors(words, tables["input"], counts=counts, output=output, nodes=nodes, phrases=self._phrases)
        word_rows = tables[WORD_ROWS]
        subwords = self._ngrams.subwords(tables["ngrams"], word_rows)
        vectors = subwords.known_vectors(encoded(words), word_rows)
        return WordVectors(
            words, vectors, counts=counts, output=output, nodes=nodes, subwords=subwords, phrases=self._phrases
        )

    def table(self, tables: Tables) -> WordVectors:
        """Return word vectors; see `ResultKind.table`."""
        return self.make(tables)

    def refine(self, vectors: Vectors) -> Vectors:
        """Return refined vectors if possible; see `ResultKind.refine`."""
        assert isinstance(vectors, WordVectors)  # noqa: S101 (from `make`)
        return refine_if_possible(vectors)

    def save(self, vectors: Vectors, run: Path) -> None:
        """Write a run folder; see `ResultKind.save`."""
        vectors.save(run, format="run")

    def check(self, run: Path) -> None:
        """Read one row; see `ResultKind.check`."""
        WordVectors.load(run, limit=1)


class PairResult(ResultKind):
    """The result of training on pairs: each table has its own vocabulary.

    Args:
        inputs: The inputs.
        targets: The targets.
    """

    def __init__(self, inputs: Vocabulary, targets: Vocabulary) -> None:
        self._inputs, self._targets = inputs, targets
        self.rows = len(inputs), len(targets)
        self.size = f"{len(inputs):,} inputs and {len(targets):,} targets"

    def make(self, tables: Tables) -> PairVectors:
        """Return vectors of inputs and of targets; see `ResultKind.make`."""
        return PairVectors(
            WordVectors(self._inputs.words, tables["input"], counts=self._inputs.counts),
            WordVectors(self._targets.words, tables["output"], counts=self._targets.counts),
        )

    def table(self, tables: Tables) -> WordVectors:
        """Return the targets; see `ResultKind.table`."""
        return self.make(tables).targets

    def save(self, vectors: Vectors, run: Path) -> None:
        """Write a run folder; see `ResultKind.save`."""
        vectors.save(run, format="run")

    def check(self, run: Path) -> None:
        """Read the vocabularies; see `ResultKind.check`."""
        PairVectors.load(run, verify=False)
