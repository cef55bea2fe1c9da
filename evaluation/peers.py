"""The work that compare.py measures, one piece a process: `python evaluation/peers.py WORK JOB.json RESULT.json`.

Every piece takes the same job and answers with a few numbers. Training with this package is not here, because it is
measured through its command line. Each peer is used as its own documentation shows and keeps its own default learning
rate (0.025 for gensim, as here; 0.05 for fastText); everything else is set to the same value for all.

gensim reads its sentences of 1,000 words from the file in every epoch (`Text8Corpus`). On two cores, a list in memory
and its `corpus_file` were tried too: about 7 % faster on a million words, no faster on five million.
"""

import bz2
import ctypes
import gzip
import io
import json
import lzma
import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HERE = Path(__file__).resolve().parent
BLOCK_BYTES = 1 << 20
SENTENCE_WORDS = 1000  # where a line is longer than this it is cut, as word2vec.c does
RESTRICT = 30_000  # analogies are asked and answered within so many of the most frequent words, gensim's default
M_MMAP_THRESHOLD = -3  # of glibc's malloc.h: blocks from this many bytes come fresh from the system, never recycled
TUTORIAL_BATCH = 1024  # at the upper end of what tutorials use, which favors them: a dense step costs the same at any
TUTORIAL_WARM_UP = 5
TUTORIAL_STEPS = 60

Figures = dict[str, float]


@dataclass(frozen=True)
class Job:
    """What a process has to work on."""

    source: str
    """The file that the user named, compressed or not."""
    full: str
    """The same as plain text; it gives the tutorial its vocabulary."""
    text: str
    """The text that is trained on: `full`, or its first `limit` words."""
    limit: int
    """How many words to train on; 0 for all."""
    output: str
    """Where vectors, or an index, are written and read."""
    epochs: int
    dim: int
    window: int
    negatives: int
    subsample: float
    min_count: int
    threads: int
    seed: int


OPENERS: dict[str, Callable[[str], io.BufferedIOBase]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def is_compressed(path: str) -> bool:
    """Whether the file has to be unpacked first, going by its name."""
    return Path(path).suffix in OPENERS


def prepare(job: Job) -> Figures:
    """Unpack the corpus and cut it to its first words, where that is asked for; count the words."""
    if job.full != job.source:
        with OPENERS[Path(job.source).suffix](job.source) as packed, Path(job.full).open("wb") as plain:
            shutil.copyfileobj(packed, plain, BLOCK_BYTES)
    if job.text != job.full:
        with Path(job.full).open("rb") as full, Path(job.text).open("wb") as text:
            for block in first_words(full, job.limit):
                text.write(block)
    return {"words": count_words(Path(job.text)), "full_words": count_words(Path(job.full))}


def word_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Blocks of about 1 MB that end after a space or a newline, since a line may be the whole file."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        block = rest + block
        cut = 1 + max(block.rfind(b" "), block.rfind(b"\n"))
        yield block[:cut]
        rest = block[cut:]
    yield rest


def count_words(path: Path) -> int:
    """How many words a text has."""
    with path.open("rb") as file:
        return sum(len(block.split()) for block in word_blocks(file))


def first_words(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """The text up to the end of its word number `limit`, lines as they are."""
    for block in word_blocks(file):
        words = len(block.split())
        if words >= limit:
            ends = (word.end() for word in re.finditer(rb"\S+", block))
            yield block[: next(end for number, end in enumerate(ends, 1) if number == limit)] + b"\n"
            return
        limit -= words
        yield block


def train_gensim(job: Job) -> Figures:
    """Skip-gram by gensim; the vocabulary pass is timed apart from the training."""
    from gensim.models.word2vec import Text8Corpus, Word2Vec

    model = Word2Vec(
        sg=1, vector_size=job.dim, window=job.window, negative=job.negatives, sample=job.subsample,
        min_count=job.min_count, workers=job.threads, seed=job.seed, epochs=job.epochs,
    )  # fmt: skip
    sentences = Text8Corpus(job.text, SENTENCE_WORDS)
    start = time.perf_counter()
    model.build_vocab(sentences)
    built = time.perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=job.epochs)
    trained = time.perf_counter()
    model.wv.save_word2vec_format(job.output, binary=True)
    return {"vocabulary_seconds": built - start, "training_seconds": trained - built}


def train_fasttext(job: Job) -> Figures:
    """Skip-gram by fastText without n-grams; it has one call for all, so its time includes the vocabulary pass.

    With T threads, version 0.9.3 starts only T tenths of its input table at random (its issue 1061) and leaves the
    rest as the memory was, which on small texts ends in NaN. So it is given fresh memory, which is zero.
    """
    import fasttext  # pyright: ignore[reportMissingImports] (a peer, installed only for `make bench`)

    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 16)
    # subtle: the function has no argument for the seed, only this dict of its defaults has
    fasttext.FastText.unsupervised_default["seed"] = job.seed
    start = time.perf_counter()
    model = fasttext.train_unsupervised(
        job.text, model="skipgram", minn=0, maxn=0, dim=job.dim, ws=job.window, neg=job.negatives, t=job.subsample,
        minCount=job.min_count, epoch=job.epochs, thread=job.threads, verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    words = [str(word) for word in model.get_words()]
    with Path(job.output).open("wb") as file:
        file.write(b"%d %d\n" % (len(words), job.dim))
        for word in words:
            file.write(word.encode() + b" " + model.get_word_vector(word).astype("<f4").tobytes() + b"\n")
    return {"training_seconds": seconds}


def time_tutorial(job: Job) -> Figures:
    """Time a few steps of the tutorial pipeline at the vocabulary of the full text; it would take hours to finish.

    The vocabulary is not that of the text trained on, because dense gradients cost by the row of the tables.
    """
    import torch
    from tutorial import SkipGramItems, TutorialSkipGram, encode, read_vocabulary, steps, time_steps

    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    vocabulary = read_vocabulary(Path(job.full), job.min_count)
    ids = encode(Path(job.text), vocabulary)
    items = SkipGramItems(ids, torch.tensor(list(vocabulary.values())), job.window, job.negatives)
    model = TutorialSkipGram(len(vocabulary), job.dim)
    timing = time_steps(steps(model, items, TUTORIAL_BATCH), TUTORIAL_BATCH, TUTORIAL_WARM_UP, TUTORIAL_STEPS)
    # the others are credited with the rare words that they skip, so the tutorial is too
    raw_words = timing.words * count_words(Path(job.text)) / len(ids)
    return {
        "training_seconds": timing.seconds,
        "raw_words": raw_words,
        "steps": timing.steps,
        "vocabulary": len(vocabulary),
    }


def index_ours(job: Job) -> Figures:
    """Count and encode the text with this package, into an empty cache."""
    import numba  # noqa: F401 (index_corpus imports it late, and imports are timed for neither)

    from word2vec.corpus.index import index_corpus

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
    """Spearman correlations and the share of analogies answered rightly, by the same evaluator for all systems."""
    from word2vec.evaluation.similarity import evaluate_analogies, evaluate_similarity
    from word2vec.vectors.word_vectors import WordVectors

    vectors = WordVectors.load(Path(job.output))
    figures = {
        "wordsim353": evaluate_similarity(vectors, HERE / "wordsim353.csv", bootstrap=0).spearman,
        "simlex999": evaluate_similarity(vectors, HERE / "simlex999.csv", bootstrap=0).spearman,
        "analogies": evaluate_analogies(vectors, HERE / "questions-words.txt", restrict=RESTRICT).accuracy,
    }
    return {name: figure for name, figure in figures.items() if not math.isnan(figure)}


WORK: dict[str, Callable[[Job], Figures]] = {
    "prepare": prepare,
    "gensim": train_gensim,
    "fasttext": train_fasttext,
    "tutorial": time_tutorial,
    "index-ours": index_ours,
    "index-gensim": index_gensim,
    "score": score,
}

if __name__ == "__main__":
    work, job_file, result_file = sys.argv[1:]
    figures = WORK[work](Job(**json.loads(Path(job_file).read_text(encoding="utf-8"))))
    Path(result_file).write_text(json.dumps(figures), encoding="utf-8")
