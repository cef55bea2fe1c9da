"""What a search maximizes: a test set, the prediction of held-out text, or a function of the user.

Every measure but the user's function is split into two halves. One half chooses among the settings; the other one is
scored in the final comparison only, since the best of many settings on one half partly owes its score to the accidents
of this half.
"""

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus, Vocabulary
from word2vec.errors import ConfigError, Word2VecError
from word2vec.evaluation import evaluate_analogies, evaluate_similarity, read_pairs, read_questions
from word2vec.evaluation.benchmarks import PairSet, QuestionSet, Section, resolve
from word2vec.losses import find_objective
from word2vec.sampling.datasets import Batch, SamplingSettings, TextDataset
from word2vec.sampling.held_out import Split, shorten_ranges
from word2vec.sampling.shards import SentenceRanges
from word2vec.system.user_code import import_by_location
from word2vec.training.text_examples import DATASETS
from word2vec.vectors import WordVectors

VALIDATION = "validation"
LOCATION = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")  # package.module:function
SEED = 0  # of the halves and of the held-out examples, which are the same in all searches

NOISE_WORDS = 50  # among which the true word of an example is ranked
EXAMPLES = 20_000  # of a half; scored in about a second
BATCH = 512

Function = Callable[[WordVectors], object]
"""A measure of the user: a number, higher is better; or two, of which the second one is that of the held-out half."""


class Measure(ABC):
    """A measure of word vectors; higher is better.

    Attributes:
        name: Its name.
        has_held_out: Whether it has a second half.
        halves: Describes both halves.
    """

    name: str
    has_held_out: bool = True
    halves: str = ""

    def prepare(self, corpus: Corpus, vocabulary: Vocabulary, split: Split, base: TrainConfig) -> None:  # noqa: B027 (most need no preparation)
        """Prepare for a corpus; called once, before anything is scored.

        Args:
            corpus: The corpus.
            vocabulary: The words to train.
            split: Its sentences to train and to hold out.
            base: The default settings.

        Raises:
            ConfigError: The measure does not apply to this corpus or these settings.
        """

    @abstractmethod
    def score(self, vectors: WordVectors, config: TrainConfig, *, held_out: bool = False) -> float:
        """Return the score of vectors trained with these settings; NaN if it is undefined.

        Args:
            vectors: The vectors.
            config: The settings.
            held_out: Whether to use the held-out half.

        Raises:
            ConfigError: A function of the user fails.
        """


class Similarity(Measure):
    """Spearman's correlation on word pairs, which are split at random."""

    def __init__(self, pairs: PairSet) -> None:
        self.name = pairs.name
        order = np.random.default_rng(SEED).permutation(len(pairs.words))
        self._halves = [_subset(pairs, np.sort(part)) for part in np.array_split(order, 2)]
        if min(len(half.words) for half in self._halves) < 2:
            raise ConfigError(f"--measure: {pairs.name} has {len(pairs.words)} word pairs, too few for two halves")
        self.halves = f"Spearman correlation on {len(self._halves[0].words)} and {len(self._halves[1].words)} pairs"

    def score(self, vectors: WordVectors, config: TrainConfig, *, held_out: bool = False) -> float:
        """Return the correlation; see `Measure.score`."""
        return evaluate_similarity(vectors, self._halves[held_out], bootstrap=0).spearman


def _subset(pairs: PairSet, rows: NDArray[np.integer]) -> PairSet:
    return PairSet(pairs.name, tuple(pairs.words[row] for row in rows), pairs.scores[rows])


class Analogies(Measure):
    """Accuracy on analogy questions; all questions that begin with the same two words are in the same half."""

    def __init__(self, questions: QuestionSet) -> None:
        self.name = questions.name
        draw = random.Random(SEED)  # noqa: S311 (not for cryptography)
        halves: tuple[list[Section], list[Section]] = ([], [])
        for section in questions.sections:
            first = list(dict.fromkeys(question[:2] for question in section.questions))
            chosen = set(draw.sample(first, len(first) // 2))
            for half, wanted in zip(halves, (False, True), strict=True):
                kept = tuple(each for each in section.questions if (each[:2] in chosen) is wanted)
                half.append(replace(section, questions=kept))
        self._halves = [QuestionSet(questions.name, tuple(half)) for half in halves]
        first_half, second_half = (sum(len(section.questions) for section in half) for half in halves)
        if not first_half or not second_half:
            raise ConfigError(f"--measure: {self.name} has too few questions for two halves")
        self.halves = f"accuracy on {first_half:,} and {second_half:,} questions"

    def score(self, vectors: WordVectors, config: TrainConfig, *, held_out: bool = False) -> float:
        """Return the accuracy among the 30,000 most frequent words; see `Measure.score`."""
        return evaluate_analogies(vectors, self._halves[held_out]).accuracy


class UserFunction(Measure):
    """A function of the user from `WordVectors` to a number, or to two numbers, one for each half.

    Args:
        name: How messages name it.
        function: The function.
    """

    has_held_out = False
    halves = "no held-out half"

    def __init__(self, name: str, function: Function) -> None:
        self.name, self._function = name, function

    def score(self, vectors: WordVectors, config: TrainConfig, *, held_out: bool = False) -> float:
        """Call the function; see `Measure.score`."""
        try:
            result = self._function(vectors)
        except Word2VecError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ConfigError(f"measure {self.name}: failed with {reason}; correct the function") from error
        results = result if isinstance(result, tuple) else (result,)
        scores = [float(each) for each in results if isinstance(each, Real)]  # numpy's numbers are registered as such
        if not 1 <= len(scores) == len(results) <= 2:
            raise ConfigError(
                f"measure {self.name}: returned {result!r:.80}; return a number, or a tuple of two numbers"
            )
        if len(scores) == 2:
            self.has_held_out, self.halves = True, "two numbers of the function"
        return scores[-1 if held_out else 0]


class HeldOutText(Measure):
    r"""Prediction of held-out text: the mean reciprocal rank of the true word among noise words.

    The losses of two models are not comparable if they have different noise words, windows or subsampling. So all
    models are given the same examples, drawn with the default settings, and the score of a word is corrected for what
    the model was trained with. With noise distribution q and keep probabilities k, negative sampling learns scores
    s(x, y) = log p(y | x) + log k(y) - log q(y) + c(x) (Levy and Goldberg 2014, "Neural word embedding as implicit
    matrix factorization"). Adding log q - log k - log q' + log k', where q' and k' are those of the default, makes
    every model rank by the same quantity. The rank does not depend on c(x), nor on the number of negative samples.
    """

    name = VALIDATION
    _halves: tuple[list[Batch], list[Batch]]

    def prepare(self, corpus: Corpus, vocabulary: Vocabulary, split: Split, base: TrainConfig) -> None:
        """Draw the examples; see `Measure.prepare`."""
        if getattr(find_objective(base.objective), "targets", "noise") == "tree" or base.position_weights:
            raise ConfigError(
                "--measure validation cannot be combined with --objective hierarchical-softmax or --position-weights; "
                "choose another measure"
            )
        self._vocabulary, self._base = vocabulary, base
        first, second = (self._draw(corpus, half) for half in _halves(split.held_out))
        if not first or not second:
            raise ConfigError(
                "--measure validation: the corpus has too few sentences to hold any out; raise --validation, or choose "
                "another measure"
            )
        self._halves = first, second
        sizes = [sum(len(batch.center) for batch in half) for half in self._halves]
        self.halves = f"mean reciprocal rank among {NOISE_WORDS} words of {sizes[0]:,} and {sizes[1]:,} held-out words"

    def score(self, vectors: WordVectors, config: TrainConfig, *, held_out: bool = False) -> float:
        """Return the mean reciprocal rank; see `Measure.score`."""
        assert vectors.output is not None  # noqa: S101 (`prepare` rejects the objective without such a table)
        shift = self._shift(config).astype(np.float32)  # (V,)
        batches = self._halves[held_out]
        trained = vectors.unrefined().vectors  # (V, D), with which the output table was trained
        ranks = [_reciprocal_ranks(batch, trained, vectors.output, shift) for batch in batches]
        return float(np.mean(np.concatenate(ranks)))

    def _shift(self, config: TrainConfig) -> NDArray[np.float64]:
        """Return what is added to the score of each word, (V,)."""
        vocabulary, base = self._vocabulary, self._base
        noise = np.log(vocabulary.noise_distribution(config.noise_exponent))
        # subtle: such an objective has removed the noise distribution from its scores itself
        if getattr(find_objective(config.objective), "needs_log_q", False):
            noise = np.zeros_like(noise)
        keep = np.log(vocabulary.keep_probability(config.subsample))
        wanted = np.log(vocabulary.keep_probability(base.subsample))
        return noise - keep - np.log(vocabulary.noise_distribution(base.noise_exponent)) + wanted

    def _draw(self, corpus: Corpus, sentences: SentenceRanges) -> list[Batch]:
        base = self._base
        if not sentences:
            return []

        def dataset(ranges: SentenceRanges) -> TextDataset:
            return DATASETS[base.model](
                corpus.tokens,
                corpus.offsets,
                self._vocabulary,
                SamplingSettings(base.window, NOISE_WORDS, base.subsample, base.noise_exponent, base.window_mode),
                batch_size=BATCH,
                seed=SEED,
                sentences=ranges,
            )

        words = int(EXAMPLES / dataset(sentences).pairs_per_word())
        return list(dataset(shorten_ranges(sentences, corpus.offsets, words)))


def _halves(sentences: SentenceRanges) -> tuple[SentenceRanges, SentenceRanges]:
    """Deal out the ranges of sentences in turn; a single one is split in the middle."""
    if len(sentences) == 1:
        ((first, last),) = sentences
        middle = (first + last) // 2
        sentences = [(start, end) for start, end in ((first, middle), (middle, last)) if start < end]
    return sentences[::2], sentences[1::2]


def _reciprocal_ranks(
    batch: Batch, table: NDArray[np.float32], output: NDArray[np.float32], shift: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the reciprocal rank of each true word among its noise words, (B,); equal scores share their ranks.

    In numpy, because the threads of torch would wait for each other on a busy machine.
    """
    center, context, negatives = (part.numpy() for part in batch)
    if context.ndim == 1:
        x = table[context]  # (B, D)
    else:
        present = (context >= 0)[:, :, None]  # (B, P, 1)
        x = (table[context] * present).sum(1) / present.sum(1)  # (B, D)
    targets = np.concatenate([center[:, None], negatives], 1)  # (B, 1 + K)
    scores = np.einsum("bd,bkd->bk", x, output[targets]) + shift[targets]  # (B, 1 + K)
    true, noise = scores[:, :1], scores[:, 1:]
    ranks: NDArray[np.float64] = 1 / (1 + (noise > true).sum(1) + 0.5 * (noise == true).sum(1))
    return ranks


def find_measure(measure: str | Function) -> Measure:
    """Return a measure.

    Args:
        measure: "validation"; a file of word pairs or analogy questions, or the name of a built-in set;
            "package.module:function"; or a function.

    Raises:
        ConfigError: The function does not exist.
        FormatError: The file does not exist or cannot be read.
    """
    if not isinstance(measure, str):
        return UserFunction(getattr(measure, "__name__", repr(measure)), measure)
    if measure == VALIDATION:
        return HeldOutText()
    if LOCATION.fullmatch(measure) and not Path(measure).exists():
        found = import_by_location(measure, "measure", "function")
        if not callable(found):
            raise ConfigError(f"measure {measure}: not a function; define one that takes WordVectors")
        return UserFunction(measure, found)
    return Analogies(read_questions(measure)) if _has_questions(resolve(measure)) else Similarity(read_pairs(measure))


def _has_questions(path: Path) -> bool:
    """Return whether a file contains analogy questions, whose first line names a section; unreadable ones do not."""
    if path.is_dir():
        return True
    if not path.is_file():
        return False  # a pipe can be read only once
    try:
        with path.open(encoding="utf-8-sig") as lines:
            return next((line for line in lines if line.strip() and not line.startswith("#")), "").startswith(":")
    except (OSError, UnicodeDecodeError):
        return False  # the reader of word pairs reports it
