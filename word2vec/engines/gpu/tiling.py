"""Tile sizes of the fused GPU engine, and the settings for which no tile fits.

Separate from the kernels, so that an engine can be chosen without importing triton.
"""

import functools
import re
from typing import NamedTuple

from word2vec.errors import ConfigError

MIN_ROWS = MIN_COLUMNS = 16  # minimum of tl.dot
MAX_TILE_FLOATS = 8192  # in registers: 32 of the 255 registers of each of 256 threads; twice as many spill
FLOATS_PER_WARP = 512  # 16 per thread until MAX_WARPS is reached, which leaves space for six such tiles
MAX_WARPS = 8


class Shape(NamedTuple):
    """The sizes of a program's tiles; rows, targets and columns are powers of two."""

    columns: int  # floats in a row, with padding
    targets: int  # targets of a center word, with padding
    rows: int  # input rows in registers
    centers: int  # center words that are processed while those rows stay in registers
    warps: int


def tile_shape(dim: int, negatives: int, context: int) -> Shape:
    """Choose the tile sizes.

    A tile of R rows contains the windows of C = R - context center words. If the windows are so wide that C is less
    than a quarter of R even with the largest tile, the context words of R centers are loaded in several tiles.

    Args:
        dim: Dimensions of the vectors.
        negatives: Noise words per center word.
        context: Number of context words of a center word, before and after it together, for which to choose. Tiles of
            this shape can train wider windows, but less efficiently.

    Raises:
        ConfigError: The rows, or the targets of one word, do not fit into registers. The message is a predicate without
            its subject, the engine.
    """
    columns = max(MIN_COLUMNS, _power_of_two(dim))  # never less than a row with its padding
    targets = max(min_targets(), _power_of_two(1 + negatives))
    max_rows = MAX_TILE_FLOATS // columns
    if max_rows < max(MIN_ROWS, targets):
        raise ConfigError(_too_large(dim, max_rows))
    rows = MIN_ROWS
    while rows - context < rows // 4 and 2 * rows <= max_rows:
        rows *= 2
    centers = rows - context if rows - context >= rows // 4 else rows
    warps = min(MAX_WARPS, max(1, max(rows, targets) * columns // FLOATS_PER_WARP))
    return Shape(columns, targets, rows, centers, warps)


@functools.cache
def min_targets() -> int:
    """Return the smallest inner dimension of tl.dot in float32: 8 since triton 3.9, 16 before (observed in 3.6)."""
    return 8 if triton_version() >= (3, 9) else 16


def triton_version() -> tuple[int, int]:
    """Return the version of the installed triton, whatever its distribution is called; (0, 0) if there is none."""
    try:
        import triton
    except ImportError:
        return 0, 0
    major, minor = re.findall(r"\d+", triton.__version__)[:2]
    return int(major), int(minor)


def _too_large(dim: int, max_rows: int) -> str:
    if max_rows < MIN_ROWS:
        limit = MAX_TILE_FLOATS // MIN_ROWS
        return f"supports at most {limit} dimensions on a GPU, not {dim}; use a smaller --dim"
    return f"supports at most {max_rows - 1} noise words of {dim} dimensions on a GPU; use fewer --negatives"


def _power_of_two(number: int) -> int:
    """Return the smallest power of two that is at least the number."""
    return 1 << (number - 1).bit_length()
