"""Build the index of a corpus, or find the index that was built from the same text before.

Indexing streams the text once, writes provisional ids (word_tables.py), and then renumbers them in place by frequency.
Both steps use several threads: one thread reads and writes, in the order of the text, and the others encode or
renumber. Memory is needed for the distinct words and a few blocks of text per thread, whatever the size of the corpus.

Indexes are kept in the cache, in folders named by a digest of the files' content and the settings (content_key.py). An
index is built in a temporary folder, flushed to disk and renamed when it is complete, so readers never see a partial
one. An index that was damaged later is recognized by its checksums and built again, with a warning.

A cache may be shared with other users, and it may be damaged, so its content is not trusted: nothing that is read from
it is used as a path, except the name of an index in its exact form, and only an index that is replaced is deleted.
"""

import logging
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from word2vec.corpus.columns import is_table
from word2vec.corpus.content_key import check_unchanged, content_key, file_states
from word2vec.corpus.index import (
    NPY_HEADER_BYTES,
    OFFSETS_FILE,
    TOKENS_FILE,
    VOCABULARY_FILE,
    DamagedIndexError,
    IndexedCorpus,
)
from word2vec.corpus.index_writer import finish_index, npy_file, write_vocabulary
from word2vec.corpus.phrases import Phrases
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.read_settings import ReadSettings
from word2vec.corpus.remote import downloaded, is_remote
from word2vec.corpus.sources import reject_files_in, resolve
from word2vec.corpus.spooling import is_stream, spooled
from word2vec.corpus.threaded_map import threaded_map
from word2vec.corpus.tokenizers import find_tokenizer
from word2vec.errors import CorpusError
from word2vec.system.atomic_files import flush_folder, temporary_folder
from word2vec.system.cache import cache_folder, remedy
from word2vec.system.processors import usable_processors

if TYPE_CHECKING:
    from word2vec.corpus.memory import Table

COPY_TOKENS = 1 << 18  # ids renumbered at a time, 1 MiB: they stay in the processor's cache

logger = logging.getLogger("word2vec")


def index_corpus(
    sources: Sequence[str | Path],
    *,
    lowercase: bool = False,
    tokenizer: str = "whitespace",
    column: str | None = None,
    threads: int | None = None,
    cache: Path | None = None,
    output: Path | None = None,
    verified: bool = False,
    progress: bool = False,
) -> IndexedCorpus:
    """Index a corpus, or open the index that was built from the same text before.

    Args:
        sources: Files, folders, glob patterns, named corpora or URLs; see `sources.resolve`.
        lowercase: Whether to lowercase the text.
        tokenizer: How the text is split: "whitespace" or "words", see tokenizers.py.
        column: The column of .csv, .tsv, .jsonl, .ndjson and .parquet files that contains texts or lists of tokens.
        threads: The number of threads; all processors by default. The index does not depend on it.
        cache: The cache folder; `system.cache.cache_folder()` by default.
        output: The folder that results will be written to; it must not contain a file of the corpus.
        verified: Whether another process of this machine has just opened the index; it is not verified again then.
        progress: Whether to draw a progress bar on stderr.

    Returns:
        The opened index.

    Raises:
        CorpusError: A source is missing, unreadable, not text, empty, inside `output`, or changed while it was read; or
            a table has no such column.
    """
    find_tokenizer(tokenizer)  # fails before anything is read
    settings = ReadSettings(lowercase, tokenizer, column)
    threads = threads or usable_processors()
    cache = cache_folder() if cache is None else cache
    with local_files(sources, cache, output, column, progress) as files:
        states = file_states(files)
        folder = cache / "indexes" / content_key(files, states, cache / "indexes", settings)
        if (corpus := existing_index(folder, verified)) is not None:
            return corpus

        def write(work: Path) -> None:
            _write_index(files, work, settings, threads, progress)
            check_unchanged(files, states)

        build_index(folder, write)
        return IndexedCorpus(folder)


@contextmanager
def local_files(
    sources: Sequence[str | Path], cache: Path, output: Path | None, column: str | None, progress: bool
) -> Iterator[list[Path]]:
    """Resolve sources to files on disk; streams and remote files are copied to the cache for the time of the block.

    Args:
        sources: See `index_corpus`.
        cache: The cache folder.
        output: The folder that results will be written to.
        column: The column to read; without one, a table is read as text, with a warning.
        progress: Whether to draw a progress bar on stderr.

    Raises:
        CorpusError: See `index_corpus`.
    """
    sources = [sources] if isinstance(sources, str | Path) else sources
    with ExitStack() as copies:
        local: list[str | Path] = []
        for source in sources:
            if is_remote(source):
                local += copies.enter_context(downloaded(str(source), cache, progress=progress))
            else:
                local.append(source)
        files = resolve(local)
        if output is not None:
            reject_files_in(output, files)
        tables = [] if column is not None else [file for file in files if is_table(file)]
        if tables:
            logger.warning(
                "%s: read as plain text, including its other columns; name the column of its text with --column",
                tables[0].name,
            )
        yield [copies.enter_context(spooled(file, cache)) if is_stream(file) else file for file in files]


def existing_index(folder: Path, verified: bool) -> IndexedCorpus | None:
    """Open an index; warn if it is damaged.

    Raises:
        CorpusError: The user has no permission to read it.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 (Path.is_dir raises an error if the cache cannot be searched)
        return None
    try:
        return IndexedCorpus(folder, verified=verified)
    except DamagedIndexError as error:
        logger.warning("%s: the corpus index is incomplete or corrupt (%s); building it again", folder, error.__cause__)
        return None


def build_index(folder: Path, write: Callable[[Path], None]) -> None:
    """Build an index in a temporary folder beside `folder`, then rename it.

    Args:
        folder: The folder of the index.
        write: A function that writes the files of the index to an empty folder.

    Raises:
        CorpusError: The index cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder.parent, "tmp-") as private:
            work = private / "index"
            work.mkdir()  # subtle: with the usual permissions, because the temporary folder is closed to other users
            write(work)
            _put_in_place(work, folder)
    except OSError as error:
        raise CorpusError(
            f"{folder.parent}: the corpus index cannot be written: {error.strerror or error}; {remedy(error)}"
        ) from error


def _put_in_place(work: Path, folder: Path) -> None:
    """Rename a complete index; a damaged one of this name is moved to the temporary folder, which is deleted."""
    try:
        work.rename(folder)
    except OSError:
        if not os.path.lexists(folder):
            raise
        with suppress(DamagedIndexError):
            IndexedCorpus(folder)
            return  # another process was faster; its index is of the same text
        folder.rename(work.with_name("damaged"))
        work.rename(folder)
    flush_folder(folder.parent)


def _write_index(files: Sequence[Path], work: Path, settings: ReadSettings, threads: int, progress: bool) -> None:
    from word2vec.corpus.encoding import encode_files
    from word2vec.corpus.word_counts import load_kernels

    load_kernels()
    report = ReadReport()
    size = sum(file.stat().st_size for file in files)
    with tqdm(total=size, unit="B", unit_scale=True, desc="indexing", disable=not progress, leave=False) as bar:
        table, encoded = encode_files(files, settings, report, threads, bar.update)
        words = write_encoded(work, table, encoded, report, settings.lowercase, threads)
    if not words:
        raise CorpusError(f"{_names(files)}: contains no words; use a text of words separated by whitespace")


def write_encoded(
    work: Path,
    table: "Table",
    encoded: Iterable[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]],
    report: ReadReport,
    lowercase: bool,
    threads: int,
    phrases: Phrases | None = None,
) -> int:
    """Write the files of an index, unless there are no words.

    Args:
        work: An empty folder.
        table: The table of words.
        encoded: Blocks of provisional ids, each with the number of its ids before the end of each sentence.
        report: Irregularities; those of the table are added.
        lowercase: Whether the text was lowercased.
        threads: The number of threads.
        phrases: The phrases that were joined, if any.

    Returns:
        The number of words.
    """
    with (
        npy_file(work / TOKENS_FILE, np.dtype(np.int32)) as ids,
        npy_file(work / OFFSETS_FILE, np.dtype(np.int64)) as offsets,
    ):
        words, sentences = _write_ids(encoded, ids, offsets)
    if not words:
        return 0
    ranked = table.by_frequency()
    with ThreadPoolExecutor(1) as pool:
        vocabulary = pool.submit(write_vocabulary, work / VOCABULARY_FILE, ranked.words, ranked.counts)
        tokens_checksum = _renumber(work / TOKENS_FILE, ranked.rank, threads)
        vocabulary.result()
    report.long_words, report.empty_tokens = table.long_words, table.empty_tokens
    finish_index(
        work,
        lowercase=lowercase,
        words=words,
        sentences=sentences,
        distinct_words=len(ranked.words),
        report=report,
        tokens_checksum=tokens_checksum,
        phrases=phrases,
    )
    return words


def _names(files: Sequence[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _write_ids(
    encoded: Iterable[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]], ids: BinaryIO, offsets: BinaryIO
) -> tuple[int, int]:
    """Write the provisional ids and the sentence offsets.

    Returns:
        The numbers of words and sentences.
    """
    words = sentences = 0
    offsets.write(np.zeros(1, np.int64).data)
    for block_ids, block_ends in encoded:
        ids.write(block_ids.data)
        offsets.write((block_ends + words).data)
        words += len(block_ids)
        sentences += len(block_ends)
    return words, sentences


def _renumber(path: Path, rank: npt.NDArray[np.int32], threads: int) -> int:
    """Replace each id in a .npy file by its rank.

    Returns:
        The CRC-32 of the file.
    """

    def renumbered(position: int) -> npt.NDArray[np.int32]:
        return rank.take(np.fromfile(path, np.int32, COPY_TOKENS, offset=position))

    blocks = range(NPY_HEADER_BYTES, path.stat().st_size, COPY_TOKENS * rank.itemsize)
    with path.open("r+b") as tokens:
        checksum = zlib.crc32(tokens.read(NPY_HEADER_BYTES))
        for ids in threaded_map(renumbered, blocks, threads):
            tokens.write(ids.data)  # subtle: a block is written after it has been read
            checksum = zlib.crc32(ids.data, checksum)
    return checksum
