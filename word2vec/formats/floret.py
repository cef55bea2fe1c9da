"""The table of floret (.floret), fastText vectors in which words and n-grams share one small table; spaCy loads it.

https://github.com/explosion/floret. The first line is "buckets dim min-n max-n hash-count hash-seed < >"; each further
line is a row number and the row. The vector of a word is the mean of the rows of <word> and of its n-grams; the row of
a string is its MurmurHash3 modulo the number of rows. All words have vectors, so the table contains no words.

The table is computed from a model with n-grams, whose own table is hashed differently. Each row is at first the mean
of the rows of the strings that share it, by number of occurrences: T_0. Let A (V, B) sum the rows of each word, and U
(V, D) be the vectors of the words times their numbers of strings. Because strings share rows, A T_0 differs from U. The
table is corrected by the smallest change that restores the vectors, in which rows of rare strings may change more:

    T = T_0 + W A' y,    (A W A') y = U - A T_0,

with W the inverse numbers of occurrences. The equations are solved by conjugate gradient.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.file_io import write_rows
from word2vec.formats.table import Table
from word2vec.formats.text_rows import format_rows
from word2vec.models.subwords import Subwords

if TYPE_CHECKING:
    from scipy import sparse

ROWS_PER_STRING = 1  # at least; the number of rows is a power of two
STEPS = 30  # of conjugate gradient, at most
TOLERANCE = 3e-3  # relative error of the vectors at which it stops
LOW_64 = (1 << 64) - 1


class Strings(NamedTuple):
    """The words, enclosed in < and >, and their n-grams; N of them, with repetitions."""

    distinct: list[str]  # (S,)
    numbers: NDArray[np.int64]  # (N,), of each string in `distinct`
    starts: NDArray[np.int64]  # (V + 1,); the strings of word w are starts[w] to starts[w + 1], first the word itself


def write_floret(path: Path, table: Table, progress: bool = False) -> None:
    """Write a table for `spacy init vectors LANG FILE FOLDER --mode floret`.

    Raises:
        FormatError: The vectors have no n-grams.
    """
    if table.subwords is None or not table.subwords.max_n:
        raise FormatError(
            f"cannot write {path}: the vectors have no character n-grams, of which a floret table consists; train with "
            "--subwords 3-6, refine the vectors, or use another format"
        )
    rows = floret_table(table, table.subwords)
    settings = *rows.shape, table.subwords.min_n, table.subwords.max_n
    header = b"%d %d %d %d 1 0 < >\n" % settings
    numbers = [b"%d" % row for row in range(len(rows))]
    write_rows(path, Table([""] * len(rows), rows), header, format_rows(numbers, rows), progress)


def floret_table(table: Table, subwords: Subwords, rows_per_string: float = ROWS_PER_STRING) -> NDArray[np.float32]:
    """Return the rows of a floret table, (B, D), that give the words of a table their vectors.

    Args:
        table: The words and their vectors.
        subwords: Their n-grams.
        rows_per_string: Number of rows per distinct string, before it is rounded up to a power of two.
    """
    from scipy import sparse  # slow to import

    strings = list_strings(table.words, subwords)
    size = 1 << int(np.ceil(np.log2(rows_per_string * len(strings.distinct))))
    hashed = np.array([murmur3(text.encode(errors="replace")) % size for text in strings.distinct], np.int64)  # (S,)
    places = hashed[strings.numbers]  # (N,), the row of each string
    lengths = np.diff(strings.starts)  # (V,)
    # subtle: a copy, because summing duplicates changes all three arrays in place
    entries = np.ones(len(places), np.float32), places, strings.starts
    sums = sparse.csr_array(entries, shape=(len(lengths), size), copy=True)  # A (V, B)
    sums.sum_duplicates()
    weights = (1 / np.maximum(1, np.bincount(places, minlength=size))).astype(np.float32)  # the diagonal of W, (B,)
    rows = _sums_of_rows(table, subwords, strings.starts, places, size) * weights[:, np.newaxis]  # T_0 (B, D)
    wanted = table.vectors * lengths[:, np.newaxis].astype(np.float32)  # (V, D)
    rows += weights[:, np.newaxis] * (sums.T @ _solve(sums, weights, wanted - sums @ rows))
    return rows


def list_strings(words: list[str], subwords: Subwords) -> Strings:
    """List the words and their n-grams, those of a word in the order of `Subwords.ngrams`."""
    number_of: dict[str, int] = {}
    numbers: list[int] = []
    starts = [0]
    for word in words:
        text = f"<{word}>"
        numbers.append(number_of.setdefault(text, len(number_of)))
        for first in range(len(text)):
            for last in range(first + max(1, subwords.min_n), min(first + subwords.max_n, len(text)) + 1):
                ngram = text[first:last]
                if len(ngram) > 1 or ngram not in "<>":
                    numbers.append(number_of.setdefault(ngram, len(number_of)))
        starts.append(len(numbers))
    return Strings(list(number_of), np.array(numbers, np.int64), np.array(starts, np.int64))


def _sums_of_rows(
    table: Table, subwords: Subwords, starts: NDArray[np.int64], places: NDArray[np.int64], size: int
) -> NDArray[np.float32]:
    """Return the sum, (B, D), of the rows of the model whose strings have the same place."""
    from scipy import sparse

    spelled = [word.encode(errors="replace") for word in table.words]
    own = subwords.own_rows(spelled, table.vectors) if subwords.word_rows is None else subwords.word_rows  # (V, D)
    ids, ends = subwords.ngrams(spelled)
    # subtle: the end of a sentence has n-grams here, as every word of floret, but not in the model
    numbers = np.diff(ends, prepend=0)  # (V,)
    positions = np.repeat(starts[:-1] + 1 - (ends - numbers), numbers) + np.arange(len(ids))
    used = subwords.rows_of(ids)
    positions, used = positions[used >= 0], used[used >= 0]
    words = sparse.coo_array(
        (np.ones(len(spelled), np.float32), (places[starts[:-1]], np.arange(len(spelled)))), shape=(size, len(spelled))
    )
    ngrams = sparse.coo_array(
        (np.ones(len(used), np.float32), (places[positions], used)), shape=(size, len(subwords.rows))
    )
    sums: NDArray[np.float32] = words.tocsr() @ own + ngrams.tocsr() @ subwords.rows
    return sums


def _solve(sums: "sparse.csr_array", weights: NDArray[np.float32], errors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return y (V, D) with (A W A') y = errors, by conjugate gradient for all columns at once."""
    transposed = sums.T.tocsr()
    solution = np.zeros_like(errors)  # (V, D)
    residual = errors.copy()
    direction = residual.copy()
    squares = np.einsum("vd,vd->d", residual, residual)  # (D,)
    bound = TOLERANCE**2 * max(float(squares.sum()), 1e-30)
    for _ in range(STEPS):
        if squares.sum() <= bound:
            break
        product = sums @ (weights[:, np.newaxis] * (transposed @ direction))
        step = squares / np.maximum(np.einsum("vd,vd->d", direction, product), 1e-30)
        solution += step * direction
        residual -= step * product
        earlier, squares = squares, np.einsum("vd,vd->d", residual, residual)
        direction = residual + squares / np.maximum(earlier, 1e-30) * direction
    return solution


def murmur3(data: bytes) -> int:
    """Return the low 32 bits of MurmurHash3_x64_128 with the seed 0 (Austin Appleby 2011, public domain)."""
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    h1 = h2 = 0
    padded = data + bytes(-len(data) % 16)
    for start in range(0, len(padded), 16):
        k1, k2 = (int.from_bytes(padded[at : at + 8], "little") for at in (start, start + 8))
        h1 ^= _rotate(k1 * c1, 31) * c2 & LOW_64
        complete = start + 16 <= len(data)
        if complete:
            h1 = (_rotate(h1, 27) + h2) * 5 + 0x52DCE729 & LOW_64
        h2 ^= _rotate(k2 * c2, 33) * c1 & LOW_64
        if complete:
            h2 = (_rotate(h2, 31) + h1) * 5 + 0x38495AB5 & LOW_64
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = h1 + h2 & LOW_64
    h2 = h2 + h1 & LOW_64
    return _mix(h1) + _mix(h2) & 0xFFFFFFFF


def _rotate(number: int, bits: int) -> int:
    """Rotate the low 64 bits of a number to the left."""
    number &= LOW_64
    return (number << bits | number >> 64 - bits) & LOW_64


def _mix(number: int) -> int:
    """Finish a hash: each bit affects all others."""
    number = (number ^ number >> 33) * 0xFF51AFD7ED558CCD & LOW_64
    number = (number ^ number >> 33) * 0xC4CEB9FE1A85EC53 & LOW_64
    return number ^ number >> 33
