"""The Huffman tree: its codes by another algorithm and by gensim, and what is computed from its paths."""

import heapq
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gensim.models import Word2Vec

from word2vec.sampling.huffman import HuffmanTree

DOCS = Path(__file__).parents[2] / "docs"


def real_counts() -> list[int]:
    words = " ".join(path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))).split()
    return sorted(Counter(words).values(), reverse=True)


def paths_of(tree: HuffmanTree) -> list[list[tuple[int, int]]]:
    """The nodes and signs of each word."""
    steps = list(zip(tree.nodes.tolist(), tree.signs.tolist(), strict=True))
    return [steps[begin:end] for begin, end in zip(tree.starts, tree.starts[1:], strict=False)]


def paths_by_heap(counts: list[int]) -> list[list[tuple[int, int]]]:
    """The same with a heap; of equal counts a merged node comes first, and then the word that is last."""
    heap = [(count, 1, -word, word) for word, count in enumerate(counts)]
    heapq.heapify(heap)
    paths: list[list[tuple[int, int]]] = [[] for _ in counts]
    below = {word: [word] for word in range(len(counts))}
    for number in range(len(counts) - 1):
        members, total = [], 0
        for sign in (1, -1):
            count, _, _, node = heapq.heappop(heap)
            for word in below[node]:
                paths[word].insert(0, (len(counts) - 2 - number, sign))
            members, total = members + below[node], total + count
        below[len(counts) + number] = members
        heapq.heappush(heap, (total, 0, number, len(counts) + number))
    return paths


@pytest.mark.parametrize(
    "counts",
    [[7], [5, 1], [3, 3, 3], [1] * 13, [8, 4, 2, 1, 1], [2**k for k in range(60, -1, -1)], [9, 9, 5, 4, 4, 2, 2, 2, 1]],
)
def test_paths_are_those_of_another_algorithm(counts: list[int]) -> None:
    assert paths_of(HuffmanTree.of(np.array(counts))) == paths_by_heap(counts)


def test_paths_of_a_real_vocabulary_with_many_ties_are_those_of_another_algorithm() -> None:
    counts = real_counts()
    assert counts.count(1) > 500
    assert paths_of(HuffmanTree.of(np.array(counts))) == paths_by_heap(counts)


def gensim_codes(counts: list[int]) -> list[list[tuple[int, int]]]:
    """Inner nodes, numbered from the root, and signs of each word in gensim."""
    model = Word2Vec(vector_size=1, min_count=1, hs=1, negative=0)
    model.build_vocab_from_freq({str(word): count for word, count in enumerate(counts)})
    found = []
    for word in range(len(counts)):
        points, codes = (model.wv.get_vecattr(str(word), name) for name in ("point", "code"))
        found.append([(len(counts) - 2 - int(n), 1 - 2 * int(code)) for n, code in zip(points, codes, strict=True)])
    return found


def test_codes_are_those_of_gensim() -> None:
    # Its heap decides ties by where it happens to keep the words, so here all counts and sums of them differ.
    counts = [(count << 40) + (1 << 20) + 7 * rank**2 for rank, count in enumerate(reversed(real_counts()))][::-1]
    counts = sorted(counts, reverse=True)
    assert paths_of(HuffmanTree.of(np.array(counts))) == gensim_codes(counts)


def test_with_ties_codes_are_as_short_as_those_of_gensim() -> None:
    counts = real_counts()
    tree = HuffmanTree.of(np.array(counts))
    ours, theirs = (int(np.dot(counts, lengths)) for lengths in (tree.lengths, list(map(len, gensim_codes(counts)))))
    assert ours == theirs


def test_nodes_are_ordered_by_frequency_and_the_last_row_is_not_used() -> None:
    counts = np.array(real_counts())
    tree = HuffmanTree.of(counts)
    frequency = tree.node_frequency(counts / counts.sum())
    assert frequency[0] == pytest.approx(1)  # the root is in every path
    assert (np.diff(frequency) < 1e-12).all()
    assert frequency[-1] == 0 < frequency[-2]
    assert frequency.sum() == pytest.approx(tree.mean_length(counts / counts.sum()))


def test_padded_paths_end_with_the_unused_row() -> None:
    nodes, signs = HuffmanTree.of(np.array([8, 4, 2, 1])).padded()
    assert nodes.tolist() == [[0, 3, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2]]
    assert signs.tolist() == [[-1, 0, 0], [1, -1, 0], [1, 1, -1], [1, 1, 1]]


@pytest.mark.parametrize("counts", [[], [1, 2]])
def test_counts_must_be_in_descending_order(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="descending"):
        HuffmanTree.of(np.array(counts, np.int64))
