"""Windows: which words of a sentence are the context of a center word.

Each center word has a width, drawn uniformly from a range. Its context words are those within this distance: before it,
after it, or on both sides. All modes of `--window-mode` are cases of this. `sampling/distributions.py` and the engines
form the pairs.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from word2vec.errors import ConfigError

SENTENCES_AT_ONCE = 1 << 20  # whose lengths are computed at once: 8 MB

Offsets = npt.NDArray[np.integer]


class Window(NamedTuple):
    """The context of a center word with a width w, drawn uniformly from min_width..max_width for each center word.

    The context words are the min(w, left) words before the center word and the min(w, right) words after it, within its
    sentence.
    """

    min_width: int
    max_width: int
    left: int  # max_width, or 0 if no word before the center word is in its context
    right: int  # max_width, or 0 if no word after the center word is in its context
    pairs: float  # context words per center word, on average; sentence boundaries are only considered if `whole`
    whole: bool = False  # the context is the rest of the sentence, however long it is

    @property
    def widths(self) -> int:
        """Number of possible widths."""
        return self.max_width - self.min_width + 1


def make_window(mode: str, window: int, offsets: Offsets) -> Window:
    """Create the window of a mode.

    Args:
        mode: A key of WINDOW_MODES.
        window: Largest width, in words; ignored by the mode "full".
        offsets: (sentences + 1,) positions at which sentences begin; the last one is the end of the corpus.

    Raises:
        ConfigError: There is no such mode.
    """
    if mode not in WINDOW_MODES:
        raise ConfigError(f"window mode {mode!r}: not a mode; use one of {', '.join(WINDOW_MODES)}")
    return WINDOW_MODES[mode](window, offsets)


def _shrink(window: int, _: Offsets) -> Window:
    return Window(1, window, window, window, pairs=1 + window)


def _fixed(window: int, _: Offsets) -> Window:
    return Window(window, window, window, window, pairs=2 * window)


def _left(window: int, _: Offsets) -> Window:
    return Window(1, window, window, 0, pairs=(1 + window) / 2)


def _right(window: int, _: Offsets) -> Window:
    return Window(1, window, 0, window, pairs=(1 + window) / 2)


def _full(_: int, offsets: Offsets) -> Window:
    longest = words = pairs = 0
    for first in range(0, len(offsets) - 1, SENTENCES_AT_ONCE):
        lengths = np.diff(offsets[first : first + SENTENCES_AT_ONCE + 1]).astype(np.int64)
        longest = max(longest, int(lengths.max()))
        words += int(lengths.sum())
        pairs += int((lengths * (lengths - 1)).sum())
    width = max(1, longest - 1)
    return Window(width, width, width, width, pairs=max(1.0, pairs / max(words, 1)), whole=True)


WINDOW_MODES: dict[str, Callable[[int, Offsets], Window]] = {
    "shrink": _shrink,
    "fixed": _fixed,
    "full": _full,
    "left": _left,
    "right": _right,
}
