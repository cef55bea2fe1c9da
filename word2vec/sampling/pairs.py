"""PairDataset: explicit pairs of an input and a target, such as users and items, as batches of examples.

The inputs have the rows of the input table and the targets those of the output table; the two need not have anything in
common. In a `Batch`, the target of a pair is the center word and the input is the context word that predicts it. Noise
words are drawn from the targets.

An epoch has as many positions as there are pairs. pair_order.py says which pair is trained at each of them: every pair
once, or drawn in proportion to its weight. Shards are ranges of blocks of positions.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.errors import CorpusError
from word2vec.sampling.datasets import ExampleDataset, SamplingSettings
from word2vec.sampling.pair_order import U64, drawn, epoch_keys, permuted, weight_columns
from word2vec.sampling.shards import Shard, unread_chunks
from word2vec.sampling.stability import GROUP_ROWS

BLOCK_PAIRS = 64  # positions in a block, the unit that shards are made of, in place of a sentence


class PairDataset(ExampleDataset):
    """Batches of explicit pairs over one epoch; see `ExampleDataset`, for which a pair counts as one word.

    Args:
        inputs: (P,) ids of the inputs.
        targets: (P,) ids of the targets.
        weights: (P,) positive sampling weights: an epoch draws P pairs with probabilities proportional to them. None
            trains every pair once per epoch, in another order each time.
        sizes: Numbers of inputs and of targets, the rows of the tables.
        negatives: Noise words per pair.
        noise_exponent: Exponent of the frequency of the targets in the noise distribution.
        batch_size: Pairs per batch.
        seed: Random seed.
        device: Where batches are built.
        part: Numbers of the pairs to train; all by default. Frequencies are those of all pairs.

    Raises:
        CorpusError: There is no pair, or there are fewer than two targets.
        ValueError: The arrays do not match, an id is not in its table, or a weight is not positive.

    Attributes:
        inputs: (P,) int32 ids of the pairs to train.
        targets: (P,) int32 ids of the pairs to train.
        columns: (2 P,) alias table of the weights; None without weights.
        group_rows: Maximum number of pairs with the same target that engines may update at once.
    """

    def __init__(
        self,
        inputs: npt.NDArray[np.integer],
        targets: npt.NDArray[np.integer],
        weights: npt.NDArray[np.float64] | None,
        sizes: tuple[int, int],
        *,
        negatives: int = 5,
        noise_exponent: float = 0.75,
        batch_size: int = 1024,
        seed: int = 0,
        device: torch.device | str = "cpu",
        part: npt.NDArray[np.integer] | None = None,
    ) -> None:
        _check(inputs, targets, weights, sizes)
        total = len(inputs) if weights is None else weights.sum()
        frequencies = [
            np.bincount(ids, weights, minlength=size).astype(np.float64) / total
            for ids, size in zip((inputs, targets), sizes, strict=True)
        ]  # (inputs,) and (targets,)
        if np.count_nonzero(frequencies[1]) < 2:
            raise CorpusError("there is only one target, but training needs a second one as noise; pass more pairs")
        noise = np.zeros(sizes[1])  # of rows of a shared vocabulary that are never a target
        np.power(frequencies[1], noise_exponent, out=noise, where=frequencies[1] > 0)
        if part is not None:
            inputs, targets, weights = inputs[part], targets[part], None if weights is None else weights[part]
        self.inputs = np.ascontiguousarray(inputs, np.int32)
        self.targets = np.ascontiguousarray(targets, np.int32)
        self.group_rows = GROUP_ROWS
        blocks = -(-len(inputs) // BLOCK_PAIRS)
        super().__init__(
            np.minimum(np.arange(blocks + 1) * BLOCK_PAIRS, len(inputs)),
            SamplingSettings(window=0, negatives=negatives, subsample=0.0, noise_exponent=noise_exponent),
            noise / noise.sum(),
            *frequencies,
            batch_size=batch_size,
            seed=seed,
            device=device,
            sentences=None,
        )
        self.columns = None if weights is None else weight_columns(np.asarray(weights, np.float64))

    def pairs_per_word(self) -> float:
        """Return 1: a pair counts as one word."""
        return 1.0

    def unread_chunks(self, shard: Shard, words: int, pairs: int) -> Iterator[tuple[int, int]]:
        """Yield the rest of a shard as ranges of blocks; see `ExampleDataset.unread_chunks`."""
        return unread_chunks(shard, self.offsets, min(words, pairs))

    def order_keys(self, epoch: int) -> npt.NDArray[np.uint64]:
        """Return the numbers that determine the order of an epoch; see pair_order.py."""
        return epoch_keys(self.seed, epoch)

    def at(self, begin: int, end: int, epoch: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return the inputs (N,) and targets (N,) at the positions from `begin` to before `end` of an epoch."""
        positions, keys = np.arange(begin, end, dtype=U64), self.order_keys(epoch)
        if self.columns is None:
            numbers = permuted(positions, len(self.inputs), keys)
        else:
            numbers = drawn(positions, self.columns, keys)
        return self.inputs[numbers], self.targets[numbers]

    def _examples(self, begin: int, end: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return (center, context) ids, both (P,), of the blocks from `begin` to before `end`; in random order."""
        inputs, targets = self.at(int(self.offsets[begin]), int(self.offsets[end]), self.epoch)
        center, context = (torch.from_numpy(ids.astype(np.int64)).to(self.device) for ids in (targets, inputs))
        return center, context


def _check(
    inputs: npt.NDArray[np.integer],
    targets: npt.NDArray[np.integer],
    weights: npt.NDArray[np.float64] | None,
    sizes: tuple[int, int],
) -> None:
    """Check what compiled code relies on: it reads the tables at these ids without a check."""
    if len(inputs) != len(targets) or (weights is not None and len(weights) != len(inputs)):
        raise ValueError(f"{len(inputs)} inputs, {len(targets)} targets: each pair needs one of both, and one weight")
    if not len(inputs):
        raise CorpusError("there are no pairs to train; pass at least one input and its target")
    for name, ids, size in zip(("input", "target"), (inputs, targets), sizes, strict=True):
        if ids.min() < 0 or ids.max() >= size:
            raise ValueError(f"{name} ids range from {ids.min()} to {ids.max()}, but the table has {size} rows")
    if weights is not None and not (np.isfinite(weights).all() and weights.min() > 0):
        raise ValueError("weights must be positive and finite")
