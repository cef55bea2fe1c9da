"""The language model probe: how much do word vectors lower the perplexity of a recurrent language model?

The text is split by position, because neighboring sentences share topics: the first 90 % are training text, the next
5 % validation and the last 5 % test text. The vocabulary consists of the most frequent words of the training
text; words that occur there only once, and all others, become `<unk>`, which is predicted like a word. A Kneser-Ney
trigram model predicts the same test words, as an independent check.
"""

import logging
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from word2vec.corpus import Corpus, open_corpus
from word2vec.engines import choose_device
from word2vec.errors import CorpusError
from word2vec.evaluation.probes.embedding_table import random_table, vector_table
from word2vec.evaluation.probes.kneser_ney import KneserNeyTrigram
from word2vec.evaluation.probes.language_model import LanguageModel
from word2vec.evaluation.probes.language_model_training import (
    TEST_COLUMNS,
    Schedule,
    cross_entropy,
    train,
    write_text,
)
from word2vec.evaluation.probes.results import INITS, Init, LanguageModelResult, ProbeScores
from word2vec.system.atomic_files import new_folder
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

TEST_FRACTION = 0.05
"""Fraction of the text for validation, and for the test."""
MIN_COUNT = 2
"""Minimum number of occurrences of a word in the training text; rarer words teach the model what `<unk>` is like."""
UNKNOWN = "<unk>"
"""The word for all words outside the vocabulary; its id is 0."""
SAMPLE_WORDS = 25
"""Number of words that each model writes."""


class _Text(NamedTuple):
    """A text as word ids."""

    words: list[str]  # V, the vocabulary: `<unk>`, then by frequency
    tokens: NDArray[np.int64]  # (N,)
    validation: int  # where the validation text begins
    test: int  # where the test text begins


@dataclass(frozen=True)
class _Trial:
    """One training."""

    validation: float
    test: float
    seconds: float
    sample: str


def probe_language_model(
    vectors: WordVectors,
    corpus: object,
    *,
    cell: Literal["lstm", "gru", "rnn"] = "lstm",
    layers: int = 2,
    hidden: int = 200,
    dropout: float = 0.5,
    bptt: int = 32,
    batch_size: int = 32,
    epochs: int = 6,
    lr: float = 2e-3,
    clip: float = 1.0,
    max_vocab: int = 10_000,
    inits: Sequence[Init] = INITS,
    seeds: int = 3,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    output: Path | None = None,
    progress: bool = False,
) -> LanguageModelResult:
    """Train recurrent language models from word vectors and from random numbers, and compare their perplexities.

    Args:
        vectors: The word vectors; their dimension is that of all embedding tables.
        corpus: The text, as for `open_corpus`; it is read as one sequence of words, without its lines.
        cell: Kind of the recurrent layers.
        layers: Number of recurrent layers.
        hidden: Size of their states.
        dropout: Probability of dropout between the parts of the model.
        bptt: Number of words that gradients reach back.
        batch_size: Number of columns of the training text that are read side by side.
        epochs: Number of passes through the training text.
        lr: Learning rate of Adam, halved whenever the validation loss does not improve.
        clip: Maximum norm of the gradients of a step.
        max_vocab: Maximum number of words of the vocabulary; above 20,000 the model has an adaptive softmax.
        inits: The initializations to compare.
        seeds: Number of trainings of each.
        device: Where to train.
        output: Folder for the best model of each training, `INIT-SEED.safetensors`; None keeps no models.
        progress: Whether to draw progress bars on stderr.

    Raises:
        Word2VecError: The text cannot be read or is too short, no word has a vector, or training diverged.
    """
    name = str(corpus) if isinstance(corpus, str | Path) else "corpus"
    text = _split(open_corpus(corpus, progress=progress), name, max_vocab, batch_size * bptt)
    known = vector_table(vectors, text.words, np.random.default_rng(0))[1]  # (V,)
    build = partial(LanguageModel, cell=cell, layers=layers, hidden=hidden, dropout=dropout)
    schedule = Schedule(epochs, batch_size, bptt, lr, clip)
    trials: dict[Init, list[_Trial]] = {init: [] for init in inits}
    with _model_folder(output) as folder:
        for seed in range(1, seeds + 1):
            for init in inits:
                model = _build(build, vectors, text.words, init, seed, choose_device(device))
                trials[init].append(_run(model, text, schedule, folder, f"{init}-{seed}", seed, progress))
    return LanguageModelResult(
        corpus=name,
        cell=cell,
        scores=tuple(_scores(init, found) for init, found in trials.items()),
        trigram=_trigram_perplexity(text),
        words=(text.validation, text.test - text.validation, len(text.tokens) - text.test),
        vocabulary=len(text.words),
        covered=float(known[text.tokens[: text.validation]].mean()),
        unknown=float((text.tokens[text.test :] == 0).mean()),
        samples={init: found[0].sample for init, found in trials.items()},
    )


def _split(corpus: Corpus, name: str, max_vocab: int, batch: int) -> _Text:
    """Return the text with its vocabulary, and where its parts begin.

    Raises:
        CorpusError: The training text is shorter than a batch of this many words.
    """
    total = len(corpus.tokens)
    part = int(TEST_FRACTION * total)
    validation = total - 2 * part
    if part < 2 or validation <= batch:
        raise CorpusError(
            f"{name}: has {total:,} words, of which {max(0, validation):,} are for training, and one batch has "
            f"{batch:,}; use more text, or lower --batch-size or --bptt"
        )
    counts = np.bincount(corpus.tokens[:validation])  # (words,)
    kept = np.argsort(-counts, kind="stable")[: (counts >= MIN_COUNT).sum()]
    names = corpus.vocabulary().words
    kept = np.array([row for row in kept[:max_vocab] if names[row] != UNKNOWN][: max_vocab - 1], np.int64)
    if len(kept) < 2:
        raise CorpusError(
            f"{name}: {len(kept)} words occur {MIN_COUNT} times or more in the training text, too few for a language "
            "model; use more text, or raise --max-vocab"
        )
    ids = np.zeros(len(names), np.int64)  # 0 is `<unk>`
    ids[kept] = np.arange(1, len(kept) + 1)
    return _Text([UNKNOWN, *(names[row] for row in kept)], ids[corpus.tokens], validation, total - part)


def _build(
    build: Callable[..., LanguageModel],
    vectors: WordVectors,
    words: list[str],
    init: Init,
    seed: int,
    device: torch.device,
) -> LanguageModel:
    """Return a new model; the other weights of all initializations of a seed are the same."""
    rng = np.random.default_rng(seed)
    table = random_table(len(words), vectors.dim, rng) if init == "random" else vector_table(vectors, words, rng)[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(torch.from_numpy(table), freeze=init == "frozen").to(device)


def _run(
    model: LanguageModel, text: _Text, schedule: Schedule, folder: Path, label: str, seed: int, progress: bool
) -> _Trial:
    """Train a model, test its best state, and let it write."""
    device = model.embedding.weight.device
    tokens = torch.from_numpy(text.tokens).to(device)  # (N,)
    validation, test = tokens[text.validation - 1 : text.test], tokens[text.test - 1 :]
    with (
        torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []),
        tqdm(
            total=schedule.epochs * text.validation, desc=label, unit=" words", unit_scale=True, disable=not progress
        ) as bar,
    ):
        torch.manual_seed(seed)
        best = folder / f"{label}.safetensors"
        loss, seconds = train(model, tokens[: text.validation], validation, schedule, best, bar)
        sample = write_text(model, text.words, 1, SAMPLE_WORDS, 0)
    trial = _Trial(math.exp(loss), math.exp(cross_entropy(model, test)), seconds, sample)
    found = f"validation perplexity {trial.validation:.1f}, test perplexity {trial.test:.1f}"
    logger.info("%s: %s, %.0f seconds", label, found, seconds)  # subtle: an interrupted comparison keeps what it found
    return trial


def _scores(init: Init, trials: Sequence[_Trial]) -> ProbeScores:
    validation, test, seconds = zip(*((each.validation, each.test, each.seconds) for each in trials), strict=True)
    return ProbeScores(init, validation, test, seconds)


def _trigram_perplexity(text: _Text) -> float:
    """Return the perplexity of the trigram model on the test words that the language models predict."""
    number = len(text.tokens) - text.test
    columns = min(TEST_COLUMNS, number)
    test = text.tokens[text.test - 2 : text.test + number // columns * columns]
    return KneserNeyTrigram(text.tokens[: text.validation], len(text.words)).perplexity(test)


@contextmanager
def _model_folder(output: Path | None) -> Iterator[Path]:
    """Provide the folder for the best models: a temporary one, unless the user names one."""
    if output is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
    else:
        with new_folder(output):
            yield output
