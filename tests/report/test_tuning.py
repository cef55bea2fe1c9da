"""The plot of a search."""

import re
from pathlib import Path

from word2vec.config import TrainConfig
from word2vec.report.tuning import write_plot
from word2vec.training.tuning.comparison import compare
from word2vec.training.tuning.search import TuningResult
from word2vec.training.tuning.trials import Trial


def test_every_training_is_drawn_and_nothing_is_loaded(tmp_path: Path) -> None:
    default, best = {"lr": 0.025, "window": 5}, {"lr": 0.05, "window": 12}
    trials = [
        Trial(0, 0, 1, 0.1, default, 0.25, None, 1.0, 1.0),
        Trial(1, 0, 1, 0.1, best, 0.375, None, 1.0, 2.0),
        Trial(2, 0, 1, 0.1, {**best, "lr": 9.0}, None, None, 1.0, 3.0, "diverged"),
        Trial(1, 3, 2, 1.0, best, 0.5, 0.625, 1.0, 4.0),
    ]
    result = TuningResult(
        TrainConfig(), default, best, 1, compare([], []), compare([], []), 1.0, trials, "</script><b>", "two halves"
    )
    write_plot(result, tmp_path / "trials.html")
    page = (tmp_path / "trials.html").read_text()
    for text in (
        "score 0.2500",
        "score 0.3750",
        "score 0.5000",
        "held out 0.6250",
        "window 12",
        "rung 1: 10.00% of the corpus",
    ):
        assert text in page
    assert "</script><b>" not in page
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page)
