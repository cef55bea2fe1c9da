"""Engines train the tables of a model; `choose_engine` finds one for an objective and a device.

Read `plain` first: numpy, loops and the formulas. `autograd` trains any objective on any device; `cpu/` and `gpu/` are
the fused engines, which are tested against `plain`. `base` declares what all of them have in common.
"""

from word2vec.engines.base import Engine, Pause, Progress
from word2vec.engines.choice import Workload, choose_device, choose_engine, choose_pair_engine

__all__ = ["Engine", "Pause", "Progress", "Workload", "choose_device", "choose_engine", "choose_pair_engine"]
