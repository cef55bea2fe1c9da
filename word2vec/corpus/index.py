"""The indexed corpus: every word as an int32 id in one memory-mapped file, and where each sentence begins.

Indexing streams the text once (counting.py), writes provisional ids, then renumbers them in place, by frequency. Memory
holds the distinct words and a few blocks of text, whatever the size of the corpus. The ids cover *all* words of the
corpus: because ids go by frequency, a vocabulary cut at `min_count` is a prefix, and ids beyond it are simply out of
vocabulary, so one index serves every `min_count` and `max_vocab`.

An index is a folder in the cache, named by the content of the files and the settings:

    index.json    format version, settings, numbers of words, sentences and distinct words, warnings, size of vocab.tsv
    tokens.npy    (words,) int32 ids
    offsets.npy   (sentences + 1,) int64: sentence i is tokens[offsets[i]:offsets[i + 1]]
    vocab.tsv     word, tab, count; a word's line number is its id

It is built under another name and renamed when whole, so no reader sees a part of one. One that was damaged later is
noticed by its sizes and built anew.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from word2vec.corpus.reader import STDIN, ReadReport, read_blocks, refuse_files_of, resolve
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError, Word2VecError
from word2vec.system.atomic_files import atomic_path, temporary_folder
from word2vec.system.cache import cache_folder

if TYPE_CHECKING:
    from word2vec.corpus.word_counts import RankedWords, WordTable  # numba is loaded only when an index is built

INDEX_VERSION = 1
COPY_TOKENS = 1 << 18  # ids renumbered at a time, 1 MiB: they stay in the processor's cache
COPY_BYTES = 1 << 20  # bytes copied at a time
# Bytes hashed at a time. Subtle: at each step a thread waits up to 5 ms for the one that loads the compiled code, which
# holds Python's lock; so the steps are few.
HASH_BYTES = 1 << 23

FileState = tuple[str, int, int, int]


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
    vocabulary_bytes: int


class IndexedCorpus:
    """A corpus as ids, memory-mapped.

    Args:
        folder: what `index_corpus` made.

    Raises:
        CorpusError: there is no index in the folder, or a damaged one.

    Attributes:
        folder: where the index lies.
        facts: numbers and settings of the index.
        tokens: (words,) int32 ids, most frequent word 0.
        offsets: (sentences + 1,) int64 positions in `tokens` where sentences begin; the last is the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.facts = IndexFacts(**json.loads((folder / "index.json").read_bytes()))
            self.tokens: npt.NDArray[np.int32] = np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False)
            self.offsets: npt.NDArray[np.int64] = np.load(folder / "offsets.npy", mmap_mode="r", allow_pickle=False)
            sizes = (len(self.tokens), len(self.offsets), (folder / "vocab.tsv").stat().st_size)
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise _damaged(folder) from error
        if sizes != (self.facts.words, self.facts.sentences + 1, self.facts.vocabulary_bytes):
            raise _damaged(folder)

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


def _damaged(folder: Path) -> CorpusError:
    return CorpusError(f"{folder}: holds no whole index of a corpus; remove the folder and start again")


def index_corpus(
    sources: Sequence[str | Path],
    *,
    lowercase: bool = False,
    cache: Path | None = None,
    output: Path | None = None,
    progress: bool = False,
) -> IndexedCorpus:
    """Index a corpus, or open the index made of the same text before.

    Args:
        sources: what `corpus.resolve` takes.
        lowercase: lower-case the text.
        cache: where indexes are kept; `corpus.cache_folder()` by default.
        output: a folder for what is made of the corpus; it must hold no file of it.
        progress: draw a bar on stderr.

    Raises:
        CorpusError: a source is missing, unreadable or binary, holds no words, or changed while it was read, or lies
            in `output`.
    """
    files = resolve(sources)
    if output is not None:
        refuse_files_of(output, files)
    cache = cache_folder() if cache is None else cache
    with ExitStack() as spools:
        files = [spools.enter_context(_spooled(file, cache)) if _is_stream(file) else file for file in files]
        return _index_files(files, cache / "indexes", lowercase, progress)


def _index_files(files: Sequence[Path], indexes: Path, lowercase: bool, progress: bool) -> IndexedCorpus:
    states = _file_states(files)
    folder = indexes / _content_key(files, states, indexes, lowercase)
    if not _is_whole(folder):
        _build(files, states, folder, lowercase, progress)
    return IndexedCorpus(folder)


def _is_whole(folder: Path) -> bool:
    try:
        IndexedCorpus(folder)
    except CorpusError:
        return False
    return True


def _file_states(files: Sequence[Path]) -> list[FileState]:
    """Path, size and times of change of each file: what tells, without reading, that a file is as it was.

    Two times, because the first can be set back, as `cp -p` and `touch` do.
    """
    try:
        states = [(file, file.stat()) for file in files]
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return [(str(file.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns) for file, state in states]


def _refuse_changed(files: Sequence[Path], states: list[FileState]) -> None:
    if _file_states(files) != states:
        raise CorpusError("the corpus changed while it was read: start again when nothing writes to it")


def _content_key(files: Sequence[Path], states: list[FileState], indexes: Path, lowercase: bool) -> str:
    """The index's name: a digest of the files' content, which is remembered by their states."""
    settings = f"version {INDEX_VERSION} lowercase {lowercase}"
    memo = indexes / f"seen-{hashlib.sha256(repr((settings, states)).encode()).hexdigest()[:32]}"
    with suppress(OSError):
        return memo.read_text(encoding="ascii")
    digest = hashlib.sha256(settings.encode())
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_load_counting)  # a text not seen before will nearly always be encoded next
        for file in files:
            digest.update(_digest(file))
    _refuse_changed(files, states)
    key = digest.hexdigest()[:32]
    with suppress(OSError, Word2VecError):  # only saves time; what keeps it from being written is told by _build
        indexes.mkdir(parents=True, exist_ok=True)
        with atomic_path(memo) as path:
            path.write_text(key, encoding="ascii")
    return key


def _load_counting() -> None:
    """Load the compiled code, which takes a third of a second; where this fails, so will its use."""
    from word2vec.corpus.word_counts import load_kernels

    load_kernels()


def _digest(file: Path) -> bytes:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    try:
        # subtle: clearing 8 MiB for each file would take longer than all else where the files are many and small
        buffer = bytearray(min(HASH_BYTES, max(file.stat().st_size, 1 << 12)))
        with file.open("rb", buffering=0) as content:
            while size := content.readinto(buffer):
                digest.update(memoryview(buffer)[:size])
    except OSError as error:
        raise CorpusError(f"{file}: cannot be read: {error.strerror}") from error
    return digest.digest()


def _build(files: Sequence[Path], states: list[FileState], folder: Path, lowercase: bool, progress: bool) -> None:
    """Build the index in a temporary folder beside `folder` and rename it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder.parent, "tmp-") as work:
            _write_index(files, work, lowercase, progress)
            _refuse_changed(files, states)
            _put_in_place(work, folder)
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error


def _put_in_place(work: Path, folder: Path) -> None:
    try:
        work.rename(folder)
    except OSError:
        if _is_whole(folder):
            return  # another process was first; its index is of the same text
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        work.rename(folder)


def _cannot_write(folder: Path, error: OSError) -> CorpusError:
    return CorpusError(
        f"{folder}: the indexed corpus cannot be written: {error.strerror or error}; "
        "free some space or set WORD2VEC_CACHE to another folder"
    )


def _write_index(files: Sequence[Path], work: Path, lowercase: bool, progress: bool) -> None:
    from word2vec.corpus.word_counts import WordTable, load_kernels

    load_kernels()
    report, table = ReadReport(), WordTable()
    with (
        _npy_file(work / "tokens.npy", np.dtype(np.int32)) as ids,
        _npy_file(work / "offsets.npy", np.dtype(np.int64)) as offsets,
    ):
        words, sentences = _encode_files(files, table, report, ids, offsets, lowercase, progress)
    if not words:
        raise CorpusError(f"{_names(files)}: holds no words; give it text, words parted by spaces")
    ranked = table.by_frequency()
    with ThreadPoolExecutor(1) as pool:
        vocabulary = pool.submit(_write_vocabulary, work / "vocab.tsv", ranked)
        _renumber(work / "tokens.npy", ranked.rank)
        vocabulary.result()
    facts = IndexFacts(
        version=INDEX_VERSION,
        lowercase=lowercase,
        words=words,
        sentences=sentences,
        distinct_words=len(ranked.words),
        undecodable_bytes=report.undecodable_bytes,
        long_words=table.long_words,
        vocabulary_bytes=(work / "vocab.tsv").stat().st_size,
    )
    (work / "index.json").write_text(json.dumps(asdict(facts), indent=1) + "\n", encoding="utf-8")


def _names(files: Sequence[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _encode_files(
    files: Sequence[Path],
    table: "WordTable",
    report: ReadReport,
    ids: BinaryIO,
    offsets: BinaryIO,
    lowercase: bool,
    progress: bool,
) -> tuple[int, int]:
    """Write provisional ids and sentence offsets of all files; returns the numbers of words and sentences.

    The compiled pass over a block runs in a thread of its own while this one writes the block before it and reads the
    block after it.
    """
    words = sentences = 0
    offsets.write(np.zeros(1, np.int64).data)
    size = sum(file.stat().st_size for file in files)
    with (
        tqdm(total=size, unit="B", unit_scale=True, desc="indexing", disable=not progress, leave=False) as bar,
        ThreadPoolExecutor(1) as pool,
    ):
        blocks = (
            block for file in files for block in read_blocks(file, report, lowercase=lowercase, advance=bar.update)
        )
        encoding: Future[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]] | None = None
        for block in chain(blocks, [b""]):  # the empty one comes last, to write what the last of the text gave
            following = pool.submit(table.encode, block)
            if encoding is not None:
                block_ids, block_ends = encoding.result()
                ids.write(block_ids.data)
                offsets.write((block_ends + words).data)
                words += len(block_ids)
                sentences += len(block_ends)
            encoding = following
    return words, sentences


@contextmanager
def _npy_file(path: Path, dtype: np.dtype[Any]) -> Iterator[BinaryIO]:
    """A one-dimensional .npy file of which only the content has to be written."""

    def write_header(size: int) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(file, header)

    with path.open("wb") as file:
        write_header(0)
        start = file.tell()
        yield file
        size = (file.tell() - start) // dtype.itemsize
        file.seek(0)
        write_header(size)  # subtle: no longer than the first one, for numpy leaves room for a larger size


def _renumber(path: Path, rank: npt.NDArray[np.int32]) -> None:
    """Replace each id in a .npy file by its rank."""
    with path.open("r+b") as tokens:
        np.lib.format.read_magic(tokens)
        np.lib.format.read_array_header_1_0(tokens)
        while len(provisional := np.fromfile(tokens, np.int32, COPY_TOKENS)):
            tokens.seek(-provisional.nbytes, os.SEEK_CUR)
            tokens.write(rank[provisional].data)


def _write_vocabulary(path: Path, ranked: "RankedWords") -> None:
    """Write a line a word; the words of one count at once, for many are rare and few counts are large."""
    borders = [0, *(np.flatnonzero(np.diff(ranked.counts)) + 1).tolist(), len(ranked.words)]
    with path.open("wb") as file:
        for start, end in pairwise(borders):
            line_end = b"\t%d\n" % ranked.counts[start]
            file.write(line_end.join(ranked.words[start:end]) + line_end)


def _is_stream(file: Path) -> bool:
    return file == STDIN or file.is_fifo()


@contextmanager
def _spooled(source: Path, cache: Path) -> Iterator[Path]:
    """Standard input or a pipe as a file, so that it is hashed and indexed like any other; removed afterwards."""
    name = "standard input" if source == STDIN else str(source)
    with ExitStack() as folder:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            spool = folder.enter_context(temporary_folder(cache, "stdin-")) / "text"
            _copy_stream(source, spool)
        except OSError as error:
            raise _cannot_write(cache, error) from error
        try:
            yield spool
        except CorpusError as error:
            raise CorpusError(str(error).replace(str(spool), name)) from error  # what was typed, not where it was put


def _copy_stream(source: Path, spool: Path) -> None:
    with (
        spool.open("wb") as file,
        nullcontext(sys.stdin.buffer) if source == STDIN else source.open("rb") as stream,
    ):
        shutil.copyfileobj(stream, file, COPY_BYTES)
