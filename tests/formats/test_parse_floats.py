"""The compiled parser of numbers, compared with Python's float."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from word2vec.formats.parse_floats import FAULT, HARD, POSITION, ROWS, WORD_BYTES, parse_rows


def read(line: bytes, dim: int, room: int = 100) -> tuple[np.ndarray, bytes, np.ndarray, list[list[int]]]:
    """Parse a text; return its rows, words, state and hard numbers."""
    text = np.frombuffer(line, np.uint8)
    vectors = np.full((room, dim), 77, np.float32)
    words, hard, state = np.empty(len(text), np.uint8), np.empty((max(dim, 8), 4), np.int64), np.zeros(5, np.int64)
    parse_rows(text, dim, vectors, words, hard, state)
    return vectors[: state[ROWS]], words[: state[WORD_BYTES]].tobytes(), state, hard[: state[HARD]].tolist()


def one(token: str) -> np.float32 | None:
    """The number, or None if the parser leaves it to Python."""
    vectors, _, state, hard = read(f"w {token}\n".encode(), 1)
    assert state[ROWS] == 1
    return None if hard else vectors[0, 0]


def check(token: str) -> bool:
    """Whether the parser returned a number; if so, check that it is exactly that of Python and numpy."""
    found = one(token)
    with np.errstate(over="ignore"):
        assert found is None or found.tobytes() == np.float32(float(token)).tobytes(), token
    return found is not None


@settings(max_examples=500, deadline=None)
@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(["%.9g", "%.6f", "%.17g", "%e", "%r"])
)
@example(16777217.0, "%r")
@example(3.4028235e38, "%.9g")
@example(1.17549435e-38, "%.9g")
def test_every_float32_is_parsed_as_by_python(number: float, style: str) -> None:
    check(style % number)


@settings(max_examples=500, deadline=None)
@given(st.from_regex(r"[-+]?(\d{1,22}(\.\d{0,22})?|\.\d{1,22})([eE][-+]?\d{1,3})?", fullmatch=True))
@example("1e-400")
@example("0" * 30 + "1")
def test_every_notation_is_parsed_as_by_python(token: str) -> None:
    check(token)


@pytest.mark.parametrize("neighbor", [1.0, 0.1, 1.5e-30, 7.77e30, 1 / 3])
def test_numbers_near_the_midpoint_of_two_floats_are_left_to_python(neighbor: float) -> None:
    below = np.float32(neighbor)
    above = np.nextafter(below, np.float32(np.inf))
    midpoint = (float(below) + float(above)) / 2
    for number in (midpoint, math.nextafter(midpoint, 0), math.nextafter(midpoint, math.inf)):
        assert one(f"{number:.17g}") is None
        assert check(f"{number:.12g}")  # farther away the result is certain


def test_ordinary_numbers_are_not_left_to_python() -> None:
    rng = np.random.default_rng(0)
    numbers = (rng.standard_normal(2000) * 10.0 ** rng.integers(-12, 6, 2000)).astype(np.float32)
    for style in ("%.9g", "%.6f", "%.17g", "%.5e"):
        parsed = [check(style % number) for number in numbers.tolist()]
        assert sum(parsed) > 0.99 * len(parsed)


@pytest.mark.parametrize(
    "token",
    ["x", "1x", "x1", "1e", "1e+", "e5", ".", "-", "+", "1.2.3", "1_0", "0x1", "nan", "inf", "--1", "1e5.0"],
)
def test_tokens_that_are_not_decimal_numbers_are_left_to_python(token: str) -> None:
    assert one(token) is None


def test_words_rows_and_white_space() -> None:
    vectors, words, state, hard = read(b"a 1 2\nbc\t3\t 4 \r\nd 5 6\r\n", 2)
    assert words == b"a\nbc\nd\n"
    assert vectors.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (state[POSITION], state[FAULT], hard) == (23, 0, [])


@pytest.mark.parametrize("line", [b"\n", b"  \n", b"b\n", b"b 1\n", b"b 1 2 3\n", b" 1 2\n", b"new york 1 2\n"])
def test_parsing_stops_at_a_malformed_line(line: bytes) -> None:
    vectors, words, state, hard = read(b"a 1 2\n" + line + b"c 3 4\n", 2)
    assert (words, vectors.tolist(), hard) == (b"a\n", [[1, 2]], [])
    assert (state[POSITION], state[FAULT]) == (6, 1)


def test_parsing_stops_when_an_output_is_full() -> None:
    vectors, words, state, _ = read(b"a 1\nb 2\nc 3\n", 1, room=2)
    assert (words, vectors.tolist(), state[POSITION], state[FAULT]) == (b"a\nb\n", [[1], [2]], 8, 0)
    _, words, state, hard = read(b"a x\n" * 20, 1)
    assert (len(hard), state[ROWS], state[POSITION]) == (8, 8, 32)
    assert hard[3] == [3, 0, 14, 15]
