"""The compiled reader of rows of text: a word, then its numbers in decimal digits.

A number of up to 19 digits is taken as a whole number times a power of ten, worked out in double precision. That is off
by a few units of the last of a double's 53 bits at most, so the 24 bits of a float32 come out rounded correctly unless
the double lies that close to the middle between two float32. Such numbers, those with more digits, the very large and
the very small are "hard": Python's own `float` reads them, one by one (after Clinger 1990, "How to read floating point
numbers accurately", which sends the hard cases to a slow path too).
"""

import numba
import numpy as np

from word2vec.system.jit import compiled

# Positions in the kernel's state: the next byte, rows read, bytes of words, hard numbers, whether a line is at fault.
POSITION, ROWS, WORD_BYTES, HARD, FAULT = range(5)

# subtle: indexes are unsigned, for a signed one may count from the end, and the test for that takes half the time
NONE, ONE, TEN, LINE_FEED, E = map(np.uint64, (0, 1, 10, 0x0A, ord("e")))
SPACE, TAB, CARRIAGE_RETURN, PLUS, MINUS, POINT, DIGIT_0 = map(np.uint64, b" \t\r+-.0")
LOWER_CASE = np.uint64(0x20)  # the bit that turns E into e

MAX_DIGITS = 19  # of a whole number that fits 64 bits
MAX_EXPONENT_DIGITS = np.uint64(4)
MAX_POWER = 60
POWERS = np.array([float(f"1e{power}") for power in range(-MAX_POWER, MAX_POWER + 1)])
LEAST, MOST = 1.2e-38, 3.4e38  # between them all float32 have the full 24 bits
# a double has 29 bits more than a float32; half of their range is the middle between two float32
EXTRA_BITS, MIDDLE = np.uint64((1 << 29) - 1), np.uint64(1 << 28)
DOUBT = np.uint64(16)  # units of the last bit; the roundings of the digits, the power and the product err by 3 at most


@numba.njit
def _is_gap(byte):
    return byte in (SPACE, TAB, CARRIAGE_RETURN)


@numba.njit
def _exponent(text, at):
    """The exponent at the e at `at`, and where it ends: at the e if no digit follows, within it if it has too many."""
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
    """The number that begins at `at`, where it ends, and whether to trust it; if not, it is hard or none at all.

    Reading stops at the first byte that does not belong to it; there is one, for the text ends with a line feed.
    """
    negative = text[at] == MINUS
    if negative or text[at] == PLUS:
        at += ONE
    whole, power, start = NONE, 0, at
    digit = text[at] - DIGIT_0  # what is less than 0 becomes very large
    while digit < TEN:
        whole = whole * TEN + digit
        at += ONE
        digit = text[at] - DIGIT_0
    digits = np.int64(at - start)
    if text[at] == POINT:
        at += ONE
        point = at
        while whole == NONE and text[at] == DIGIT_0:  # these are no digits of the whole number
            at += ONE
        start = at
        digit = text[at] - DIGIT_0
        while digit < TEN:
            whole = whole * TEN + digit
            at += ONE
            digit = text[at] - DIGIT_0
        power = -np.int64(at - point)
        digits += np.int64(at - start)
    if text[at] | LOWER_CASE == E and digits:
        exponent, at = _exponent(text, at)
        power += exponent
    if digits == 0 or digits > MAX_DIGITS or abs(power) > MAX_POWER:
        return 0.0, at, False
    value = np.float64(whole) * POWERS[np.uint64(power + MAX_POWER)]
    beyond = np.float64(value).view(np.uint64) & EXTRA_BITS
    trusted = (LEAST < value < MOST and beyond - MIDDLE + DOUBT > DOUBT + DOUBT) or whole == NONE
    return -value if negative else value, at, trusted


@compiled
def read_rows(text, dim, vectors, words, hard, state):
    """Reads lines until the text or the room for rows ends, the room for hard numbers runs short, or one is wrong.

    A line is at fault when it has no word, or more or fewer things behind it than a row has numbers.

    Args:
        text: (N,) uint8, whole lines, each with its line feed.
        dim: numbers in a row.
        vectors: (R, dim) float32, where the numbers go.
        words: (N,) uint8, where the words go, a line feed behind each.
        hard: (H, 4) int64, row, column, start and end of each hard number; H >= dim.
        state: (5,) int64, see above; when it stops POSITION is the start of a line.
    """
    line, row = np.uint64(state[POSITION]), np.uint64(state[ROWS])
    word_bytes, n_hard = np.uint64(state[WORD_BYTES]), np.uint64(state[HARD])
    size, rows, columns = np.uint64(len(text)), np.uint64(len(vectors)), np.uint64(dim)
    most_hard = np.uint64(len(hard) - dim)
    while line < size and row < rows and n_hard <= most_hard:
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
