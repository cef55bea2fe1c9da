"""Ranking metrics: how high the held-out targets of an input are ranked among all targets.

For an input with R held-out targets and a ranking cut at k, with rel_i = 1 if the target at position i is held out,

    hit rate    whether there is a held-out target among the first k
    recall      sum_i rel_i / R
    precision   sum_i rel_i / k
    NDCG        sum_i rel_i / log2(i + 1), divided by the same sum for the best possible ranking
    MRR         1 / position of the first held-out target, 0 if it is beyond k
    MAP         sum_i rel_i precision(i) / min(R, k)

and each metric is averaged over the inputs (Järvelin & Kekäläinen 2002 for NDCG). Targets with equal scores have no
order, so every figure is its expected value over all orders of tied targets (McSherry & Najork 2008, "Computing
information retrieval performance measures efficiently in the presence of tied scores"). A model that gives every target
the same score thus gets the scores of a random ranking.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import ConfigError
from word2vec.evaluation.results import RankingResult
from word2vec.vectors.pair_vectors import PairVectors

METRICS = ("hit_rate", "recall", "precision", "ndcg", "mrr", "map")
COMPARED_AT_ONCE = 1 << 22  # scores compared with those of held-out targets at a time; fits the cache
RESAMPLED_AT_ONCE = 1 << 22  # inputs drawn for the bootstrap at a time


def evaluate_ranking(
    vectors: PairVectors,
    inputs: Iterable[str | int],
    targets: Iterable[str | int],
    *,
    k: int = 10,
    known: tuple[Iterable[str | int], Iterable[str | int]] | None = None,
    negatives: int | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    name: str = "held-out pairs",
) -> RankingResult:
    """Rank the targets for each input of held-out pairs, and compare the ranking with these pairs.

    Args:
        vectors: The vectors to evaluate.
        inputs: The inputs of the held-out pairs. Pairs with an unknown input or target are skipped and counted.
        targets: Their targets. A pair that occurs twice counts once.
        k: Length of the ranking.
        known: Inputs and targets of pairs that are known, such as those of training: these targets are not ranked for
            these inputs. A held-out pair that is known is skipped.
        negatives: Rank the held-out targets of an input among this many other targets, drawn at random for each input,
            instead of all. Such figures are higher, and may order two models differently than the exact ones (Krichene
            & Rendle 2020, "On sampled metrics for item recommendation"); compare them with figures of the same kind
            only.
        bootstrap: Number of resamples of the inputs for the 95 % percentile intervals; 0 for no intervals.
        seed: Random seed of the resampling and of the drawn targets.
        name: Name of the held-out pairs.

    Raises:
        ConfigError: `k` or `negatives` is below 1, or inputs and targets are not equally many.
    """
    for argument, value in (("k", k), ("negatives", negatives)):
        if value is not None and value < 1:
            raise ConfigError(f"{argument} must be at least 1, not {value}")
    given = _rows(vectors, inputs, targets)  # (P, 2)
    held_out = np.unique(given.known, axis=0)  # (H, 2), by input
    hidden = np.empty((0, 2), np.int64) if known is None else np.unique(_rows(vectors, *known).known, axis=0)
    held_out = held_out[~_contained(held_out, hidden, len(vectors.targets))]
    rows, first = np.unique(held_out[:, 0], return_index=True)  # (I,)
    bounds = np.append(first, len(held_out))  # (I + 1,)
    rng = np.random.default_rng(seed)
    values = [np.empty((0, len(METRICS)))]
    for start, scores in vectors.score_blocks(rows):
        stop = start + len(scores)
        candidates = _candidates(rows[start:stop], hidden, scores.shape[1])  # (B, targets) bool
        relevant = held_out[bounds[start] : bounds[stop]]  # (H', 2)
        row = np.repeat(np.arange(len(scores)), np.diff(bounds[start : stop + 1]))  # (H',) of the block
        if negatives is not None:
            candidates = _sample(candidates, row, relevant[:, 1], negatives, rng)
        np.copyto(scores, -np.inf, where=~candidates)
        above, tied = _places(scores, row, relevant[:, 1])
        values.append(metrics_of_places(row, above, tied, len(scores), k))
    table = np.concatenate(values)  # (I, metrics)
    means = table.mean(axis=0) if len(table) else np.full(len(METRICS), math.nan)
    intervals = _bootstrap(table, bootstrap, rng)
    note = _note(k, len(vectors.targets), len(rows), len(given.known))
    return RankingResult(
        name,
        k,
        **{metric: float(mean) for metric, mean in zip(METRICS, means, strict=True)},
        intervals=dict(zip(METRICS, intervals, strict=True)),
        inputs=len(rows),
        inputs_total=given.inputs_total,
        pairs=len(held_out),
        pairs_total=given.pairs_total,
        negatives=negatives,
        note=note,
    )


def metrics_of_places(
    row: NDArray[np.int64], above: NDArray[np.int64], tied: NDArray[np.int64], rows: int, k: int
) -> NDArray[np.float64]:
    """Return the metrics of several rankings, (rows, metrics) in the order of METRICS.

    Args:
        row: (H,) the ranking that each held-out target belongs to, ascending; every ranking has one.
        above: (H,) number of targets with a higher score.
        tied: (H,) number of targets with the same score, itself included.
        rows: Number of rankings.
        k: Length of the ranking.
    """
    relevant_in_row = np.bincount(row, minlength=rows)  # (rows,) R
    # held-out targets of a ranking that are tied form one group, with r of t tied targets held out
    order = np.lexsort((above, row))
    row, above, tied = row[order], above[order], tied[order]
    starts = np.flatnonzero(np.append(True, (np.diff(row) != 0) | (np.diff(above) != 0)))  # (G,)
    r = np.diff(np.append(starts, len(row))).astype(np.float64)
    before = starts - np.searchsorted(row, row[starts])  # held-out targets above the group
    row, above, t = row[starts], above[starts], tied[starts].astype(np.float64)
    is_first = before == 0
    in_cut = np.clip(k - above, 0, t).astype(np.int64)  # (G,) places of the group in the first k
    dcg, average_precision, found, first_place, hit = (np.zeros(len(starts)) for _ in range(5))
    chance = r / t  # that the first held-out target of the group is in its place i
    for i in range(1, int(in_cut.max(initial=0)) + 1):
        inside = i <= in_cut
        place = above + i  # from 1
        probability = np.where(inside, r / t, 0.0)  # that this place has a held-out target
        dcg += probability / np.log2(place + 1)
        found += probability
        others = before + (i - 1) * (r - 1) / np.maximum(t - 1, 1)  # expected held-out targets above, given that
        average_precision += probability * (1 + others) / place
        first_here = np.where(inside & is_first, chance, 0.0)
        hit += first_here
        first_place += first_here / place
        chance = chance * np.maximum(t - i - r + 1, 0) / np.maximum(t - i, 1)
    parts = np.stack([dcg, average_precision, found, first_place, hit])  # (5, G)
    dcg, average_precision, found, first_place, hit = np.stack(
        [np.bincount(row, part, minlength=rows) for part in parts]
    )  # (rows,) each
    best = np.append(0.0, np.cumsum(1 / np.log2(np.arange(2, k + 2))))[np.minimum(relevant_in_row, k)]  # (rows,)
    return np.stack(
        [
            hit,
            found / relevant_in_row,
            found / k,
            dcg / best,
            first_place,
            average_precision / np.minimum(relevant_in_row, k),
        ],
        axis=1,
    )


def _note(k: int, targets: int, ranked: int, usable: int) -> str:
    """Return a caveat about the figures, from the numbers of targets, ranked inputs and pairs with vectors."""
    if not usable:
        return "no held-out pair has an input and a target that have vectors, so nothing was ranked"
    if not ranked:
        return "all held-out pairs are among the known pairs, so nothing was ranked"
    return f"k is {k}, but there are only {targets} targets; all of them count as top-ranked" if k > targets else ""


class _Pairs:
    """Pairs as rows of the tables.

    Attributes:
        known: (P, 2) rows of the pairs whose input and target are known.
        inputs_total: Number of different inputs.
        pairs_total: Number of different pairs.
    """

    def __init__(self, known: NDArray[np.int64], inputs_total: int, pairs_total: int) -> None:
        self.known, self.inputs_total, self.pairs_total = known, inputs_total, pairs_total


def _rows(vectors: PairVectors, inputs: Iterable[Any], targets: Iterable[Any]) -> _Pairs:
    left, right = [str(name) for name in inputs], [str(name) for name in targets]
    if len(left) != len(right):
        raise ConfigError(f"got {len(left)} inputs but {len(right)} targets; pass one target for each input")
    pairs = dict.fromkeys(zip(left, right, strict=True))  # distinct, in order
    known = [
        (vectors.inputs.index(source), vectors.targets.index(target))
        for source, target in pairs
        if source in vectors.inputs and target in vectors.targets
    ]
    return _Pairs(np.array(known, np.int64).reshape(-1, 2), len(set(left)), len(pairs))


def _contained(pairs: NDArray[np.int64], others: NDArray[np.int64], targets: int) -> NDArray[np.bool_]:
    """Return which pairs (P, 2) are among the others (N, 2)."""
    numbers, other_numbers = (each[:, 0] * targets + each[:, 1] for each in (pairs, others))
    return np.isin(numbers, other_numbers)


def _candidates(rows: NDArray[np.int64], hidden: NDArray[np.int64], targets: int) -> NDArray[np.bool_]:
    """Return which targets may be ranked for each input, (B, targets): all but those of its hidden pairs."""
    allowed = np.ones((len(rows), targets), dtype=bool)
    # subtle: both are ascending
    firsts, lasts = (np.searchsorted(hidden[:, 0], rows, side=side) for side in ("left", "right"))
    for place, (first, last) in enumerate(zip(firsts.tolist(), lasts.tolist(), strict=True)):
        allowed[place, hidden[first:last, 1]] = False
    return allowed


def _sample(
    candidates: NDArray[np.bool_],
    row: NDArray[np.int64],
    relevant: NDArray[np.int64],
    negatives: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return the held-out targets and `negatives` other candidates of each row, drawn without replacement."""
    draws = rng.random(candidates.shape, dtype=np.float32)
    draws[~candidates] = np.inf
    draws[row, relevant] = np.inf
    count = min(negatives, candidates.shape[1])
    chosen = np.argpartition(draws, count - 1, axis=1)[:, :count]  # (B, count)
    sampled = np.zeros_like(candidates)
    np.put_along_axis(sampled, chosen, np.isfinite(np.take_along_axis(draws, chosen, axis=1)), axis=1)
    sampled[row, relevant] = True
    return sampled


def _places(
    scores: NDArray[np.float32], row: NDArray[np.int64], targets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many scores of its row are above that of each held-out target, and how many are equal, both (H,)."""
    own = scores[row, targets]  # (H,)
    above, tied = np.empty(len(row), np.int64), np.empty(len(row), np.int64)
    size = max(1, COMPARED_AT_ONCE // scores.shape[1])
    for start in range(0, len(row), size):
        part = slice(start, start + size)
        compared, limit = scores[row[part]], own[part, np.newaxis]
        above[part] = np.count_nonzero(compared > limit, axis=1)
        tied[part] = np.count_nonzero(compared == limit, axis=1)
    return above, tied


def _bootstrap(table: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return the 95 % percentile bootstrap interval of the mean of each column of (inputs, metrics)."""
    inputs = len(table)
    if not inputs or not resamples:
        return [(math.nan, math.nan)] * table.shape[1]
    at_once = max(1, RESAMPLED_AT_ONCE // inputs)
    means = [
        np.stack([np.bincount(rng.integers(inputs, size=inputs), minlength=inputs) for _ in range(count)]) @ table
        for count in _parts(resamples, at_once)
    ]
    low, high = np.percentile(np.concatenate(means) / inputs, [2.5, 97.5], axis=0)  # (metrics,) each
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _parts(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
