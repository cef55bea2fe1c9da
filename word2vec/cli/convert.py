"""The commands that handle files: `export`, `download` and `info`."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from word2vec.cli.console import printable
from word2vec.cli.options import VectorsArgument, load_pair_vectors, load_vectors
from word2vec.config import read_config
from word2vec.errors import ConfigError, DownloadError

if TYPE_CHECKING:
    from word2vec.vectors.pair_vectors import PairVectors
    from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

INFO_WORDS = 10  # most frequent words shown by `info`
ALL_SETS = "benchmarks"  # argument of `download`
BLOCK_BYTES = 512  # unit of `os.stat_result.st_blocks`


def export(
    vectors: VectorsArgument,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write, or folder for run, hf, model2vec and spacy.")
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Output format: word2vec-text, word2vec-binary, fasttext, glove, npz, safetensors, run, floret, hf, "
            "model2vec or spacy [default: from the extension of OUT; .bin means fasttext for vectors with n-grams]",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Export only the N most frequent words.")
    ] = None,
    table: Annotated[
        Literal["inputs", "targets"] | None,
        typer.Option(help="Table to export, for a run trained on pairs."),
    ] = None,
    weighting: Annotated[
        Literal["mean", "sif"],
        typer.Option(help="Weights of words in the means that model2vec or spacy computes: equal, or by frequency."),
    ] = "mean",
) -> int:
    """Convert vectors to another file format, or to a folder for another library.

    Text and word2vec-binary files are compressed if OUT ends in .gz, .bz2, .xz or .zst. The folders for hf, model2vec
    and spacy contain a model card with the scores of the vectors; they must not exist or be empty.
    """
    from word2vec.formats import FORMATS
    from word2vec.formats.run import CHECKPOINT_FILE

    if (out / CHECKPOINT_FILE).exists():
        raise ConfigError(f"{out}: contains a training run and its checkpoint; choose another OUT")
    words = _table_of_pairs(vectors, table, limit) or load_vectors(vectors, limit)
    with_card = to in FORMATS and FORMATS[to].card is not None
    if weighting != "mean" and not with_card:
        raise ConfigError(f"--weighting {weighting}: applies to the formats model2vec, spacy and hf; omit it")
    notes = ""
    if with_card:
        from word2vec.evaluation.card import evaluation_section

        notes = evaluation_section(words)
    if weighting == "sif":
        from word2vec.vectors.weighting import sif_weighted

        words = sif_weighted(words)
    words.save(out, format=to, progress=sys.stderr.isatty(), notes=notes)
    logger.info("wrote %s: %s words, %d dimensions", out, f"{len(words):,}", words.dim)
    return 0


def _table_of_pairs(path: Path, table: str | None, limit: int | None) -> "WordVectors | None":
    """Return a table of a run trained on pairs; None for other vectors.

    Raises:
        ConfigError: The table is not named, or vectors have only one.
    """
    pairs = load_pair_vectors(path)
    if pairs is None:
        if table is not None:
            raise ConfigError(f"--table {table}: {path} was not trained on pairs and has one table; omit --table")
        return None
    if table is None:
        raise ConfigError(f"{path}: trained on pairs and has two tables; add --table targets or --table inputs")
    from word2vec.vectors.word_vectors import WordVectors

    chosen = {"inputs": pairs.inputs, "targets": pairs.targets}[table]
    counts = None if chosen.counts is None else chosen.counts[:limit]
    return WordVectors(chosen.words[:limit], chosen.vectors[:limit], counts=counts)


def download(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="text8, pretrained vectors, benchmarks (all public test sets), or one test set, by name.",
        ),
    ],
) -> int:
    """Download a corpus, pretrained vectors or public test sets, verify their checksums and print their paths.

    Pretrained vectors are those of the gensim-data collection, such as glove-wiki-gigaword-100. All commands that take
    VECTORS accept these names as well. An interrupted download of vectors is continued.

    Test sets: men, rw, simverb-3500, mturk-771, ws353-similarity, ws353-relatedness, msr, bats. They are used by name
    in `word2vec evaluate`.
    """
    from word2vec.corpus.named import DOWNLOADS, download_corpus
    from word2vec.evaluation.downloads import SETS, download_set
    from word2vec.vectors.pretrained import PRETRAINED, download_pretrained

    if name in DOWNLOADS:
        print(download_corpus(name))  # noqa: T201
        return 0
    if name in PRETRAINED:
        print(download_pretrained(name, progress=sys.stderr.isatty()))  # noqa: T201
        return 0
    if name != ALL_SETS and name not in SETS:
        known = ", ".join([*DOWNLOADS, ALL_SETS, *SETS, *PRETRAINED])
        raise ConfigError(f"unknown name {name!r}; choose one of: {known}")
    failed: dict[str, DownloadError] = {}
    for each in SETS if name == ALL_SETS else [name]:
        try:
            print(download_set(each), flush=True)  # noqa: T201
        except DownloadError as error:  # the server of another set may answer
            failed[each] = error
    if len(failed) == 1:
        raise next(iter(failed.values()))
    for each, failure in failed.items():
        logger.warning("%s: %s", each, failure)
    if failed:
        raise DownloadError(
            f"{len(failed)} of {len(SETS)} sets were not downloaded: {', '.join(failed)}; try again later"
        )
    return 0


def info(
    vectors: VectorsArgument,
    verify: Annotated[bool, typer.Option("--verify", help="Read all vectors and verify their checksums.")] = False,
) -> int:
    """Show the size, first words and settings of vectors."""
    from word2vec.vectors.pretrained import find_vectors

    vectors = find_vectors(vectors, progress=sys.stderr.isatty())
    pairs = load_pair_vectors(vectors, verify=verify)
    facts = _facts_of_words(load_vectors(vectors, verify=verify)) if pairs is None else _facts_of_pairs(pairs)
    facts["size"] = _readable_size(vectors)
    if verify:
        from word2vec import formats

        checked = formats.verify_checksums(vectors)
        facts["verified"] = "all numbers match their checksums" if checked else "all numbers are finite; no checksums"
    if (vectors / "config.toml").is_file():
        try:
            facts |= read_config(vectors / "config.toml")
        except ConfigError as error:
            logger.warning(str(error))  # written by a newer version, or edited; the vectors are fine
    width = max(map(len, facts))
    for name, value in facts.items():
        print(printable(f"{name:{width}}  {value}"))  # noqa: T201
    return 0


def _facts_of_words(words: "WordVectors") -> dict[str, object]:
    facts: dict[str, object] = {"words": f"{len(words):,}", "dimensions": words.dim}
    if words.counts is not None:
        facts["corpus words"] = f"{int(words.counts.sum()):,}"
    if words.subwords is not None:
        ngrams = words.subwords
        facts["n-grams"] = f"{ngrams.min_n} to {ngrams.max_n} characters"
        facts["n-gram rows"] = f"{len(ngrams.rows):,} of {ngrams.buckets:,} buckets"
    if words.plain is not None:
        facts["refined"] = "yes; contains the plain vectors too"
    if words.refinement is not None:
        facts["refinement"] = ", ".join(f"{name}={value}" for name, value in words.refinement.items())
    if words.phrases is not None:
        passes = len(words.phrases.passes)
        facts["joined phrases"] = f"{len(words.phrases):,}, in {passes} pass{'es' if passes > 1 else ''}"
    return facts | {"first words": " ".join(words.words[:INFO_WORDS])}


def _readable_size(path: Path) -> str:
    """Return the size of a file, or of all files of a folder, and how much of it is on disk if they have holes."""
    found = [each.stat() for each in (path.rglob("*") if path.is_dir() else (path,)) if each.is_file()]
    size = sum(each.st_size for each in found)
    text = f"{size / 1e6:,.1f} MB"
    if sys.platform == "win32":  # whose files have no number of blocks
        return text
    on_disk = sum(BLOCK_BYTES * each.st_blocks for each in found)
    return text if on_disk >= size else f"{text}, of which {on_disk / 1e6:,.1f} MB are on disk"


def _facts_of_pairs(pairs: "PairVectors") -> dict[str, object]:
    facts: dict[str, object] = {"inputs": f"{len(pairs.inputs):,}", "targets": f"{len(pairs.targets):,}"}
    facts["dimensions"] = pairs.dim
    if pairs.targets.counts is not None:
        facts["training pairs"] = f"{int(pairs.targets.counts.sum()):,}"
    for name, side in (("first inputs", pairs.inputs), ("first targets", pairs.targets)):
        facts[name] = ", ".join(side.words[:INFO_WORDS])
    return facts
