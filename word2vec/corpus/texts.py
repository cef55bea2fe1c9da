"""Texts from memory: check them, and join them to blocks that are encoded like those of a file.

Each text is one sequence: newlines inside it separate words, not sentences. A tokenizer that is a function is not used
here: it makes token lists of texts (sequences.py).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from word2vec.corpus.messages import is_missing, shorten
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.reader import BLOCK_BYTES
from word2vec.corpus.tokenizers import NamedTokenizer, find_tokenizer
from word2vec.errors import CorpusError

FIRST_TEXTS, MAX_TEXTS = 16, 4096  # texts taken from the caller at a time
CHUNK_SIZE = 1 << 18  # characters of the texts that are taken at a time, if they are like those before


def checked_texts(items: Iterable[object], unit: str) -> Iterator[str]:
    """Yield texts.

    Args:
        items: What the caller passed as texts.
        unit: What a text is called in messages: "text", or "row" of a table.

    Raises:
        CorpusError: One of them is not a string.
    """
    return chain.from_iterable(_chunks(items, unit))


def text_blocks(
    items: Iterable[object],
    unit: str,
    report: ReadReport,
    *,
    lowercase: bool = False,
    tokenizer: NamedTokenizer | None = None,
) -> Iterator[bytes]:
    """Join texts to blocks of UTF-8 of a few MiB, in which each text is a line.

    Args:
        items: What the caller passed as texts; consumed once.
        unit: What a text is called in messages.
        report: Collects irregularities: halves of surrogate pairs are replaced by U+FFFD and counted.
        lowercase: Whether to lowercase the texts.
        tokenizer: What separates words; whitespace by default.

    Raises:
        CorpusError: One of the items is not a string.
    """
    separate = None if tokenizer is None else tokenizer.separate
    parts: list[str] = []
    size = 0
    for texts in _chunks(items, unit):
        parts.append(_lines(texts))
        size += len(parts[-1])
        if size >= BLOCK_BYTES:
            yield _encode(parts, report, lowercase, separate)
            parts, size = [], 0
    yield _encode(parts, report, lowercase, separate)


def split_texts(items: Iterable[object], lowercase: bool, tokenizer: str) -> Iterator[list[str]]:
    """Yield the words of each text, separated as when a corpus is read.

    Args:
        items: What the caller passed as texts; consumed once.
        lowercase: Whether to lowercase the texts.
        tokenizer: Name of the tokenizer.

    Raises:
        CorpusError: One of the items is not a string, or there is no such tokenizer.
    """
    found = find_tokenizer(tokenizer)
    for block in text_blocks(items, "text", ReadReport(), lowercase=lowercase, tokenizer=found):
        for line in block.split(b"\n")[:-1]:
            yield line.decode().split()


def _chunks(items: Iterable[object], unit: str) -> Iterator[list[str]]:
    """Yield texts in lists, few at first, because a generator may create long ones."""
    iterator = iter(items)
    number, count = 0, FIRST_TEXTS
    while chunk := list(islice(iterator, count)):
        texts: list[Any] = chunk
        if {*map(type, chunk)} != {str}:
            for place, item in enumerate(chunk):
                if not isinstance(item, str):
                    raise CorpusError(f"{unit} {number + place} (from 0): {_problem(item)}")
            texts = list(map(str.__str__, texts))  # subtle: str() would call the method of a subclass
        yield texts
        number += len(texts)
        count = min(MAX_TEXTS, max(1, len(texts) * CHUNK_SIZE // (1 + sum(map(len, texts)))))


def _lines(texts: list[str]) -> str:
    """Return the texts as lines; a newline inside a text becomes a space."""
    lines = "\n".join([*texts, ""])
    if lines.count("\n") == len(texts):
        return lines
    return "\n".join([*(text.replace("\n", " ") for text in texts), ""])


def _encode(parts: list[str], report: ReadReport, lowercase: bool, separate: Callable[[bytes], bytes] | None) -> bytes:
    text = "".join(parts)
    if lowercase:
        text = text.lower()
    try:
        block = text.encode()
    except UnicodeEncodeError:
        valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        report.undecodable_bytes += valid.count("\ufffd") - text.count("\ufffd")
        block = valid.encode()
    return block if separate is None else separate(block)


def _problem(item: object) -> str:
    """Return what is wrong with an item that is not a text, and what to do."""
    if is_missing(item):
        return "is a missing value; remove missing values first, for example with dropna() in pandas"
    if isinstance(item, bytes | bytearray):
        return "is bytes, not text; decode it first, with .decode('utf-8')"
    if isinstance(item, list | tuple):
        return f"is {shorten(item)}, not text; pass only texts with a tokenizer, or only lists of tokens without one"
    return f"is {shorten(item)}, not text; convert it to a string first"
