"""What torchrun starts in tests: the command line, with a rank that dies and checkpoints that are always due.

    torchrun ... tests/training/distributed/ranks.py [--die RANK TIME] [--checkpoints] [--slow SECONDS] train ...

A rank dies once, when it tells the others for that time how far it is, and only before torchrun has started it anew.
`{rank}` in an argument becomes the number of the rank.
"""

import argparse
import os
import signal
import sys
import time

from word2vec.cli import run
from word2vec.engines.base import Pause, Progress
from word2vec.training.distributed.rounds import Exchange, Rounds
from word2vec.training.run_folder import RunFolder

parser = argparse.ArgumentParser()
parser.add_argument("--die", type=int, nargs=2, default=(-1, -1))
parser.add_argument("--checkpoints", action="store_true")
parser.add_argument("--slow", type=float, default=0.0)
options, command = parser.parse_known_args()

rank, first_time = int(os.environ["RANK"]), os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
exchange_progress, times = Rounds._exchange_progress, 0


def delayed(self: Rounds, mine: Progress, request: Pause) -> Exchange:
    global times
    times += 1
    time.sleep(options.slow)
    if first_time and options.die == [rank, times]:
        os.kill(os.getpid(), signal.SIGKILL)
    return exchange_progress(self, mine, request)


Rounds._exchange_progress = delayed  # type: ignore[method-assign]
if options.checkpoints:
    RunFolder.checkpoint_due = property(lambda self: True)  # type: ignore[assignment,method-assign]
sys.exit(run([argument.replace("{rank}", str(rank)) for argument in command]))
