"""What is to be found out on a machine with CUDA: is the engine right, how fast is it, how good are its vectors.

    python evaluation/gpu_check.py CORPUS [--parts tests,sweep,compare] [--output FILE.json]

- tests: the engines' tests, the contract suite on CUDA among them.
- sweep: the fused engine with different numbers of programs and precisions of the products: raw words/s of a whole
  training and what the vectors are worth; and what the two floors under the time are made of.
- compare: by compare.py, the fused engine on CUDA and on all cores with the same seeds, the autograd engine on CUDA,
  and gensim on all cores.

Ratios, targets, verdicts and floors are made of that in gpu_summary.py. `make gpu-check` runs it. Each part is meant to
fit into ten minutes on wiki8; the file is written anew after each measurement, and keeps the parts of earlier calls.
Where torch finds no CUDA device and TRITON_INTERPRET is set, it goes through all of it on the CPU, to be tested.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from compare import ROOT, comma_separated, commit, hardware, positive, shown_command, versions, write_atomically
from gpu_summary import costs, float32_rate, tables, verdicts
from peers import HERE, RESTRICT
from summary import markdown_table, number

from word2vec import TrainConfig, WordVectors, evaluate_analogies, evaluate_similarity
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.engines.base import Progress
from word2vec.engines.gpu.engine import GpuEngine
from word2vec.errors import ConfigError
from word2vec.losses import NegativeSampling
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset
from word2vec.training.loop import learning_rate
from word2vec.training.setup import DEFAULT_LR, default_threads

PRECISIONS = ("ieee", "tf32", "tf32x3")
PROGRAMS_A_MULTIPROCESSOR = (1, 2, 3, 4, 6, 8, 12)
SEEDS = 3
TESTS_SECONDS = 540  # so that the report is written before a call of ten minutes ends
CUDA = torch.cuda.is_available()
COPIED_FLOATS = 1 << 28 if CUDA else 1 << 20  # 1 GiB, many times any cache, and two of them fit on any card
DEVICE = torch.device("cuda" if CUDA else "cpu")

Part = dict[str, Any]
"""What the report says of one part."""
Save = Callable[[], None]
"""Writes the report as it is by now."""


class Trainings:
    """Trainings on one text by the fused engine, the same but for how it uses the card."""

    def __init__(self, config: TrainConfig) -> None:
        corpus = index_corpus(config.corpus)
        self.config, self.words = config, len(corpus.tokens)
        self.vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
        settings = SamplingSettings(config.window, config.negatives, config.subsample, config.noise_exponent)
        self.dataset = SkipGramDataset(
            corpus.tokens, corpus.offsets, self.vocabulary, settings, seed=config.seed, device=DEVICE
        )

    @property
    def kept(self) -> float:
        """The share of the raw words that are known and survive subsampling."""
        keep = self.vocabulary.keep_probability(self.config.subsample)
        return float(self.vocabulary.counts @ keep) / self.words

    def train(self, precision: str, programs: int, epochs: int) -> dict[str, Any]:
        """One training: its time, without compiling and copying the text to the card, and what its vectors are worth.

        Raises:
            ConfigError: the kernel cannot be compiled so.
        """
        config, words = self.config, self.words
        model = SkipGram(len(self.vocabulary), config.dim, torch.Generator().manual_seed(config.seed)).to(DEVICE)

        def lr_at(epoch: int, done: int) -> float:
            return learning_rate((epoch * words + done) / (epochs * words), config.lr or DEFAULT_LR, config.min_lr)

        objective = NegativeSampling("sum")
        engine = GpuEngine(model, objective, self.dataset, lr_at, precision=precision, programs=programs)
        start = _now()
        ends = [list(engine.epoch(epoch))[-1] for epoch in range(epochs)]
        seconds = _now() - start
        return {
            "seconds": seconds,
            "words_per_second": epochs * words / seconds,
            "pairs_per_word": sum(end.pairs for end in ends) / (epochs * words),
        } | _worth(self.vocabulary, model.input.detach().cpu().numpy(), ends[-1])


def run_sweep(options: argparse.Namespace, part: Part, save: Save) -> None:
    """Train with each precision and number of programs; prints the table."""
    config = TrainConfig(corpus=(options.corpus,), epochs=options.epochs)
    trainings = Trainings(config)
    multiprocessors = torch.cuda.get_device_properties(DEVICE).multi_processor_count if CUDA else 1
    rows: list[dict[str, Any]] = []
    part |= {"settings": config.as_dict() | {"corpus": Path(options.corpus).name}, "card": card(), "rows": rows}
    # subtle: the first training on a card takes memory from the driver, and its clock has yet to rise
    pairs = trainings.train(PRECISIONS[0], multiprocessors, epochs=1)["pairs_per_word"]
    part["costs"] = asdict(costs(config, trainings.kept, pairs))
    for precision in PRECISIONS:
        for each in PROGRAMS_A_MULTIPROCESSOR:
            row: dict[str, Any] = {"precision": precision, "programs": multiprocessors * each}
            try:
                row |= trainings.train(precision, multiprocessors * each, config.epochs)
            except ConfigError as error:
                row |= {"error": str(error)}
            rows.append(row)
            save()
            print(row, file=sys.stderr)
    columns = ("precision", "programs", "seconds", "words_per_second", "loss", "wordsim353", "simlex999", "analogies")
    print(
        markdown_table(list(columns), [[_shown(row, name) for name in columns] for row in rows]), end="\n\n", flush=True
    )
    if CUDA:
        torch.cuda.empty_cache()  # the processes of the other parts want it


def card() -> dict[str, float | None]:
    """What the card does a second: operations by its units and clock, bytes by a copy that was timed."""
    rate = None
    if CUDA:
        about = torch.cuda.get_device_properties(DEVICE)
        kilohertz = getattr(about, "clock_rate", None)  # which older versions of torch do not tell
        rate = float32_rate((about.major, about.minor), about.multi_processor_count, kilohertz)
    return {"float32_per_second": rate, "copied_bytes_per_second": copy_bandwidth()}


def copy_bandwidth() -> float:
    """Bytes a second of a copy within device memory, read and written."""
    source = torch.rand(COPIED_FLOATS, device=DEVICE)
    target, seconds = torch.empty_like(source), []
    for _ in range(5):
        start = _now()
        target.copy_(source)
        seconds.append(_now() - start)
    return 2 * source.nbytes / min(seconds)


def _worth(vocabulary: Vocabulary, table: npt.NDArray[np.float32], last: Progress) -> dict[str, float | None]:
    """The loss and the scores, x 100; None where training diverged or a score is not defined."""
    if not np.isfinite(table).all() or not np.isfinite(last.loss):
        return {"loss": None, "wordsim353": None, "simlex999": None, "analogies": None}
    vectors = WordVectors(vocabulary.words, table, counts=vocabulary.counts)
    scores = {name: evaluate_similarity(vectors, name, bootstrap=0).spearman for name in ("wordsim353", "simlex999")}
    scores["analogies"] = evaluate_analogies(vectors, "questions-words", restrict=RESTRICT).accuracy
    return {"loss": last.loss / max(last.pairs, 1)} | {
        name: None if math.isnan(score) else 100 * score for name, score in scores.items()
    }


def _shown(row: dict[str, Any], name: str) -> str:
    if name not in row:
        return "not compiled"
    value = row[name]
    if value is None:
        return "diverged" if row["loss"] is None else "-"
    return value if isinstance(value, str) else number(value) if value >= 1000 else f"{value:.4g}"


def _now() -> float:
    """The time at which the card has done all that it was given."""
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def run_tests(options: argparse.Namespace, part: Part, save: Save) -> None:  # noqa: ARG001, as all parts
    """The engines' tests: what pytest's last line says, and which failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/engines"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TESTS_SECONDS)
    except subprocess.TimeoutExpired:
        part |= {"exit": 1, "says": f"stopped after {TESTS_SECONDS} s", "failed": []}
        return
    print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
    lines = done.stdout.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    part |= {"exit": done.returncode, "says": lines[-1] if lines else "", "failed": failed}


def comparisons() -> dict[str, list[str]]:
    """What compare.py is asked for, in order: the longest and least important last, should time run out.

    All have the same settings and the seeds from 1. The autograd engine takes one epoch and one thread, since more
    would make its batches smaller.
    """
    cores = str(default_threads(None))
    fused, autograd = (["--systems", "ours", "--engine", engine] for engine in ("fused", "autograd"))
    fused.append("--quality")
    return {
        "gpu": [*fused, "--device", DEVICE.type, "--rounds", str(SEEDS), "--threads", cores],
        "cpu": [*fused, "--device", "cpu", "--rounds", str(SEEDS), "--threads", cores],
        "autograd": [*autograd, "--device", DEVICE.type, "--rounds", "1", "--epochs", "1", "--threads", "1"],
        "gensim": ["--systems", "gensim", "--quality", "--rounds", "1", "--threads", cores],
    }


def run_comparison(options: argparse.Namespace, part: Part, save: Save) -> None:
    """Run compare.py for each; what it could not measure is left out, and why is said."""
    runs: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    part |= {"runs": runs, "left_out": left_out}
    for name, own in comparisons().items():
        if name == "gensim" and find_spec("gensim") is None:
            left_out[name] = "gensim is not installed"
            continue
        written = options.output.with_name(f"{options.output.stem}-{name}.json")
        written.unlink(missing_ok=True)  # of a call that was cut off
        command = [sys.executable, str(HERE / "compare.py"), options.corpus, "--output", str(written), *own]
        code = subprocess.run(command, check=False).returncode
        if code:
            left_out[name] = f"compare.py ended with exit code {code}"
            part["exit"] = 1
        if written.exists():  # a failure leaves what was measured before it
            runs[name] = json.loads(written.read_text(encoding="utf-8"))
            written.unlink()
        save()


PARTS = {"tests": run_tests, "sweep": run_sweep, "compare": run_comparison}


def main(arguments: Sequence[str]) -> int:
    """Run the parts, print the tables, write the JSON; returns the exit code, 1 if a test or a measurement failed."""
    parser = argparse.ArgumentParser(prog="gpu_check.py", description=(__doc__ or "").partition("\n")[0])
    name = torch.cuda.get_device_name(DEVICE).lower().replace(" ", "-") if CUDA else "interpreted"
    output = HERE / "results" / f"gpu-{name}.json"
    parser.add_argument("corpus", help="a text file")
    parser.add_argument("--parts", type=comma_separated(list(PARTS)), default=list(PARTS), help="which")
    parser.add_argument("--epochs", type=positive, default=5, help="passes over the text in the sweep")
    parser.add_argument("--output", type=Path, default=output, help="where the JSON goes")
    options = parser.parse_args(arguments)
    if not CUDA and "TRITON_INTERPRET" not in os.environ:
        print("gpu_check.py: torch finds no CUDA device here; run it on a machine that has one", file=sys.stderr)
        return 1
    if not Path(options.corpus).is_file():
        print(f"gpu_check.py: {options.corpus}: no such file; name a text file, such as data/text8", file=sys.stderr)
        return 1
    if not CUDA:
        print("gpu_check.py: no CUDA device here: what is measured says nothing of a GPU", file=sys.stderr)
    output = options.output
    output.parent.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    report |= {"hardware": hardware(DEVICE.type), "versions": versions()}

    def save() -> None:
        report["verdicts"] = verdicts(report)
        write_atomically(output, report)

    for part in options.parts:
        report[part] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shown_command(arguments, "gpu_check.py"),
            "commit": commit(),
        }
        try:
            PARTS[part](options, report[part], save)
        except Exception as error:  # the other parts have processes of their own, and may get on
            traceback.print_exc()
            report[part] |= {"exit": 1, "error": type(error).__name__}
        save()
    print(*tables(report), sep="\n\n")
    return int(any(report[part].get("exit") for part in options.parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
