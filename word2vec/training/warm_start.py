"""WarmStart: the vectors that training starts from, in place of random ones.

A word of the corpus that the start has, a known word, begins with its vector, and with its output vector if the start
has one. A new word begins with the vector that its character n-grams give, if the start has n-grams:

- those of a model that was trained with n-grams: the mean of their rows;
- those of a refined run, which predict directions in the space of refined vectors: the mean of the plain vectors plus
  this direction, half as long as centered plain vectors of known words of similar frequency are.

Otherwise it begins with small random numbers, as usual, and output vectors that the start does not have with zeros. In
an experiment with wiki8 (20 MB, continued with 10 MB of later text), random vectors as long as those of known words of
similar frequency were worse: for words that occur 10 to 29 times, 12 % of the ten nearest neighbors were those of
vectors of all the text, in place of 16 %. Directions of a refined run that were as long, in place of half as long, lost
as much. Half as long, they helped words that occur 5 to 9 times most: 8.5 %, and 6.9 % from small random numbers.

Rows that are read from the start can be frozen. With `freeze="known"` these are the rows of known words in both tables,
and the rows of n-grams that known words share, so that their vectors stay as they are. With `anchor` it is the known
words' rows of the output table, which then define one space for the models of several texts: Di Carlo, Bianchi and
Palmonari (2019), "Training temporal word embeddings with a compass".

`result.py` puts the words of the start that the corpus does not have back into the result.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from word2vec import formats
from word2vec.config import TrainConfig, ngram_lengths
from word2vec.corpus.phrases import Phrases
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import ConfigError, FormatError
from word2vec.formats.ngrams import check_finite_ngrams, encoded, standard
from word2vec.formats.table import encode_words, row_blocks
from word2vec.formats.tensor_file import checksum_of
from word2vec.models.base import EmbeddingModel
from word2vec.models.subwords import Subwords
from word2vec.training.divergence import MAX_ELEMENT

NORM_WORDS = 101  # known words of similar frequency, whose median length matters for a new word
REFINED_LENGTH = 0.5  # of a new word's difference from the mean, relative to this median

logger = logging.getLogger("word2vec")

Table = NDArray[np.float32]


class WarmStart:
    """The vectors that training starts from.

    Args:
        config: The settings, with `start_from`.
        progress: Whether to show a progress bar on stderr if reading takes long.

    Attributes:
        path: Where they were read from.
        words: Their words.
        counts: (S,) the counts of the words, or None.
        vectors: (S, D) their vectors; of a refined run, the plain ones.
        output: (S, D) their output vectors, or None.
        ngrams: N-grams that were trained with the vectors and are trained further, with the words' own rows; or None.
        anchor: Whether a time slice is trained.
        fingerprint: A digest of the content, by which a resumed run recognizes it.

    Raises:
        FormatError: The vectors cannot be read, or contain extreme numbers.
        ConfigError: They do not fit the settings.
    """

    def __init__(self, config: TrainConfig, progress: bool = False) -> None:
        self.path = str(config.start_from)
        table = formats.read(self.path, progress=progress)
        _reject_mismatch(self.path, table, config)
        encode_words(Path(self.path), table.words, spaces=True)  # or the result could not be saved
        self.words, self.counts, self.output = table.words, table.counts, table.output
        self._phrases = table.phrases
        self.vectors = table.vectors if table.plain is None else table.plain
        if table.plain is not None:
            logger.info("%s: refined; training starts from its plain vectors", self.path)
        self._refined, self._predictor, self.ngrams = table.plain is not None, table.subwords, None
        if table.subwords is not None:
            check_finite_ngrams(Path(self.path), table.subwords)
            if config.subwords is not None and table.plain is None:
                self.ngrams = self._predictor = _trained_ngrams(table, table.subwords)
            elif config.subwords is None and table.plain is None:
                logger.info("%s: its n-grams initialize new words; add --subwords to train n-grams as well", self.path)
        self._freeze, self.anchor = config.freeze == "known", config.anchor
        self._row = {word: row for row, word in enumerate(self.words)}
        for name, numbers in (("vectors", self.vectors), ("output vectors", self.output)):
            _reject_extreme(self.path, name, numbers)
        self.fingerprint = self._digest()

    def _digest(self) -> str:
        arrays = [self.vectors, self.output, self.counts]
        if self._predictor is not None:
            arrays += [self._predictor.rows, self._predictor.used, self._predictor.word_rows]
        digest = hashlib.sha256("\n".join(self.words).encode())
        digest.update(checksum_of(array for array in arrays if array is not None).to_bytes(4, "little"))
        return digest.hexdigest()[:32]

    def __contains__(self, word: object) -> bool:
        return word in self._row

    def rows_of(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each word, (V,); -1 for words that the start does not have."""
        return np.fromiter((self._row.get(word, -1) for word in words), np.int64, len(words))

    def phrases_with(self, found: Phrases | None) -> Phrases | None:
        """Return the phrases of the start together with those that were found in the corpus.

        Raises:
            ConfigError: Both have phrases, with different delimiters or connector words.
        """
        if self._phrases is None or found is None:
            if self._phrases is not None:
                logger.warning(
                    "%s: its phrases, such as new_york, are not joined in the corpus; add --phrases to find phrases",
                    self.path,
                )
            return found or self._phrases
        try:
            return found.united(self._phrases)
        except ConfigError as error:
            raise ConfigError(
                f"--from {self.path}: its phrases have another --phrase-delimiter or other --connector-words; use them"
            ) from error

    def check_overlap(self, vocabulary: Vocabulary) -> None:
        """Check that the corpus has words of the start, and log how many.

        Raises:
            ConfigError: It has none.
        """
        known = int((self.rows_of(vocabulary.words) >= 0).sum())
        if not known:
            raise ConfigError(
                f"--from {self.path}: none of its {len(self.words):,} words, such as {self.words[0]!r}, is in the "
                f"vocabulary of the corpus, such as {vocabulary.words[0]!r}; check --lowercase, --tokenizer and the "
                "language"
            )
        logger.info(
            "starting from %s: %s of its %s words are in the vocabulary of the corpus, which has %s new words",
            self.path,
            f"{known:,}",
            f"{len(self.words):,}",
            f"{len(vocabulary) - known:,}",
        )

    @torch.no_grad()
    def fill(self, model: EmbeddingModel, vocabulary: Vocabulary) -> None:
        """Replace the initial values of a model, and freeze rows if that is set.

        Args:
            model: The model, with random initial values.
            vocabulary: Its words.
        """
        rows = self.rows_of(vocabulary.words)  # (V,)
        known = rows >= 0
        inputs = model.input.detach().numpy()  # (V, D)
        if self.ngrams is None:
            inputs[known] = self.vectors[rows[known]]
            self._fill_new(inputs, known, vocabulary.words)
            if model.ngram_index is not None and model.ngrams is not None:  # own rows that give the words these vectors
                index = model.ngram_index.subwords(model.ngrams.detach().numpy(), inputs)
                inputs[:] = index.own_rows(encoded(vocabulary.words), inputs)
        else:
            self._fill_ngrams(model, self.ngrams, rows, vocabulary.words)
        if self.output is not None:
            model.output.detach().numpy()[known] = self.output[rows[known]]
        fixed_output = known if self.output is not None and (self._freeze or self.anchor) else None
        if self._freeze:
            model.freeze(input=known, output=fixed_output, ngrams=self._fixed_ngrams(model, known))
        else:
            model.freeze(output=fixed_output)

    def _fill_new(self, inputs: Table, known: NDArray[np.bool_], words: Sequence[str]) -> None:
        """Write the vectors of new words that n-grams provide to the input table (V, D), in place."""
        if self._predictor is None or known.all():
            return
        new = np.flatnonzero(~known)
        vectors, found = self._predictor.vectors([words[row] for row in new.tolist()])
        if self._refined:
            mean = self.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)  # (D,)
            lengths = _typical(np.linalg.norm(inputs[known] - mean, axis=1), known)[new[found]]
            inputs[new[found]] = mean + _scaled(vectors[found], REFINED_LENGTH * lengths)
        else:
            inputs[new[found]] = vectors[found]
        logger.info("%s of %s new words start from their n-grams", f"{int(found.sum()):,}", f"{len(new):,}")

    def _fill_ngrams(
        self, model: EmbeddingModel, ngrams: Subwords, rows: NDArray[np.int64], words: Sequence[str]
    ) -> None:
        """Write the words' own rows and the rows of n-grams; the vector of a new word is the mean of its n-grams."""
        index, table, inputs = model.ngram_index, model.ngrams, model.input.detach().numpy()
        assert index is not None and table is not None and ngrams.word_rows is not None  # noqa: S101, PT018 (--subwords)
        numbers, places = table.detach().numpy(), ngrams.rows_of(index.used)  # (G, D), (G,)
        numbers[places >= 0] = ngrams.rows[places[places >= 0]]
        known = rows >= 0
        inputs[known] = ngrams.word_rows[rows[known]]
        new = np.flatnonzero(~known)
        vectors, found = index.subwords(numbers, inputs).vectors([words[row] for row in new.tolist()])
        inputs[new[found]] = vectors[found]

    def _fixed_ngrams(self, model: EmbeddingModel, known: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Return which rows of n-grams are frozen with the known words: theirs, and those of the start; (G,)."""
        index = model.ngram_index
        if index is None:
            return None
        fixed = np.zeros(len(index), np.bool_) if self.ngrams is None else self.ngrams.rows_of(index.used) >= 0
        fixed[index.rows[np.repeat(known, np.diff(index.starts))]] = True
        return fixed


def _typical(lengths: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the typical length of a vector for each word, (V,): the median of known words of similar frequency.

    Args:
        lengths: (K,) the lengths of the vectors of known words.
        known: (V,) which words these are, most frequent words first.
    """
    from scipy.ndimage import median_filter

    smooth = median_filter(lengths, min(NORM_WORDS, len(lengths)), mode="nearest")  # (K,)
    place = np.clip(np.searchsorted(np.flatnonzero(known), np.arange(len(known))), 0, len(lengths) - 1)
    return np.asarray(smooth[place], np.float32)


def _scaled(vectors: Table, lengths: NDArray[np.float32]) -> Table:
    """Return vectors (N, D) scaled to lengths (N,)."""
    norms = np.linalg.norm(vectors, axis=1)
    return np.asarray(vectors * (lengths / np.where(norms > 0, norms, 1))[:, np.newaxis], np.float32)


def _trained_ngrams(table: formats.Table, subwords: Subwords) -> Subwords:
    """Return the n-grams of a table with the words' own rows, hashed as in the present version of fastText."""
    ngrams = standard(table, subwords)
    if ngrams.word_rows is not None:
        return ngrams
    own = ngrams.own_rows(encoded(table.words), table.vectors)
    return Subwords(ngrams.rows, ngrams.min_n, ngrams.max_n, buckets=ngrams.buckets, used=ngrams.used, word_rows=own)


def _reject_mismatch(path: str, table: formats.Table, config: TrainConfig) -> None:
    """Check that vectors fit the settings.

    Raises:
        ConfigError: They do not.
    """
    dim = table.vectors.shape[1]
    if dim != config.dim:
        raise ConfigError(f"--from {path}: it has {dim} dimensions, and --dim is {config.dim}; add --dim {dim}")
    if config.anchor and table.output is None:
        raise ConfigError(
            f"--anchor: {path} has no output vectors to freeze; start from a run folder that was trained with negative "
            "samples, or omit --anchor"
        )
    if config.refine and table.counts is None and not config.anchor:
        raise ConfigError(
            f"--refine: {path} has no counts, which decide how far a word is refined; omit it, then run: "
            "word2vec refine RUN --ignore-counts --output OUT"
        )
    ngrams = table.subwords
    if config.subwords is None or ngrams is None or table.plain is not None:
        return
    wanted = (*ngram_lengths(config.subwords), config.buckets)
    if (ngrams.min_n, ngrams.max_n, ngrams.buckets) != wanted:
        raise ConfigError(
            f"--from {path}: its n-grams have {ngrams.min_n} to {ngrams.max_n} characters in {ngrams.buckets} buckets; "
            f"use --subwords {ngrams.min_n}-{ngrams.max_n} --buckets {ngrams.buckets}, or omit --subwords to train "
            "words only"
        )


def _reject_extreme(path: str, name: str, table: Table | None) -> None:
    """Raise FormatError if a table contains numbers that only diverged training has, or nan or infinity."""
    for block in () if table is None else row_blocks(table):
        largest = float(np.abs(block).max(initial=0))
        if not largest < MAX_ELEMENT:  # also true for NaN
            raise FormatError(
                f"{path}: its {name} contain numbers up to {largest:.3g}, from training that diverged or another kind "
                "of file; start from other vectors"
            )
