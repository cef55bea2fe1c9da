"""The Huffman tree of a vocabulary, whose inner nodes are the targets of hierarchical softmax.

Every word is a leaf of a binary tree, and the path from the root to the word is a sequence of decisions between the two
children of a node. In a Huffman tree, frequent words have short paths: the mean length over the words of the corpus is
the smallest that is possible. Each of the V - 1 inner nodes has a row of the output table, which needs no others.

The two nodes with the smallest counts are merged until one is left, the root (Huffman 1952, "A method for the
construction of minimum-redundancy codes"). Since words are sorted by count, two queues suffice: that of the words and
that of the merged nodes, whose counts never decrease. Ties are decided as in word2vec.c: of a merged node and a word
with equal counts the merged node comes first, and of two words the one that is later in the vocabulary. The child that
is taken first has the code 0 there, and the sign +1 here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class HuffmanTree:
    """The paths from the root to all words, one after the other.

    Inner nodes are numbered from the root, 0, in the reverse order of their creation, so those with higher counts come
    first. word2vec.c and gensim number them in the order of creation: their node n is node V - 2 - n here.

    Attributes:
        starts: (V + 1,) int64, where the path of each word begins in the other arrays; the last number is N.
        nodes: (N,) int32, the inner nodes of the paths, from the root on.
        signs: (N,) int8, +1 if the path continues at the first child of a node, -1 at the second one.
    """

    starts: npt.NDArray[np.int64]
    nodes: npt.NDArray[np.int32]
    signs: npt.NDArray[np.int8]

    @classmethod
    def of(cls, counts: npt.NDArray[np.int64]) -> "HuffmanTree":
        """Build the tree of words with these counts, (V,), in descending order.

        Raises:
            ValueError: There is no word, or the counts are not in descending order.
        """
        if not len(counts) or (np.diff(counts) > 0).any():
            raise ValueError("the counts of a Huffman tree must be in descending order, and not empty")
        from word2vec.sampling.huffman_kernel import fill_paths, merge  # numba, which takes a third of a second

        parents, sides = np.zeros(2 * len(counts) - 1, np.int64), np.zeros(2 * len(counts) - 1, np.int8)
        merge(np.ascontiguousarray(counts, np.int64), parents, sides)
        starts = np.zeros(len(counts) + 1, np.int64)
        fill_paths(parents, sides, starts, np.empty(0, np.int32), np.empty(0, np.int8))
        nodes, signs = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int8)
        fill_paths(parents, sides, starts, nodes, signs)
        return cls(starts, nodes, signs)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The number of inner nodes on the path of each word, (V,)."""
        return np.diff(self.starts)

    @property
    def longest(self) -> int:
        """The number of inner nodes on the longest path."""
        return int(self.lengths.max())

    def mean_length(self, frequency: npt.NDArray[np.floating]) -> float:
        """Return the mean length of the paths of words that occur with these frequencies, (V,), which sum to 1."""
        return float(self.lengths @ frequency)

    def node_frequency(self, frequency: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the fraction of the paths that contain each node, (V,), for words with these frequencies, (V,).

        There is one inner node fewer than there are words; the last number is 0.
        """
        return np.bincount(self.nodes, np.repeat(frequency, self.lengths), len(self.lengths)).astype(np.float64)

    def padded(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Return nodes and signs as tables, (V, longest); shorter paths end with the unused row V - 1 and sign 0."""
        size = len(self.lengths)
        on_path = np.arange(max(1, self.longest)) < self.lengths[:, None]  # (V, L)
        nodes, signs = np.full(on_path.shape, size - 1, np.int32), np.zeros(on_path.shape, np.int8)
        nodes[on_path], signs[on_path] = self.nodes, self.signs
        return nodes, signs
