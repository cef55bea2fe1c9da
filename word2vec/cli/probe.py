"""The commands of the group `probe`, which measure what vectors are worth to a language model and to classifiers."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import JsonOption, VectorsArgument, load_pair_vectors, load_vectors
from word2vec.errors import ConfigError

if TYPE_CHECKING:
    from word2vec.evaluation.probes.results import Init, Interval
    from word2vec.vectors.word_vectors import WordVectors

probe = typer.Typer(
    help="Train language models and text classifiers from vectors, and compare them with random initialization.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

InitOption = Annotated[
    Literal["vectors", "random"] | None,
    typer.Option(help="Train from the vectors or from random numbers only [default: compare all initializations]"),
]
FreezeOption = Annotated[
    bool, typer.Option("--freeze", help="With --init vectors: keep the vectors as they are, do not train them.")
]
SeedsOption = Annotated[int, typer.Option(metavar="N", min=1, help="Number of trainings of each initialization.")]
DeviceOption = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Device to train on.")]


@probe.command()
def lm(
    vectors: VectorsArgument,
    corpus: Annotated[str, typer.Option(metavar="TEXT", help="Text file, or the name of a corpus: text8, pydocs.")],
    cell: Annotated[Literal["lstm", "gru", "rnn"], typer.Option(help="Kind of the recurrent layers.")] = "lstm",
    layers: Annotated[int, typer.Option(min=1, help="Number of recurrent layers.")] = 2,
    hidden: Annotated[int, typer.Option(min=1, help="Size of the states of recurrent layers.")] = 200,
    dropout: Annotated[
        float, typer.Option(min=0, max=0.99, help="Probability of dropout between the parts of the model.")
    ] = 0.5,
    bptt: Annotated[int, typer.Option(min=1, help="Number of words that gradients reach back.")] = 32,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Number of columns of the training text that are read side by side.")
    ] = 32,
    epochs: Annotated[int, typer.Option(min=1, help="Number of passes through the training text.")] = 6,
    lr: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Learning rate of Adam; it is halved whenever the validation loss does not improve."
        ),
    ] = 2e-3,
    clip: Annotated[float, typer.Option(min=0, help="Maximum norm of the gradients of a step.")] = 1.0,
    max_vocab: Annotated[
        int, typer.Option(min=3, max=2_000_000, help="Maximum number of words; above 20,000, the softmax is adaptive.")
    ] = 10_000,
    init: InitOption = None,
    freeze: FreezeOption = False,
    seeds: SeedsOption = 3,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the best model of each training."),
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> int:
    """Train recurrent language models, and compare their perplexities.

    The last tenth of the text is for validation and test. A Kneser-Ney trigram model predicts the same test words.
    """
    inits = _inits(init, freeze)
    words = _load(vectors)
    from word2vec.evaluation.probes.language_modeling import probe_language_model

    result = probe_language_model(
        words,
        corpus,
        cell=cell,
        layers=layers,
        hidden=hidden,
        dropout=dropout,
        bptt=bptt,
        batch_size=batch_size,
        epochs=epochs,
        lr=lr,
        clip=clip,
        max_vocab=max_vocab,
        inits=inits,
        seeds=seeds,
        device=device,
        output=output,
        progress=sys.stderr.isatty(),
    )
    if as_json:
        print_json(result.as_dict())
        return 0
    rows = [
        (
            f"{result.cell}, {each.init}",
            f"{math.exp(sum(map(math.log, each.validation)) / len(each.validation)):.1f}",
            *_cells(result.mean(each), result.change(each), "{:.1f}", "{:+.1%}"),
            f"{sum(each.seconds) / len(each.seconds):.0f}",
        )
        for each in result.scores
    ]
    rows.append(("Kneser-Ney trigram", "", f"{result.trigram:.1f}", "", "", "", ""))
    print_table(
        ("model", "validation perplexity", "test perplexity", "95% CI", "change from random", "95% CI", "seconds"), rows
    )
    training, validation, test = result.words
    print(  # noqa: T201
        f"{training:,} words for training, {validation:,} for validation, {test:,} for the test; vocabulary of "
        f"{result.vocabulary:,}, {result.covered:.1%} of the training words have a vector, {result.unknown:.1%} of the "
        "test words are <unk>"
    )
    for name, sample in result.samples.items():
        print_table((f"written by {name}",), [(sample,)])
    return 0


@probe.command()
def classify(
    vectors: VectorsArgument,
    train: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labeled texts: a table, or lines `label text` [default: which library a docstring comes from]",
        ),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Test texts [default: cross-validation of the training texts]")
    ] = None,
    model: Annotated[
        Literal["mean", "cnn", "logistic"],
        typer.Option(help="Mean of word vectors, convolutional network, or logistic regression on means of vectors."),
    ] = "mean",
    init: InitOption = None,
    freeze: FreezeOption = False,
    epochs: Annotated[int, typer.Option(min=1, help="Number of passes through the training texts.")] = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Number of texts per step.")] = 50,
    lr: Annotated[float, typer.Option(min=0, max=1, help="Learning rate of Adam.")] = 1e-3,
    dropout: Annotated[
        float, typer.Option(min=0, max=0.99, help="Probability of dropout before the last layer.")
    ] = 0.5,
    word_dropout: Annotated[
        float, typer.Option(min=0, max=0.99, help="Probability that a word of a training text is dropped.")
    ] = 0.1,
    seeds: SeedsOption = 3,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds of cross-validation.")] = 10,
    lowercase: Annotated[
        bool | None,
        typer.Option(
            "--lowercase/--no-lowercase",
            help="Lowercase the texts [default: if all words of the vectors are lowercase]",
        ),
    ] = None,
    tokenizer: Annotated[
        Literal["whitespace", "words"], typer.Option(help="How texts are split into words.")
    ] = "whitespace",
    text_column: Annotated[str, typer.Option(metavar="NAME", help="Column of texts, in a table.")] = "text",
    label_column: Annotated[str, typer.Option(metavar="NAME", help="Column of labels, in a table.")] = "label",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> int:
    """Train text classifiers, and compare their accuracies."""
    inits = None if init is None and not freeze else _inits(init, freeze)
    if train is None and test is not None:
        raise ConfigError("--test needs --train FILE with training texts; add it, or omit --test")
    words = _load(vectors)
    from word2vec.evaluation.probes import NetworkSettings, docstring_task, probe_classifier, read_labeled_texts

    folded = all(word == word.lower() for word in words.words) if lowercase is None else lowercase
    training, held_out = (
        None
        if path is None
        else read_labeled_texts(
            path, lowercase=folded, tokenizer=tokenizer, text_column=text_column, label_column=label_column
        )
        for path in (train, test)
    )
    result = probe_classifier(
        words,
        docstring_task() if training is None else training,
        held_out,
        model=model,
        settings=NetworkSettings(epochs, batch_size, lr, dropout, word_dropout),
        inits=inits,
        seeds=seeds,
        folds=folds,
        device=device,
        progress=sys.stderr.isatty(),
    )
    if as_json:
        print_json(result.as_dict())
        return 0
    rows = [
        (
            f"{result.model}, {each.init}",
            f"{sum(each.validation) / len(each.validation):.1%}" if each.validation else "",
            *_cells(result.mean(each), result.change(each), "{:.1%}", "{:+.1%}"),
            f"{sum(each.seconds) / len(each.seconds):.1f}",
        )
        for each in result.scores
    ]
    rows.append(("most frequent class", "", f"{result.majority:.1%}", "", "", "", ""))
    print_table(
        ("model", "validation accuracy", "test accuracy", "95% CI", "change from random", "95% CI", "seconds"), rows
    )
    tested = f"{result.tests:,} test texts" if result.folds is None else f"{result.folds}-fold cross-validation"
    print(  # noqa: T201
        f"{result.task}: {result.texts:,} texts of {len(result.classes)} classes, {tested}; {result.covered:.1%} of "
        "the words have a vector"
    )
    return 0


def _inits(init: Literal["vectors", "random"] | None, freeze: bool) -> "tuple[Init, ...]":
    """Return the initializations that the options ask for."""
    if freeze and init != "vectors":
        raise ConfigError("--freeze applies to --init vectors; add it, or omit --freeze to compare all initializations")
    if init is None:
        return ("frozen", "fine-tuned", "random")
    return ("random",) if init == "random" else ("frozen",) if freeze else ("fine-tuned",)


def _load(path: Path) -> "WordVectors":
    if load_pair_vectors(path, verify=False) is not None:
        raise ConfigError(f"{path}: trained on pairs; probes need the vectors of words")
    return load_vectors(path)


def _cells(mean: "Interval", change: "Interval | None", score: str, difference: str) -> tuple[str, str, str, str]:
    """Return the cells of a score and of its difference from random initialization, each with its interval."""
    cells = [score.format(mean[0]), _interval(mean, score)]
    cells += ["", ""] if change is None else [difference.format(change[0]), _interval(change, difference)]
    return cells[0], cells[1], cells[2], cells[3]


def _interval(interval: "Interval", form: str) -> str:
    return f"{form.format(interval[1])} to {form.format(interval[2])}" if math.isfinite(interval[1]) else "undefined"
