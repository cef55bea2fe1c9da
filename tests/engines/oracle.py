"""The plain engine as the oracle of the fused engines' tests."""

from collections.abc import Iterator

import numpy as np

from word2vec.engines.draws import SplitMix64
from word2vec.engines.plain import PlainEngine


class Oracle(PlainEngine):
    """A plain engine that records whether a comparison with it is meaningful.

    Attributes:
        nearest_kink: Smallest distance of a score difference from the kink of a hinge with margin 1. If it is as small
            as rounding errors, two correct engines may differ.
        largest_window: Largest number of context words of a center word.
    """

    nearest_kink = np.inf
    largest_window = 0

    def examples(self, first: int, last: int, random: SplitMix64) -> Iterator[tuple[int, list[int], list[int]]]:
        for center, contexts, noise in super().examples(first, last, random):
            self.largest_window = max(self.largest_window, len(contexts))
            yield center, contexts, noise

    def step(self, contexts: list[int], targets: list[int], lr: float) -> float:
        scores = self.input[contexts] @ self.output[targets].T
        if self.log_q is not None:
            scores -= self.log_q[targets].numpy()
        self.nearest_kink = min(self.nearest_kink, np.abs(1 - scores[:, :1] + scores[:, 1:]).min())
        return super().step(contexts, targets, lr)
