"""The command `tune`: search for better settings."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import JsonOption, reject_untrusted_code, settings_as_options
from word2vec.config import PRESETS, make_config, option, read_config
from word2vec.config import preset as find_preset
from word2vec.errors import TuningInterrupted

if TYPE_CHECKING:
    from word2vec.training.tuning.search import TuningResult

PLOT_FILE = "trials.html"
MAX_ROWS = 10  # of the table
NOT_FOR_TUNING = (
    "patience", "pairs", "tensorboard", "checkpoint_every", "sync_every", "start_from", "freeze", "new_words", "anchor",
)  # fmt: skip


def tune(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder to write.")],
    measure: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What to maximize: a file of word pairs or analogy questions, a built-in set (wordsim353, simlex999, "
            "questions-words), validation, or MODULE:FUNCTION, a function from WordVectors to a number.",
        ),
    ],
    budget: Annotated[
        float, typer.Option(metavar="MINUTES", help="Minutes of the whole search, including those before --resume.")
    ] = 15.0,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE.toml", help="TOML file of settings that replace the default."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Preset that replaces the default ({', '.join(PRESETS)}).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the search in FOLDER, if there is one.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a search that is already in FOLDER.")] = False,
    as_json: JsonOption = False,
    **settings: Any,
) -> int:
    """Search for better settings for CORPUS, and write them to FOLDER/config.toml.

    Noise exponent, window, subsampling threshold, epochs, learning rate and negative samples are searched, except those
    that are given as options.
    """
    given = {name: value for name, value in settings.items() if value not in (None, [])}
    merged = make_config(
        reject_untrusted_code(read_config(config) if config else {}, str(config), given),
        find_preset(preset) if preset else {},
        given,
    )
    from word2vec.training.tuning import tune as search

    try:
        result = search(
            merged,
            output,
            measure=measure,
            budget=budget,
            fixed=given.keys(),
            progress=sys.stderr.isatty(),
            resume=resume,
            overwrite=overwrite,
        )
    except TuningInterrupted as interruption:
        _write_plot(interruption.result, output)
        raise
    _write_plot(result, output)
    if as_json:
        print_json(result.as_dict())
    else:
        _print(result, output)
    return 0


tune = settings_as_options(tune, without=NOT_FOR_TUNING)


def _write_plot(result: "TuningResult", output: Path) -> None:
    from word2vec.report.tuning import write_plot

    if result.trials:
        write_plot(result, output / PLOT_FILE)


def _print(result: "TuningResult", output: Path) -> None:
    """Print the best settings of the last rung, the final comparison and the verdict."""
    names = list(result.default)
    last = max((trial.rung for trial in result.trials if trial.setting != result.setting and trial.setting), default=0)
    shown = sorted(
        (trial for trial in result.trials if trial.rung == last),
        key=lambda trial: -1.0 if trial.score is None else trial.score,
        reverse=True,
    )
    rows = [
        (
            f"{trial.setting}" if trial.setting else "default",
            *(f"{trial.settings[name]:g}" for name in names),
            f"{trial.fraction:.0%}",
            f"{trial.seconds:.1f}",
            "failed" if trial.score is None else f"{trial.score:.4f}",
        )
        for trial in shown[:MAX_ROWS]
    ]
    print_table(("setting", *(option(name)[2:] for name in names), "corpus", "seconds", "score"), rows)
    compared = [("choosing", result.comparison)] + ([("held out", result.held_out)] if result.held_out else [])
    print_table(
        ("half", "default", "best settings", "advantage", "noise (95 %)"),
        [
            (
                name,
                " ".join(f"{score:.4f}" for score in each.default),
                " ".join(f"{score:.4f}" for score in each.best),
                f"{each.advantage:+.4f}",
                f"{each.noise:.4f}",
            )
            for name, each in compared
        ],
    )
    changes = " ".join(f"{option(name)} {value:g}" for name, value in result.changes.items())
    print(f"{result.measure}: {result.halves}")  # noqa: T201
    print(f"{result.settings_tried} settings tried; the best one, {changes or 'the default'}: {result.verdict}")  # noqa: T201
    print(output / "config.toml")  # noqa: T201
