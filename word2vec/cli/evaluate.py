"""The commands that measure vectors: `evaluate` and `report`."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import (
    PAIR_COLUMNS,
    InputColumnOption,
    JsonOption,
    TargetColumnOption,
    VectorsArgument,
    load_pair_vectors,
    load_vectors,
)
from word2vec.cli.systems import SystemsArgument, load_systems, parse_systems
from word2vec.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from word2vec.evaluation.results import AnalogyResult, SimilarityResult, WeatResult
    from word2vec.vectors.pair_vectors import PairVectors
    from word2vec.vectors.word_vectors import WordVectors

    Scored = SimilarityResult | AnalogyResult | WeatResult

logger = logging.getLogger("word2vec")

HEADERS = ("test set", "measure", "score", "95% CI", "used", "unknown words")
MAX_UNKNOWN_WORDS = 5  # shown per test set
# defaults of options that apply either to vectors of words or to runs on pairs
RESTRICT, TOP_K = 30_000, 10
OOV: Literal["skip", "zero"] = "skip"
CASE: Literal["exact", "exact-then-lower", "gensim"] = "exact-then-lower"


def evaluate(
    vectors: VectorsArgument,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE ...",
            help="Word-similarity files, or names: wordsim353, simlex999, and those of `word2vec download`.",
        ),
    ] = None,
    analogies: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE ...", help="Analogy files, or names: questions-words; if downloaded, msr and bats."),
    ] = None,
    weat: Annotated[
        list[Path] | None, typer.Option(metavar="FILE ...", help="Files of word embedding association tests (bias).")
    ] = None,
    restrict: Annotated[
        int, typer.Option(metavar="N", min=1, help="Solve analogies among the N most frequent words.")
    ] = RESTRICT,
    oov: Annotated[
        Literal["skip", "zero"],
        typer.Option(help="Pairs with an out-of-vocabulary word: skip them, or score them zero."),
    ] = OOV,
    case: Annotated[
        Literal["exact", "exact-then-lower", "gensim"],
        typer.Option(help="Look up words of pairs as written, then also in lowercase, or ignore case as gensim does."),
    ] = CASE,
    held_out: Annotated[
        str | None,
        typer.Option("--held-out", metavar="FILE", help="Table of held-out pairs, for a run trained on pairs."),
    ] = None,
    known: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Table of known pairs, such as the training pairs, to exclude from rankings."
        ),
    ] = None,
    input_column: InputColumnOption = PAIR_COLUMNS[0],
    target_column: TargetColumnOption = PAIR_COLUMNS[1],
    k: Annotated[int, typer.Option("--k", metavar="K", min=1, help="Number of top-ranked targets to score.")] = TOP_K,
    sampled: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Rank among N random targets; not comparable with the full ranking."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Evaluate vectors on similarity, analogies and association tests, or a run trained on pairs on held-out pairs.

    Without --pairs, --analogies and --weat, all bundled test sets are used.
    """
    if (ranked := load_pair_vectors(vectors)) is not None or held_out is not None:
        if ranked is None:
            raise ConfigError(f"--held-out: {vectors} was not trained on pairs; omit it")
        if pairs or analogies or weat:
            raise ConfigError(
                f"--pairs, --analogies and --weat do not apply to {vectors}, which was trained on pairs; omit them"
            )
        if (restrict, oov, case) != (RESTRICT, OOV, CASE):
            raise ConfigError(
                f"--restrict, --oov and --case do not apply to {vectors}, which was trained on pairs; omit them"
            )
        if held_out is None:
            raise ConfigError(f"{vectors}: trained on pairs; add --held-out FILE with pairs to rank")
        _evaluate_pairs(ranked, held_out, known, (input_column, target_column), k, sampled, as_json)
        return 0
    if (known, sampled, k, input_column, target_column) != (None, None, TOP_K, *PAIR_COLUMNS):
        raise ConfigError(
            "--known, --sampled, --k, --input-column and --target-column need --held-out FILE and a run trained on "
            "pairs; omit them"
        )
    _evaluate_words(vectors, pairs, analogies, weat, restrict, oov, case, as_json)
    return 0


def _evaluate_words(
    vectors: Path,
    pairs: list[str] | None,
    analogies: list[str] | None,
    weat: list[Path] | None,
    restrict: int,
    oov: Literal["skip", "zero"],
    case: Literal["exact", "exact-then-lower", "gensim"],
    as_json: bool,
) -> None:
    from word2vec.evaluation.analogies import evaluate_analogies
    from word2vec.evaluation.benchmarks import builtin_sets, read_pair_sets, read_questions
    from word2vec.evaluation.similarity import evaluate_similarity
    from word2vec.evaluation.weat import evaluate_weat, read_weat

    if not pairs and not analogies and not weat:
        bundled = builtin_sets()
        pairs = [name for name, path in bundled.items() if path.suffix == ".csv"]
        analogies = [name for name, path in bundled.items() if path.suffix == ".txt"]
    # read before the vectors are loaded, so that a bad file is reported at once
    pair_sets = read_pair_sets(pairs or [])
    question_sets = [read_questions(source) for source in analogies or []]
    tests = [test for path in weat or [] for test in read_weat(path)]
    words = load_vectors(vectors)

    def score(of: "WordVectors") -> "list[Scored]":
        return [
            *(evaluate_similarity(of, each, oov=oov, case=case) for each in pair_sets),
            *(evaluate_analogies(of, each, restrict=restrict) for each in question_sets),
            *(evaluate_weat(of, each, case=case) for each in tests),
        ]

    results = score(words)
    plain = score(words.unrefined()) if words.plain is not None else []
    if as_json:
        added = [{"plain": _headline(result)} for result in plain] or [{}] * len(results)
        print_json([result.as_dict() | more for result, more in zip(results, added, strict=True)])
    elif plain:
        print_table((*HEADERS[:2], "refined", "plain", *HEADERS[3:]), _rows_with_plain(results, plain))
    else:
        print_table(HEADERS, _table_rows(results))
    for result in results:
        if result.note:
            logger.warning("%s: %s", result.name, result.note)


def _headline(result: "Scored") -> float | None:
    """Return the main score of a result for JSON, None if it is undefined."""
    match result.kind:
        case "similarity":
            score = result.spearman
        case "analogy":
            score = result.accuracy
        case "weat":
            score = result.effect_size
    return score if math.isfinite(score) else None


def _evaluate_pairs(
    vectors: "PairVectors",
    held_out: str,
    known: str | None,
    columns: tuple[str, str],
    k: int,
    sampled: int | None,
    as_json: bool,
) -> None:
    from word2vec.corpus import read_pair_names
    from word2vec.evaluation.ranking import evaluate_ranking

    inputs, targets = read_pair_names(held_out, *columns)
    hidden = None if known is None else read_pair_names(known, *columns)
    result = evaluate_ranking(vectors, inputs, targets, k=k, known=hidden, negatives=sampled, name=Path(held_out).name)
    if not result.inputs:
        raise CorpusError(f"{held_out}: {result.note}; check the columns, and that the run was trained on such names")
    if as_json:
        print_json([result.as_dict()])
    else:
        used = f"{result.inputs:,} of {result.inputs_total:,} inputs, {result.pairs:,} of {result.pairs_total:,} pairs"
        rows = [
            (f"{metric}@{k}", f"{getattr(result, metric):.4f}", "{:.4f} to {:.4f}".format(*result.intervals[metric]))
            for metric in result.metrics
        ]
        print_table(
            ("test set", "measure", "score", "95% CI", "used"),
            [(result.name if not number else "", *row, used if not number else "") for number, row in enumerate(rows)],
        )
    if result.note:
        logger.warning("%s: %s", result.name, result.note)


def _table_rows(results: "list[Scored]") -> Iterator[tuple[str, ...]]:
    for result in results:
        if result.kind == "similarity":
            used = f"{result.pairs:,} of {result.pairs_total:,} pairs"
            yield result.name, "Spearman", f"{result.spearman:.3f}", _interval(result), used, _outside(result)
            yield "", "Pearson", f"{result.pearson:.3f}", "", "", ""
            continue
        if result.kind == "weat":
            used = f"{result.words:,} of {result.words_total:,} words"
            yield result.name, "effect size", f"{result.effect_size:.3f}", _interval(result), used, _outside(result)
            yield "", "p-value", f"{result.p_value:.2g}", "", f"{result.partitions:,} partitions", ""
            continue
        used = f"{result.questions:,} of {result.questions_total:,} questions"
        yield result.name, "accuracy", f"{result.accuracy:.3f}", "", used, ""
        for name, accuracy in (("semantic", result.semantic), ("syntactic", result.syntactic)):
            yield "", f"  {name}", f"{accuracy:.3f}", "", "", ""
        for section in result.sections:
            used = f"{section.questions:,} of {section.questions_total:,}"
            yield "", f"    {section.name}", f"{section.accuracy:.3f}", "", used, ""


def _interval(result: "SimilarityResult | WeatResult") -> str:
    defined = math.isfinite(result.ci_low) and math.isfinite(result.ci_high)
    return f"{result.ci_low:.3f} to {result.ci_high:.3f}" if defined else "undefined"


def _rows_with_plain(refined: "list[Scored]", plain: "list[Scored]") -> Iterator[tuple[str, ...]]:
    """Yield the rows of refined vectors with the scores of the plain ones, and what these used if that differs."""
    for (name, measure, score, interval, used, outside), (_, _, other, _, used_by_other, _) in zip(
        _table_rows(refined), _table_rows(plain), strict=True
    ):
        note = "" if used_by_other == used else f" ({used_by_other})"
        yield name, measure, score, f"{other}{note}", interval, used, outside


def _outside(result: "SimilarityResult | WeatResult") -> str:
    """Return the words outside the vocabulary: those without a vector, and those with one from their n-grams."""
    computed = f"from n-grams: {_abbreviate(result.from_ngrams)}" if result.from_ngrams else ""
    return "; ".join(filter(None, [_abbreviate(result.oov), computed]))


def _abbreviate(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - MAX_UNKNOWN_WORDS} more" if len(words) > MAX_UNKNOWN_WORDS else ""
    return ", ".join(words[:MAX_UNKNOWN_WORDS]) + more


def report(
    runs: SystemsArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="HTML file to write.")] = Path(
        "report.html"
    ),
) -> int:
    """Write an HTML report on a run or a vectors file.

    The page shows scores, training curves and settings, a map of the words, and a search box for nearest words.

    With several runs, it also compares them with the first one, as `compare` does, and shows how far they agree on
    nearest neighbors, as `stability` does; the rest of the page is about the first run.
    """
    from word2vec.report import write_report

    paths = parse_systems(runs)
    systems = load_systems(paths)
    first = next(iter(systems))
    several = sum(map(len, systems.values())) > 1
    write_report(systems[first][0], paths[first][0], output, systems if several else {})
    print(output)  # noqa: T201
    return 0
