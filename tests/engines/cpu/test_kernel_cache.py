"""Compiled kernels are cached on disk: a second process compiles nothing and trains the same tables."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import word2vec

SCRIPT = """
import zlib
from tests.engines.small import make_cbow, make_dataset, make_model, make_objective, random_sentences
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.losses import WMRB, NegativeSampling, RankNet
from word2vec.sampling.datasets import CBOWDataset, SkipGramDataset

counts = [1000 // rank for rank in range(1, 19)]
sentences = random_sentences(6000, counts, length=6)
cases = [(make_model, SkipGramDataset, kind) for kind in (NegativeSampling, RankNet, WMRB)]
hits, checksums = 0, []
for make, dataset_class, kind in [*cases, (make_cbow, CBOWDataset, RankNet)]:
    model, dataset = make(18, 16), make_dataset(sentences, counts, dataset_class, negatives=5, subsample=0)
    engine = FusedEngine(model, make_objective(kind, 18), dataset, lambda epoch, words: 0.01)
    *_, last = engine.epoch(0)
    hits += engine._kernel.stats.cache_hits.total()
    checksums.append(zlib.crc32(model.input.detach().numpy().tobytes()))
print(hits, *checksums)
"""


@pytest.mark.slow
def test_a_kernel_is_compiled_once_for_all_processes(tmp_path: Path) -> None:
    package, cache = tmp_path / "word2vec", tmp_path / "cache"
    shutil.copytree(Path(word2vec.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").symlink_to(Path(__file__).parents[2])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(tmp_path)}

    def run() -> tuple[str, list[str], set[Path]]:
        """Cache hits, checksums of the tables, and the cache files of kernels."""
        command = [sys.executable, "-W", "error", "-c", SCRIPT]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        hits, *checksums = done.stdout.split()
        return hits, checksums, set(cache.rglob("*.nb*"))

    hits, checksums, files = run()
    assert hits == "0"
    assert files
    # the same bytes: a call that is not inlined would round differently in the process that compiles
    assert run() == ("4", checksums, files)
    # numba detects changes only in the file that defines the kernel; this is another one
    with (package / "engines" / "cpu" / "objectives.py").open("a") as source:
        source.write("\n\ndef _no_steps(name, n_targets, padded, block, constants):\n    pass\n")
        source.write("\n\nCOMPILED[NegativeSampling] = _no_steps\n")
    hits, changed, _ = run()
    assert hits == "0"
    assert changed[0] != checksums[0]
    assert changed[1:] == checksums[1:]
