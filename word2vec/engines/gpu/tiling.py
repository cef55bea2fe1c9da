"""How the fused GPU engine cuts its work into tiles, and which settings no tile can hold.

Apart from the kernels, so that an engine can be chosen without them.
"""

import functools
import re
from typing import NamedTuple

from word2vec.errors import ConfigError

MIN_ROWS = MIN_COLUMNS = 16  # what tl.dot takes
TILE_FLOATS = 8192  # of a tile in registers: 32 of a thread's 255, in 256 threads; twice as many spill
FLOATS_A_WARP = 512  # 16 a thread, up to the most warps, which leaves room for six such tiles
MAX_WARPS = 8


class Shape(NamedTuple):
    """The sizes of a program's tiles; rows, targets and columns are powers of two."""

    columns: int  # numbers of a row, with padding
    targets: int  # of a center word, with padding
    rows: int  # input rows in registers
    centers: int  # words that are centers while those rows stay
    warps: int


def tile_shape(dim: int, negatives: int, window: int) -> Shape:
    """The shape for these settings.

    A tile of rows R serves C = R - 2 * window centers in one go. Where the window is so wide that this is less than a
    quarter of R, with the largest tile that fits, the context of R centers is fetched in several tiles.

    Raises:
        ConfigError: the rows, or the targets of one word, do not fit into registers; without its subject, the engine.
    """
    columns = max(MIN_COLUMNS, _power_of_two(dim))  # never less than a row with its padding
    targets = max(least_targets(), _power_of_two(1 + negatives))
    most_rows = TILE_FLOATS // columns
    if most_rows < max(MIN_ROWS, targets):
        raise ConfigError(_too_large(dim, most_rows))
    rows = MIN_ROWS
    while rows - 2 * window < rows // 4 and 2 * rows <= most_rows:
        rows *= 2
    centers = rows - 2 * window if rows - 2 * window >= rows // 4 else rows
    warps = min(MAX_WARPS, max(1, max(rows, targets) * columns // FLOATS_A_WARP))
    return Shape(columns, targets, rows, centers, warps)


@functools.cache
def least_targets() -> int:
    """The shortest sum that tl.dot takes in float32: 8 from triton 3.9 on, 16 before (seen in 3.6)."""
    return 8 if triton_version() >= (3, 9) else 16


def triton_version() -> tuple[int, int]:
    """Of the triton that is installed, under whatever name; (0, 0) without one."""
    try:
        import triton
    except ImportError:
        return 0, 0
    numbers = re.findall(r"\d+", triton.__version__)
    return int(numbers[0]), int(numbers[1])


def _too_large(dim: int, most_rows: int) -> str:
    if most_rows < MIN_ROWS:
        return f"holds rows of {TILE_FLOATS // MIN_ROWS} dimensions at most on a GPU, not {dim}: use a smaller --dim"
    return f"holds {most_rows - 1} noise words of {dim} dimensions at most on a GPU: use fewer --negatives"


def _power_of_two(number: int) -> int:
    """The smallest power of two that is not below the number."""
    return 1 << (number - 1).bit_length()
