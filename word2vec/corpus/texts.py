"""Texts from memory: check them, and join them to blocks that are encoded like those of a file.

Each text is one sequence: newlines inside it separate words, not sentences. A tokenizer that is a function is not used
here: it makes token lists of texts (sequences.py).
"""

from collections.abc import Callable, Iterable, Iterator

from word2vec.corpus.messages import is_missing, shorten
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.reader import BLOCK_BYTES
from word2vec.corpus.tokenizers import NamedTokenizer
from word2vec.errors import CorpusError


def checked_texts(items: Iterable[object], unit: str) -> Iterator[str]:
    """Yield texts.

    Args:
        items: What the caller passed as texts.
        unit: What a text is called in messages: "text", or "row" of a table.

    Raises:
        CorpusError: One of them is not a string.
    """
    for number, item in enumerate(items):
        if type(item) is str:
            yield item
        elif isinstance(item, str):
            yield str.__str__(item)  # subtle: str() calls the method of a subclass
        else:
            raise CorpusError(f"{unit} {number} (from 0): {_problem(item)}")


def text_blocks(
    texts: Iterable[str], report: ReadReport, *, lowercase: bool = False, tokenizer: NamedTokenizer | None = None
) -> Iterator[bytes]:
    """Join texts to blocks of UTF-8 of a few MiB, in which each text is a line.

    Args:
        texts: The texts; consumed once.
        report: Collects irregularities: halves of surrogate pairs are replaced by U+FFFD and counted.
        lowercase: Whether to lowercase the texts.
        tokenizer: What separates words; whitespace by default.
    """
    separate = None if tokenizer is None else tokenizer.separate
    lines: list[str] = []
    size = 0
    for text in texts:
        lines.append(text.replace("\n", " "))
        size += len(text) + 1
        if size >= BLOCK_BYTES:
            yield _encode(lines, report, lowercase, separate)
            lines, size = [], 0
    yield _encode(lines, report, lowercase, separate)


def _encode(lines: list[str], report: ReadReport, lowercase: bool, separate: Callable[[bytes], bytes] | None) -> bytes:
    text = "\n".join([*lines, ""])
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
