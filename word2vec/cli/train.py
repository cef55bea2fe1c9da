"""The commands that train: `train` and `demo`."""

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from word2vec.cli.ask import nearest
from word2vec.cli.evaluate import evaluate
from word2vec.cli.options import (
    PAIR_COLUMNS,
    InputColumnOption,
    TargetColumnOption,
    reject_untrusted_code,
    settings_as_options,
)
from word2vec.config import MEMBERS, PRESETS, TrainConfig, make_config, read_config
from word2vec.config import preset as find_preset
from word2vec.errors import ConfigError

DEMO = TrainConfig(corpus=("pydocs",), subsample=1e-4, window=8)

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace a run that is already in RUN.")]

logger = logging.getLogger("word2vec")


@settings_as_options
def train(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder to write.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE.toml", help="TOML file of settings; command-line options override it."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Preset of settings ({', '.join((*PRESETS, *MEMBERS))}); options override it."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the checkpoint in RUN, with its settings, if there is one.")
    ] = False,
    overwrite: OverwriteOption = False,
    pairs_from: Annotated[
        str | None,
        typer.Option(
            "--pairs-from",
            metavar="FILE",
            help="Train on pairs of inputs and targets, from a .csv, .tsv, .jsonl or .parquet file, instead of CORPUS.",
        ),
    ] = None,
    input_column: InputColumnOption = PAIR_COLUMNS[0],
    target_column: TargetColumnOption = PAIR_COLUMNS[1],
    weight_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of sampling weights in tables of pairs.")
    ] = None,
    shared_vocabulary: Annotated[
        bool,
        typer.Option("--shared-vocabulary", help="Use one vocabulary for inputs and targets, as for nodes of a graph."),
    ] = False,
    **settings: Any,
) -> int:
    """Train word vectors on CORPUS, or on pairs, and save them in the folder RUN."""
    given = {name: value for name, value in settings.items() if value != []}  # typer's empty list means "not given"
    if pairs_from is not None:
        from word2vec.training.pairs import TEXT_ONLY, train_pair_file

        chosen = {name: value for name, value in given.items() if value is not None}
        earlier = (
            reject_untrusted_code(_saved_settings(output) if resume else {}, str(output), given)
            | reject_untrusted_code(read_config(config) if config else {}, str(config), given)
            | (find_preset(preset) if preset else {})
        )  # of which those that do not apply to pairs are ignored, because config.toml contains all settings
        train_pair_file(
            pairs_from,
            (input_column, target_column, weight_column),
            output,
            shared_vocabulary=shared_vocabulary,
            progress=sys.stderr.isatty(),
            resume=resume,
            overwrite=overwrite,
            **{name: value for name, value in earlier.items() if name not in TEXT_ONLY} | chosen,
        )
        return 0
    if weight_column is not None or shared_vocabulary or (input_column, target_column) != PAIR_COLUMNS:
        raise ConfigError(
            "--input-column, --target-column, --weight-column and --shared-vocabulary need --pairs-from FILE; add it"
        )
    if preset in MEMBERS:
        from word2vec.training.members import train_members

        saved = reject_untrusted_code(read_config(config) if config else {}, str(config), given)
        members = [make_config(saved, member, given) for member in MEMBERS[preset]]
        train_members(members, output, progress=sys.stderr.isatty(), resume=resume, overwrite=overwrite)
        return 0
    merged = make_config(
        reject_untrusted_code(_saved_settings(output) if resume else {}, str(output), given),
        reject_untrusted_code(read_config(config) if config else {}, str(config), given),
        find_preset(preset) if preset else {},
        given,
    )
    from word2vec.training import train as train_vectors

    train_vectors(merged, output, progress=sys.stderr.isatty(), resume=resume, overwrite=overwrite)
    return 0


def _saved_settings(run: Path) -> dict[str, Any]:
    from word2vec.training.resume import saved_settings

    return saved_settings(run)


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Run folder to write.")] = Path(
        "runs/demo"
    ),
    overwrite: OverwriteOption = False,
) -> int:
    """Train a small model, evaluate it and show nearest words.

    Works offline and takes about a minute: the corpus is the docstrings of installed Python packages.
    """
    from word2vec.training import train as train_vectors
    from word2vec.training.resume import find_run

    logger.info("training on the docstrings of numpy, pandas, scipy, scikit-learn and torch")
    earlier = None if overwrite else find_run(output, DEMO)
    resume = earlier is not None and not earlier.finished
    overwrite = overwrite or (earlier is not None and earlier.finished)  # any other run is kept
    train_vectors(DEMO, output, progress=sys.stderr.isatty(), resume=resume, overwrite=overwrite)
    evaluate(output, pairs=["wordsim353", "simlex999"])
    nearest(output, ["array", "mean", "monday", "random"])
    logger.info("to see the neighbors of other words, run: word2vec nearest %s WORD", output)
    return 0
