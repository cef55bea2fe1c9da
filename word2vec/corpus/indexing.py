"""Build the index of a corpus, or find the index that was built from the same text before.

Indexing streams the text once, writes provisional ids (word_counts.py), and then renumbers them in place by frequency.
Memory is needed for the distinct words and a few blocks of text, whatever the size of the corpus.

Indexes are kept in the cache, in folders named by a digest of the files' content and the settings. An index is built
in a temporary folder and renamed when it is complete, so readers never see a partial one. An index that was damaged
later is recognized by its sizes and built again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from word2vec.corpus.index import INDEX_VERSION, IndexedCorpus, IndexFacts
from word2vec.corpus.reader import ReadReport, read_blocks
from word2vec.corpus.sources import reject_files_in, resolve
from word2vec.corpus.spooling import is_stream, spooled
from word2vec.errors import CorpusError, Word2VecError
from word2vec.system.atomic_files import atomic_path, temporary_folder
from word2vec.system.cache import cache_folder

if TYPE_CHECKING:
    from word2vec.corpus.word_counts import RankedWords, WordTable  # numba is loaded only when an index is built

COPY_TOKENS = 1 << 18  # ids renumbered at a time, 1 MiB: they stay in the processor's cache
# Bytes hashed at a time. Subtle: after each step the thread waits up to 5 ms for the thread that loads the compiled
# code, because that one holds Python's global lock; so the steps are large and few.
HASH_BYTES = 1 << 23

FileState = tuple[str, int, int, int]
"""Path, size, modification time and status change time of a file."""


def index_corpus(
    sources: Sequence[str | Path],
    *,
    lowercase: bool = False,
    cache: Path | None = None,
    output: Path | None = None,
    progress: bool = False,
) -> IndexedCorpus:
    """Index a corpus, or open the index that was built from the same text before.

    Args:
        sources: Files, folders, glob patterns or named corpora; see `sources.resolve`.
        lowercase: Whether to lowercase the text.
        cache: The cache folder; `system.cache.cache_folder()` by default.
        output: The folder that results will be written to; it must not contain a file of the corpus.
        progress: Whether to draw a progress bar on stderr.

    Returns:
        The opened index.

    Raises:
        CorpusError: A source is missing, unreadable, not text, empty, inside `output`, or changed while it was read.
    """
    files = resolve(sources)
    if output is not None:
        reject_files_in(output, files)
    cache = cache_folder() if cache is None else cache
    with ExitStack() as spools:
        files = [spools.enter_context(spooled(file, cache)) if is_stream(file) else file for file in files]
        return _index_files(files, cache / "indexes", lowercase, progress)


def _index_files(files: Sequence[Path], indexes: Path, lowercase: bool, progress: bool) -> IndexedCorpus:
    states = _file_states(files)
    folder = indexes / _content_key(files, states, indexes, lowercase)
    if not _is_complete(folder):
        _build(files, states, folder, lowercase, progress)
    return IndexedCorpus(folder)


def _is_complete(folder: Path) -> bool:
    try:
        IndexedCorpus(folder)
    except CorpusError:
        return False
    return True


# --- the name of an index --------------------------------------------------------------------------------------------


def _content_key(files: Sequence[Path], states: list[FileState], indexes: Path, lowercase: bool) -> str:
    """Return the name of the index: a digest of the files' content, remembered for files that have not changed."""
    settings = f"version {INDEX_VERSION} lowercase {lowercase}"
    memo = indexes / f"seen-{hashlib.sha256(repr((settings, states)).encode()).hexdigest()[:32]}"
    with suppress(OSError):
        return memo.read_text(encoding="ascii")
    digest = hashlib.sha256(settings.encode())
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_load_kernels)  # a text not seen before will nearly always be encoded next
        for file in files:
            digest.update(_digest(file))
    _check_unchanged(files, states)
    key = digest.hexdigest()[:32]
    with suppress(OSError, Word2VecError):  # the memo only saves time; if the disk has a problem, _build reports it
        indexes.mkdir(parents=True, exist_ok=True)
        with atomic_path(memo) as path:
            path.write_text(key, encoding="ascii")
    return key


def _load_kernels() -> None:
    """Load the compiled code, which takes a third of a second; if this fails, its first use fails too."""
    from word2vec.corpus.word_counts import load_kernels

    load_kernels()


def _digest(file: Path) -> bytes:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    try:
        # subtle: with many small files, clearing 8 MiB for each would take longer than everything else
        buffer = bytearray(min(HASH_BYTES, max(file.stat().st_size, 1 << 12)))
        with file.open("rb", buffering=0) as content:
            while size := content.readinto(buffer):
                digest.update(memoryview(buffer)[:size])
    except OSError as error:
        raise CorpusError(f"{file}: cannot be read: {error.strerror}") from error
    return digest.digest()


def _file_states(files: Sequence[Path]) -> list[FileState]:
    """Return what identifies an unchanged file without reading it.

    Two times, because the modification time can be set back, as `cp -p` and `touch` do.
    """
    try:
        states = [(file, file.stat()) for file in files]
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return [(str(file.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns) for file, state in states]


def _check_unchanged(files: Sequence[Path], states: list[FileState]) -> None:
    if _file_states(files) != states:
        raise CorpusError("the corpus changed while it was being read; start again when nothing writes to it")


# --- building --------------------------------------------------------------------------------------------------------


def _build(files: Sequence[Path], states: list[FileState], folder: Path, lowercase: bool, progress: bool) -> None:
    """Build the index in a temporary folder beside `folder`, then rename it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder.parent, "tmp-") as work:
            _write_index(files, work, lowercase, progress)
            _check_unchanged(files, states)
            _put_in_place(work, folder)
    except OSError as error:
        raise CorpusError(
            f"{folder.parent}: the corpus index cannot be written: {error.strerror or error}; "
            "free some disk space or set WORD2VEC_CACHE to another folder"
        ) from error


def _put_in_place(work: Path, folder: Path) -> None:
    try:
        work.rename(folder)
    except OSError:
        if _is_complete(folder):
            return  # another process was faster; its index is of the same text
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        work.rename(folder)


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
        raise CorpusError(f"{_names(files)}: contains no words; use a text of words separated by white space")
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
    """Write the provisional ids and the sentence offsets of all files.

    The compiled pass over a block runs in a thread of its own, while this thread writes the results of the previous
    block and reads the next one.

    Returns:
        The numbers of words and sentences.
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
        for block in chain(blocks, [b""]):  # the empty block at the end is there to write the results of the last one
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
    """Write a one-dimensional .npy file of unknown length: the block writes the content, the header is filled in."""

    def write_header(size: int) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(file, header)

    with path.open("wb") as file:
        write_header(0)
        start = file.tell()
        yield file
        size = (file.tell() - start) // dtype.itemsize
        file.seek(0)
        write_header(size)  # subtle: not longer than the first one, because numpy leaves room for a larger size


def _renumber(path: Path, rank: npt.NDArray[np.int32]) -> None:
    """Replace each id in a .npy file by its rank."""
    with path.open("r+b") as tokens:
        np.lib.format.read_magic(tokens)
        np.lib.format.read_array_header_1_0(tokens)
        while len(provisional := np.fromfile(tokens, np.int32, COPY_TOKENS)):
            tokens.seek(-provisional.nbytes, os.SEEK_CUR)
            tokens.write(rank[provisional].data)


def _write_vocabulary(path: Path, ranked: "RankedWords") -> None:
    """Write one line per word, all words of one count at a time: most words are rare, so there are few counts."""
    borders = [0, *(np.flatnonzero(np.diff(ranked.counts)) + 1).tolist(), len(ranked.words)]
    with path.open("wb") as file:
        for start, end in pairwise(borders):
            line_end = b"\t%d\n" % ranked.counts[start]
            file.write(line_end.join(ranked.words[start:end]) + line_end)
