"""Shards: split, split again, and stored as JSON."""

import json

import numpy as np
import torch

from word2vec.sampling.shards import Shard, split_off


def test_nothing_is_split_off_the_last_part() -> None:
    offsets = np.array([0, 3, 3, 6, 6, 6])  # sentences of 3, 0, 3, 0 and 0 words
    shard = Shard([(0, 3), (3, 5)], (0,))
    assert split_off(shard, offsets, 1, 2) == [(1, 3), (3, 5)]
    assert shard.unread == [(0, 1)]
    shard.unread = [(1, 3), (3, 5)]
    assert split_off(shard, offsets, 7, 7) == []
    assert shard.unread == [(1, 3), (3, 5)]


def test_a_shard_survives_json_exactly() -> None:
    state = {
        "random": torch.tensor([2**63 - 1, -5]),
        "loss": torch.tensor([0.1, 1e-300, float("inf")], dtype=torch.float64),
        "bytes": torch.arange(256, dtype=torch.uint8),
        "batches": torch.tensor(3),
        "empty": torch.empty(0, dtype=torch.int64),
    }
    shard = Shard([(1, 2), (5, 9)], (3, 70), 5, 2, 10, 0.1, 4, state)
    found = Shard.from_dict(json.loads(json.dumps(shard.to_dict())))
    assert vars(found) | {"engine_state": None} == vars(shard) | {"engine_state": None}
    assert found.engine_state.keys() == state.keys()
    for name, tensor in state.items():
        assert found.engine_state[name].dtype == tensor.dtype
        assert found.engine_state[name].equal(tensor)
