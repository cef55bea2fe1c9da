"""Run commands in forks of this process, which has imported everything: a command costs milliseconds, and may crash.

Each line of stdin is a request in JSON; see `attacks.ForkServer.run`. The answer is a line with the exit code.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from numba.core import dispatcher

import word2vec.corpus.word_counts
import word2vec.engines.cpu.engine
import word2vec.formats
import word2vec.training.loop  # noqa: F401
from word2vec.cli import run

TIMEOUT = 60  # seconds
WOULD_COMPILE = 77  # exit code of a command that had to compile, but must not


def main() -> None:
    """Answer requests until stdin is closed."""
    torch.set_num_threads(1)  # no threads, which a fork would not have
    if "--do-not-compile" in sys.argv:
        dispatcher._FunctionCompiler.compile = lambda *_: os._exit(WOULD_COMPILE)  # type: ignore[attr-defined]
    for line in sys.stdin:
        request = json.loads(line)
        code = _run(request) if request["warm"] else _fork(request)
        print(code, flush=True)  # noqa: T201


def _fork(request: dict[str, Any]) -> int:
    child = os.fork()
    if not child:
        signal.alarm(TIMEOUT)
        if request["dies_at"]:
            _die_at(*request["dies_at"])
        os._exit(_run(request))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(request: dict[str, Any]) -> int:
    """Run the command with stdout and stderr in files."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    for number, suffix in ((1, ".out"), (2, ".err")):
        with Path(request["prefix"] + suffix).open("wb") as file:
            os.dup2(file.fileno(), number)
    code = run(request["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    for number, descriptor in zip((1, 2), saved, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    return code


def _die_at(name: str, number: int) -> None:
    """Kill this process when a file of this name is replaced for the given time."""
    replace, left = os.replace, number

    def dying(source: Path, target: Path) -> None:
        nonlocal left
        left -= Path(target).name == name
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    os.replace = dying  # type: ignore[assignment]


if __name__ == "__main__":
    main()
