"""The plain engine for explicit pairs: the reference for engines/cpu/pair_kernel.py.

It differs from the plain engine for text (plain.py) only in where its examples come from. Pairs come in random order,
each with its own target. The pairs of a chunk that have the same target form groups of up to `group_rows`, in the
order of their first pairs; a group shares its noise words and is updated at once.
"""

from collections.abc import Iterator
from typing import cast

from word2vec.engines.draws import SplitMix64, noise_word
from word2vec.engines.plain import Group, PlainEngine, Word, each_predicts
from word2vec.sampling.pairs import PairDataset


class PlainPairEngine(PlainEngine):
    """Trains explicit pairs, a `PairDataset`, in one thread with any objective; see `PlainEngine`."""

    def groups(self, first: int, last: int, random: SplitMix64) -> Iterator[Group]:
        """Yield the groups of the blocks first..last."""
        pairs = cast("PairDataset", self.dataset)
        inputs, targets = pairs.at(int(pairs.offsets[first]), int(pairs.offsets[last]), self._epoch)
        groups: list[tuple[int, list[int]]] = []
        last_group: dict[int, list[int]] = {}  # of each target
        for source, target in zip(inputs.tolist(), targets.tolist(), strict=True):
            if target not in last_group or len(last_group[target]) == pairs.group_rows:
                last_group[target] = []
                groups.append((target, last_group[target]))
            last_group[target].append(source)
        for target, members in groups:
            noise = [noise_word(pairs.alias, target, random) for _ in range(pairs.settings.negatives)]
            yield from each_predicts(target, [Word(member) for member in members], noise)
