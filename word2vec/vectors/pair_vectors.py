"""PairVectors: the result of training on pairs, with one table of input vectors and one of target vectors.

Training makes the inner product of an input and a target high for the pairs that occur, so this is how targets are
ranked for an input; the length of a target vector matters, and it often grows with the frequency of the target. Among
inputs, or among targets, similarity is the cosine, as for word vectors.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec import formats
from word2vec.errors import Word2VecError
from word2vec.vectors.search import Neighbors, top_k
from word2vec.vectors.word_vectors import WordVectors

BLOCK_SCORES = 1 << 24  # of inputs with targets that are computed at once: 64 MB
MEASURE = "inner product"


class PairVectors:
    """Vectors of inputs, such as users, and of targets, such as items.

    Args:
        inputs: The vectors of the inputs.
        targets: The vectors of the targets, with as many dimensions.

    Raises:
        Word2VecError: The numbers of dimensions differ.

    Attributes:
        inputs: The vectors of the inputs; `inputs.nearest` finds similar inputs.
        targets: The vectors of the targets; `targets.nearest` finds similar targets, and `targets.save("items.npz")`
            exports them for an index of another program that searches by inner product.
    """

    def __init__(self, inputs: WordVectors, targets: WordVectors) -> None:
        if inputs.dim != targets.dim:
            raise Word2VecError(
                f"inputs have {inputs.dim} dimensions and targets {targets.dim}; pass two tables of one training run"
            )
        self.inputs, self.targets = inputs, targets

    @classmethod
    def load(cls, path: str | PathLike[str], *, verify: bool = True) -> "PairVectors":
        """Load the folder of a run that was trained on pairs.

        Args:
            path: The run folder.
            verify: Whether to read all numbers and compare them with their checksums.

        Raises:
            FormatError: The folder cannot be read, or was not trained on pairs.
        """
        inputs, targets = formats.read_pair_tables(path, verify=verify)
        return cls(WordVectors.from_table(inputs), WordVectors.from_table(targets))

    def save(self, path: str | PathLike[str], format: str = "run") -> None:  # noqa: A002
        """Save both tables in a run folder; existing files are replaced after the new ones are complete.

        Args:
            path: The run folder.
            format: "run"; other formats contain one table: use `inputs.save` and `targets.save`.

        Raises:
            Word2VecError: The format is another one, or the folder cannot be written.
        """
        if format != "run":
            raise Word2VecError(f"format {format} cannot hold two tables; save vectors.inputs or vectors.targets in it")
        tables = (formats.Table(side.words, side.vectors, side.counts) for side in (self.inputs, self.targets))
        formats.write_pair_tables(path, *tables)

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return self.inputs.dim

    def __repr__(self) -> str:
        return f"PairVectors({len(self.inputs)} inputs, {len(self.targets)} targets, {self.dim} dimensions)"

    def score(self, source: str | int, target: str | int) -> float:
        """Return the inner product of an input and a target, by which targets are ranked.

        Raises:
            UnknownWordError: One of them has no vector.
        """
        left, right = self.inputs[_name(source)], self.targets[_name(target)]  # (D,) each
        return float(np.dot(left, right))

    def nearest(self, source: str | int, n: int = 10, exclude: Collection[str | int] = ()) -> Neighbors:
        """Return the targets with the highest inner products with an input.

        Args:
            source: The input.
            n: Maximum number of targets to return.
            exclude: Targets not to return, such as those that are known already; unknown ones are ignored.

        Returns:
            Targets and inner products, highest first; ties in the order of `targets.words`.

        Raises:
            UnknownWordError: The input has no vector; the message suggests similar spellings.
            Word2VecError: `n` is below 1.
        """
        return self.recommend([source], n, {source: exclude})[0]

    def recommend(
        self,
        sources: Sequence[str | int],
        n: int = 10,
        exclude: Mapping[str | int, Collection[str | int]] | None = None,
    ) -> list[Neighbors]:
        """Return the best targets for each of many inputs; see `nearest`. Inputs are scored in blocks.

        Args:
            sources: The inputs.
            n: Maximum number of targets per input.
            exclude: For each input, targets not to return.

        Raises:
            UnknownWordError: An input has no vector.
            Word2VecError: `n` is below 1.
        """
        rows = np.array([self.inputs.index(_name(source)) for source in sources], np.int64)  # (N,)
        found: list[Neighbors] = []
        for first, scores in self.score_blocks(rows):
            for place, row_scores in enumerate(scores, start=first):
                hidden = self.target_rows((exclude or {}).get(sources[place], ()))
                found.append(top_k(self.targets.words, row_scores, hidden, n))
                found[-1].measure = MEASURE
        return found

    def score_blocks(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the scores of inputs with all targets, block by block.

        Args:
            rows: (N,) rows of inputs.

        Yields:
            The position of the block in `rows`, and its inner products, (B, targets).
        """
        size = max(1, BLOCK_SCORES // len(self.targets))
        for first in range(0, len(rows), size):
            yield first, self.inputs.vectors[rows[first : first + size]] @ self.targets.vectors.T

    def target_rows(self, targets: Collection[str | int]) -> list[int]:
        """Return the rows of those targets that have a vector."""
        if isinstance(targets, str):
            raise Word2VecError(f"exclude must be a list of targets, not the string {targets!r}; use [{targets!r}]")
        names = map(_name, targets)
        return [self.targets.index(name) for name in names if name in self.targets]


def load_vectors(
    path: str | PathLike[str], limit: int | None = None, *, progress: bool = False
) -> "WordVectors | PairVectors":
    """Load a run folder or a vectors file: `PairVectors` for a run that was trained on pairs, else `WordVectors`.

    Raises:
        FormatError: The path cannot be read as vectors.
        Word2VecError: `limit` is given for a run that was trained on pairs.
    """
    if not formats.is_pair_run(Path(path)):
        return WordVectors.load(path, limit, progress=progress)
    if limit is not None:
        raise Word2VecError(f"{path}: limit does not apply to a run trained on pairs; load all of it")
    return PairVectors.load(path)


def _name(item: str | int) -> str:
    """Return an input or target as it is in the vocabulary: numbers as decimal strings."""
    return item if isinstance(item, str) else str(item)
