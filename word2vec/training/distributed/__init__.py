"""Several processes that train one model, started by torchrun.

`process_group` communicates, `rounds` averages the tables of all processes, and `averaging` is an engine that wraps the
engine of one process, so that the training loop does not know how many there are.
"""

from word2vec.training.distributed.averaging import AveragingEngine
from word2vec.training.distributed.process_group import ProcessGroup, join_process_group

__all__ = ["AveragingEngine", "ProcessGroup", "join_process_group"]
