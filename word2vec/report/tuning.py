"""A plot of everything that a search for settings has tried: one HTML file, which opens without a network."""

from pathlib import Path

from word2vec.config import option
from word2vec.system.atomic_files import atomic_path
from word2vec.training.tuning.schedule import RUNGS
from word2vec.training.tuning.search import TuningResult
from word2vec.training.tuning.trials import Trial

COLUMNS = 3
COLORS = ("#9aa5b1", "#4c78a8", "#e45756", "#54a24b")  # of the rungs, and of the final comparison


def write_plot(result: TuningResult, output: Path) -> None:
    """Draw the score of each training against the value of each searched setting.

    Args:
        result: The result of a search, complete or not.
        output: The HTML file to write.

    Raises:
        Word2VecError: The file cannot be written.
    """
    from plotly.subplots import make_subplots

    names = list(result.default)
    rows = -(-len(names) // COLUMNS)
    figure = make_subplots(rows=rows, cols=COLUMNS, shared_yaxes=True, subplot_titles=[_title(name) for name in names])
    rungs = sorted({trial.rung for trial in result.trials})
    for number, name in enumerate(names):
        values = sorted({trial.settings[name] for trial in result.trials})
        place = {value: position for position, value in enumerate(values)}  # evenly spaced, whatever their scale
        for rung in rungs:
            trials = [trial for trial in result.trials if trial.rung == rung and trial.score is not None]
            figure.add_scatter(
                x=[place[trial.settings[name]] + _offset(trial, result) for trial in trials],
                y=[trial.score for trial in trials],
                text=[_description(trial) for trial in trials],
                hovertemplate="%{text}<extra></extra>",
                mode="markers",
                marker={
                    "color": COLORS[rung % len(COLORS)],
                    "size": [11 if trial.setting in (0, result.setting) else 7 for trial in trials],
                    "symbol": [_symbol(trial, result) for trial in trials],
                },
                name=_rung_name(trials),
                legendgroup=str(rung),
                showlegend=number == 0,
                row=number // COLUMNS + 1,
                col=number % COLUMNS + 1,
            )
        figure.update_xaxes(
            tickvals=list(place.values()),
            ticktext=[f"{value:g}" for value in values],
            row=number // COLUMNS + 1,
            col=number % COLUMNS + 1,
        )
    figure.update_layout(
        title=f"{result.measure}: {result.verdict}<br><sup>square: default; star: best settings; {result.halves}</sup>",
        height=120 + 320 * rows,
        template="plotly_white",
    )
    with atomic_path(output) as path:
        figure.write_html(path, include_plotlyjs=True)


def _title(name: str) -> str:
    return option(name).removeprefix("--")


def _symbol(trial: Trial, result: TuningResult) -> str:
    return {0: "square", result.setting: "star"}.get(trial.setting, "circle")


def _offset(trial: Trial, result: TuningResult) -> float:
    """Return how far a point is moved sideways, so that the points of different settings do not cover each other."""
    return 0.5 * (trial.setting / (1 + max(each.setting for each in result.trials)) - 0.5)


def _rung_name(trials: list[Trial]) -> str:
    if not trials:
        return ""
    name = "comparison" if trials[0].rung == RUNGS else f"rung {trials[0].rung + 1}"
    return f"{name}: {trials[0].fraction:.2%} of the corpus"


def _description(trial: Trial) -> str:
    values = "".join(f"<br>{_title(name)} {value:g}" for name, value in trial.settings.items())
    held_out = "" if trial.held_out is None else f"<br>held out {trial.held_out:.4f}"
    name = "default" if trial.setting == 0 else f"setting {trial.setting}"
    return f"{name}<br>score {trial.score:.4f}{held_out}{values}<br>{trial.seconds:.1f} s"
