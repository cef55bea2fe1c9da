"""What is to be found out on a machine with CUDA: is the engine right, how fast is it, how many programs may it run.

    python evaluation/gpu_check.py CORPUS [--parts tests,sweep,compare] [--output FILE.json]

- tests: the engines' tests, the contract suite on CUDA among them.
- sweep: the fused engine with different numbers of programs and precisions of the products: raw words/s of a whole
  training and what the vectors are worth, and what the two floors under the time are made of.
- compare: both engines on CUDA and gensim on all cores, by compare.py.

`make gpu-check` runs it. Each part fits into ten minutes on wiki8; the file is written anew after each measurement.
Where torch finds no CUDA device and TRITON_INTERPRET is set, it goes through all of it on the CPU, to be tested.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from compare import ROOT, comma_separated, commit, hardware, shown_command, versions, write_atomically
from peers import HERE, RESTRICT
from summary import markdown_table

from word2vec import TrainConfig, WordVectors, evaluate_analogies, evaluate_similarity
from word2vec.dataset import SamplingSettings, SkipGramDataset
from word2vec.engines.gpu import GpuEngine
from word2vec.engines.gpu_shape import tile_shape
from word2vec.engines.progress import Progress
from word2vec.losses import NegativeSampling
from word2vec.model import SkipGram
from word2vec.tokens import index_corpus
from word2vec.training import DEFAULT_LR, learning_rate
from word2vec.vocabulary import Vocabulary

PARTS = ("tests", "sweep", "compare")
PRECISIONS = ("ieee", "tf32", "tf32x3")
PROGRAMS_A_MULTIPROCESSOR = (1, 2, 3, 4, 6, 8, 12)
AUTOGRAD_WORDS = 2_000_000  # the autograd engine needs its time
COPY_FLOATS = 1 << 30  # 4 GiB, many times any cache
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")


@dataclass(frozen=True)
class Floors:
    """The least that training a raw word takes."""

    pairs: float  # trained
    operations: float  # of float32, a multiply-add counted as two
    bytes: float  # of rows, each read once where it is needed and its step written once

    def words_per_second(self, operations_per_second: float, bytes_per_second: float) -> tuple[float, float]:
        """The speeds that nothing exceeds, by arithmetic and by traffic."""
        return operations_per_second / self.operations, bytes_per_second / self.bytes


def floors(config: TrainConfig, kept: float, pairs: float) -> Floors:
    """What a raw word costs, given how many words are kept and how many pairs are trained for one."""
    shape = tile_shape(config.dim, config.negatives, config.window)
    tiles = shape.centres / -(-(shape.centres + 2 * config.window) // shape.rows)  # centres that a tile serves
    rows = 1 + config.negatives + shape.rows / tiles
    return Floors(
        pairs=pairs,
        operations=pairs * 3 * (1 + config.negatives) * 2 * config.dim,
        bytes=kept * rows * 2 * 4 * config.dim,
    )


def copy_bandwidth() -> float:
    """Bytes a second of a copy within device memory, read and written."""
    source = torch.rand(COPY_FLOATS if CUDA else 1 << 20, device=DEVICE)
    target, seconds = torch.empty_like(source), []
    for _ in range(5):
        start = _now()
        target.copy_(source)
        seconds.append(_now() - start)
    return 2 * source.nbytes / min(seconds)


def sweep(config: TrainConfig, report: dict[str, object], output: Path) -> str:
    """Train with each precision and number of programs; returns the table."""
    corpus = index_corpus(config.corpus)
    vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
    settings = SamplingSettings(config.window, config.negatives, config.subsample, config.noise_exponent)
    dataset = SkipGramDataset(corpus.tokens, corpus.offsets, vocabulary, settings, seed=config.seed, device=DEVICE)
    words, lr = len(corpus.tokens), config.lr or DEFAULT_LR
    measured: list[dict[str, Any]] = []
    multiprocessors = torch.cuda.get_device_properties(DEVICE).multi_processor_count if CUDA else 1
    for precision in PRECISIONS:
        for each in PROGRAMS_A_MULTIPROCESSOR:
            model = SkipGram(len(vocabulary), config.dim, torch.Generator().manual_seed(config.seed)).to(DEVICE)
            engine = GpuEngine(
                model,
                NegativeSampling("sum"),
                dataset,
                lambda epoch, done: learning_rate((epoch * words + done) / (config.epochs * words), lr, config.min_lr),
                precision=precision,
                programs=multiprocessors * each,
            )
            start = _now()
            *_, last = [list(engine.epoch(epoch))[-1] for epoch in range(config.epochs)]
            seconds = _now() - start
            table = model.input.detach().cpu().numpy()
            measured.append(
                {
                    "precision": precision,
                    "programs": multiprocessors * each,
                    "seconds": seconds,
                    "words_per_second": config.epochs * words / seconds,
                    "pairs_per_word": last.pairs / words,
                }
                | _worth(vocabulary, table, last)
            )
            report["sweep"] = measured
            write_atomically(output, report)
            print(measured[-1], file=sys.stderr)
    least = floors(config, _kept(vocabulary, config.subsample), float(measured[0]["pairs_per_word"]))
    report["floors"] = asdict(least) | {"copy_bytes_per_second": copy_bandwidth()}
    write_atomically(output, report)
    columns = ("precision", "programs", "seconds", "words_per_second", "loss", "wordsim353", "simlex999", "analogies")
    rows = [[_shown(each[name]) for name in columns] for each in measured]
    return markdown_table(list(columns), rows)


def _kept(vocabulary: Vocabulary, threshold: float) -> float:
    """The share of the words that survive subsampling."""
    return float(vocabulary.counts @ vocabulary.keep_probability(threshold) / vocabulary.counts.sum())


def _worth(vocabulary: Vocabulary, table: npt.NDArray[np.float32], last: Progress) -> dict[str, float | None]:
    """The loss and the scores, x 100; None where training diverged."""
    if not np.isfinite(table).all() or not np.isfinite(last.loss):
        return {"loss": None, "wordsim353": None, "simlex999": None, "analogies": None}
    vectors = WordVectors(vocabulary.words, table, counts=vocabulary.counts)
    scores: dict[str, float | None] = {
        name: 100 * evaluate_similarity(vectors, name, bootstrap=0).spearman for name in ("wordsim353", "simlex999")
    }
    return (
        {"loss": last.loss / max(last.pairs, 1)}
        | scores
        | {"analogies": 100 * evaluate_analogies(vectors, "questions-words", restrict=RESTRICT).accuracy}
    )


def _shown(value: float | str | None) -> str:
    if value is None:
        return "diverged"
    return value if isinstance(value, str) else f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _now() -> float:
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def run_tests() -> dict[str, object]:
    """The engines' tests; what pytest's last line says."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/engines"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
    return {"exit": done.returncode, "says": done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""}


def run_comparison(corpus: str, output: Path) -> dict[str, object]:
    """compare.py for the fused engine and gensim on all cores, then for the autograd engine on fewer words."""
    device, found = DEVICE.type, {}
    cores = str(os.cpu_count())
    for name, own in {
        "fused": ["--systems", "ours,gensim", "--engine", "fused", "--quality", "--rounds", "1", "--threads", cores],
        "autograd": ["--systems", "ours", "--engine", "autograd", "--epochs", "1", "--words", str(AUTOGRAD_WORDS)],
    }.items():
        part = output.with_name(f"{output.stem}-{name}.json")
        command = [sys.executable, str(HERE / "compare.py"), corpus, "--device", device, "--output", str(part), *own]
        subprocess.run(command, check=True)
        found[name] = json.loads(part.read_text(encoding="utf-8"))
        part.unlink()
    return found


def main(arguments: Sequence[str]) -> int:
    """Run the parts, print the table, write the JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog="gpu_check.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", help="a text file")
    parser.add_argument("--parts", type=comma_separated(list(PARTS)), default=list(PARTS), help="which")
    parser.add_argument("--epochs", type=int, default=5, help="passes over the text in the sweep")
    parser.add_argument(
        "--output", type=Path, help="where the JSON goes; evaluation/results/gpu-NAME.json if not given"
    )
    options = parser.parse_args(arguments)
    if not CUDA and "TRITON_INTERPRET" not in os.environ:
        print("gpu_check.py: torch finds no CUDA device here; run it on a machine that has one", file=sys.stderr)
        return 1
    if not Path(options.corpus).is_file():
        print(f"gpu_check.py: {options.corpus}: no such file; name a text file, such as data/text8", file=sys.stderr)
        return 1
    name = torch.cuda.get_device_name(DEVICE).lower().replace(" ", "-") if CUDA else "interpreted"
    output = options.output or HERE / "results" / f"gpu-{name}.json"
    report: dict[str, object] = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    report |= {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shown_command(arguments, "gpu_check.py"),
        "commit": commit(),
        "hardware": hardware(DEVICE.type),
        "versions": versions(),
    }
    if "tests" in options.parts:
        report["tests"] = run_tests()
        write_atomically(output, report)
    if "sweep" in options.parts:
        print(sweep(TrainConfig(corpus=(options.corpus,), epochs=options.epochs), report, output))
    if "compare" in options.parts:
        report["compare"] = run_comparison(options.corpus, output)
        write_atomically(output, report)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
