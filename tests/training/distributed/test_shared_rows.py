"""The rows that processes average: the compiled version is compared with the one in torch, bit by bit."""

import pytest
import torch

from word2vec.training.distributed import shared_rows as shared_rows_module
from word2vec.training.distributed.shared_rows import (
    PROBE_COLUMNS,
    CompiledRows,
    SharedRows,
    send_buffer,
    shared_rows,
)


def make_rows(kind: type[SharedRows], dim: int, seed: int = 0) -> SharedRows:
    """Rows in the middle of training; every third is unchanged, and the table has gaps between its rows."""
    draw = torch.Generator().manual_seed(seed)
    rows = kind(torch.randn(30, dim + 5, generator=draw)[:, :dim], rare_from=15)
    rows.momentum.copy_(torch.randn(30, dim, generator=draw))
    rows.table += torch.randn(30, dim, generator=draw) * (torch.arange(30) % 3 > 0).float().unsqueeze(1)
    if dim > PROBE_COLUMNS:
        rows.table[3, -1] += 1  # a change that is not noticed, and remains on this process
    return rows


@pytest.mark.parametrize("dim", [1, 7, 16, 100])
def test_compiled_rows_equal_those_of_torch(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_rows_module, "BLOCK_NUMBERS", 3 * dim)
    plain, compiled = make_rows(SharedRows, dim), make_rows(CompiledRows, dim)
    some = torch.tensor([1, 3, 4, 18, 19])
    draw = torch.Generator().manual_seed(1)
    since = torch.randn(30, dim, generator=draw)
    since[4] = 0
    totals = []
    for rows in (plain, compiled):
        rows.snapshot(20)
        assert rows.changed.tolist() == [int(row % 3 > 0) for row in range(20)]
        rows.table += since  # trained after the snapshot, so not sent
        sent = send_buffer([rows])[: len(some)]
        rows.delta(some, sent)
        assert sent[:, -1].tolist() == [1, 0, 1, 0, 1]
        totals.append(sent + torch.tensor([0.5] * dim + [1.0]).bfloat16())
    assert totals[0].equal(totals[1])
    before = plain.synced.clone()
    for rows, total in zip((plain, compiled), totals, strict=True):
        rows.apply(some, total)
    for name in ("table", "synced", "momentum"):
        assert getattr(plain, name).equal(getattr(compiled, name)), name
    kept = since.clone()
    kept[3, -1] += dim > PROBE_COLUMNS
    torch.testing.assert_close(plain.table[some], plain.synced[some] + kept[some])
    assert plain.table[4].equal(plain.synced[4])
    others = [row for row in range(30) if row not in some]
    assert plain.synced[others].equal(before[others])


def test_changes_are_rounded_as_torch_rounds_them() -> None:
    # halfway between two bfloat16 numbers, above an even and above an odd one; then numbers out of range, and NaN
    bits = [0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x00008000, 0x7F7FFFFF, 0x7F800000, 0x7FFF8000]
    values = torch.tensor(bits, dtype=torch.int32).view(torch.float32)
    values = torch.stack([values, -values])  # (2, D)
    rows = CompiledRows(torch.zeros_like(values), rare_from=2)
    rows.table.copy_(values)
    rows.snapshot(2)
    sent = send_buffer([rows])
    rows.delta(torch.arange(2), sent)
    torch.testing.assert_close(sent[:, :-1], values.bfloat16(), rtol=0, atol=0, equal_nan=True)


def test_only_tables_on_the_cpu_are_compiled() -> None:
    assert isinstance(shared_rows(torch.zeros(3, 2), 3), CompiledRows)
    assert type(shared_rows(torch.zeros(3, 2, device="meta"), 3)) is SharedRows
