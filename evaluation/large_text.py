"""Measure indexing and training on texts of different sizes: speed, peak memory and disk.

    python evaluation/large_text.py wiki70 --words 17e6,70e6,350e6,1e9 --dim 50

A large text is made of a smaller one: it is repeated, and in each repetition one word in five gets another first
letter, so the vocabulary grows with the text; one space in 25 becomes a newline. Each size is indexed, and trained for
one epoch, in a process of its own with an empty cache. One billion words need 11 GB of disk; on two cores they are
indexed in one to two minutes, and an epoch takes several more.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, HelpFormatter, positive, report_header, write_json
from renderers.large_text import large_text

BLOCK_BYTES = 1 << 24
CHANGED_WORDS, NEWLINES = 0.2, 0.04  # fractions of the words, and of the spaces
SAMPLE_SECONDS = 0.2


def grow(text: Path, words: int, output: Path) -> None:
    """Write about `words` words: a text of lowercase letters and spaces, repeated and changed."""
    draw = np.random.default_rng(1)
    written = repetition = 0
    with output.open("wb") as out:
        while written < words:
            with text.open("rb") as source:
                while written < words and (block := source.read(BLOCK_BYTES)):
                    letters = np.frombuffer(block, np.uint8).copy()
                    space = letters <= ord(" ")
                    starts = np.flatnonzero(~space[1:] & space[:-1]) + 1
                    if len(starts) > (missing := words - written):
                        letters, starts = letters[: starts[missing]], starts[:missing]
                    if repetition:
                        letters[starts[draw.random(len(starts), np.float32) < CHANGED_WORDS]] = ord("A") + repetition
                    letters[starts[draw.random(len(starts), np.float32) < NEWLINES] - 1] = ord("\n")
                    out.write(letters.data)
                    written += len(starts)
            repetition += 1


class PeakMemory:
    """The peak of the memory that a process allocates, in MB, without the pages of files that the system may drop."""

    def __init__(self) -> None:
        self._peak = 0
        threading.Thread(target=self._sample, daemon=True).start()

    def take(self) -> float:
        """Return the peak since the last call."""
        peak, self._peak = self._peak, 0
        return peak * 1024 / 1e6

    def _sample(self) -> None:
        while True:
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            self._peak = max(self._peak, next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")))
            time.sleep(SAMPLE_SECONDS)


def measure(text: Path, folder: Path, threads: int, dim: int) -> dict[str, Any]:
    """Index a text and train on it; times in seconds, of the clock and of all processors."""
    import word2vec

    memory = PeakMemory()
    start, cpu_start = time.perf_counter(), time.process_time()
    corpus = word2vec.index_corpus([text], cache=folder / "cache", threads=threads)
    result = {
        "words": corpus.facts.words,
        "distinct_words": corpus.facts.distinct_words,
        "index_seconds": time.perf_counter() - start,
        "index_cpu_seconds": time.process_time() - cpu_start,
        "index_peak_mb": memory.take(),
        "text_bytes": text.stat().st_size,
        "index_bytes": sum(file.stat().st_size for file in corpus.folder.iterdir()),
    }
    if dim:
        vectors = word2vec.train(str(text), dim=dim, epochs=1, threads=threads, validation=0, output=folder / "run")
        lines = (folder / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
        seconds = max(json.loads(line)["elapsed_seconds"] for line in lines)
        result |= {"vocabulary": len(vectors), "train_seconds": seconds, "train_peak_mb": memory.take()}
    return result


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="large_text.py", description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("text", type=Path, help="text of lowercase words")
    parser.add_argument("--words", default="17e6,70e6,350e6,1e9", help="numbers of words")
    parser.add_argument("--threads", type=positive, default=2, help="threads")
    parser.add_argument("--dim", type=int, default=50, help="dimensions of the vectors; 0 only indexes")
    parser.add_argument("--folder", type=Path, help="where texts and indexes are written; deleted afterwards")
    parser.add_argument("--output", type=Path, default=RESULTS / "large-text.json", help="JSON file to write")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)  # the process that measures one text
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    if options.measure:
        print(json.dumps(measure(options.text, options.measure, options.threads, options.dim)))
        return 0
    measured: list[dict[str, Any]] = []
    report = report_header("large_text.py", arguments) | {"threads": options.threads, "measurements": measured}
    for words in options.words.split(","):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            text = Path(folder) / "text"
            grow(options.text, int(float(words)), text)
            command = [sys.executable, __file__, str(text), "--measure", folder]
            command += ["--threads", str(options.threads), "--dim", str(options.dim)]
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                env={**os.environ, "WORD2VEC_CACHE": f"{folder}/cache"},
            )
        measured.append(json.loads(done.stdout))
        print(measured[-1], file=sys.stderr)
        write_json(options.output, report)
    print(large_text(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
