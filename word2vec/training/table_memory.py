"""Check that the embedding tables fit into memory before they are allocated.

A process that is killed for lack of memory cannot report an error, so training compares the memory it needs with the
free memory first. The corpus is memory-mapped and is not counted.
"""

import torch

from word2vec.errors import ConfigError
from word2vec.system.memory import free_memory, free_on_card

NUMBER_BYTES = 4  # float32
ROW_NUMBERS = 16  # rows are padded to a multiple of these, one cache line
# Tables of one process. While an engine copies a table to aligned memory, a third one exists for a moment.
TABLES = 3
# Tables of one of several processes: the input and output table as they are trained, as the last averaging left them,
# as the next one will average them, and the same again for the changes that remain to be applied; plus the send buffer
# in half precision.
AVERAGED_TABLES = 9
BEST_TABLES = 2  # the copy that early stopping keeps


def reject_too_large(
    rows: tuple[int, int],
    dim: int,
    device: torch.device,
    processes: int = 0,
    *,
    best_epoch: bool = False,
    ngrams: int = 0,
) -> None:
    """Raise an error if the tables do not fit into the free memory of the machine or of the CUDA device.

    Args:
        rows: The numbers of rows of the input table and of the output table.
        dim: The number of dimensions.
        device: The device to train on.
        processes: The number of processes that train together on this machine; 0 if this process trains alone.
        best_epoch: Whether early stopping keeps a copy of the best tables, in the memory of the machine.
        ngrams: The number of rows of the n-gram table, if there is one.

    Raises:
        ConfigError: The tables do not fit; the message names settings that do.
    """
    on_card = device.type == "cuda"
    free = free_on_card(device) if on_card else free_memory(processes or 1)
    tables = (AVERAGED_TABLES if processes else TABLES) + (BEST_TABLES if best_epoch and not on_card else 0)
    width = -(-dim // ROW_NUMBERS) * ROW_NUMBERS
    copies, odd = divmod(tables, 2)  # an odd table may be the largest of all
    all_rows = copies * (sum(rows) + ngrams) + odd * max(*rows, ngrams)
    needed = NUMBER_BYTES * all_rows * width
    if free is None or needed <= free:
        return
    fitting_rows = free // (NUMBER_BYTES * width)
    max_dim = free // (NUMBER_BYTES * all_rows) // ROW_NUMBERS * ROW_NUMBERS
    max_words = fitting_rows // tables
    others = fitting_rows - copies * sum(rows)  # rows that are left for n-grams
    max_buckets = min(others // (copies + odd), (others - odd * max(rows)) // copies)
    fitting = [f"--dim {max_dim}"] if max_dim else []
    if ngrams:
        fitting += [f"--buckets {max_buckets}"] if max_buckets > 0 else ["a lower --max-vocab"]
        fitting += ["shorter --subwords"] if ngrams > max(rows) else []
    elif max_words >= 2:
        fitting += [f"--max-vocab {max_words}"]
    words = f"{rows[0]:,} words" if rows[0] == rows[1] else f"{rows[0]:,} inputs, {rows[1]:,} targets"
    words += f", {ngrams:,} n-grams" if ngrams else ""
    remedy = " or ".join(fitting) or "a machine with more memory"
    where = "CUDA device" if on_card else "machine"
    per_process = f" for each of {processes} processes" if processes > 1 and not on_card else ""
    raise ConfigError(
        f"not enough memory: embedding tables of {words} and {dim} dimensions need {_readable(needed)}"
        f"{per_process}, but the {where} has {_readable(free)} free{per_process and ' for each'}; use {remedy}"
    )


def _readable(size: int) -> str:
    """Format a size in bytes, such as 512 MB or 12.3 GB."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
