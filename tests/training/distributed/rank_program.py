"""The program that torchrun starts in tests: the command line, with faults and with checkpoints that are always due.

    torchrun ... tests/training/distributed/rank_program.py [OPTIONS] train ...

Options:
    --kill RANK N        Kill this rank in its Nth exchange of progress, unless torchrun has restarted the processes.
    --interrupt RANK N   Send SIGINT to this rank in its Nth exchange of progress.
    --slow-save SECONDS  Wait before the vectors are saved.
    --checkpoints        A checkpoint is due at every progress report.
    --slow SECONDS       Wait in every exchange of progress.

`{rank}` in an argument is replaced with the number of the rank.
"""

import argparse
import os
import signal
import sys
import time

from word2vec.cli import run
from word2vec.engines.base import Pause, Progress
from word2vec.training.distributed.rounds import Exchange, Rounds
from word2vec.training.result import Vectors
from word2vec.training.run_folder import RunFolder

parser = argparse.ArgumentParser()
parser.add_argument("--kill", type=int, nargs=2, default=(-1, -1))
parser.add_argument("--interrupt", type=int, nargs=2, default=(-1, -1))
parser.add_argument("--slow-save", type=float, default=0.0)
parser.add_argument("--checkpoints", action="store_true")
parser.add_argument("--slow", type=float, default=0.0)
options, command = parser.parse_known_args()

rank, restarted = int(os.environ["RANK"]), os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
exchange_progress, write_result, exchanges = Rounds._exchange_progress, RunFolder.write_result, 0


def exchange_with_faults(self: Rounds, mine: Progress, request: Pause) -> Exchange:
    global exchanges
    exchanges += 1
    time.sleep(options.slow)
    if not restarted and options.kill == [rank, exchanges]:
        os.kill(os.getpid(), signal.SIGKILL)
    if options.interrupt == [rank, exchanges]:
        os.kill(os.getpid(), signal.SIGINT)
    return exchange_progress(self, mine, request)


def write_slowly(self: RunFolder, *, refine: bool = False) -> Vectors:
    time.sleep(options.slow_save)
    return write_result(self, refine=refine)


Rounds._exchange_progress = exchange_with_faults  # type: ignore[method-assign]
RunFolder.write_result = write_slowly  # type: ignore[method-assign]
if options.checkpoints:
    RunFolder.checkpoint_due = property(lambda self: True)  # type: ignore[assignment,method-assign]
sys.exit(run([argument.replace("{rank}", str(rank)) for argument in command]))
