"""Windows: the numbers of each mode, and the longest and the average sentence of a corpus."""

import numpy as np
import pytest

from word2vec.config import SETTINGS
from word2vec.errors import ConfigError
from word2vec.sampling import windows
from word2vec.sampling.windows import WINDOW_MODES, Window, make_window

OFFSETS = np.cumsum([0, 3, 1, 0, 7, 2])  # of five sentences


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("shrink", Window(1, 4, left=4, right=4, pairs=5)),
        ("fixed", Window(4, 4, left=4, right=4, pairs=8)),
        ("left", Window(1, 4, left=4, right=0, pairs=2.5)),
        ("right", Window(1, 4, left=0, right=4, pairs=2.5)),
        ("full", Window(6, 6, left=6, right=6, pairs=(3 * 2 + 7 * 6 + 2 * 1) / 13, whole=True)),
    ],
)
def test_a_mode_decides_widths_and_sides(mode: str, expected: Window) -> None:
    assert make_window(mode, 4, OFFSETS) == expected


@pytest.mark.parametrize(("mode", "number"), [("shrink", 9), ("left", 9), ("right", 9), ("fixed", 1), ("full", 1)])
def test_only_some_modes_draw_the_width(mode: str, number: int) -> None:
    assert make_window(mode, 9, OFFSETS).widths == number


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_whole_sentences_are_measured_in_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = make_window("full", 1, OFFSETS)
    monkeypatch.setattr(windows, "SENTENCES_AT_ONCE", at_once)
    assert make_window("full", 1, OFFSETS) == expected


@pytest.mark.parametrize("offsets", [[0], [0, 0, 0], [0, 1, 2]])
def test_whole_sentences_without_pairs_have_a_window(offsets: list[int]) -> None:
    window = make_window("full", 5, np.array(offsets))
    assert (window.min_width, window.max_width, window.pairs) == (1, 1, 1)


def test_the_modes_are_those_of_the_setting() -> None:
    _, setting = SETTINGS["window_mode"]
    assert setting.choices == tuple(WINDOW_MODES)


def test_an_unknown_mode_is_rejected() -> None:
    with pytest.raises(ConfigError, match="'both': not a mode; use one of shrink, fixed"):
        make_window("both", 5, OFFSETS)
