"""The worker processes that compare.py measures: `python evaluation/peers.py WORK JOB.json RESULT.json`.

Every worker takes the same job and returns a few numbers. Training with this package is not included, because it is
measured through its command line. Each other system is used as its documentation shows and keeps its default learning
rate (0.025 for gensim, as here; 0.05 for fastText); all other settings are the same for all systems.

gensim reads its sentences of 1,000 words from the file in every epoch (`Text8Corpus`). On two cores, a list in memory
and `corpus_file` were tried too: about 7 % faster on a million words, no faster on five million.
"""

# subtle: torch, gensim and fastText are imported inside the functions, so that each process loads only what it measures
import bz2
import ctypes
import gzip
import io
import json
import lzma
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from common import score_vectors

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Embedding

BLOCK_BYTES = 1 << 20
SENTENCE_WORDS = 1000  # longer lines are cut here, as in word2vec.c
M_MMAP_THRESHOLD = -3  # of glibc's malloc.h: larger blocks come fresh from the system and are never recycled
TUTORIAL_BATCH = 1024  # at the upper end of what tutorials use, which favors them: a dense step costs the same at any
TUTORIAL_WARM_UP = 5  # steps; the first one also shuffles the text and allocates Adam's state
TUTORIAL_STEPS = 60
TUTORIAL_LR = 1e-3  # Adam's default, which most tutorials keep
NOISE_EXPONENT = 0.75  # Mikolov et al. 2013, section 2.2

Figures = dict[str, float]


@dataclass(frozen=True)
class Job:
    """The input of a worker process."""

    source: str
    """The file that the user named, compressed or not."""
    full: str
    """The same as plain text; the tutorial takes its vocabulary from it."""
    text: str
    """The text to train on: `full`, or its first `limit` words."""
    limit: int
    """Number of words to train on; 0 for all."""
    output: str
    """Path of the vectors, or of an index."""
    epochs: int
    dim: int
    window: int
    negatives: int
    subsample: float
    min_count: int
    threads: int
    seed: int


# ---- The corpus

OPENERS: dict[str, Callable[[str], io.BufferedIOBase]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def is_compressed(path: str) -> bool:
    """Return whether the file has to be decompressed, judging by its name."""
    return Path(path).suffix in OPENERS


def prepare(job: Job) -> Figures:
    """Decompress the corpus and cut it to its first words, where needed; count the words."""
    if job.full != job.source:
        with OPENERS[Path(job.source).suffix](job.source) as packed, Path(job.full).open("wb") as plain:
            shutil.copyfileobj(packed, plain, BLOCK_BYTES)
    if job.text != job.full:
        with Path(job.full).open("rb") as full, Path(job.text).open("wb") as text:
            for block in first_words(full, job.limit):
                text.write(block)
    return {"words": count_words(Path(job.text)), "full_words": count_words(Path(job.full))}


def word_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Blocks of about 1 MB that end after a space or a newline, since the whole file may be one line."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        block = rest + block
        cut = 1 + max(block.rfind(b" "), block.rfind(b"\n"))
        yield block[:cut]
        rest = block[cut:]
    yield rest


def count_words(path: Path) -> int:
    """Return the number of words in a text file."""
    with path.open("rb") as file:
        return sum(len(block.split()) for block in word_blocks(file))


def first_words(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Yield the text up to the end of word number `limit`, line breaks unchanged."""
    for block in word_blocks(file):
        words = len(block.split())
        if words >= limit:
            ends = (word.end() for word in re.finditer(rb"\S+", block))
            yield block[: next(end for number, end in enumerate(ends, 1) if number == limit)] + b"\n"
            return
        limit -= words
        yield block


# ---- gensim and fastText


def train_gensim(job: Job, *, cbow: bool = False, tree: bool = False) -> Figures:
    """Train with gensim; the vocabulary pass and the training are timed separately.

    Args:
        job: What to train.
        cbow: Train CBOW, with means of windows, instead of skip-gram.
        tree: Train hierarchical softmax instead of negative sampling.
    """
    from gensim.models.word2vec import Text8Corpus, Word2Vec

    model = Word2Vec(
        sg=not cbow, hs=tree, vector_size=job.dim, window=job.window, negative=0 if tree else job.negatives,
        sample=job.subsample, min_count=job.min_count, workers=job.threads, seed=job.seed, epochs=job.epochs,
    )  # fmt: skip
    sentences = Text8Corpus(job.text, SENTENCE_WORDS)
    start = time.perf_counter()
    model.build_vocab(sentences)
    built = time.perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=job.epochs)
    trained = time.perf_counter()
    model.wv.save_word2vec_format(job.output, binary=True)
    return {"vocabulary_seconds": built - start, "training_seconds": trained - built}


def train_fasttext(job: Job, *, ngrams: tuple[int, int] = (0, 0)) -> Figures:
    """Train skip-gram with fastText; its only call includes the vocabulary pass.

    With T threads, version 0.9.3 initializes only T tenths of its input table at random (issue 1061 of fastText) and
    leaves the rest of the memory as it was, which on small texts ends in NaN. So it gets fresh memory, which is zero.

    Args:
        job: What to train.
        ngrams: Lengths of the shortest and of the longest character n-grams; (0, 0) for none.
    """
    import fasttext  # pyright: ignore[reportMissingImports] (a peer, installed only for `make bench`)

    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 16)
    # subtle: the function has no argument for the seed, only this dict of its defaults does
    fasttext.FastText.unsupervised_default["seed"] = job.seed
    start = time.perf_counter()
    model = fasttext.train_unsupervised(
        job.text, model="skipgram", minn=ngrams[0], maxn=ngrams[1], dim=job.dim, ws=job.window, neg=job.negatives,
        t=job.subsample, minCount=job.min_count, epoch=job.epochs, thread=job.threads, verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    words = [str(word) for word in model.get_words()]
    with Path(job.output).open("wb") as file:
        file.write(b"%d %d\n" % (len(words), job.dim))
        for word in words:
            file.write(word.encode() + b" " + model.get_word_vector(word).astype("<f4").tobytes() + b"\n")
    return {"training_seconds": seconds}


# ---- The tutorial pipeline: skip-gram as the usual PyTorch tutorials write it, to be timed, not to be used
#
# What makes those tutorials slow is kept: the dataset returns one center word at a time, the loader stacks the items
# one by one, every item draws its negatives by its own call of `multinomial` over the whole vocabulary, the gradients
# of both tables are dense, Adam updates every row at every step, the window has a fixed width, and frequent words are
# not subsampled. Nearly all of the time goes there. What makes some of them wrong is not kept: contexts never wrap
# around the end of the text or of the vocabulary, ids are integers, the noise distribution is counts to the power 0.75,
# and each negative has its own log-sigmoid, which does not overflow.


def read_vocabulary(path: Path, min_count: int) -> dict[str, int]:
    """Return the words of a text that occur at least `min_count` times, with their counts, most frequent first."""
    counts = Counter(path.read_text(encoding="utf-8", errors="replace").split())
    return {word: count for word, count in counts.most_common() if count >= min_count}


def encode(path: Path, vocabulary: dict[str, int]) -> "Tensor":
    """Return the ids of the words of a text, (N,) int64; words outside the vocabulary are left out."""
    import torch

    ids = {word: index for index, word in enumerate(vocabulary)}
    words = path.read_text(encoding="utf-8", errors="replace").split()
    return torch.tensor([ids[word] for word in words if word in ids])


class SkipGramItems:
    """A map-style dataset: one item for each word with a whole window around it.

    Args:
        ids: (N,) word ids of the text.
        counts: (V,) number of occurrences of each word, which gives the noise distribution.
        window: Number of context words on each side.
        negatives: Number of noise words for each context word.
    """

    def __init__(self, ids: "Tensor", counts: "Tensor", window: int, negatives: int) -> None:
        self.ids = ids
        self.noise = counts.double().pow(NOISE_EXPONENT).float()  # (V,) multinomial normalizes it
        self.window = window
        self.draws = 2 * window * negatives

    def __len__(self) -> int:
        return max(0, len(self.ids) - 2 * self.window)

    def __getitem__(self, index: int) -> tuple["Tensor", "Tensor", "Tensor"]:
        """Returns the center word (), the context words (2W,) and the noise words (2W * K,)."""
        import torch

        center = index + self.window
        left, right = self.ids[index:center], self.ids[center + 1 : center + 1 + self.window]
        negatives = torch.multinomial(self.noise, self.draws, replacement=True)
        return self.ids[center], torch.cat([left, right]), negatives


def tutorial_tables(words: int, dim: int) -> tuple["Embedding", "Embedding"]:
    """Return the input and the output table, (V, D) each, initialized as in word2vec.c."""
    from torch import nn

    inputs, outputs = nn.Embedding(words, dim), nn.Embedding(words, dim)
    nn.init.uniform_(inputs.weight, -0.5 / dim, 0.5 / dim)
    nn.init.zeros_(outputs.weight)
    return inputs, outputs


def tutorial_loss(
    tables: tuple["Embedding", "Embedding"], center: "Tensor", context: "Tensor", negatives: "Tensor"
) -> "Tensor":
    """Return the mean over the batch of -sum log sigmoid(x . y_context) - sum log sigmoid(-x . y_noise)."""
    import torch
    from torch.nn.functional import logsigmoid

    inputs, outputs = tables
    x = inputs(center).unsqueeze(2)  # (B, D, 1)
    positive = torch.bmm(outputs(context), x).squeeze(2)  # (B, 2W)
    negative = torch.bmm(outputs(negatives), x).squeeze(2)  # (B, 2W * K)
    loss = -logsigmoid(positive).sum(1) - logsigmoid(-negative).sum(1)  # (B,)
    return loss.mean()


def tutorial_steps(
    tables: tuple["Embedding", "Embedding"], items: SkipGramItems, batch_size: int, learning_rate: float = TUTORIAL_LR
) -> Iterator[float]:
    """Train for one pass over the text; yields the loss of each batch after its step."""
    import torch
    from torch.utils.data import DataLoader

    optimizer = torch.optim.Adam([table.weight for table in tables], lr=learning_rate)
    # a map-style dataset needs no base class, but its annotation asks for one
    loader = DataLoader[Any](cast(Any, items), batch_size=batch_size, shuffle=True, drop_last=True)
    for center, context, negatives in loader:
        optimizer.zero_grad()
        loss = tutorial_loss(tables, center, context, negatives)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield loss.item()


@dataclass(frozen=True)
class Timing:
    """Duration of a number of steps, without the warm-up."""

    steps: int
    words: int
    seconds: float
    loss: float


def time_steps(batches: Iterator[float], batch_size: int, warm_up: int, timed: int) -> Timing:
    """Run `warm_up` steps, then time up to `timed` more.

    Raises:
        ValueError: The text ended before a step could be timed.
    """
    for _ in range(warm_up):
        next(batches, None)
    losses: list[float] = []
    start = time.perf_counter()
    for _ in range(timed):
        loss = next(batches, None)
        if loss is None:
            break
        losses.append(loss)
    seconds = time.perf_counter() - start
    if not losses:
        raise ValueError(f"the text has fewer than {warm_up + 1} batches of {batch_size} words; use more words")
    return Timing(len(losses), len(losses) * batch_size, seconds, losses[-1])


def time_tutorial(job: Job) -> Figures:
    """Time a few steps of the tutorial pipeline with the vocabulary of the full text; a whole run would take hours.

    The vocabulary is not that of the text to train on, because the cost of dense gradients grows with the tables.
    """
    import torch

    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    vocabulary = read_vocabulary(Path(job.full), job.min_count)
    ids = encode(Path(job.text), vocabulary)
    items = SkipGramItems(ids, torch.tensor(list(vocabulary.values())), job.window, job.negatives)
    batches = tutorial_steps(tutorial_tables(len(vocabulary), job.dim), items, TUTORIAL_BATCH)
    timing = time_steps(batches, TUTORIAL_BATCH, TUTORIAL_WARM_UP, TUTORIAL_STEPS)
    # the other systems are credited with the rare words that they skip, so the tutorial is too
    raw_words = timing.words * count_words(Path(job.text)) / len(ids)
    return {
        "training_seconds": timing.seconds,
        "raw_words": raw_words,
        "steps": timing.steps,
        "vocabulary": len(vocabulary),
    }


# ---- Indexing and scoring


def index_ours(job: Job) -> Figures:
    """Count and encode the text with this package, into an empty cache."""
    import numba  # noqa: F401 (index_corpus imports it late; the time of imports is left out for both systems)

    from word2vec import index_corpus

    start = time.perf_counter()
    index_corpus([job.text], cache=Path(job.output))
    return {"indexing_seconds": time.perf_counter() - start}


def index_gensim(job: Job) -> Figures:
    """Read the text and build the vocabulary with gensim, as its users do before training."""
    from gensim.models.word2vec import Text8Corpus, Word2Vec

    model = Word2Vec(vector_size=job.dim, min_count=job.min_count, workers=job.threads)
    start = time.perf_counter()
    model.build_vocab(Text8Corpus(job.text))
    return {"indexing_seconds": time.perf_counter() - start}


def score(job: Job) -> Figures:
    """Score the vectors of any system with the evaluation of this package; undefined scores are left out."""
    from word2vec import WordVectors

    scores = score_vectors(WordVectors.load(Path(job.output)))
    return {name: value for name, value in scores.items() if value is not None}


WORK: dict[str, Callable[[Job], Figures]] = {
    "prepare": prepare,
    "gensim": train_gensim,
    "gensim-cbow": partial(train_gensim, cbow=True),
    "gensim-tree": partial(train_gensim, tree=True),
    "fasttext": train_fasttext,
    "fasttext-subwords": partial(train_fasttext, ngrams=(3, 6)),
    "tutorial": time_tutorial,
    "index-ours": index_ours,
    "index-gensim": index_gensim,
    "score": score,
}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in WORK:
        sys.exit(f"usage: peers.py WORK JOB.json RESULT.json; compare.py runs it. WORK is one of {', '.join(WORK)}.")
    work, job_file, result_file = sys.argv[1:]
    figures = WORK[work](Job(**json.loads(Path(job_file).read_text(encoding="utf-8"))))
    Path(result_file).write_text(json.dumps(figures), encoding="utf-8")
