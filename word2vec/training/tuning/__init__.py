"""Search for the best settings for a corpus, by a measure of the user's choice.

`api` has the function that users call; `search` the search; `space` the settings that it tries, `schedule` how many of
them on how much of the corpus, `measures` what it maximizes, `sample` the data, `trainer` a single training, `trials`
the folder from which it is resumed, and `comparison` the test whether the result is better than the default.
"""

from word2vec.training.tuning.api import tune
from word2vec.training.tuning.search import TuningResult

__all__ = ["TuningResult", "tune"]
