"""The commands that compare several runs: `compare` and `stability`."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import JsonOption
from word2vec.cli.systems import SystemsArgument, load_systems, load_word_vectors, parse_systems, reject_repeated
from word2vec.errors import ConfigError

if TYPE_CHECKING:
    from word2vec.evaluation.comparison import ComparisonResult, SetComparison
    from word2vec.evaluation.stability import StabilityResult

logger = logging.getLogger("word2vec")


def compare(
    runs: SystemsArgument,
    pairs: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE ...", help="Word-similarity files, or the names wordsim353, simlex999."),
    ] = None,
    analogies: Annotated[
        list[str] | None, typer.Option(metavar="FILE ...", help="Analogy files, or the name questions-words.")
    ] = None,
    restrict: Annotated[
        int, typer.Option(metavar="N", min=1, help="Solve analogies among the N most frequent words.")
    ] = 30_000,
    resamples: Annotated[int, typer.Option(metavar="N", min=1, help="Number of bootstrap resamples.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the resampling.")] = 0,
    as_json: JsonOption = False,
) -> int:
    """Compare runs on the same test sets: differences from the first one, with intervals and p-values.

    All runs are scored on the pairs and questions whose words all of them have. Without --pairs and --analogies, all
    bundled test sets are used.

    To compare settings rather than single runs, train each with several seeds, and give their runs the same NAME:
    default=runs/default-1 default=runs/default-2 wide=runs/wide-1 wide=runs/wide-2. The intervals then account for the
    seeds as well. A shell with braces expands default=runs/default-{1,2,3}.
    """
    systems = parse_systems(runs)
    if len(systems) < 2:
        only = next(iter(systems))
        raise ConfigError(f"compare needs two systems or more, got only {only}; pass another run, or another NAME")
    from word2vec.evaluation.comparison import compare as compare_systems
    from word2vec.evaluation.comparison import read_test_sets

    sets = read_test_sets(pairs or [], analogies or [])  # before the vectors, so that a bad file is reported at once
    result = compare_systems(
        load_systems(systems),
        *sets,
        restrict=restrict,
        resamples=resamples,
        seed=seed,
        skip_unusable=not pairs and not analogies,
    )
    if as_json:
        print_json(result.as_dict())
    else:
        headers = ("test set", "system", "score", "difference", "95% CI", "p", "p (Holm)")
        print_table(headers, _rows(result))
    for each in result.sets:
        if each.note:
            logger.warning("%s: %s", each.name, each.note)
        if each.dropped:
            logger.info(
                "%s: dropped %s of %s, with a word that a run lacks", each.name, f"{each.dropped:,}", _items(each)
            )
    if not result.seeds:
        logger.info("one run per system: the intervals apply to these runs, not to other seeds of their settings")
    return 0


def _items(compared: "SetComparison") -> str:
    unit = {"Spearman": "pairs", "accuracy": "questions", "mean": "items"}[compared.measure]
    return f"{compared.total:,} {unit}"


def _rows(result: "ComparisonResult") -> Iterator[tuple[str, ...]]:
    for each in (*result.sets, *([result.mean] if result.mean else [])):
        found = {difference.system: difference for difference in each.differences}
        left = [each.name] + ([] if each.measure == "mean" else [f"  {each.measure}"])
        left.append(f"  {each.used:,} of {_items(each)}")
        left += [""] * (len(each.scores) - len(left))
        names = list(each.scores) + [""] * (len(left) - len(each.scores))
        for label, name in zip(left, names, strict=True):
            if not name:
                yield label, *[""] * 6
                continue
            runs = len(each.scores[name])
            system = name if runs == 1 else f"{name} ({runs} runs)"
            score = f"{each.score(name):.3f}"
            if name not in found:
                yield label, system, score, "", "", "", ""
                continue
            difference = found[name]
            interval = f"{difference.ci_low:+.3f} to {difference.ci_high:+.3f}"
            figures = _p_value(difference.p_value), _p_value(difference.p_holm)
            yield label, system, score, f"{difference.value:+.3f}", interval, *figures


def _p_value(value: float) -> str:
    if not math.isfinite(value):
        return "undefined"
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def stability(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders or vectors files that differ in their seeds.")
    ],
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Number of nearest neighbors to compare.")] = 10,
    words_per_band: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of words to sample from each band of frequency.")
    ] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the sample.")] = 0,
    as_json: JsonOption = False,
) -> int:
    """Show how far runs with different seeds agree on the nearest neighbors of words, by frequency.

    The overlap of two runs is the fraction of a word's N nearest neighbors that both have, among the words that all
    runs have; it is averaged over the sampled words and over all pairs of runs.
    """
    if len(runs) < 2:
        raise ConfigError(f"stability needs two runs or more, got only {runs[0]}; pass runs with other seeds")
    reject_repeated(runs)
    from word2vec.evaluation.stability import evaluate_stability

    result = evaluate_stability(
        [load_word_vectors(path) for path in runs], n=n, words_per_band=words_per_band, seed=seed
    )
    if as_json:
        print_json(result.as_dict())
    else:
        print_table(("frequency rank", "count", "words", "overlap", "95% CI"), _bands(result))
    return 0


def _bands(result: "StabilityResult") -> Iterator[tuple[str, ...]]:
    for band in result.bands:
        counts = "" if band.min_count is None else f"{band.max_count:,} to {band.min_count:,}"
        interval = f"{band.ci_low:.3f} to {band.ci_high:.3f}" if math.isfinite(band.ci_low) else "undefined"
        yield f"{band.first:,} to {band.last:,}", counts, f"{band.words:,}", f"{band.overlap:.3f}", interval
