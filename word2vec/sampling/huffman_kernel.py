"""Compiled construction of Huffman trees, in linear time; see huffman.py."""

import numpy as np
import numpy.typing as npt

from word2vec.system.jit import compiled


@compiled
def merge(counts: npt.NDArray[np.int64], parents: npt.NDArray[np.int64], sides: npt.NDArray[np.int8]) -> None:
    """Merge the nodes with the smallest counts until one is left.

    Nodes 0 to V - 1 are the words; node V + n is the one that merge n creates, and the last one is the root.

    Args:
        counts: (V,) counts in descending order.
        parents: (2 V - 1,) output: the number of the merge that created the parent of each node but the root.
        sides: (2 V - 1,) output: +1 for the child of a node that was taken first, -1 for the other one.
    """
    size = len(counts)
    sums = np.zeros(size, np.int64)  # counts of the merged nodes
    word, merged = size - 1, 0  # the smallest ones that are left
    for number in range(size - 1):
        for side in (1, -1):
            # subtle: `<`, so that of equal counts the merged node is taken, as in word2vec.c
            if word >= 0 and (merged == number or counts[word] < sums[merged]):
                child = word
                sums[number] += counts[word]
                word -= 1
            else:
                child = size + merged
                sums[number] += sums[merged]
                merged += 1
            parents[child], sides[child] = number, side


@compiled
def fill_paths(
    parents: npt.NDArray[np.int64],
    sides: npt.NDArray[np.int8],
    starts: npt.NDArray[np.int64],
    nodes: npt.NDArray[np.int32],
    signs: npt.NDArray[np.int8],
) -> None:
    """Write where the path of each word begins; then, if `nodes` is not empty, the paths.

    Args:
        parents: The result of `merge`.
        sides: The result of `merge`.
        starts: (V + 1,) output.
        nodes: (N,) output: inner nodes, numbered from the root.
        signs: (N,) output.
    """
    size = len(starts) - 1
    root = size - 2
    if not len(nodes):
        depth = np.zeros(size, np.int64)  # of the merged nodes
        for number in range(root - 1, -1, -1):
            depth[number] = depth[parents[size + number]] + 1
        for word in range(size):
            starts[word + 1] = starts[word] + (depth[parents[word]] + 1 if size > 1 else 0)
        return
    for word in range(size):
        node = word
        for place in range(starts[word + 1] - 1, starts[word] - 1, -1):  # from the word to the root
            nodes[place], signs[place] = root - parents[node], sides[node]
            node = size + parents[node]
