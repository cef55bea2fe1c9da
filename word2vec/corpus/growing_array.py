"""A one-dimensional array that grows in place, so that collecting blocks never needs memory for two copies."""

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

FIRST_SIZE = 1 << 16  # elements
# The room that is added, as a fraction of the size. Small, because numpy clears new elements, which allocates their
# memory; large blocks are moved by remapping their pages, so growing often is cheap.
GROWTH = 1 / 16

Scalar = TypeVar("Scalar", bound=np.generic)


class GrowingArray(Generic[Scalar]):
    """A one-dimensional array of unknown length.

    Args:
        dtype: The type of its elements.
    """

    def __init__(self, dtype: type[Scalar]) -> None:
        self._array: npt.NDArray[Scalar] = np.empty(FIRST_SIZE, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, block: npt.NDArray[Scalar]) -> None:
        """Append the elements of a block."""
        end = self._size + len(block)
        if end > len(self._array):
            # subtle: the object must not be referenced elsewhere, which a debugger or profiler may do; so no check
            self._array.resize(end + int(end * GROWTH), refcheck=False)
        self._array[self._size : end] = block
        self._size = end

    def finish(self) -> npt.NDArray[Scalar]:
        """Return the elements; nothing can be appended afterwards."""
        self._array.resize(self._size, refcheck=False)
        return self._array
