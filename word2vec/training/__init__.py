"""Training: the loop and the objects that it uses.

`setup` creates data, model and engine from the settings; `metrics` and `tensorboard` log; `run_folder`, `checkpoint`
and `resume` save and continue runs; `distributed/` trains one model with several processes.
"""

from word2vec.training.loop import train

__all__ = ["train"]
