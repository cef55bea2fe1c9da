"""Corpora that are read again in each pass: `LineSentence`, `PathLineSentences` and `Text8Corpus`, as in gensim."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import IO, Any, BinaryIO

from word2vec.compat.gensim.errors import ArgumentError, reason_of
from word2vec.errors import CorpusError
from word2vec.system.compression import DamagedFileError, decompressed

MAX_WORDS = 10_000  # longer sentences are split
BLOCK_BYTES = 1 << 20


class LineSentence:
    """The lines of a file as lists of words, split at whitespace.

    Args:
        source: Path of a file, which may be compressed, or an open file, which is read from its start in each pass.
        max_sentence_length: Split longer lines at this many words.
        limit: Read only this many lines; None for all.
    """

    def __init__(
        self, source: str | PathLike[str] | IO[Any], max_sentence_length: int = MAX_WORDS, limit: int | None = None
    ) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit

    def __iter__(self) -> Iterator[list[str]]:
        if isinstance(self.source, str | PathLike):
            with _opened(Path(self.source)) as file:
                yield from self._sentences(file)
        else:
            self.source.seek(0)
            yield from self._sentences(self.source)

    def _sentences(self, lines: Iterable[bytes | str]) -> Iterator[list[str]]:
        for line in islice(lines, self.limit):
            yield from _pieces(_decode(line).split(), self.max_sentence_length)


class PathLineSentences:
    """The lines of all files of a folder, in the order of their names, without its subfolders.

    Args:
        source: Path of the folder, or of a single file.
        max_sentence_length: Split longer lines at this many words.
        limit: Read only this many lines of each file; None for all.

    Attributes:
        input_files: The paths of the files.

    Raises:
        ArgumentError: There is no such folder or file.
    """

    def __init__(
        self, source: str | PathLike[str], max_sentence_length: int = MAX_WORDS, limit: int | None = None
    ) -> None:
        self.source, self.max_sentence_length, self.limit = source, max_sentence_length, limit
        path = Path(source)
        if not path.exists():
            raise ArgumentError(f"{path}: no such file or folder; pass the path of a folder of text files")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        self.input_files = [str(file) for file in files]

    def __iter__(self) -> Iterator[list[str]]:
        files = (LineSentence(file, self.max_sentence_length, self.limit) for file in self.input_files)
        return chain.from_iterable(files)


class Text8Corpus:
    """A file without line breaks, such as text8, as sentences of a fixed length.

    Args:
        fname: Path of the file, which may be compressed.
        max_sentence_length: The number of words of each sentence.
    """

    def __init__(self, fname: str | PathLike[str], max_sentence_length: int = MAX_WORDS) -> None:
        self.fname, self.max_sentence_length = fname, max_sentence_length

    def __iter__(self) -> Iterator[list[str]]:
        words: list[str] = []
        for block in self._blocks():
            words += _decode(block).split()
            complete = len(words) // self.max_sentence_length * self.max_sentence_length
            yield from _pieces(words[:complete], self.max_sentence_length)
            del words[:complete]
        if words:
            yield words

    def _blocks(self) -> Iterator[bytes]:
        """Yield the file in blocks that end between two words."""
        rest = b""
        with _opened(Path(self.fname)) as file:
            while block := file.read(BLOCK_BYTES):
                complete, space, rest = (rest + block).rpartition(b" ")
                yield complete + space
        yield rest


def _decode(text: bytes | str) -> str:
    return text if isinstance(text, str) else text.decode("utf-8")


def _pieces(words: list[str], size: int) -> Iterator[list[str]]:
    return (words[start : start + size] for start in range(0, len(words), size))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, which may be compressed.

    Raises:
        CorpusError: The file cannot be read, or its compressed data is damaged.
    """
    try:
        with path.open("rb") as raw, decompressed(raw) as file:
            yield file
    except (OSError, DamagedFileError) as error:
        raise CorpusError(f"{path}: cannot be read: {reason_of(error)}; check the path and the file") from error
