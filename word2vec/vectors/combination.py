"""Combination: one table of vectors from several, for instance from runs with different seeds or settings.

Each member has its vectors centered and scaled to length one, U_m (V, D_m). A tenth of the centered output table is
added before they are scaled. The combined vectors are the first principal components of the
members side by side, [U_1 ... U_M] / sqrt(M): before the reduction, the cosine of two words is the mean of their
cosines in the members, and the principal components keep as much of that as any projection can.

Concatenation, and its reduction by a singular value decomposition, are the simplest of the meta-embeddings of Yin and
Schütze (2016), "Learning word meta-embeddings"; that zeros can stand for missing vectors is from there as well. The
covariance matrix is summed over blocks of words, so that no concatenated table is ever in memory. If it would be too
wide, its leading eigenvectors are found by subspace iteration from a random start instead (Halko, Martinsson and Tropp,
2011, "Finding structure with randomness").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from word2vec.corpus.phrases import Phrases
from word2vec.errors import ConfigError, Word2VecError
from word2vec.vectors.word_vectors import WordVectors

Vocabulary = Literal["common", "united"]
Table = NDArray[np.float32]

DEFAULT_DIM = 300
OUTPUT_WEIGHT = 0.1  # of the output table; more of it helps semantic analogies and costs others
MAX_EXACT_WIDTH = 6000  # columns of all members, above which a covariance matrix takes too much time
OVERSAMPLING = 20  # additional components of the subspace iteration, so that the wanted ones converge faster
PASSES = 8  # steps of the subspace iteration, each of which reads all vectors
_BLOCK_WORDS = 4096


def combine(
    members: Sequence[WordVectors],
    dim: int | None = None,
    vocabulary: Vocabulary = "common",
    *,
    output_weight: float = OUTPUT_WEIGHT,
) -> WordVectors:
    """Combine vectors of the same words: concatenate them and keep the principal components.

        vectors = word2vec.combine([word2vec.load("runs/seed-1"), word2vec.load("runs/seed-2")])

    Refined vectors take part with their plain vectors; refine the result instead. The result is deterministic. The
    order of the members only affects the order of words with equal counts, or of all words if there are no counts.

    Args:
        members: Word vectors, of any dimensions.
        dim: Dimensions of the result; None for 300, or the sum of the members' dimensions if that is smaller.
        vocabulary: "common" for the words that all members have, "united" for the words of any. A word that a member
            does not have gets zeros there, which is the mean of its centered vectors.
        output_weight: Weight of the centered output tables, which are added to the centered vectors of those members
            that have one.

    Returns:
        New vectors, most frequent words first; without counts, in the order of the members. The count of a word is its
        largest count in a member: those of one corpus agree, and those of overlapping corpora cannot be added up. There
        are no counts if a word has none. Phrases are kept if all members have the same.

    Raises:
        ConfigError: `dim`, `vocabulary` or `output_weight` is out of range.
        Word2VecError: There are fewer than two members, or they have no words in common.
    """
    if len(members) < 2:
        raise Word2VecError(f"combine needs the vectors of two runs or more, got {len(members)}")
    if vocabulary not in get_args(Vocabulary):
        raise ConfigError(f"vocabulary must be one of {', '.join(get_args(Vocabulary))}, not {vocabulary!r}")
    if not 0 <= output_weight < np.inf:
        raise ConfigError(f"output weight must be 0 or more, not {output_weight}")
    width = sum(member.dim for member in members)
    size = min(width, DEFAULT_DIM) if dim is None else dim
    if not 1 <= size <= width:
        raise ConfigError(f"dimension must be between 1 and {width}, the sum of those of the members, not {size}")
    words, counts = merged_vocabulary(members, vocabulary)
    table = _Concatenation([_Member(member.unrefined(), words, output_weight) for member in members], len(words))
    vectors = table.project(*table.principal_components(size))
    return WordVectors(words, vectors, counts=counts, phrases=_common_phrases(members))


def _common_phrases(members: Sequence[WordVectors]) -> Phrases | None:
    """Return the phrases of the members if all have the same, otherwise None."""
    contents = {None if member.phrases is None else member.phrases.to_bytes() for member in members}
    return members[0].phrases if len(contents) == 1 else None


def merged_vocabulary(
    members: Sequence[WordVectors], vocabulary: Vocabulary
) -> tuple[list[str], NDArray[np.int64] | None]:
    """Return the words of all members, or of any, and their counts; see `combine`.

    Raises:
        Word2VecError: No word is in all members.
    """
    if vocabulary == "united":
        words = list(dict.fromkeys(word for member in members for word in member))
    else:
        words = [word for word in members[0] if all(word in other for other in members[1:])]
    if not words:
        raise Word2VecError("the members have no words in common; combine runs on similar text, or unite the words")
    counts = np.full(len(words), -1, np.int64)
    for member in members:
        if member.counts is not None:
            rows = _rows_of(words, member)
            np.maximum(counts, np.where(rows >= 0, member.counts[rows], -1), out=counts)
    if (counts < 0).any():
        return words, None
    order = np.argsort(-counts, kind="stable")
    return [words[row] for row in order], counts[order]


def _rows_of(words: Sequence[str], member: WordVectors) -> NDArray[np.int64]:
    """Return the row of each word in a member, (V,); -1 for a word that it does not have."""
    rows = member.key_to_index
    return np.fromiter((rows.get(word, -1) for word in words), np.int64, len(words))


class _Member:
    """One member: the unit rows of its centered vectors, U_m."""

    def __init__(self, vectors: WordVectors, words: Sequence[str], output_weight: float) -> None:
        self._rows = _rows_of(words, vectors)  # (V,)
        self._tables = [(vectors.vectors, np.float32(1))]
        if vectors.output is not None and output_weight:
            self._tables.append((vectors.output, np.float32(output_weight)))
        self._mean = np.zeros(vectors.dim)  # (D_m,) of the weighted sum of tables, over all words of the member
        for table, weight in self._tables:
            self._mean += weight * table.mean(axis=0, dtype=np.float64)

    @property
    def dim(self) -> int:
        """Number of columns."""
        return len(self._mean)

    def unit_rows(self, words: slice, into: Table) -> None:
        """Write the unit rows of some words, (B, D_m); zeros for words that the member does not have."""
        rows = self._rows[words]
        np.copyto(into, -self._mean)
        for table, weight in self._tables:
            into += weight * table[rows]
        into[rows < 0] = 0
        lengths = np.linalg.norm(into, axis=1, keepdims=True)  # (B, 1)
        into /= np.where(lengths > 0, lengths, 1)


@dataclass(frozen=True)
class _Concatenation:
    """The members side by side, (V, W), computed a block of words at a time; W is the sum of their dimensions."""

    members: Sequence[_Member]
    words: int

    def blocks(self) -> Iterator[tuple[slice, Table]]:
        """Yield the rows of some words, (B, W); the next block overwrites them."""
        ends = np.cumsum([member.dim for member in self.members])
        buffer = np.empty((min(_BLOCK_WORDS, self.words), ends[-1]), np.float32)
        for start in range(0, self.words, _BLOCK_WORDS):
            rows = slice(start, min(start + _BLOCK_WORDS, self.words))
            block = buffer[: rows.stop - rows.start]
            for end, member in zip(ends, self.members, strict=True):
                member.unit_rows(rows, block[:, end - member.dim : end])
            block /= np.float32(np.sqrt(len(self.members)))
            yield rows, block

    def principal_components(self, dim: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean, (W,), and the principal components by falling variance, (W, D).

        Their signs are fixed: the largest number of each component is positive.
        """
        width = sum(member.dim for member in self.members)
        mean = np.zeros(width)
        covariance = np.zeros((width, width)) if width <= MAX_EXACT_WIDTH else None
        for _, block in self.blocks():
            exact = block.astype(np.float64)
            mean += exact.sum(axis=0) / self.words
            if covariance is not None:
                covariance += exact.T @ exact
        if covariance is None:
            components = self._iterate(mean, dim)
        else:
            covariance -= self.words * np.outer(mean, mean)
            components = _leading_eigenvectors(covariance, dim)
        largest = components[np.abs(components).argmax(axis=0), np.arange(dim)]  # (D,)
        return mean, components * np.where(largest < 0, -1, 1)

    def _iterate(self, mean: NDArray[np.float64], dim: int) -> NDArray[np.float64]:
        """Return nearly the first principal components, (W, D), by subspace iteration."""
        start = np.random.default_rng(0).standard_normal((len(mean), min(len(mean), dim + OVERSAMPLING)))
        basis = np.linalg.qr(start).Q
        for _ in range(PASSES - 1):
            basis = np.linalg.qr(self._covariance_times(mean, basis)).Q
        within = basis.T @ self._covariance_times(mean, basis)
        return basis @ _leading_eigenvectors((within + within.T) / 2, dim)

    def _covariance_times(self, mean: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the product of the covariance matrix, times V, with a matrix, (W, D)."""
        product = -self.words * np.outer(mean, mean @ basis)
        for _, block in self.blocks():
            product += block.T @ (block @ basis)
        return product

    def project(self, mean: NDArray[np.float64], components: NDArray[np.float64]) -> Table:
        """Return the coordinates of all words along components (W, D), (V, D)."""
        table = np.empty((self.words, components.shape[1]), np.float32)
        narrow = components.astype(np.float32)
        offset = (mean @ components).astype(np.float32)  # (D,)
        for rows, block in self.blocks():
            np.subtract(block @ narrow, offset, out=table[rows])
        return table


def _leading_eigenvectors(symmetric: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Return the eigenvectors of the largest eigenvalues, as columns, largest first."""
    from scipy.linalg import eigh

    size = len(symmetric)
    vectors: NDArray[np.float64] = eigh(symmetric, subset_by_index=[size - number, size - 1])[1]
    return vectors[:, ::-1]
