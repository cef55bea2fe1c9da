"""A table whose number of rows is known only after reading."""

import numpy as np
import pytest

from word2vec.formats.growable_table import GrowableTable


@pytest.mark.parametrize("max_rows", [None, 5, 1000])
def test_the_table_grows_as_needed(max_rows: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.growable_table.INITIAL_BYTES", 40)
    table, expected, rng = GrowableTable(3, max_rows), [], np.random.default_rng(0)
    while not table.full and table.filled < 700:
        free = table.free_rows(table.filled / 700)
        assert 0 < len(free) <= max(5, table.filled + 1)
        taken = rng.integers(1, len(free) + 1)
        free[:taken] = rng.standard_normal((taken, 3))
        expected.append(free[:taken].copy())
        table.filled += int(taken)
    rows = table.finish()
    assert len(rows) == (table.filled if max_rows is None else min(max_rows, table.filled))
    np.testing.assert_array_equal(rows, np.concatenate(expected))
