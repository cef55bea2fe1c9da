"""The command `benchmark-from`, which tests vectors on the terms of a glossary."""

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import JsonOption, VectorsArgument, load_pair_vectors, load_vectors
from word2vec.errors import ConfigError

if TYPE_CHECKING:
    from word2vec.evaluation.glossary_scores import GlossaryScore

logger = logging.getLogger("word2vec")

HEADERS = ("test", "score", "95% CI", "chance", "used")
MIN_P_VALUE = 0.001  # the smallest that 1,000 permutations give, rounded
MAX_UNKNOWN_WORDS = 10  # shown in the log


def benchmark_from(
    glossary: Annotated[
        Path,
        typer.Argument(
            metavar="GLOSSARY",
            help="Table with the columns term, and synonym or category; or questions in a .json file written by "
            "--output.",
        ),
    ],
    vectors: VectorsArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.json", help="Also write the questions, to ask other vectors."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the questions and of the intervals.")] = 0,
    case: Annotated[
        Literal["exact", "exact-then-lower", "gensim"],
        typer.Option(help="Look up terms as written, then also in lowercase, or ignore case as gensim does."),
    ] = "exact-then-lower",
    as_json: JsonOption = False,
) -> int:
    """Make test questions from the GLOSSARY of a domain, and evaluate VECTORS on them.

    Synonyms are chosen among random words and among words of similar frequency; terms are clustered and compared with
    their categories; and terms of other categories are found among those of one.
    """
    from word2vec.evaluation.glossary import Glossary, read_glossary
    from word2vec.evaluation.glossary_questions import make_glossary_questions, read_glossary_questions
    from word2vec.evaluation.glossary_scores import evaluate_glossary

    if output is not None and output.suffix.lower() != ".json":
        raise ConfigError(f"--output {output}: the extension must be .json, by which a file of questions is recognized")
    if glossary.is_dir():
        raise ConfigError(
            f"{glossary}: a folder; the glossary comes first: word2vec benchmark-from GLOSSARY.csv VECTORS"
        )
    # read before the vectors are loaded, so that a bad file is reported at once
    is_json = glossary.suffix.lower() == ".json"
    source = read_glossary_questions(glossary) if is_json else read_glossary(glossary)
    if load_pair_vectors(vectors, verify=False) is not None:
        raise ConfigError(f"{vectors}: trained on pairs; a glossary needs the vectors of words")
    words = load_vectors(vectors)
    questions = make_glossary_questions(source, words, seed=seed, case=case) if isinstance(source, Glossary) else source
    if output is not None:
        questions.save(output)
    result = evaluate_glossary(words, questions, seed=seed, case=case)
    if as_json:
        print_json(result.as_dict())
    else:
        print_table(HEADERS, map(_table_row, result.scores))
    if result.oov:
        more = f" and {len(result.oov) - MAX_UNKNOWN_WORDS} more" if len(result.oov) > MAX_UNKNOWN_WORDS else ""
        logger.info("without a vector: %s%s", ", ".join(result.oov[:MAX_UNKNOWN_WORDS]), more)
    for score in result.scores:
        if score.note:
            logger.warning("%s: %s", score.measure, score.note)
    return 0


def _table_row(score: "GlossaryScore") -> tuple[str, ...]:
    defined = math.isfinite(score.score)
    chance = f"{score.chance:.3f}" if math.isfinite(score.chance) else ""
    if math.isfinite(score.p_value):
        chance += f" (p < {MIN_P_VALUE})" if score.p_value <= MIN_P_VALUE else f" (p = {score.p_value:.3f})"
    return (
        score.measure,
        f"{score.score:.3f}" if defined else "undefined",
        f"{score.ci_low:.3f} to {score.ci_high:.3f}" if defined else "",
        chance,
        f"{score.used:,} of {score.total:,} {score.unit}",
    )
