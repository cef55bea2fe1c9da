"""Compiled kernels are kept on disk: a second process compiles nothing, a changed source does not get the old one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import word2vec

SCRIPT = """
from tests.engines.small import make_dataset, make_model, random_sentences
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.losses import NegativeSampling

dataset = make_dataset(random_sentences(100, [1] * 5), [20] * 5, negatives=2)
engine = FusedEngine(make_model(5, 8), NegativeSampling("sum"), dataset, lambda epoch, words: 0.05)
*_, last = engine.epoch(0)
print(engine._kernel.stats.cache_hits.total(), last.loss)
"""


@pytest.mark.slow
def test_a_kernel_is_compiled_once_for_all_processes(tmp_path: Path) -> None:
    package, cache = tmp_path / "word2vec", tmp_path / "cache"
    shutil.copytree(Path(word2vec.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").symlink_to(Path(__file__).parents[2])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(tmp_path)}

    def run() -> tuple[str, str, set[Path]]:
        """Cache hits, the loss, and the files of kernels."""
        command = [sys.executable, "-W", "error", "-c", SCRIPT]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        hits, loss = done.stdout.split()
        return hits, loss, set(cache.rglob("*.nb*"))

    hits, loss, files = run()
    assert hits == "0"
    assert files
    assert run() == ("1", loss, files)
    # the trap: numba looks for changes in the file of the kernel only, and this is another
    with (package / "engines" / "cpu" / "objectives.py").open("a") as source:
        source.write("\n\ndef _no_steps(name, n_targets, padded, block, constants):\n    pass\n")
        source.write("\n\nCOMPILED[NegativeSampling] = _no_steps\n")
    hits, changed, _ = run()
    assert hits == "0"
    assert changed != loss
