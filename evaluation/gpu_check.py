"""Check the GPU engine on a machine with CUDA: its correctness, its speed and the quality of its vectors.

    python evaluation/gpu_check.py CORPUS [--parts tests,sweep,compare] [--output FILE.json]

- tests: the tests of the engines, including the contract suite on CUDA.
- sweep: the fused engine with different numbers of programs and precisions of the matrix products, and CBOW, which has
  no matrix products, with different numbers of programs: raw words/s of a complete training run and the scores of its
  vectors; and the inputs of the two lower bounds on the time.
- compare: by compare.py, the fused engine on CUDA and on all cores with the same seeds, the autograd engine on CUDA,
  and gensim on all cores.

gpu_summary.py computes ratios, targets, verdicts and bounds from that. `make gpu-check` runs this script. Each part is
meant to fit into ten minutes on wiki8; the file is written again after each measurement, and keeps the parts of earlier
calls. If torch finds no CUDA device and TRITON_INTERPRET is set, everything runs on the CPU, as a test of the script.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from common import (
    HERE,
    RESULTS,
    ROOT,
    SCORES,
    HelpFormatter,
    comma_separated,
    markdown_table,
    number,
    positive,
    report_header,
    score_vectors,
    write_json,
)
from gpu_summary import costs, float32_rate, tables, verdicts

from word2vec import SamplingSettings, TrainConfig, Vocabulary, WordVectors, index_corpus
from word2vec.engines.base import Progress
from word2vec.engines.gpu.engine import GpuEngine
from word2vec.errors import ConfigError
from word2vec.losses import NegativeSampling
from word2vec.models import MODELS
from word2vec.training.setup import LinearDecay, default_threads
from word2vec.training.text_examples import DATASETS

PRECISIONS = ("ieee", "tf32", "tf32x3")
PROGRAMS_PER_MULTIPROCESSOR = (1, 2, 3, 4, 6, 8, 12)
SEEDS = 3
TESTS_SECONDS = 540  # so that the report is written before a call of ten minutes ends
CUDA = torch.cuda.is_available()
COPIED_FLOATS = 1 << 28 if CUDA else 1 << 20  # 1 GiB, many times any cache, and two of them fit on any GPU
DEVICE = torch.device("cuda" if CUDA else "cpu")

Part = dict[str, Any]
"""The section of the report about one part."""
Save = Callable[[], None]
"""Writes the report with the measurements so far."""


class Trainings:
    """Trainings on one text with the fused engine, which differ only in how they use the GPU."""

    def __init__(self, config: TrainConfig) -> None:
        corpus = index_corpus(config.corpus)
        self.config, self.words = config, len(corpus.tokens)
        self.vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
        settings = SamplingSettings(config.window, config.negatives, config.subsample, config.noise_exponent)
        self.dataset = DATASETS[config.model](
            corpus.tokens, corpus.offsets, self.vocabulary, settings, seed=config.seed, device=DEVICE
        )

    @property
    def kept(self) -> float:
        """The fraction of the raw words that are in the vocabulary and survive subsampling."""
        keep = self.vocabulary.keep_probability(self.config.subsample)
        return float(self.vocabulary.counts @ keep) / self.words

    def train(self, precision: str, programs: int, epochs: int) -> dict[str, Any]:
        """Train once: the time, without compiling and copying the text to the GPU, and the scores of the vectors.

        Raises:
            ConfigError: The kernel cannot be compiled with this precision.
        """
        config, words = self.config, self.words
        model_class = MODELS[config.model]
        model = model_class(len(self.vocabulary), config.dim, torch.Generator().manual_seed(config.seed)).to(DEVICE)
        lr = config.lr or NegativeSampling.default_lr * model_class.lr_factor
        decay = LinearDecay(lr, config.min_lr, words, epochs)
        objective = NegativeSampling("sum")
        engine = GpuEngine(model, objective, self.dataset, decay, precision=precision, programs=programs)
        start = _now()
        ends = [list(engine.epoch(epoch))[-1] for epoch in range(epochs)]
        seconds = _now() - start
        return {
            "seconds": seconds,
            "words_per_second": epochs * words / seconds,
            "pairs_per_word": sum(end.pairs for end in ends) / (epochs * words),
        } | _loss_and_scores(self.vocabulary, model.input.detach().cpu().numpy(), ends[-1])


def run_sweep(options: argparse.Namespace, part: Part, save: Save) -> None:
    """Train with each precision and number of programs, and CBOW with each number of programs; print the tables."""
    config = TrainConfig(corpus=(options.corpus,), epochs=options.epochs, validation=0)
    trainings = Trainings(config)
    multiprocessors = torch.cuda.get_device_properties(DEVICE).multi_processor_count if CUDA else 1
    part |= {
        "settings": config.as_dict() | {"corpus": Path(options.corpus).name},
        "gpu_rates": gpu_rates(),
        "rows": [],
        "cbow": [],
    }
    # subtle: the first training on a GPU allocates memory from the driver, and the clock has yet to rise
    pairs = trainings.train(PRECISIONS[0], multiprocessors, epochs=1)["pairs_per_word"]
    part["costs"] = asdict(costs(config, trainings.kept, pairs))
    cbow = Trainings(replace(config, model="cbow"))
    for name, own, precisions in (("rows", trainings, PRECISIONS), ("cbow", cbow, PRECISIONS[:1])):
        for precision in precisions:
            for each in PROGRAMS_PER_MULTIPROCESSOR:
                row: dict[str, Any] = {"precision": precision, "programs": multiprocessors * each}
                try:
                    row |= own.train(precision, multiprocessors * each, config.epochs)
                except ConfigError as error:
                    row |= {"error": str(error)}
                part[name].append(row)
                save()
                print(own.config.model, row, file=sys.stderr)
    columns = ("model", "precision", "programs", "seconds", "words_per_second", "loss", *SCORES)
    rows = [{"model": model} | row for name, model in (("rows", "skipgram"), ("cbow", "cbow")) for row in part[name]]
    print(
        markdown_table(list(columns), [[_shown(row, name) for name in columns] for row in rows]), end="\n\n", flush=True
    )
    if CUDA:
        torch.cuda.empty_cache()  # the processes of the other parts need it


def gpu_rates() -> dict[str, float | None]:
    """Return the operations/s of the GPU, from its units and clock, and the bytes/s, from a timed copy."""
    rate = None
    if CUDA:
        about = torch.cuda.get_device_properties(DEVICE)
        kilohertz = getattr(about, "clock_rate", None)  # older versions of torch do not have it
        rate = float32_rate((about.major, about.minor), about.multi_processor_count, kilohertz)
    return {"float32_per_second": rate, "copied_bytes_per_second": copy_bandwidth()}


def copy_bandwidth() -> float:
    """Return the bytes/s of a copy within device memory, counting reads and writes."""
    source = torch.rand(COPIED_FLOATS, device=DEVICE)
    target, seconds = torch.empty_like(source), []
    for _ in range(5):
        start = _now()
        target.copy_(source)
        seconds.append(_now() - start)
    return 2 * source.nbytes / min(seconds)


def _loss_and_scores(vocabulary: Vocabulary, table: npt.NDArray[np.float32], last: Progress) -> dict[str, float | None]:
    """Return the loss and the scores; None if training diverged or a score is undefined."""
    if not np.isfinite(table).all() or not np.isfinite(last.loss):
        return dict.fromkeys(("loss", *SCORES))
    vectors = WordVectors(vocabulary.words, table, counts=vocabulary.counts)
    return {"loss": last.loss / max(last.pairs, 1)} | score_vectors(vectors)


def _shown(row: dict[str, Any], name: str) -> str:
    if name not in row:
        return "not compiled"
    value = row[name]
    if value is None:
        return "diverged" if row["loss"] is None else "-"
    if name in SCORES:
        return number(value, 1, 100)
    return value if isinstance(value, str) else number(value) if value >= 1000 else f"{value:.4g}"


def _now() -> float:
    """Return the time after all work on the GPU has finished."""
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def run_tests(options: argparse.Namespace, part: Part, save: Save) -> None:  # noqa: ARG001, the signature of all parts
    """Run the tests of the engines; the report gets the last line of pytest and the failed tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/engines"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TESTS_SECONDS)
    except subprocess.TimeoutExpired:
        part |= {"exit": 1, "summary": f"stopped after {TESTS_SECONDS} s", "failed": []}
        return
    print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
    lines = done.stdout.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    part |= {"exit": done.returncode, "summary": lines[-1] if lines else "", "failed": failed}


def comparisons() -> dict[str, list[str]]:
    """Return the options of each run of compare.py, the longest and least important last in case time runs out.

    All have the same settings and the seeds from 1. The autograd engine runs one epoch in one thread, because more
    threads would make its batches smaller.
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
    """Run compare.py for each comparison; the report gets the reason for what could not be measured."""
    runs: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    part |= {"runs": runs, "left_out": left_out}
    for name, own in comparisons().items():
        if name == "gensim" and find_spec("gensim") is None:
            left_out[name] = "gensim is not installed"
            continue
        written = options.output.with_name(f"{options.output.stem}-{name}.json")
        written.unlink(missing_ok=True)  # from an interrupted call
        command = [sys.executable, str(HERE / "compare.py"), options.corpus, "--output", str(written), *own]
        code = subprocess.run(command, check=False).returncode
        if code:
            left_out[name] = f"compare.py ended with exit code {code}"
            part["exit"] = 1
        if written.exists():  # after a failure it has the measurements before it
            runs[name] = json.loads(written.read_text(encoding="utf-8"))
            written.unlink()
        save()


PARTS = {"tests": run_tests, "sweep": run_sweep, "compare": run_comparison}


def main(arguments: Sequence[str]) -> int:
    """Run the parts, print the tables, write the JSON; returns the exit code: 1 if a test or a measurement failed."""
    parser = argparse.ArgumentParser(
        prog="gpu_check.py",
        description="Check the GPU engine on a machine with CUDA: tests, a sweep over programs and precisions, and the "
        "comparison with the CPU engine, the autograd engine and gensim. Each part takes at most about ten minutes on "
        "17 million words.",
        formatter_class=HelpFormatter,
    )
    name = torch.cuda.get_device_name(DEVICE).lower().replace(" ", "-") if CUDA else "interpreted"
    parser.add_argument("corpus", help="text file")
    parser.add_argument("--parts", type=comma_separated(list(PARTS)), default=",".join(PARTS), help="parts to run")
    parser.add_argument("--epochs", type=positive, default=5, help="number of passes over the text in the sweep")
    parser.add_argument("--output", type=Path, default=RESULTS / f"gpu-{name}.json", help="JSON file to write")
    options = parser.parse_args(arguments)
    if not CUDA and "TRITON_INTERPRET" not in os.environ:
        print("gpu_check.py: no CUDA device found; run it on a machine that has one", file=sys.stderr)
        return 1
    if not Path(options.corpus).is_file():
        print(f"gpu_check.py: {options.corpus}: no such file; pass a text file, such as data/text8", file=sys.stderr)
        return 1
    if not CUDA:
        print("gpu_check.py: no CUDA device found: these measurements say nothing about a GPU", file=sys.stderr)
    output = options.output
    report: dict[str, Any] = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}

    def save() -> None:
        report["verdicts"] = verdicts(report)
        write_json(output, report)

    for part in options.parts:
        header = report_header("gpu_check.py", arguments, DEVICE.type)
        report |= {name: header.pop(name) for name in ("hardware", "versions")}
        report[part] = header
        try:
            PARTS[part](options, report[part], save)
        except Exception as error:  # the other parts run in processes of their own and may succeed
            traceback.print_exc()
            report[part] |= {"exit": 1, "error": type(error).__name__}
        save()
    print(*tables(report), sep="\n\n")
    return int(any(report[part].get("exit") for part in options.parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
