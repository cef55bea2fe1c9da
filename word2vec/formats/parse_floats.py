"""Compiled parser of text rows: a word followed by decimal numbers.

A number of up to 19 digits is an integer times a power of ten, computed in double precision. The result is off by at
most a few units in the last of the 53 bits of a double, so rounding it to the 24 bits of a float32 is correct unless it
lies that close to the midpoint between two float32 values. Such numbers, those with more digits, and very large and
very small ones are "hard": they are left to Python's `float`, one by one. This follows Clinger (1990), "How to read
floating point numbers accurately", who also uses a slow path for hard cases.
"""

import numba
import numpy as np

from word2vec.system.jit import compiled

# Indices into the state of the parser: next byte, rows read, bytes of words, hard numbers, whether a line is malformed.
POSITION, ROWS, WORD_BYTES, HARD, FAULT = range(5)

# subtle: indices are unsigned, because the check for negative indices, which count from the end, doubles the time
NONE, ONE, TEN, LINE_FEED, E = map(np.uint64, (0, 1, 10, 0x0A, ord("e")))
SPACE, TAB, CARRIAGE_RETURN, PLUS, MINUS, POINT, DIGIT_0 = map(np.uint64, b" \t\r+-.0")
LOWER_CASE = np.uint64(0x20)  # the bit that turns E into e

MAX_DIGITS = 19  # of an integer that fits into 64 bits
MAX_EXPONENT_DIGITS = np.uint64(4)
MAX_POWER = 60
POWERS = np.array([float(f"1e{power}") for power in range(-MAX_POWER, MAX_POWER + 1)])
MIN_NORMAL, MAX_NORMAL = 1.2e-38, 3.4e38  # between them every float32 has the full 24 bits
# a double has 29 bits more than a float32; half of their range is the midpoint between two float32
EXTRA_BITS, MIDPOINT = np.uint64((1 << 29) - 1), np.uint64(1 << 28)
TOLERANCE = np.uint64(16)  # units in the last place; rounding of the digits, the power and the product adds up to 3


@numba.njit
def _is_gap(byte):
    return byte in (SPACE, TAB, CARRIAGE_RETURN)


@numba.njit
def _exponent(text, at):
    """Parse the exponent whose "e" is at `at`: its value and its end.

    The end is at the "e" if no digit follows, and inside the exponent if it has too many digits.
    """
    first = at + ONE
    negative = text[first] == MINUS
    if negative or text[first] == PLUS:
        first += ONE
    power, end = 0, first
    while text[end] - DIGIT_0 < TEN and end < first + MAX_EXPONENT_DIGITS:
        power = power * 10 + np.int64(text[end] - DIGIT_0)
        end += ONE
    return -power if negative else power, at if end == first else end


@numba.njit
def _number(text, at):
    """Parse the number at `at`: its value, its end, and whether to trust it; if not, it is hard or not a number.

    Parsing stops at the first byte that is not part of the number, at the latest at the line feed that ends the text.
    """
    negative = text[at] == MINUS
    if negative or text[at] == PLUS:
        at += ONE
    integer, power, start = NONE, 0, at
    digit = text[at] - DIGIT_0  # unsigned: characters below 0 become very large
    while digit < TEN:
        integer = integer * TEN + digit
        at += ONE
        digit = text[at] - DIGIT_0
    digits = np.int64(at - start)
    if text[at] == POINT:
        at += ONE
        point = at
        while integer == NONE and text[at] == DIGIT_0:  # leading zeros do not count as digits
            at += ONE
        start = at
        digit = text[at] - DIGIT_0
        while digit < TEN:
            integer = integer * TEN + digit
            at += ONE
            digit = text[at] - DIGIT_0
        power = -np.int64(at - point)
        digits += np.int64(at - start)
    if text[at] | LOWER_CASE == E and digits:
        exponent, at = _exponent(text, at)
        power += exponent
    if digits == 0 or digits > MAX_DIGITS or abs(power) > MAX_POWER:
        return 0.0, at, False
    value = np.float64(integer) * POWERS[np.uint64(power + MAX_POWER)]
    extra = np.float64(value).view(np.uint64) & EXTRA_BITS
    trusted = (
        MIN_NORMAL < value < MAX_NORMAL and extra - MIDPOINT + TOLERANCE > TOLERANCE + TOLERANCE
    ) or integer == NONE
    return -value if negative else value, at, trusted


@compiled
def parse_rows(text, dim, vectors, words, hard, state):
    """Parse lines until the text ends, `vectors` is full, `hard` may overflow, or a line is malformed.

    A line is malformed if it has no word, or more or fewer than `dim` fields after the word.

    Args:
        text: (N,) uint8, complete lines, each ending in a line feed.
        dim: Number of dimensions.
        vectors: (R, dim) float32, output: the numbers.
        words: (N,) uint8, output: the words, each followed by a line feed.
        hard: (H, 4) int64, output: row, column, start and end of each hard number; H >= dim.
        state: (5,) int64, updated, see above; on return POSITION is the start of a line.
    """
    line, row = np.uint64(state[POSITION]), np.uint64(state[ROWS])
    word_bytes, n_hard = np.uint64(state[WORD_BYTES]), np.uint64(state[HARD])
    size, rows, columns = np.uint64(len(text)), np.uint64(len(vectors)), np.uint64(dim)
    max_hard = np.uint64(len(hard) - dim)
    while line < size and row < rows and n_hard <= max_hard:
        at, n_hard_before = line, n_hard
        while text[at] != LINE_FEED and not _is_gap(text[at]):
            words[word_bytes + at - line] = text[at]
            at += ONE
        word_end, column = at, NONE
        while _is_gap(text[at]):
            at += ONE
        while text[at] != LINE_FEED and column < columns:
            start = at
            value, at, trusted = _number(text, at)
            vectors[row, column] = value
            if not (_is_gap(text[at]) or text[at] == LINE_FEED):
                trusted = False
                while not (_is_gap(text[at]) or text[at] == LINE_FEED):
                    at += ONE
            if not trusted:
                hard[n_hard, 0], hard[n_hard, 1], hard[n_hard, 2], hard[n_hard, 3] = row, column, start, at
                n_hard += ONE
            column += ONE
            while _is_gap(text[at]):
                at += ONE
        if column < columns or text[at] != LINE_FEED or word_end == line:
            state[FAULT] = 1
            n_hard = n_hard_before
            break
        word_bytes += word_end - line
        words[word_bytes] = LINE_FEED
        word_bytes += ONE
        row += ONE
        line = at + ONE
    state[POSITION], state[ROWS], state[WORD_BYTES], state[HARD] = line, row, word_bytes, n_hard
