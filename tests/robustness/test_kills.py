"""kill -9 at random times, from the start of the process on: the next command gives the right bytes.

See attacks.py for the seed and the number of attacks. The kills of test_faults.py start in the command; these start
with the process.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.robustness.attacks import PACKAGE, RIGHT, Outcomes, new_random, run_program, shown, temporary_files, times
from tests.robustness.test_faults import many_words

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")]

KILLS = {"train": 6, "train --resume": 8, "export": 6}
SETTINGS = ["--dim", 32, "--threads", 1, "--epochs", 6, "--checkpoint-every", 0.001]
VECTORS = ("vectors.safetensors", "vocab.tsv")


def is_killed(arguments: list[object], seconds: float, cache: Path) -> bool:
    """Start a command and kill it some seconds later; return whether it was still running."""
    command = [sys.executable, "-m", "word2vec", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "WORD2VEC_CACHE": str(cache)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


def test_kills_at_random_times(tmp_path: Path) -> None:
    outcomes = Outcomes()
    text, whole, run = many_words(tmp_path / "text", 200_000, 3000), tmp_path / "whole", tmp_path / "run"
    out, whole_out, caches = tmp_path / "v.bin", tmp_path / "whole.bin", tmp_path / "caches"
    seconds = {}
    train, export = ["train", text, "--output", run, *SETTINGS], ["export", whole, out]
    commands = {"train": train, "train --resume": [*train, "--resume"], "export": export}
    for command in (["train", text, "--output", whole, *SETTINGS], ["export", whole, whole_out]):
        begin = time.monotonic()
        done = run_program(command, {"WORD2VEC_CACHE": str(caches / "0")})
        seconds[command[0]] = time.monotonic() - begin
        assert done.code == 0, done.stderr
    seconds["train --resume"] = seconds["train"]

    def check(name: str, draw: random.Random, number: int) -> None:
        """Kill a command, and then run it undisturbed."""
        shutil.rmtree(run, ignore_errors=True)
        out.write_bytes(b"1 1\nbefore 1\n")
        cache = caches / f"{name} {number}"
        moments = []
        for _ in range(1 if name != "train --resume" else 2):
            moments.append(draw.uniform(0, seconds[name]))
            if not is_killed(commands[name], moments[-1], cache):
                break
        attack = f"killed after {', '.join(f'{moment:.3f}' for moment in moments)} s, then {shown(commands[name])}"
        if out.read_bytes() not in (b"1 1\nbefore 1\n", whole_out.read_bytes()):
            outcomes.add_wrong(name, attack, "a file that is not complete")
            return
        again = [*train, "--resume"] if name != "export" else export
        done = run_program(again, {"WORD2VEC_CACHE": str(cache)})
        same = out.read_bytes() == whole_out.read_bytes() if name == "export" else equal(run, whole)
        left = temporary_files(tmp_path)
        if done.code == 0 and same and not left:
            outcomes.add(name, RIGHT)
        else:
            outcomes.add_wrong(name, attack, f"left behind: {left}" if left else done)

    for name, kills in KILLS.items():
        for number in range(times(kills)):
            check(name, new_random(f"{name} {number}"), number)
    outcomes.check()


def equal(run: Path, other: Path) -> bool:
    return all((run / name).is_file() and (run / name).read_bytes() == (other / name).read_bytes() for name in VECTORS)
