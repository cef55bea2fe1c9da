"""The command `refine`, which mixes the prediction from character n-grams into finished vectors."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from word2vec.cli.options import VectorsArgument, load_pair_vectors, load_vectors, reject_training_run
from word2vec.config import ngram_lengths
from word2vec.errors import ConfigError

logger = logging.getLogger("word2vec")


def refine(
    vectors: VectorsArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Run folder to write, or file in another format.")
    ],
    ngrams: Annotated[str, typer.Option(metavar="MIN-MAX", help="Lengths of the character n-grams.")] = "4-6",
    buckets: Annotated[
        int,
        typer.Option(min=1, max=2**31 - 1, help="Number of hash buckets for n-grams; only buckets in use take memory."),
    ] = 2_000_000,
    min_words: Annotated[
        int, typer.Option(min=1, help="Minimum number of words that have an n-gram, for it to take part.")
    ] = 3,
    penalty: Annotated[
        float, typer.Option(help="Penalty of the squared coefficients of the regression from n-grams to vectors.")
    ] = 0.5,
    steps: Annotated[
        int, typer.Option(min=1, help="Steps of conjugate gradient; fewer smooth more, as a larger penalty does.")
    ] = 12,
    full_count: Annotated[
        float, typer.Option(min=0, help="Count from which a word has the full weight in the regression.")
    ] = 20,
    prior_count: Annotated[
        float, typer.Option(min=0, help="Count at which a word's own vector and its prediction have equal weight.")
    ] = 30,
    prediction_weight: Annotated[
        float, typer.Option(min=0, help="Weight of the prediction that is added for all words.")
    ] = 0.5,
    output_weight: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Weight of the output table, added to the vectors before they are scaled to length one "
            "[default: 0.25 if there is an output table]",
        ),
    ] = None,
    ignore_counts: Annotated[
        bool, typer.Option("--ignore-counts", help="Treat all words as frequent, for vectors without counts.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Number of CPU threads; results do not depend on it.")
    ] = None,
) -> int:
    """Refine vectors: predict each vector from the spelling of its word, and mix the prediction into it.

    Rare words gain most, analogies of inflected words too, and unknown words get vectors. OUT also keeps the plain
    vectors if it is a run folder, a .safetensors or a .npz file; `nearest` uses them for words of the vocabulary.
    """
    reject_training_run(output)
    if load_pair_vectors(vectors, verify=False) is not None:
        raise ConfigError(f"{vectors}: trained on pairs; refinement needs the vectors of words")
    words = load_vectors(vectors)
    if words.plain is not None:
        logger.info("%s: refined already; its plain vectors are refined again", vectors)
        words = words.unrefined()
    if words.counts is None and not ignore_counts:
        raise ConfigError(
            f"{vectors}: contains no counts, which decide how far a word is refined; pass a run folder, or add "
            "--ignore-counts to treat all words as frequent"
        )
    refined = words.refine(
        lengths=ngram_lengths(ngrams, "--ngrams"),
        buckets=buckets,
        min_words=min_words,
        penalty=penalty,
        steps=steps,
        full_count=full_count,
        prior_count=prior_count,
        prediction_weight=prediction_weight,
        output_weight=output_weight,
        ignore_counts=ignore_counts,
        threads=threads,
    )
    refined.save(output, progress=sys.stderr.isatty())
    rows = 0 if refined.subwords is None else len(refined.subwords.rows)
    logger.info("wrote %s: %s words, %d dimensions, %s n-grams", output, f"{len(refined):,}", refined.dim, f"{rows:,}")
    return 0
