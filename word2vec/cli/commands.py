"""The command line: reads arguments, calls the library, prints results.

Data goes to stdout, logs and progress to stderr. Exit code 0 is success, 1 failure, 2 wrong usage, 130 Ctrl-C, 143
SIGTERM; an error is one line. Nothing heavy is imported before a command needs it.
"""

import inspect
import io
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, get_args, get_origin

import typer

from word2vec.cli.console import logs_on_stderr, one_line, print_json, print_table, printable
from word2vec.config import PRESETS, SETTINGS, TrainConfig, make_config, option, read_config
from word2vec.config import preset as find_preset
from word2vec.errors import ConfigError, RankEndedError, TrainingInterrupted, Word2VecError

if TYPE_CHECKING:
    from word2vec.evaluation.results import AnalogyResult, SimilarityResult
    from word2vec.vectors.search import Neighbors
    from word2vec.vectors.word_vectors import WordVectors

FILE_LISTS = ("--pairs", "--analogies")
TRACEBACK = "WORD2VEC_TRACEBACK"  # environment variable: show where an unexpected error arose
LIBRARY_WORDS = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it must be a whole number",
    "Unable to parse input string as an integer, exceeded maximum size": "the number is too long",
    "Input should be a valid number, unable to parse string as a number": "it must be a number",
    "Input should be greater than or equal to": "it must be at least",
}
"""What pydantic, by which typer checks arguments, says, and what to say instead."""

WRONG_USAGE = 2
INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended

app = typer.Typer(
    name="word2vec",
    help="Train, evaluate and query word embeddings.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

VectorsArgument = Annotated[Path, typer.Argument(metavar="VECTORS", help="A run folder or a file of vectors.")]
CountOption = Annotated[int, typer.Option("-n", min=1, help="How many words to show.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
RestrictOption = Annotated[int | None, typer.Option(min=1, help="Use only the N most frequent words.")]


def main() -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


def _terminate(number: int, _: object) -> NoReturn:
    """Leave as an exception does, so that nothing half done is left behind; training has a better way, and takes it."""
    raise SystemExit(128 + number)


def run(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    with logs_on_stderr():
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that has not all letters shows the others' codes
    try:
        _refuse_empty(arguments)
        code = int(app(_one_option_a_file(arguments) or ["--help"], prog_name="word2vec", standalone_mode=False) or 0)
        sys.stdout.flush()
    except typer.TyperException as error:
        message = error.format_message()
        return _fail(_in_plain_words(message) + _hint(arguments, message), error.exit_code)
    except ConfigError as error:
        return _fail(str(error), WRONG_USAGE)
    except RankEndedError:
        return 1
    except TrainingInterrupted as error:
        return _fail(str(error), 128 + error.signal)
    except Word2VecError as error:
        return _fail(str(error), 1)
    except SystemExit as error:
        return _fail("terminated", int(error.code or 0))
    except OSError as error:
        return _system_failure(error)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return _fail(_unexpected(error), 1)
    return _fail("interrupted", code) if code == INTERRUPTED else code  # typer turns Ctrl-C into that code


def _refuse_empty(arguments: list[str]) -> None:
    """Say no to `--output "$RUN"` where RUN is not set: an empty path means the current folder to Python."""
    for argument in arguments:
        if argument == "" or (argument.startswith("--") and argument.endswith("=")):
            raise ConfigError(f"the argument {argument!r} is empty; is a variable of the shell not set?")


def _in_plain_words(message: str) -> str:
    """What is wrong with an argument, without the words of the library that found it."""
    for theirs, ours in LIBRARY_WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _system_failure(error: OSError) -> int:
    if error.filename is not None:  # of a file whose reader or writer did not answer for it
        return _fail(f"{error.filename}: {error.strerror}", 1)
    # subtle: Python tries once more to write what is left for stdout when it exits, and would complain in its own words
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1 if isinstance(error, BrokenPipeError) else _fail(f"cannot write the result: {error.strerror}", 1)


def _unexpected(error: Exception) -> str:
    # torch says it in these words, of the card and of the processor's memory
    if isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error):
        return "out of memory: choose a smaller --dim, --max-vocab or --batch-size, or a machine with more"
    return f"{type(error).__name__}: {error} (set {TRACEBACK}=1 to see where)"


def _hint(arguments: list[str], message: str) -> str:
    """What to do about `nearest RUN king -man`, where typer takes `-man` for an option."""
    glued = arguments[:1] == ["nearest"] and message.startswith("No such option: -")
    return "; to subtract a word, put spaces around the sign: king - man" if glued else ""


def _one_option_a_file(arguments: list[str]) -> list[str]:
    """Turn `--pairs A B` into `--pairs A --pairs B`: people list files behind one option, typer takes one each."""
    spread: list[str] = []
    files_of = None  # the option whose files are being listed
    for argument in arguments:
        if argument.startswith("-"):
            files_of = argument if argument in FILE_LISTS else None
        elif files_of and spread[-1] != files_of:
            spread.append(files_of)
        spread.append(argument)
    return spread


def _fail(message: str, code: int) -> int:
    if code != WRONG_USAGE or os.environ.get("RANK", "0") == "0":  # what all of torchrun's processes find, one says
        print(f"word2vec: {one_line(message)}", file=sys.stderr)  # noqa: T201
    return code


def _load(path: Path, limit: int | None = None) -> "WordVectors":
    from word2vec.vectors.word_vectors import WordVectors

    return WordVectors.load(path, limit, progress=sys.stderr.isatty())


# --- train: its options are the fields of TrainConfig ----------------------------------------------------------------


def _settings_as_options(function: Callable[..., int]) -> Callable[..., int]:
    """Give a function that takes `settings` one command-line parameter for each field of TrainConfig instead."""
    parameters = inspect.signature(function).parameters.values()
    own = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters if p.kind is not p.VAR_KEYWORD]
    corpus, *others = (_parameter(name) for name in SETTINGS)
    signature = inspect.Signature([corpus, *own, *others])
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return function


def _parameter(name: str) -> inspect.Parameter:
    """A command-line parameter for a setting; None means that it was not given."""
    kind, setting = SETTINGS[name]
    default = getattr(TrainConfig(), name)
    if get_origin(kind) is tuple:
        kind = list[str]
    elif isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    if setting.choices:
        kind = Literal[setting.choices]
    if name == "corpus":
        info: Any = typer.Argument(metavar="[CORPUS]...", help=setting.help, show_default=False)
    else:
        shown = "" if default in (None, ()) or kind is bool else f" [default: {default}]"
        flags = f"{option(name)}/--no-{name}" if kind is bool else option(name)
        info = typer.Option(flags, help=setting.help + shown, metavar=setting.metavar, show_default=False)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, info]
    )


@app.command()
@_settings_as_options
def train(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="The folder to write.")],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE.toml", help="Settings; options given here win over it.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Settings under a name, {', '.join(PRESETS)}; options given here win over them."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the checkpoint in RUN, if there is one; settings not given are those it has."
        ),
    ] = False,
    **settings: Any,
) -> int:
    """Train word vectors on CORPUS and write them to the folder RUN."""
    given = {name: value for name, value in settings.items() if value != []}  # an empty list is typer's "not given"
    chosen = make_config(
        _trusted(str(output), _settings_before(output) if resume else {}, given),
        _trusted(str(config), read_config(config) if config else {}, given),
        find_preset(preset) if preset else {},
        given,
    )
    from word2vec.training.loop import train as train_vectors

    train_vectors(chosen, output, progress=sys.stderr.isatty(), resume=resume)
    return 0


def _trusted(source: str, settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The settings of a file or a run, which may come from anybody and must not be able to name code that is run."""
    objective = settings.get("objective")
    if ":" in str(objective) and given.get("objective") is None:
        raise ConfigError(
            f"{source}: its objective {objective} runs code; where you trust it, add --objective {objective}"
        )
    return settings


def _settings_before(run: Path) -> dict[str, Any]:
    from word2vec.training.checkpoint import saved_settings

    return saved_settings(run)


# --- asking ----------------------------------------------------------------------------------------------------------


@app.command()
def evaluate(
    vectors: VectorsArgument,
    pairs: Annotated[
        list[str] | None, typer.Option(metavar="FILE ...", help="Word-similarity files, or wordsim353, simlex999.")
    ] = None,
    analogies: Annotated[
        list[str] | None, typer.Option(metavar="FILE ...", help="Analogy files, or questions-words.")
    ] = None,
    restrict: Annotated[int, typer.Option(min=1, help="Analogies use only the N most frequent words.")] = 30_000,
    oov: Annotated[
        Literal["skip", "zero"], typer.Option(help="Pairs with an unknown word: left out, or a similarity of zero.")
    ] = "skip",
    as_json: JsonOption = False,
) -> int:
    """Score vectors on word similarity and analogies; on the sets that come with the package if none is named."""
    from word2vec.evaluation.benchmarks import builtin_sets, read_pairs, read_questions
    from word2vec.evaluation.similarity import evaluate_analogies, evaluate_similarity

    if not pairs and not analogies:
        shipped = builtin_sets()
        pairs = [name for name, path in shipped.items() if path.suffix == ".csv"]
        analogies = [name for name, path in shipped.items() if path.suffix == ".txt"]
    pair_sets = [read_pairs(source) for source in pairs or []]  # read first: a wrong file is told before the long work
    question_sets = [read_questions(source) for source in analogies or []]
    words = _load(vectors)
    results: list[SimilarityResult | AnalogyResult] = [evaluate_similarity(words, each, oov=oov) for each in pair_sets]
    results += [evaluate_analogies(words, each, restrict=restrict) for each in question_sets]
    if as_json:
        print_json([result.as_dict() for result in results])
    else:
        print_table(("set", "measure", "score", "95 % interval", "used", "unknown words"), _table_rows(results))
    for result in results:
        if result.note:
            logging.getLogger("word2vec").warning("%s: %s", result.name, result.note)
    return 0


def _table_rows(results: "list[SimilarityResult | AnalogyResult]") -> Iterator[tuple[str, ...]]:
    for result in results:
        if result.kind == "similarity":
            known = math.isfinite(result.ci_low) and math.isfinite(result.ci_high)
            interval = f"{result.ci_low:.3f} to {result.ci_high:.3f}" if known else "undefined"
            used = f"{result.pairs:,} of {result.pairs_total:,} pairs"
            yield result.name, "Spearman", f"{result.spearman:.3f}", interval, used, _some(result.oov)
            yield "", "Pearson", f"{result.pearson:.3f}", "", "", ""
            continue
        used = f"{result.questions:,} of {result.questions_total:,} questions"
        yield result.name, "accuracy", f"{result.accuracy:.3f}", "", used, ""
        for name, share in (("semantic", result.semantic), ("syntactic", result.syntactic)):
            yield "", f"  {name}", f"{share:.3f}", "", "", ""
        for section in result.sections:
            used = f"{section.questions:,} of {section.questions_total:,}"
            yield "", f"    {section.name}", f"{section.accuracy:.3f}", "", used, ""


def _some(words: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


@app.command()
def nearest(
    vectors: VectorsArgument,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORD...", help="Each gets its own neighbors; a sum, king - man + woman, counts as one."
        ),
    ],
    n: CountOption = 10,
    restrict: RestrictOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the words with the largest cosine to each WORD."""
    from word2vec.cli.query import read_questions_typed

    table = _load(vectors)
    questions = read_questions_typed(words, table)
    _show_neighbors({text: table.nearest(*question, n, restrict) for text, question in questions.items()}, as_json)
    return 0


@app.command()
def analogy(
    vectors: VectorsArgument,
    a: Annotated[str, typer.Argument(metavar="A")],
    b: Annotated[str, typer.Argument(metavar="B")],
    c: Annotated[str, typer.Argument(metavar="C")],
    n: CountOption = 10,
    restrict: RestrictOption = None,
    as_json: JsonOption = False,
) -> int:
    """Answer: A is to B as C is to what?"""
    answers = _load(vectors).analogy(a, b, c, n=n, restrict=restrict)
    _show_neighbors({f"{a} : {b} :: {c} :": answers}, as_json)
    return 0


def _show_neighbors(found: "dict[str, Neighbors]", as_json: bool) -> None:
    if as_json:
        print_json({asked: [[word, cosine] for word, cosine in answers] for asked, answers in found.items()})
        return
    columns = [[f"{cosine:.3f}  {word}" for word, cosine in answers] for answers in found.values()]
    print_table(found, zip_longest(*columns, fillvalue=""))


# --- files -----------------------------------------------------------------------------------------------------------


@app.command()
def export(
    vectors: VectorsArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write, or the folder for a run.")],
    to: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="word2vec-text, word2vec-binary, glove, npz, safetensors or run; else the ending of OUT decides.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N words, the most frequent ones.")] = None,
) -> int:
    """Write vectors in another format; text and word2vec-binary compressed where OUT ends in .gz, .bz2, .xz or .zst."""
    _load(vectors, limit).save(out, format=to, progress=sys.stderr.isatty())
    return 0


@app.command()
def download(name: Annotated[str, typer.Argument(metavar="NAME", help="text8")]) -> int:
    """Fetch a corpus, check it and unpack it; print where it lies."""
    from word2vec.system.download import DOWNLOADS, fetch

    if name not in DOWNLOADS:
        raise ConfigError(f"nothing called {name!r} can be downloaded; there is {', '.join(DOWNLOADS)}")
    print(fetch(DOWNLOADS[name], progress=sys.stderr.isatty()))  # noqa: T201
    return 0


@app.command()
def info(vectors: VectorsArgument) -> int:
    """Show what a run folder or a file of vectors holds."""
    words = _load(vectors)
    facts: dict[str, object] = {"words": f"{len(words):,}", "dimensions": words.dim}
    if words.counts is not None:
        facts["corpus words"] = f"{int(words.counts.sum()):,}"
    facts["first words"] = " ".join(words.words[:10])
    if (vectors / "config.toml").is_file():
        try:
            facts |= read_config(vectors / "config.toml")
        except ConfigError as error:
            logging.getLogger("word2vec").warning(str(error))  # of a newer version, or edited; the vectors are fine
    width = max(map(len, facts))
    for name, value in facts.items():
        print(printable(f"{name:{width}}  {value}"))  # noqa: T201
    return 0


@app.command()
def report(
    vectors: VectorsArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.html", help="The page to write.")] = Path(
        "report.html"
    ),
) -> int:
    """Write a page on a run: its scores, its course, a map of its words, and a box that finds nearest words."""
    from word2vec.report import write_report

    write_report(_load(vectors), vectors, output)
    print(output)  # noqa: T201
    return 0


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="The folder to write.")] = Path(
        "runs/demo"
    ),
) -> int:
    """Train on the embedded corpus, evaluate and show neighbors; offline, in about a minute."""
    from word2vec.training.checkpoint import discard_checkpoint
    from word2vec.training.loop import train as train_vectors

    config = TrainConfig(corpus=("pydocs",), subsample=1e-4, window=8)
    logger = logging.getLogger("word2vec")
    logger.info("training on the docstrings of numpy, pandas, scipy, scikit-learn and torch")
    discard_checkpoint(output)  # of a demo that was interrupted
    train_vectors(config, output, progress=sys.stderr.isatty())
    evaluate(output, pairs=["wordsim353", "simlex999"])
    nearest(output, ["array", "mean", "monday", "random"])
    logger.info("more of these: word2vec nearest %s WORD", output)
    return 0
