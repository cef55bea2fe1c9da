"""The rows of a table that several ranks train: which have changed, how far they have moved, and where all move them.

averaging.py has the rule. Here it is twice, in torch for any device, and compiled for tables in the memory of a CPU,
which takes a tenth of the time. From the same sums all ranks have to come to the same bytes, on any machine.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.training.distributed.row_kernels import move_rows, subtract_rows, take_rows

NOTICED_COLUMNS = 16  # a cache line: a row of which these stayed the same is taken for unchanged
PART_NUMBERS = 1 << 22  # that torch works on at a time, for each step takes as much memory again


class SharedRows:
    """The rows of a table on this rank, and what all ranks know of them.

    They are averaged in three steps, between which training goes on: `take`, `subtract` and `move`. Only the second may
    run beside training.

    Args:
        table: (V, D).
        rare_from: the rows from this one on move by the sum of what the ranks have done.

    Attributes:
        table: (V, D) as this rank trains it.
        before: (V, D) the same on all ranks: what the last averaging has made of the table.
        momentum: (V, D) the same on all ranks: the mean movement of each row, of late; of rare rows it is not used.
        taken: (V, D) the rows that this rank had changed when they were taken last; the others mean nothing.
        changed: (N,) uint8, which of those due that were.
    """

    def __init__(self, table: Tensor, rare_from: int) -> None:
        self.table, self.before, self.momentum = table, table.clone(), torch.zeros_like(table)
        self.rare_from = rare_from
        self.taken = torch.empty(table.shape, dtype=table.dtype, device=table.device)
        self.changed = torch.empty(0, dtype=torch.uint8, device=table.device)

    def take(self, due: int) -> None:
        """Find and copy those of the first `due` rows that this rank has changed since their last averaging."""
        few = slice(due), slice(NOTICED_COLUMNS)
        self.changed = (self.table[few] != self.before[few]).any(dim=1).to(torch.uint8)
        self.taken[:due] = self.table[:due]

    def subtract(self, rows: Tensor, sent: Tensor) -> None:
        """Put into `sent` (N, D + 1) how far rows (N,) had moved when they were taken, and last whether they had.

        A bfloat16 has the range of a float32 at half its bytes, and holds numbers of ranks up to 256 as they are.
        """
        for part, place in self._parts(rows):
            mine = self.changed[part].unsqueeze(1)  # (part, 1)
            sent[place, -1:] = mine
            sent[place, :-1] = (self.taken[part] - self.before[part]).where(mine > 0, 0.0)

    def move(self, rows: Tensor, total: Tensor) -> None:
        """Move some rows (N,) by `total` (N, D + 1), what all ranks have sent; what this one did since is kept."""
        for part, place in self._parts(rows):
            sums = total[place].float()
            k = sums[:, -1:].masked_fill((part >= self.rare_from).unsqueeze(1), 1.0)  # (part, 1)
            mean, decay, before = sums[:, :-1] / k, 1 - 1 / k, self.before[part]
            since = self.table[part] - self.taken[part].where(self.changed[part].unsqueeze(1) > 0, before)
            self.momentum[part] = step = decay * self.momentum[part] + mean
            self.before[part] = moved = before + mean + decay * step
            self.table[part] = moved + since

    def _parts(self, rows: Tensor) -> Iterator[tuple[Tensor, slice]]:
        """The rows in parts that are small enough, and where these are among them."""
        length = max(1, PART_NUMBERS // self.table.shape[1])
        for begin in range(0, len(rows), length):
            yield rows[begin : begin + length], slice(begin, begin + length)


class CompiledRows(SharedRows):
    """The same, compiled: each row is read and written once."""

    def __init__(self, table: Tensor, rare_from: int) -> None:
        super().__init__(table, rare_from)
        self._table, self._before, self._momentum, self._taken = (
            tensor.numpy() for tensor in (self.table, self.before, self.momentum, self.taken)
        )
        self._compile()

    def _compile(self) -> None:
        """Compile what is to come, by moving no rows, while no other rank waits for it."""
        rows, sent = torch.empty(0, dtype=torch.int64), room_to_send([self])[:0]
        self.take(0)
        self.subtract(rows, sent)
        self.move(rows, sent)

    def take(self, due: int) -> None:
        """See SharedRows."""
        self.changed = torch.empty(due, dtype=torch.uint8)
        columns = min(NOTICED_COLUMNS, self.table.shape[1])
        take_rows(self._table, self._before, columns, self.changed.numpy(), self._taken)

    def subtract(self, rows: Tensor, sent: Tensor) -> None:
        """See SharedRows."""
        subtract_rows(self._taken, self._before, self.changed.numpy(), rows.numpy(), _bits(sent))

    def move(self, rows: Tensor, total: Tensor) -> None:
        """See SharedRows."""
        arrays = self._table, self._taken, self._before, self._momentum
        move_rows(*arrays, self.rare_from, self.changed.numpy(), rows.numpy(), _bits(total))


def room_to_send(tables: Sequence[SharedRows]) -> Tensor:
    """Memory for what is sent of some tables, which are equally wide: (all rows, D + 1)."""
    table = tables[0].table
    return torch.empty(
        sum(len(rows.table) for rows in tables), table.shape[1] + 1, dtype=torch.bfloat16, device=table.device
    )


def _bits(tensor: Tensor) -> npt.NDArray[np.uint16]:
    """What is in a bfloat16 tensor, of which numpy does not know."""
    bits: npt.NDArray[np.uint16] = tensor.view(torch.int16).numpy().view(np.uint16)
    return bits


def shared_rows(table: Tensor, rare_from: int) -> SharedRows:
    """The rows of a table, of the faster kind for where it is."""
    return (CompiledRows if table.device.type == "cpu" else SharedRows)(table, rare_from)
