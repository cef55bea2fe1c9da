"""A table whose number of rows shows only while it is read."""

import numpy as np
from numpy.typing import NDArray

FIRST_BYTES = 1 << 20


class Rows:
    """Rows that come a block at a time.

    Memory is taken as they come, so that a file's promise of more costs nothing, and is hardly more than the rows in
    the end: how many are to come is reckoned from how much of the file is read.

    Args:
        dim: numbers in a row.
        most: rows wanted at most, or None.
        sure: whether so many will come, as far as the size of the file can tell; memory for them is taken at once.

    Attributes:
        filled: rows that came.
    """

    def __init__(self, dim: int, most: int | None, *, sure: bool = False) -> None:
        self.filled = 0
        self._most = most
        first = FIRST_BYTES // (4 * dim) + 1
        rows = first if most is None else most if sure else min(first, most)
        self._rows = np.empty((rows, dim), np.float32)  # (R, dim)

    @property
    def full(self) -> bool:
        """Whether all rows that are wanted have come."""
        return self.filled == self._most

    def free(self, share: float) -> NDArray[np.float32]:
        """Room for more rows, at least one unless it is full; `share` of the file, 0 to 1, is read."""
        rows, dim = self._rows.shape
        if self.filled == rows and not self.full:
            expected = int(1.01 * rows / max(share, 1e-9)) + 1
            rows = max(rows + 1, min(expected, 2 * rows))
            # subtle: this does not copy, the system moves the pages of so large a block
            self._rows.resize((rows if self._most is None else min(rows, self._most), dim), refcheck=False)
        return self._rows[self.filled :]

    def done(self) -> NDArray[np.float32]:
        """All rows, (filled, dim)."""
        self._rows.resize((self.filled, self._rows.shape[1]), refcheck=False)
        return self._rows
