"""Compiled construction of alias tables with millions of columns.

`AliasTable` builds small ones in Python. Here two cursors sweep over the columns, one over those with too little
probability and one over those with too much, so no lists are needed (Hübschle-Schneider & Sanders 2022, "Parallel
weighted random sampling").
"""

import numpy as np
import numpy.typing as npt

from word2vec.system.jit import compiled

UNITS = 2.0**32
LARGEST = np.uint32(0xFFFFFFFF)


@compiled
def fill_columns(mass: npt.NDArray[np.float64], columns: npt.NDArray[np.uint32]) -> None:
    """Write an alias table.

    Args:
        mass: (N,) probabilities times N.
        columns: (2 * N,) output: for each column its acceptance in units of 2^-32, then its alias.
    """
    size = len(mass)
    for column in range(size):
        columns[2 * column], columns[2 * column + 1] = LARGEST, column
    light = heavy = 0
    while light < size and mass[light] >= 1:
        light += 1
    while heavy < size and mass[heavy] < 1:
        heavy += 1
    left = mass[heavy] if heavy < size else 0.0  # of the mass of the heavy column
    while heavy < size and (light < size or left < 1):
        if left >= 1:  # fill the light column from the heavy one
            columns[2 * light], columns[2 * light + 1] = _units(mass[light]), heavy
            left -= 1 - mass[light]
            light += 1
            while light < size and mass[light] >= 1:
                light += 1
        else:  # the heavy column has become light; fill it from the next heavy one
            following = heavy + 1
            while following < size and mass[following] < 1:
                following += 1
            if following < size:
                columns[2 * heavy], columns[2 * heavy + 1] = _units(left), following
                left = mass[following] - (1 - left)
            heavy = following


@compiled
def _units(probability: float) -> int:
    """Return a probability below 1 in units of 2^-32."""
    return int(min(probability * UNITS + 0.5, float(LARGEST)))
