"""The command `combine`, which makes one table of vectors from those of several runs."""

import logging
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from word2vec.cli.options import load_pair_vectors, load_vectors, reject_training_run
from word2vec.errors import ConfigError

logger = logging.getLogger("word2vec")


def combine(
    members: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders or vectors files, two or more.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Run folder to write, or file in another format.")
    ],
    dim: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Dimension of the combined vectors "
            "[default: 300, or the sum of those of the members if that is smaller]",
        ),
    ] = None,
    vocabulary: Annotated[
        Literal["common", "united"],
        typer.Option(help="Words to combine: those that all members have, or those of any."),
    ] = "common",
    output_weight: Annotated[
        float,
        typer.Option(
            min=0, help="Weight of the output tables, added to the vectors before they are scaled to length one."
        ),
    ] = 0.1,
    refine: Annotated[
        bool, typer.Option("--refine", help="Refine the combined vectors by character n-grams, see `word2vec refine`.")
    ] = False,
) -> int:
    """Combine the vectors of several runs: concatenate them and reduce the dimension by principal components.

    Runs with different seeds or settings make different errors, which the combination averages out. Refined runs take
    part with their plain vectors; --refine refines the result.
    """
    from word2vec.vectors.combination import combine as combine_vectors

    if len(members) < 2:
        raise ConfigError(f"combine needs two runs or more, got only {members[0]}; pass another one")
    reject_training_run(output)
    for path in members:
        if load_pair_vectors(path, verify=False) is not None:
            raise ConfigError(f"{path}: trained on pairs; combining needs the vectors of words")
    loaded = [load_vectors(path) for path in members]
    for path, member in zip(members, loaded, strict=True):
        if member.plain is not None:
            logger.info("%s: refined; its plain vectors are combined", path)
        elif member.subwords is not None:
            logger.info("%s: its n-grams are not combined, only the vectors of its words", path)
    if refine and all(member.counts is None for member in loaded):
        raise ConfigError(
            "--refine: the members have no counts; omit it, then run: word2vec refine OUT --ignore-counts --output OUT2"
        )
    combined = combine_vectors(loaded, dim, vocabulary, output_weight=output_weight)
    if refine:
        from word2vec.training.result import refine_if_possible

        combined = refine_if_possible(combined)
    combined.save(output, progress=sys.stderr.isatty())
    logger.info("wrote %s: %s words, %d dimensions", output, f"{len(combined):,}", combined.dim)
    return 0
