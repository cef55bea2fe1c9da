"""The plain engine as the oracle of the fused engines' tests."""

from collections.abc import Iterator

import numpy as np

from word2vec.engines.draws import SplitMix64
from word2vec.engines.plain import Group, PlainEngine, Word


class Oracle(PlainEngine):
    """A plain engine that records whether a comparison with it is meaningful.

    Attributes:
        nearest_kink: Smallest distance of a score difference from the kink of a hinge with margin 1. If it is as small
            as rounding errors, two correct engines may differ.
        largest_window: Largest number of context words of a center word.
    """

    nearest_kink = np.inf
    largest_window = 0

    def windows(self, first: int, last: int, random: SplitMix64) -> Iterator[tuple[int, list[Word], list[int]]]:
        for center, context, noise in super().windows(first, last, random):
            self.largest_window = max(self.largest_window, len(context))
            yield center, context, noise

    def step(self, group: Group, lr: float) -> float:
        inputs, (targets, _) = np.array([self.gather(words) for words in group.inputs]), self.rows_of(group)
        scores = np.einsum("bd,bkd->bk", inputs, self.output[targets])
        if self.log_q is not None:
            scores -= self.log_q[targets].numpy()
        self.nearest_kink = min(self.nearest_kink, np.abs(1 - scores[:, :1] + scores[:, 1:]).min(initial=np.inf))
        return super().step(group, lr)
