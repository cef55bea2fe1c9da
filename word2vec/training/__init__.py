"""Training: the loop and the objects that it uses.

`api` and `pairs` have the functions that users call, `loop` the loop. `setup` creates data, model and engine from the
settings, with `text_examples` or `pair_examples`; `epoch_end`, `validation`, `early_stopping` and `callbacks` decide
when to stop; `metrics` and `tensorboard` log; `run_folder`, `checkpoint` and `resume` save and continue runs;
`distributed/` trains one model with several processes, and `tuning/` searches for better settings.
"""

from word2vec.training.api import train
from word2vec.training.callbacks import EpochResult
from word2vec.training.pairs import train_pairs

__all__ = ["EpochResult", "train", "train_pairs"]
