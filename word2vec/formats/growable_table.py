"""A table of vectors for files whose number of rows is known only after reading them."""

import numpy as np
from numpy.typing import NDArray

INITIAL_BYTES = 1 << 20  # of the first allocation, unless the number of rows is certain


class GrowableTable:
    """A table that is filled block by block.

    Memory is allocated as rows arrive, so a file that declares more rows than it has wastes no memory. The final number
    of rows is estimated from the fraction of the file read so far, so that hardly more memory is allocated than needed.

    Args:
        dim: Number of dimensions.
        max_rows: Maximum number of rows, or None if there is no limit.
        certain: Whether the file is large enough for `max_rows` rows; memory for them is then allocated at once.

    Attributes:
        filled: Number of rows filled so far.
    """

    def __init__(self, dim: int, max_rows: int | None, *, certain: bool = False) -> None:
        self.filled = 0
        self._max_rows = max_rows
        initial = INITIAL_BYTES // (4 * dim) + 1
        rows = initial if max_rows is None else max_rows if certain else min(initial, max_rows)
        self._table = np.empty((rows, dim), np.float32)  # (R, dim)

    @property
    def full(self) -> bool:
        """Whether `max_rows` rows are filled."""
        return self.filled == self._max_rows

    def free_rows(self, fraction_read: float) -> NDArray[np.float32]:
        """Return the rows that are not yet filled, at least one unless the table is full.

        Args:
            fraction_read: Fraction of the file read so far, 0 to 1.
        """
        rows, dim = self._table.shape
        if self.filled == rows and not self.full:
            expected = int(1.01 * rows / max(fraction_read, 1e-9)) + 1
            rows = max(rows + 1, min(expected, 2 * rows))
            # subtle: this does not copy: for a block of this size the operating system moves the pages
            self._table.resize((rows if self._max_rows is None else min(rows, self._max_rows), dim), refcheck=False)
        return self._table[self.filled :]

    def finish(self) -> NDArray[np.float32]:
        """Return the table without its unused rows, (filled, dim)."""
        self._table.resize((self.filled, self._table.shape[1]), refcheck=False)
        return self._table
