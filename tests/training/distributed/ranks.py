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
from word2vec.engines.base import Progress
from word2vec.training.checkpoint import Checkpoints
from word2vec.training.distributed import averaging

parser = argparse.ArgumentParser()
parser.add_argument("--die", type=int, nargs=2, default=(-1, -1))
parser.add_argument("--checkpoints", action="store_true")
parser.add_argument("--slow", type=float, default=0.0)
options, command = parser.parse_known_args()

rank, first_time = int(os.environ["RANK"]), os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
told, times = averaging.Rounds._told, 0


def tells(self: averaging.Rounds, mine: Progress, wish: averaging.Pause) -> averaging.Exchange:
    global times
    times += 1
    time.sleep(options.slow)
    if first_time and options.die == [rank, times]:
        os.kill(os.getpid(), signal.SIGKILL)
    return told(self, mine, wish)


averaging.Rounds._told = tells  # type: ignore[method-assign]
if options.checkpoints:
    Checkpoints.due = lambda self: True  # type: ignore[method-assign]
sys.exit(run([argument.replace("{rank}", str(rank)) for argument in command]))
