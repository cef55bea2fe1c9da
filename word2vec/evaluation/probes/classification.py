"""The text classification probe: how much do word vectors help a classifier of texts?

The classifiers are WordAVG, a convolutional network, and logistic regression on the mean vectors of texts. Training
texts make up the vocabulary; a random tenth of them is validation data, which chooses the epoch. Without test texts,
stratified cross-validation tests each text once, and each seed divides the texts anew.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from word2vec.engines import choose_device
from word2vec.errors import ConfigError
from word2vec.evaluation.probes.classifier_training import Examples, Schedule, accuracy, encode, train
from word2vec.evaluation.probes.convolution import TextConvolution
from word2vec.evaluation.probes.embedding_table import random_table, vector_table
from word2vec.evaluation.probes.labeled_texts import LabeledTexts, check_classes, check_test_labels
from word2vec.evaluation.probes.results import INITS, ClassifierResult, Init, ProbeScores
from word2vec.evaluation.probes.word_average import WordAverage
from word2vec.vectors.documents import DocumentVectorizer
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

NETWORKS: dict[str, type[WordAverage | TextConvolution]] = {"mean": WordAverage, "cnn": TextConvolution}
"""Name -> network; the third model, "logistic", is scikit-learn's."""
LOGISTIC = "logistic"
VALIDATION_FRACTION = 0.1


@dataclass(frozen=True)
class NetworkSettings:
    """Settings of the networks; logistic regression has none."""

    epochs: int = 10
    batch_size: int = 50
    lr: float = 1e-3
    dropout: float = 0.5
    word_dropout: float = 0.1


class _Trial(NamedTuple):
    """One training."""

    validation: float | None  # accuracy on validation texts; None if there are none
    test: float  # accuracy on test texts
    tests: int  # their number
    seconds: float


def probe_classifier(
    vectors: WordVectors,
    training: LabeledTexts,
    test: LabeledTexts | None = None,
    *,
    model: Literal["mean", "cnn", "logistic"] = "mean",
    settings: NetworkSettings | None = None,
    inits: Sequence[Init] | None = None,
    seeds: int = 3,
    folds: int = 10,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    progress: bool = False,
) -> ClassifierResult:
    """Train text classifiers from word vectors and from random numbers, and compare their accuracies.

    Args:
        vectors: The word vectors.
        training: Labeled texts, see `read_labeled_texts` and `docstring_task`.
        test: Test texts; None for cross-validation.
        model: "mean" for WordAVG, "cnn" for a convolutional network, "logistic" for logistic regression on the means of
            vectors, which cannot be fine-tuned.
        settings: Settings of the networks; None for the default.
        inits: The initializations to compare; None for all that the model has.
        seeds: Number of trainings of each, or of cross-validations.
        folds: Number of folds of cross-validation.
        device: Where to train networks.
        progress: Whether to draw a progress bar on stderr.

    Raises:
        CorpusError: The texts have one class only, or a class has too few texts.
        ConfigError: Logistic regression cannot be fine-tuned.
        Word2VecError: No word of the texts has a vector, or training diverged.
    """
    allowed: tuple[Init, ...] = tuple(init for init in INITS if model != LOGISTIC or init != "fine-tuned")
    compared: tuple[Init, ...] = allowed if inits is None else tuple(inits)
    if set(compared) - set(allowed):
        raise ConfigError("--model logistic: its vectors are not trained; add --freeze, or choose another --model")
    check_classes(training, folds if test is None else None)
    if test is not None:
        check_test_labels(training, test)
    settings = NetworkSettings() if settings is None else settings
    classify = _logistic if model == LOGISTIC else _network(NETWORKS[model], settings, choose_device(device))
    splits = [list(_splits(training, test, folds, seed)) for seed in range(1, seeds + 1)]
    steps = 1 if model == LOGISTIC else settings.epochs
    total = steps * sum(map(len, splits)) * len(compared)
    scores = []
    with tqdm(total=total, unit="epoch", disable=not progress) as bar:
        for init in compared:
            trials: list[list[_Trial]] = []
            for seed, parts in enumerate(splits, start=1):
                bar.set_description(f"{init}, seed {seed}")
                trials.append([classify(vectors, part, init, seed, bar) for part in parts])
                accuracies = _scores(init, trials).test
                # subtle: an interrupted comparison keeps what it found
                logger.info("%s-%d: test accuracy %.1f %%", init, seed, 100 * accuracies[-1])
            scores.append(_scores(init, trials))
    every = training.texts + (() if test is None else test.texts)
    counts = Counter(training.labels)
    majority = max(counts, key=counts.__getitem__)
    tested = training if test is None else test
    return ClassifierResult(
        task=training.name,
        model=model,
        scores=tuple(scores),
        classes=tuple(sorted(counts)),
        texts=len(training),
        tests=len(tested),
        folds=folds if test is None else None,
        majority=tested.labels.count(majority) / len(tested),
        covered=_covered(vectors, every),
    )


class _Split(NamedTuple):
    """Training and test texts."""

    training: Sequence[Sequence[str]]
    classes: NDArray[np.int64]  # (N,) of the training texts
    test: Sequence[Sequence[str]]
    test_classes: NDArray[np.int64]  # (M,)


Classify = Callable[[WordVectors, _Split, Init, int, "tqdm[Any]"], _Trial]


def _splits(training: LabeledTexts, test: LabeledTexts | None, folds: int, seed: int) -> Iterator[_Split]:
    """Yield training and test texts: once if there are test texts, else once per fold."""
    from sklearn.model_selection import StratifiedKFold

    numbers = {label: number for number, label in enumerate(sorted(set(training.labels)))}
    classes = np.array([numbers[label] for label in training.labels])
    if test is not None:
        yield _Split(training.texts, classes, test.texts, np.array([numbers[label] for label in test.labels]))
        return
    for kept, held_out in StratifiedKFold(folds, shuffle=True, random_state=seed).split(classes, classes):
        yield _Split(
            [training.texts[row] for row in kept],
            classes[kept],
            [training.texts[row] for row in held_out],
            classes[held_out],
        )


def _network(network: type[WordAverage | TextConvolution], settings: NetworkSettings, device: torch.device) -> Classify:
    """Return a function that trains and tests a network."""

    def classify(vectors: WordVectors, split: _Split, init: Init, seed: int, bar: "tqdm[Any]") -> _Trial:
        words = _vocabulary(vectors, split, init)
        table = np.concatenate([np.zeros((2, vectors.dim), np.float32), _table(vectors, words, init, seed)])
        ids = {word: number for number, word in enumerate(words, start=2)}  # 0 is padding, 1 an unknown word
        examples, test = (
            Examples(encode(texts, ids), torch.from_numpy(classes).to(device))
            for texts, classes in ((split.training, split.classes), (split.test, split.test_classes))
        )
        order = np.random.default_rng(seed).permutation(len(examples.texts))
        held_out = max(1, int(VALIDATION_FRACTION * len(order)))
        outputs = int(split.classes.max()) + 1
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            model = network(
                torch.from_numpy(table),
                1 if outputs == 2 else outputs,
                freeze=init == "frozen",
                dropout=settings.dropout,
                word_dropout=settings.word_dropout,
            ).to(device)
            schedule = Schedule(settings.epochs, settings.batch_size, settings.lr)
            validation, seconds = train(
                model, examples.subset(order[held_out:]), examples.subset(order[:held_out]), schedule, bar
            )
        return _Trial(validation, accuracy(model, test), len(test.texts), seconds)

    return classify


def _logistic(vectors: WordVectors, split: _Split, init: Init, seed: int, bar: "tqdm[Any]") -> _Trial:
    """Train and test logistic regression on the standardized mean vectors of texts."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    words = _vocabulary(vectors, split, init)
    start = time.perf_counter()
    table = WordVectors(words, _table(vectors, words, init, seed))
    model = make_pipeline(DocumentVectorizer(table), StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(split.training, split.classes)
    seconds = time.perf_counter() - start
    bar.update()
    return _Trial(None, float(model.score(split.test, split.test_classes)), len(split.test), seconds)


def _vocabulary(vectors: WordVectors, split: _Split, init: Init) -> list[str]:
    """Return the words of the training texts, and those of the test texts that have a vector, if vectors are used."""
    seen = dict.fromkeys(word for text in split.training for word in text)
    if init == "random":
        return list(seen)
    unseen = dict.fromkeys(word for text in split.test for word in text if word not in seen)
    computed = vectors.from_ngrams(unseen)
    return [*seen, *(word for word in unseen if word in vectors or word in computed)]


def _table(vectors: WordVectors, words: Sequence[str], init: Init, seed: int) -> NDArray[np.float32]:
    """Return the initial vectors of words, (V, D)."""
    rng = np.random.default_rng(seed)
    return random_table(len(words), vectors.dim, rng) if init == "random" else vector_table(vectors, words, rng)[0]


def _scores(init: Init, trials: Sequence[Sequence[_Trial]]) -> ProbeScores:
    """Return the scores of each seed: means over its folds, weighted by the number of test texts."""
    validation = [[trial.validation for trial in folds if trial.validation is not None] for folds in trials]
    return ProbeScores(
        init,
        tuple(float(np.mean(folds)) for folds in validation if folds),
        tuple(
            float(np.average([trial.test for trial in folds], weights=[trial.tests for trial in folds]))
            for folds in trials
        ),
        tuple(sum(trial.seconds for trial in folds) for folds in trials),
    )


def _covered(vectors: WordVectors, texts: Sequence[Sequence[str]]) -> float:
    """Return the fraction of the words of texts, counting repetitions, that have a vector."""
    counts = Counter(word for text in texts for word in text)
    computed = vectors.from_ngrams(counts)
    return sum(counts[word] for word in counts if word in vectors or word in computed) / counts.total()
