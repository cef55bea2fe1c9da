"""The rows of the output table that a batch is scored with: its true words and noise words, or the nodes of paths.

A path of hierarchical softmax has signs: the signed score of a node is s_k = sign_k (x . y_k). Paths have different
lengths, and are padded with the row V - 1, which is no node and stays zero, and the sign 0.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor

from word2vec.losses.base import Objective
from word2vec.sampling.datasets import Batch, ExampleDataset, TextDataset


class Paths(NamedTuple):
    """The paths of all words in the Huffman tree; see `HuffmanTree.padded`."""

    nodes: Tensor  # (V, L) int32
    signs: Tensor  # (V, L) int8


def paths_for(objective: Objective, dataset: ExampleDataset) -> Paths | None:
    """Return the paths of the words on the device of the dataset, if they are the targets of the objective."""
    if objective.targets != "tree":
        return None
    nodes, signs = cast("TextDataset", dataset).tree.padded()
    return Paths(torch.from_numpy(nodes).to(dataset.device), torch.from_numpy(signs).to(dataset.device))


def targets_per_example(dataset: ExampleDataset, paths: Paths | None) -> int:
    """Return the number of targets T of each example: 1 + K, or the length of the longest path."""
    return 1 + dataset.settings.negatives if paths is None else paths.nodes.shape[1]


def targets_of(batch: Batch, paths: Paths | None) -> tuple[Tensor, Tensor | None]:
    """Return the rows of the targets, (B, T) int64, and the signs of their scores, (B, T) or None."""
    if paths is None:
        return torch.cat([batch.center.unsqueeze(1), batch.negatives], dim=1), None
    return paths.nodes[batch.center].long(), paths.signs[batch.center]


def signed(scores: Tensor, signs: Tensor | None) -> Tensor:
    """Multiply scores (B, T) by their signs (B, T), if they have any; +inf where the sign is 0, for no node."""
    return scores if signs is None else (scores * signs).masked_fill_(signs == 0, torch.inf)
