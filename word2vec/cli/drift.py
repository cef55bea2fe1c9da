"""The command `drift`, which finds the words whose neighbors changed between two runs."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import CountOption, JsonOption, load_pair_vectors, load_vectors
from word2vec.cli.systems import reject_repeated
from word2vec.errors import ConfigError

logger = logging.getLogger("word2vec")

HEADERS = ("word", "drift", "95% CI", "neighbors before", "neighbors after")


def drift(
    before: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder or vectors file.")],
    after: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder or vectors file to compare with it.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help="Words to compare [default: those that changed most]")
    ] = None,
    n: CountOption = 20,
    neighbors: Annotated[
        int, typer.Option(metavar="K", min=1, help="Number of nearest neighbors of a word in each run.")
    ] = 25,
    restrict: Annotated[
        int, typer.Option(metavar="N", min=1, help="Compare only the N most frequent words that both runs have.")
    ] = 20_000,
    as_json: JsonOption = False,
) -> int:
    """Show the words whose nearest neighbors changed most between two runs.

    The drift of a word is one minus the cosine of its cosines with its neighbors in the first run and in the second
    one. It does not depend on rotations, so the runs need not share a space.
    """
    from word2vec.evaluation.drift import measure_drift

    for path in (before, after):
        if load_pair_vectors(path, verify=False) is not None:
            raise ConfigError(f"{path}: trained on pairs; drift compares vectors of words")
    reject_repeated([before, after])
    first, second = load_vectors(before), load_vectors(after)
    result = measure_drift(first, second, words or (), n=n, neighbors=neighbors, restrict=restrict)
    if as_json:
        print_json(result.as_dict())
        return 0
    print_table(
        HEADERS,
        [
            (
                each.word,
                f"{each.drift:.3f}",
                f"{each.ci_low:.3f} to {each.ci_high:.3f}",
                ", ".join(each.before),
                ", ".join(each.after),
            )
            for each in result.words
        ],
    )
    logger.info("median drift of %s words: %.3f", f"{result.compared:,}", result.median)
    return 0
