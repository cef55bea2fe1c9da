"""Training: the loop and the objects that it uses.

`api` has the function that users call, `loop` the loop; `setup` creates data, model and engine from the settings;
`epoch_end`, `validation`, `early_stopping` and `callbacks` decide when to stop; `metrics` and `tensorboard` log;
`run_folder`, `checkpoint` and `resume` save and continue runs; `distributed/` trains one model with several processes.
"""

from word2vec.training.api import train
from word2vec.training.callbacks import EpochResult

__all__ = ["EpochResult", "train"]
