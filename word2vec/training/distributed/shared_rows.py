"""The rows of a table that several processes train: which ones changed, by how much, and how to update them.

rounds.py documents the update rule. It is implemented twice: in torch for any device, and compiled for tables in CPU
memory, which takes a tenth of the time. From the same sums all processes compute the same bytes, on any machine.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from word2vec.training.distributed.row_kernels import apply_rows, delta_rows, snapshot_rows

PROBE_COLUMNS = 16  # one cache line: a row whose first columns are unchanged counts as unchanged
BLOCK_NUMBERS = 1 << 22  # that torch processes at a time, since each operation allocates as much memory again


class SharedRows:
    """The rows of a table on this process, with the state shared by all processes.

    Averaging has three steps, `snapshot`, `delta` and `apply`, between which training continues. Only `delta` may run
    while the table is trained.

    Args:
        table: (V, D) table in training.
        rare_from: The rows from this one on move by the sum of the changes of all processes.

    Attributes:
        table: (V, D) as this process trains it.
        synced: (V, D) the table after the last averaging; equal on all processes.
        momentum: (V, D) moving average of the changes; equal on all processes, unused for rare rows.
        taken: (V, D) the rows that had changed at the last snapshot; other rows are undefined.
        changed: (N,) uint8, whether each of the due rows had changed then.
    """

    def __init__(self, table: Tensor, rare_from: int) -> None:
        self.table, self.synced, self.momentum = table, table.clone(), torch.zeros_like(table)
        self.rare_from = rare_from
        self.taken = torch.empty(table.shape, dtype=table.dtype, device=table.device)
        self.changed = torch.empty(0, dtype=torch.uint8, device=table.device)

    def snapshot(self, due: int) -> None:
        """Find and copy those of the first `due` rows that this process has changed since they were last averaged."""
        probe = slice(due), slice(PROBE_COLUMNS)
        self.changed = (self.table[probe] != self.synced[probe]).any(dim=1).to(torch.uint8)
        self.taken[:due] = self.table[:due]

    def delta(self, rows: Tensor, out: Tensor) -> None:
        """Write the changes of rows (N,) at the snapshot to `out` (N, D + 1); the last column is 1 if there are any.

        `out` is bfloat16, which has the range of float32 in half the bytes, and represents counts up to 256 exactly.
        """
        for part, place in self._blocks(rows):
            changed = self.changed[part].unsqueeze(1)  # (part, 1)
            out[place, -1:] = changed
            out[place, :-1] = (self.taken[part] - self.synced[part]).where(changed > 0, 0.0)

    def apply(self, rows: Tensor, total: Tensor) -> None:
        """Update rows (N,) with the summed changes of all processes (N, D + 1), keeping changes since the snapshot."""
        for part, place in self._blocks(rows):
            sums = total[place].float()
            k = sums[:, -1:].masked_fill((part >= self.rare_from).unsqueeze(1), 1.0)  # (part, 1)
            mean, decay, synced = sums[:, :-1] / k, 1 - 1 / k, self.synced[part]
            since = self.table[part] - self.taken[part].where(self.changed[part].unsqueeze(1) > 0, synced)
            self.momentum[part] = step = decay * self.momentum[part] + mean
            self.synced[part] = moved = synced + mean + decay * step
            self.table[part] = moved + since

    def _blocks(self, rows: Tensor) -> Iterator[tuple[Tensor, slice]]:
        """Yield the rows in blocks of limited size, each with its position."""
        length = max(1, BLOCK_NUMBERS // self.table.shape[1])
        for begin in range(0, len(rows), length):
            yield rows[begin : begin + length], slice(begin, begin + length)


class CompiledRows(SharedRows):
    """SharedRows compiled for the CPU: each row is read and written once."""

    def __init__(self, table: Tensor, rare_from: int) -> None:
        super().__init__(table, rare_from)
        self._table, self._synced, self._momentum, self._taken = (
            tensor.numpy() for tensor in (self.table, self.synced, self.momentum, self.taken)
        )
        self._compile()

    def _compile(self) -> None:
        """Compile all three steps by applying them to no rows, before other processes wait for them."""
        rows, out = torch.empty(0, dtype=torch.int64), send_buffer([self])[:0]
        self.snapshot(0)
        self.delta(rows, out)
        self.apply(rows, out)

    def snapshot(self, due: int) -> None:
        """See `SharedRows.snapshot`."""
        self.changed = torch.empty(due, dtype=torch.uint8)
        columns = min(PROBE_COLUMNS, self.table.shape[1])
        snapshot_rows(self._table, self._synced, columns, self.changed.numpy(), self._taken)

    def delta(self, rows: Tensor, out: Tensor) -> None:
        """See `SharedRows.delta`."""
        delta_rows(self._taken, self._synced, self.changed.numpy(), rows.numpy(), _bits(out))

    def apply(self, rows: Tensor, total: Tensor) -> None:
        """See `SharedRows.apply`."""
        arrays = self._table, self._taken, self._synced, self._momentum
        apply_rows(*arrays, self.rare_from, self.changed.numpy(), rows.numpy(), _bits(total))


def shared_rows(table: Tensor, rare_from: int) -> SharedRows:
    """Return the rows of a table, compiled if it is in the memory of a CPU."""
    return (CompiledRows if table.device.type == "cpu" else SharedRows)(table, rare_from)


def send_buffer(tables: Sequence[SharedRows]) -> Tensor:
    """Allocate memory for the changes of all rows of tables with equally many columns: (all rows, D + 1) bfloat16."""
    table = tables[0].table
    return torch.empty(
        sum(len(rows.table) for rows in tables), table.shape[1] + 1, dtype=torch.bfloat16, device=table.device
    )


def _bits(tensor: Tensor) -> npt.NDArray[np.uint16]:
    """Return the bits of a bfloat16 tensor, a type that numpy does not have."""
    bits: npt.NDArray[np.uint16] = tensor.view(torch.int16).numpy().view(np.uint16)
    return bits
