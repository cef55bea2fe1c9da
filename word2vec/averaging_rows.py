"""The rows of a table that several ranks train: which have changed, how far they have moved, and where all move them.

averaging.py has the rule. Here it is twice, in torch for any device, and compiled for tables in the memory of a CPU,
which takes a tenth of the time. From the same sums all ranks have to come to the same bytes, on any machine.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.averaging_kernels import find_changed, move_rows, subtract_rows

SENT_NUMBERS = 1 << 22  # at a time, 8 MiB; smaller parts take Gloo longer
NOTICED_COLUMNS = 16  # a cache line: a row of which these stayed the same is taken for unchanged


class SharedRows:
    """The rows of a table on this rank, and what all ranks know of them.

    Args:
        table: (V, D).
        rare_from: the rows from this one on move by the sum of what the ranks have done.

    Attributes:
        table: (V, D) as this rank trains it.
        before: (V, D) the same on all ranks: the table after the last averaging.
        momentum: (V, D) the same on all ranks: the mean movement of each row, of late; of rare rows it is not used.
        room: (N, D + 1) bfloat16, working memory for what is sent at a time.
    """

    def __init__(self, table: Tensor, rare_from: int) -> None:
        self.table, self.before, self.momentum = table, table.clone(), torch.zeros_like(table)
        self.rare_from = rare_from
        width = table.shape[1] + 1
        rows = max(1, min(len(table), SENT_NUMBERS // width))
        self.room = torch.empty(rows, width, dtype=torch.bfloat16, device=table.device)

    def changed(self, due: int) -> Tensor:
        """Which of the first `due` rows this rank has changed since their last averaging: (due,) uint8."""
        few = slice(due), slice(NOTICED_COLUMNS)
        return (self.table[few] != self.before[few]).any(dim=1).to(torch.uint8)

    def subtract(self, rows: Tensor, changed: Tensor, sent: Tensor) -> None:
        """Put into `sent` (N, D + 1) how far some rows (N,) have moved, and in the last column whether they have.

        A bfloat16 has the range of a float32 at half its bytes, and holds numbers of ranks up to 256 as they are.
        """
        sent[:, :-1] = self.table[rows] - self.before[rows]
        sent[:, -1] = changed[rows]

    def move(self, rows: Tensor, total: Tensor) -> None:
        """Move some rows (N,) by `total` (N, D + 1), what all ranks have sent together."""
        total = total.float()
        k = total[:, -1:].masked_fill((rows >= self.rare_from).unsqueeze(1), 1.0)  # (N, 1)
        mean, decay = total[:, :-1] / k, 1 - 1 / k
        self.momentum[rows] = step = decay * self.momentum[rows] + mean
        self.before[rows] = self.table[rows] = self.before[rows] + mean + decay * step


class CompiledRows(SharedRows):
    """The same, compiled: each row is read and written once."""

    def __init__(self, table: Tensor, rare_from: int) -> None:
        super().__init__(table, rare_from)
        self._arrays = self.table.numpy(), self.before.numpy(), self.momentum.numpy()
        self._compile()

    def _compile(self) -> None:
        """Compile what is to come, by moving no rows, while no other rank waits for it."""
        rows = torch.empty(0, dtype=torch.int64)
        self.subtract(rows, self.changed(0), self.room[:0])
        self.move(rows, self.room[:0])

    def changed(self, due: int) -> Tensor:
        """See SharedRows."""
        found = torch.empty(due, dtype=torch.uint8)
        find_changed(*self._arrays[:2], min(NOTICED_COLUMNS, self.table.shape[1]), found.numpy())
        return found

    def subtract(self, rows: Tensor, changed: Tensor, sent: Tensor) -> None:
        """See SharedRows."""
        subtract_rows(*self._arrays[:2], rows.numpy(), changed.numpy(), _bits(sent))

    def move(self, rows: Tensor, total: Tensor) -> None:
        """See SharedRows."""
        move_rows(*self._arrays, self.rare_from, rows.numpy(), _bits(total))


def _bits(tensor: Tensor) -> npt.NDArray[np.uint16]:
    """What is in a bfloat16 tensor, of which numpy does not know."""
    bits: npt.NDArray[np.uint16] = tensor.view(torch.int16).numpy().view(np.uint16)
    return bits


def shared_rows(table: Tensor, rare_from: int) -> SharedRows:
    """The rows of a table, of the faster kind for where it is."""
    return (CompiledRows if table.device.type == "cpu" else SharedRows)(table, rare_from)
