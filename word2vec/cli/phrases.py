"""The command `phrases`, which finds frequent phrases in a corpus."""

import logging
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import CountOption, JsonOption
from word2vec.config import SETTINGS, check_phrase_passes
from word2vec.errors import ConfigError

logger = logging.getLogger("word2vec")


def phrases(
    corpus: Annotated[list[str], typer.Argument(metavar="CORPUS", help=SETTINGS["corpus"][1].help)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File of all phrases to write.")
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Text to write: CORPUS with its phrases joined, one sentence per line."),
    ] = None,
    passes: Annotated[int, typer.Option(help="Number of passes; each can double the length of phrases.")] = 1,
    scoring: Annotated[
        Literal["original", "npmi"], typer.Option(help="Score: that of word2vec.c (original), or NPMI.")
    ] = "original",
    threshold: Annotated[
        float | None,
        typer.Option(help="Join pairs of words with a higher score [default: 10, npmi: 0.5]"),
    ] = None,
    min_count: Annotated[int, typer.Option(help="Ignore pairs of words that occur fewer times than this.")] = 5,
    connector_words: Annotated[
        str,
        typer.Option(metavar="WORDS", help="Words that may be inside a phrase: none, english, or 'WORD WORD ...'."),
    ] = "none",
    delimiter: Annotated[str, typer.Option(metavar="TEXT", help="Text between the words of a phrase.")] = "_",
    lowercase: Annotated[bool, typer.Option("--lowercase", help=SETTINGS["lowercase"][1].help)] = False,
    tokenizer: Annotated[
        Literal["whitespace", "words"], typer.Option(help=SETTINGS["tokenizer"][1].help)
    ] = "whitespace",
    column: Annotated[str | None, typer.Option(metavar="NAME", help=SETTINGS["column"][1].help)] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Number of CPU threads; results do not depend on it.")
    ] = None,
    n: CountOption = 20,
    json: JsonOption = False,
) -> int:
    """Find frequent phrases in CORPUS, such as new_york, and show those with the best scores.

    To train vectors of phrases, use: word2vec train CORPUS --phrases PASSES.
    """
    from word2vec.corpus import index_corpus
    from word2vec.corpus.phrases import PhraseSettings, as_connector_words

    check_phrase_passes(passes)
    settings = PhraseSettings(scoring, threshold, min_count, as_connector_words(connector_words), delimiter)
    for path in (output, text):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise ConfigError(f"{path}: is a folder, or its folder does not exist; choose another file to write")
    taken = [Path(source).resolve() for source in corpus]
    for path in (output, text):
        if path is not None and path.resolve() in taken:
            raise ConfigError(f"{path}: given twice, and would be replaced; choose another file to write")
        taken += [] if path is None else [path.resolve()]
    indexed = index_corpus(
        corpus,
        lowercase=lowercase,
        tokenizer=tokenizer,
        column=column,
        threads=threads,
        progress=sys.stderr.isatty(),
    )
    for warning in indexed.warnings:
        logger.warning(warning)
    from word2vec.corpus.phrase_corpus import join_phrases, phrases_of, write_text

    if text is None:
        found = phrases_of(indexed, settings, passes, threads=threads)
    else:
        joined = join_phrases(indexed, settings, passes, threads=threads)
        found = joined.phrases or phrases_of(indexed, settings, passes, threads=threads)
        write_text(joined, text)
        logger.info("wrote %s: %s words", text, f"{len(joined.tokens):,}")
    if output is not None:
        found.save(output)
        logger.info("wrote %s: %s phrases", output, f"{len(found):,}")
    best = sorted(found.table(), key=lambda row: -row[1].score)[:n]
    if json:
        print_json([{"phrase": name, "count": phrase.count, "score": phrase.score} for name, phrase in best])
    else:
        print_table(
            ["phrase", "count", "score"],
            [(name, f"{phrase.count:,}", f"{phrase.score:.4g}") for name, phrase in best],
        )
    return 0
