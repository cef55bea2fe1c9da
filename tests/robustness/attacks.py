"""What the tests of random attacks share: the seed, the judgment of an outcome, and the counts.

An outcome is right if the result is that of an undisturbed command, or if the command says in one line what is wrong
and has the right exit code. Everything else is wrong: another result, a traceback, a crash, another exit code.

Environment variables:
    WORD2VEC_ATTACK_SEED: Seed of all random choices; each run draws a new one by default, and prints it.
    WORD2VEC_ATTACK_SCALE: Factor for the number of attacks, 1 by default.
"""

import itertools
import json
import os
import random
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import word2vec
from word2vec.system.atomic_files import TEMPORARY

PACKAGE = Path(word2vec.__file__).parent
SEED = int(os.environ.get("WORD2VEC_ATTACK_SEED") or random.SystemRandom().randrange(1 << 32))
SCALE = float(os.environ.get("WORD2VEC_ATTACK_SCALE", "1"))

RIGHT = "right result"
REPORTED = "one line and the right exit code"
EDITED = "a text file for people, taken as edited"
RECOMPILED = "right result, compiled again"
NOT_STARTED = "ended by the system before the program started"

NOISE = re.compile(r"^(Traceback|Exception ignored|Fatal|Abort|\s+File )|^\w*(Error|Warning|Interrupt|Exit)\b", re.M)
UNEXPECTED = "WORD2VEC_TRACEBACK=1"  # the advice at the end of a message about an exception that nobody foresaw


@dataclass(frozen=True)
class Done:
    """A finished command: its exit code, negative for a signal, and what it wrote."""

    code: int
    stdout: str
    stderr: str


def times(count: int) -> int:
    """The number of attacks, scaled."""
    return max(1, round(count * SCALE))


def new_random(name: str) -> random.Random:
    """Random numbers of one test, the same for the same seed."""
    return random.Random(f"{SEED} {name}")


def is_reported(done: Done, codes: tuple[int, ...] = (1,)) -> bool:
    """Return whether a command failed with one of these exit codes and one line that says why, after its log lines."""
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("word2vec: ")]
    return (
        done.code in codes
        and len(errors) == 1
        and errors[0] == lines[-1]
        and not NOISE.search(done.stderr)
        and UNEXPECTED not in errors[0]
    )


def describe(done: Done) -> str:
    """How a command ended, for a person who looks for the cause."""
    if done.code == 0:
        return "exit code 0 with another result"
    return f"exit code {done.code}, stderr ends with {' | '.join(done.stderr.splitlines()[-3:])[-400:]!r}"


class Outcomes:
    """Counts of outcomes, and the wrong ones with what reproduces them."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}  # group -> kind -> count
        self.wrong: list[str] = []

    def add(self, group: str, kind: str) -> None:
        """Count an outcome that is right."""
        self.counts.setdefault(group, Counter())[kind] += 1

    def add_wrong(self, group: str, attack: str, done: Done | str) -> None:
        """Count an outcome that is wrong."""
        self.add(group, "WRONG")
        self.wrong.append(f"{group}: {attack}: {done if isinstance(done, str) else describe(done)}")

    def check(self) -> None:
        """Print the counts, and fail if an outcome is wrong."""
        total = sum(self.counts.values(), Counter())
        lines = [f"{group}: {_listed(counts)}" for group, counts in sorted(self.counts.items())]
        print("\n".join([f"WORD2VEC_ATTACK_SEED={SEED}", *lines, f"total: {_listed(total)}"]))  # noqa: T201
        assert not self.wrong, f"WORD2VEC_ATTACK_SEED={SEED}, {len(self.wrong)} wrong:\n" + "\n".join(self.wrong)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())


def flip(path: Path, bit: int) -> None:
    """Invert one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def random_bits(path: Path, count: int, draw: random.Random) -> list[int]:
    """Positions of different random bits of a file."""
    bits = 8 * path.stat().st_size
    return draw.sample(range(bits), min(count, bits))


def temporary_files(folder: Path) -> list[str]:
    """The temporary files and folders that a command left behind."""
    prefixes = ("tmp-", "stdin-", ".download-", TEMPORARY)
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(prefixes)]


class ForkServer:
    """Runs commands in forks of a process that has imported everything; see fork_server.py.

    Args:
        folder: A folder for what the commands print.
        environment: Environment variables of all commands.
        compiling: Whether code that is not in numba's cache is compiled; if not, the command ends instead.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *, compiling: bool = True) -> None:
        self._folder, self._numbers = folder, itertools.count()
        folder.mkdir()
        command = [sys.executable, "-m", "tests.robustness.fork_server", *([] if compiling else ["--do-not-compile"])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **environment},
        )

    def run(self, *arguments: object, warm: bool = False, dies_at: tuple[str, int] | None = None) -> Done:
        """Run a command.

        Args:
            arguments: The command and its arguments.
            warm: Run it in the server itself, so that the commands after it find its code in memory.
            dies_at: A file name and a number: the process is killed at that replacement of a file with that name.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        prefix = self._folder / str(next(self._numbers))
        request: dict[str, Any] = {"arguments": [str(each) for each in arguments], "warm": warm, "dies_at": dies_at}
        self._process.stdin.write(json.dumps(request | {"prefix": str(prefix)}) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        texts = []
        for suffix in (".out", ".err"):
            path = prefix.with_suffix(suffix)
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
            path.unlink()
        return Done(code, *texts)

    def close(self) -> None:
        """End the server."""
        self._process.__exit__(None, None, None)  # closes stdin, which ends it, and waits


def run_program(arguments: Sequence[object], environment: dict[str, str], timeout: float = 120) -> Done:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "word2vec", *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment},
        timeout=timeout,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def shown(arguments: Sequence[object]) -> str:
    """A command as it is typed."""
    return "word2vec " + shlex.join(map(str, arguments))
