"""The objectives that the fused engines train, with many settings, for comparing their compiled forms with losses/."""

from collections.abc import Callable
from functools import partial

from word2vec.engines.cpu.objectives import COMPILED
from word2vec.losses import WARP, WMRB, MarginRanking, Objective, RankNet

VOCABULARY = 1000

# Each compiled objective as the command line builds it, then with other settings. Margins are multiples of 1/4, as
# spread_scores needs to stay away from the kinks, where rounding decides.
CASES: dict[str, Callable[..., Objective]] = {
    **{kind.__name__: partial(kind, VOCABULARY) if kind.needs_num_labels else kind for kind in COMPILED},
    "RankNet steep": partial(RankNet, sigma=2.0),
    "MarginRanking wide": partial(MarginRanking, margin=1.5),
    "MarginRanking none": partial(MarginRanking, margin=0.0),
    "WARP harmonic": partial(WARP, VOCABULARY, rank_weight="harmonic"),
    "WARP few draws, wide margin": partial(WARP, VOCABULARY, max_draws=2, margin=1.5),
    "WARP more draws than words": partial(WARP, VOCABULARY, max_draws=100),
    "WARP few labels": partial(WARP, 3, rank_weight="harmonic"),
    "WMRB wide margin": partial(WMRB, 50, margin=1.5),
    "WMRB of the paper": partial(WMRB, VOCABULARY, resolution=1.0),
}
