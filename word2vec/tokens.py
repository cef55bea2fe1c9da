"""The indexed corpus: every word as an int32 id in one memory-mapped file, and where each sentence begins.

Indexing streams the text once (counting.py), writes provisional ids, then renumbers them by frequency. Memory holds
the distinct words and one block of text, whatever the size of the corpus. The ids cover *all* words of the corpus:
because ids go by frequency, a vocabulary cut at `min_count` is a prefix, and ids beyond it are simply out of
vocabulary, so one index serves every `min_count` and `max_vocab`.

An index is a folder in the cache, named by the content of the files and the settings:

    index.json    format version, settings, numbers of words, sentences and distinct words, warnings
    tokens.npy    (words,) int32 ids
    offsets.npy   (sentences + 1,) int64: sentence i is tokens[offsets[i]:offsets[i + 1]]
    vocab.tsv     word, tab, count; a word's line number is its id

It is built under another name and renamed when whole, so no reader sees a part of one.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from word2vec.corpus import STDIN, ReadReport, cache_folder, read_blocks, resolve
from word2vec.errors import CorpusError
from word2vec.vocabulary import Vocabulary

if TYPE_CHECKING:
    from word2vec.counting import WordTable  # numba is loaded only when an index is built

INDEX_VERSION = 1
COPY_TOKENS = 1 << 22  # ids renumbered at a time, 16 MiB


@dataclass(frozen=True)
class IndexFacts:
    """What index.json holds."""

    version: int
    lowercase: bool
    words: int
    sentences: int
    distinct_words: int
    undecodable_bytes: int
    long_words: int


class IndexedCorpus:
    """A corpus as ids, memory-mapped.

    Attributes:
        folder: where the index lies.
        facts: numbers and settings of the index.
        tokens: (words,) int32 ids, most frequent word 0.
        offsets: (sentences + 1,) int64 positions in `tokens` where sentences begin; the last is the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = IndexFacts(**json.loads((folder / "index.json").read_text(encoding="utf-8")))
        self.tokens: npt.NDArray[np.int32] = np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False)
        self.offsets: npt.NDArray[np.int64] = np.load(folder / "offsets.npy", mmap_mode="r", allow_pickle=False)

    @property
    def fingerprint(self) -> str:
        """The name of the index: a digest of the text and of the settings that shape the ids."""
        return self.folder.name

    def vocabulary(self, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """The vocabulary of the words met at least `min_count` times; see `Vocabulary.prefix`."""
        words: list[str] = []
        counts: list[int] = []
        with (self.folder / "vocab.tsv").open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                word, _, count = line.rstrip("\n").partition("\t")
                words.append(word)
                counts.append(int(count))
                if counts[-1] < min_count or len(words) == max_size:
                    break
        return Vocabulary(words, counts).prefix(min_count, max_size)

    @cached_property
    def warnings(self) -> list[str]:
        """What was odd about the text, a line each."""
        facts, lines = self.facts, []
        if facts.undecodable_bytes:
            lines.append(f"{facts.undecodable_bytes:,} sequences of bytes were not UTF-8 and were replaced by U+FFFD")
        if facts.long_words:
            lines.append(f"{facts.long_words:,} words over 1,024 bytes were left out")
        return lines


def index_corpus(
    sources: Sequence[str | Path], *, lowercase: bool = False, cache: Path | None = None, progress: bool = False
) -> IndexedCorpus:
    """Index a corpus, or open the index made of the same text before.

    Args:
        sources: what `corpus.resolve` takes.
        lowercase: lower-case the text.
        cache: where indexes are kept; `corpus.cache_folder()` by default.
        progress: draw a bar on stderr.

    Raises:
        CorpusError: a source is missing, unreadable or binary, holds no words, or changed while it was read.
    """
    files = resolve(sources)
    cache = cache_folder() if cache is None else cache
    indexes = cache / "indexes"
    if files == [STDIN]:
        with _spooled_stdin(cache) as spooled:
            return _index_files([spooled], indexes, lowercase, progress)
    return _index_files(files, indexes, lowercase, progress)


def _index_files(files: Sequence[Path], indexes: Path, lowercase: bool, progress: bool) -> IndexedCorpus:
    before = _file_states(files)
    folder = indexes / _content_key(files, before, indexes, lowercase)
    if not (folder / "index.json").exists():
        _build(files, folder, lowercase, progress)
        if _file_states(files) != before:
            shutil.rmtree(folder, ignore_errors=True)
            raise CorpusError("the corpus changed while it was read: start again when nothing writes to it")
    return IndexedCorpus(folder)


def _file_states(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Path, size and time of change of each file: what tells, without reading, that a file is as it was."""
    try:
        states = [(file, file.stat()) for file in files]
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return [(str(file.resolve()), state.st_size, state.st_mtime_ns) for file, state in states]


def _content_key(files: Sequence[Path], states: list[tuple[str, int, int]], indexes: Path, lowercase: bool) -> str:
    """The index's name: a digest of the files' content, which is remembered by their states."""
    settings = f"version {INDEX_VERSION} lowercase {lowercase}"
    memo = indexes / f"seen-{hashlib.sha256(repr((settings, states)).encode()).hexdigest()[:32]}"
    if memo.exists():
        return memo.read_text(encoding="ascii")
    digest = hashlib.sha256(settings.encode())
    for file in files:
        try:
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            raise CorpusError(f"{file}: cannot be read: {error.strerror}") from error
    key = digest.hexdigest()[:32]
    try:
        indexes.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=indexes, prefix="tmp-", delete=False, encoding="ascii") as note:
            note.write(key)
        Path(note.name).replace(memo)
    except OSError as error:
        raise _cannot_write(indexes, error) from error
    return key


def _build(files: Sequence[Path], folder: Path, lowercase: bool, progress: bool) -> None:
    """Build the index in a temporary folder beside `folder` and rename it."""
    try:
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix="tmp-"))
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error
    try:
        _write_index(files, work, lowercase, progress)
        work.rename(folder)
    except OSError as error:
        if (folder / "index.json").exists():
            return  # another process was first; its index is of the same text
        raise _cannot_write(folder.parent, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _cannot_write(folder: Path, error: OSError) -> CorpusError:
    return CorpusError(
        f"{folder}: the indexed corpus cannot be written: {error.strerror or error}; "
        "free some space or set WORD2VEC_CACHE to another folder"
    )


def _write_index(files: Sequence[Path], work: Path, lowercase: bool, progress: bool) -> None:
    from word2vec.counting import WordTable

    report, table = ReadReport(), WordTable()
    with (work / "provisional").open("wb") as ids, (work / "ends").open("wb") as ends:
        words, sentences = _encode_files(files, table, report, ids, ends, lowercase, progress)
    if not words:
        raise CorpusError(f"{_names(files)}: holds no words; give it text, words parted by spaces")
    distinct, counts = table.words, table.counts
    order = _by_frequency(distinct, counts)  # (distinct words,) provisional ids, most frequent first
    rank = np.empty(len(order), np.int32)  # (distinct words,) provisional id -> id
    rank[order] = np.arange(len(order), dtype=np.int32)
    _write_tokens(work, rank, words)
    _write_offsets(work, sentences)
    _write_vocabulary(work / "vocab.tsv", distinct, counts, order)
    facts = IndexFacts(
        INDEX_VERSION, lowercase, words, sentences, len(table), report.undecodable_bytes, table.long_words
    )
    (work / "index.json").write_text(json.dumps(asdict(facts), indent=1) + "\n", encoding="utf-8")
    (work / "provisional").unlink()
    (work / "ends").unlink()


def _names(files: Sequence[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more files"


def _encode_files(
    files: Sequence[Path],
    table: "WordTable",
    report: ReadReport,
    ids: BinaryIO,
    ends: BinaryIO,
    lowercase: bool,
    progress: bool,
) -> tuple[int, int]:
    """Write provisional ids and sentence ends of all files; returns the numbers of words and sentences."""
    words = sentences = 0
    size = sum(file.stat().st_size for file in files)
    with tqdm(total=size, unit="B", unit_scale=True, desc="indexing", disable=not progress, leave=False) as bar:
        for file in files:
            for block in read_blocks(file, report, lowercase=lowercase, advance=bar.update):
                block_ids, block_ends = table.encode(block)
                ids.write(block_ids.data)
                ends.write((block_ends + words).data)
                words += len(block_ids)
                sentences += len(block_ends)
    return words, sentences


def _by_frequency(words: Sequence[bytes], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The order of the words: count down, then alphabetical by UTF-8 bytes, which is by code point."""
    alphabetical = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.int64)
    return alphabetical[np.argsort(-counts[alphabetical], kind="stable")]


def _write_tokens(work: Path, rank: npt.NDArray[np.int32], words: int) -> None:
    provisional = np.memmap(work / "provisional", np.int32, mode="r")
    with _npy_file(work / "tokens.npy", np.dtype(np.int32), words) as tokens:
        for start in range(0, words, COPY_TOKENS):
            tokens.write(rank[provisional[start : start + COPY_TOKENS]].data)


def _write_offsets(work: Path, sentences: int) -> None:
    with _npy_file(work / "offsets.npy", np.dtype(np.int64), sentences + 1) as offsets:
        offsets.write(np.zeros(1, np.int64).data)
        offsets.write(np.memmap(work / "ends", np.int64, mode="r").data)


@contextmanager
def _npy_file(path: Path, dtype: np.dtype[Any], size: int) -> Iterator[BinaryIO]:
    """A file with the header of a one-dimensional .npy array, to be followed by its bytes."""
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(file, header)
        yield file


def _write_vocabulary(
    path: Path, words: Sequence[bytes], counts: npt.NDArray[np.int64], order: npt.NDArray[np.int64]
) -> None:
    def lines() -> Iterable[bytes]:
        for word, count in zip(order.tolist(), counts[order].tolist(), strict=True):
            yield b"%b\t%d\n" % (words[word], count)

    with path.open("wb") as file:
        file.writelines(lines())


@contextmanager
def _spooled_stdin(cache: Path) -> Iterator[Path]:
    """Standard input as a file, so that it is hashed and indexed like any other; removed afterwards."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache, prefix="stdin-", delete=False) as spool:
            path = Path(spool.name)
            shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
    except OSError as error:
        raise _cannot_write(cache, error) from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
