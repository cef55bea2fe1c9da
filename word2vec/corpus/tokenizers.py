"""Split text into words: the tokenizers that can be selected by name.

A tokenizer turns a block of text into a block in which whitespace separates the words, so that the compiled pass over
the text (word_kernels.py) splits every text the same way.

"whitespace" leaves the text as it is. "words" keeps runs of Unicode letters, digits and combining marks; everything
else separates words. Three characters are kept between two characters of a word: the apostrophe (also as U+2019, which
becomes '), and the two joiners U+200C and U+200D, which are part of words in Persian, Hindi and other languages. A
combining mark that does not follow a letter, such as the variation selector after an emoji, is not a word.
"""

import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from word2vec.errors import CorpusError

# Classes of characters, as numbers in an array with one element per code point.
SEPARATOR, LETTER, MARK, INNER = range(4)
LETTERS, MARKS = ("L", "N"), ("M",)  # first letters of the general categories of Unicode
APOSTROPHE, RIGHT_QUOTE, JOINERS = 0x27, 0x2019, (0x200C, 0x200D)
SPACE, NEWLINE = 0x20, 0x0A
LAST_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # a last character that may be incomplete


@dataclass(frozen=True)
class NamedTokenizer:
    """A tokenizer that can be selected by name.

    Attributes:
        separate: Replaces what separates words by spaces in a block of valid UTF-8; newlines stay. None if whitespace
            separates words anyway.
        boundary: Returns the number of bytes after which a block of UTF-8, which may end within a character, can be
            divided without splitting a word; 0 if there is none.
    """

    separate: Callable[[bytes], bytes] | None
    boundary: Callable[[bytes], int] | None = None


def find_tokenizer(name: str) -> NamedTokenizer:
    """Return a tokenizer.

    Raises:
        CorpusError: There is none of this name.
    """
    if name not in TOKENIZERS:
        raise CorpusError(f"unknown tokenizer {name!r}; use one of: {', '.join(TOKENIZERS)}, or a function in Python")
    return TOKENIZERS[name]


def separate_words(block: bytes) -> bytes:
    """Replace all characters that are not part of a word by spaces.

    Args:
        block: Valid UTF-8 that does not begin or end within a word.
    """
    if block.isascii():
        kept = np.frombuffer(block.translate(_ascii_table()), np.uint8)  # (bytes,)
        inner = np.flatnonzero(kept == APOSTROPHE)
        if not len(inner):
            return kept.tobytes()
        letters = kept > APOSTROPHE  # the table leaves only letters and digits above it
        outer = inner[~_between(letters, inner)]
        kept = kept.copy()
        kept[outer] = SPACE
        return kept.tobytes()
    codes = np.frombuffer(block.decode().encode("utf-32-le"), "<u4")  # (characters,)
    kinds = _classes()[codes]
    kept = kinds == LETTER
    _keep_marks(kept, np.flatnonzero(kinds == MARK))
    inner = np.flatnonzero(kinds == INNER)
    kept[inner[_between(kept, inner)]] = True
    kept |= codes == NEWLINE
    words = np.where(kept, codes, np.uint32(SPACE))
    words[words == RIGHT_QUOTE] = APOSTROPHE
    return words.tobytes().decode("utf-32-le").encode()


def last_boundary(block: bytes) -> int:
    """Return the number of bytes after which a block can be divided between words; 0 if it is a single word.

    Args:
        block: UTF-8 that may end within a character.
    """
    last = LAST_CHARACTER.search(block, len(block) - 3)  # it may be incomplete
    # subtle: invalid bytes become lone surrogates, which keep their number and separate words
    text = block[: last.start() if last else len(block)].decode("utf-8", "surrogateescape")
    kinds = _classes()[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")]
    separators = np.flatnonzero(kinds == SEPARATOR)
    return len(text[: separators[-1] + 1].encode("utf-8", "surrogateescape")) if len(separators) else 0


def _between(kept: npt.NDArray[np.bool_], positions: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Return whether the characters on both sides of each position are kept."""
    after = np.minimum(positions + 1, len(kept) - 1)
    return kept[positions - (positions > 0)] & kept[after] & (positions > 0) & (positions < len(kept) - 1)


def _keep_marks(kept: npt.NDArray[np.bool_], marks: npt.NDArray[np.intp]) -> None:
    """Keep, in place, the combining marks that follow a character that is kept, directly or after other marks."""
    marks = marks[marks > 0]
    while len(marks):
        follows = kept[marks - 1]
        if not follows.any():
            return
        kept[marks[follows]] = True
        marks = marks[~follows]


@cache
def _classes() -> npt.NDArray[np.uint8]:
    """Return the class of each code point, (code points,)."""
    categories = "".join([unicodedata.category(chr(code))[0] for code in range(sys.maxunicode + 1)])
    letters = np.frombuffer(categories.encode(), np.uint8)
    classes = np.full(len(letters), SEPARATOR, np.uint8)
    for kind, names in ((LETTER, LETTERS), (MARK, MARKS)):
        classes[np.isin(letters, [ord(name) for name in names])] = kind
    classes[[APOSTROPHE, RIGHT_QUOTE, *JOINERS]] = INNER
    return classes


@cache
def _ascii_table() -> bytes:
    """Return the translation table for ASCII text."""
    kept = set(b"'\n") | {byte for byte in range(128) if chr(byte).isalnum()}
    return bytes(byte if byte in kept else SPACE for byte in range(256))


TOKENIZERS = {
    "whitespace": NamedTokenizer(None),
    "words": NamedTokenizer(separate_words, last_boundary),
}
"""Name -> tokenizer."""
