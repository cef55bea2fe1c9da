"""word2vec's binary files: a line "count dim", then each word, a space, and its numbers as little-endian float32.

word2vec.c (Mikolov et al. 2013) puts a line end behind each row, gensim none; both are read, and gensim's is written.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.growing import Rows
from word2vec.formats.source import Source, open_source, write_rows
from word2vec.formats.table import BLOCK, Table, WordList, distinct, encoded, row_blocks
from word2vec.formats.text import HEADER, is_word2vec_text, read_header

LONGEST_WORD = 1 << 16  # bytes; where no space comes for so long, no word ends


def is_word2vec_binary(head: bytes) -> bool:
    """Whether a file begins with a header, and goes on with what is no text."""
    return HEADER.fullmatch(head.partition(b"\n")[0]) is not None and not is_word2vec_text(head)


def read_word2vec_binary(path: Path, limit: int | None, progress: bool) -> Table:
    """Reads a file of either habit."""
    with open_source(path, progress) as source:
        count, dim = read_header(source, bytes_per_number=4)
        wanted = min(count, limit or count)
        rows, words = Rows(dim, wanted, sure=not source.compressed), WordList(path)
        rest = _take_rows(source, rows, words)
        if rows.filled < wanted:
            cut = f"in the midst of row {rows.filled + 1}" if rest.strip(b"\n") else f"after {rows.filled} words"
            raise FormatError(f"{path} ends {cut}, but line 1 promises {count}; it is cut off, fetch it again")
        if limit is None and (rest + source.read(BLOCK)).strip(b"\n"):
            raise FormatError(f"{path} goes on behind the {count} words that line 1 promises; it is damaged")
    words.warn()
    return distinct(path, Table(words.words, rows.done()))


def _take_rows(source: Source, rows: Rows, words: WordList) -> bytes:
    """Reads rows until there are enough or the file ends; gives back what was read and not used."""
    rest = b""
    while not rows.full and (block := source.read(BLOCK)):
        block, start = rest + block, 0
        while not rows.full:
            vectors = rows.free(source.share)
            found, stop = _split(block, start, vectors)
            if not found:
                break
            words.extend(b" ".join([*found, b""]), " ")
            rows.filled, start = rows.filled + len(found), stop
        rest = block[start:]
        if b" " not in rest[:LONGEST_WORD] and len(rest) >= LONGEST_WORD:
            raise FormatError(
                f"{source.path}, row {rows.filled + 1}: no space after the word; it is damaged or of another format"
            )
    return rest


def _split(block: bytes, start: int, vectors: NDArray[np.float32]) -> tuple[list[bytes], int]:
    """Puts whole rows from `start` on into `vectors`, (R, D); gives their words, and where the first that is not ends.

    This is a loop in Python, about a microsecond a row, for it copies bytes only; numba takes longer to load than
    that for half a million rows.
    """
    size = 4 * vectors.shape[1]
    target, source, last = vectors.reshape(-1).view(np.uint8).data, memoryview(block), len(block) - size
    words: list[bytes] = []
    for begin in range(0, len(target), size):
        end = block.find(b" ", start, last)
        if end < 0:
            break
        # subtle: word2vec.c ends a row with a line end, which so stands before the next word; gensim does not
        words.append(block[start:end].lstrip(b"\n"))
        start = end + 1 + size
        target[begin : begin + size] = source[end + 1 : start]
    return words, start


def write_word2vec_binary(path: Path, table: Table, progress: bool) -> None:
    """Writes a file as gensim does, without line ends."""
    words = encoded(path, table.words, spaces=False)
    write_rows(path, table, b"%d %d\n" % table.vectors.shape, _rows(words, table.vectors), progress)


def _rows(words: list[bytes], vectors: NDArray[np.float32]) -> Iterator[bytes]:
    numbers = (row.tobytes() for block in row_blocks(vectors) for row in block.astype("<f4"))
    return (b"%b %b" % (word, row) for word, row in zip(words, numbers, strict=True))
