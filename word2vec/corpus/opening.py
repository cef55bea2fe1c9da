"""Open a corpus of any kind: files, sequences of tokens, or texts, in memory or in tables."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from word2vec.corpus.base import Corpus
from word2vec.corpus.containers import container_of, names_of, values
from word2vec.corpus.indexing import index_corpus, local_files
from word2vec.corpus.messages import shorten
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.sources import is_source
from word2vec.corpus.tokenizers import find_tokenizer
from word2vec.errors import CorpusError
from word2vec.system.cache import cache_folder

if TYPE_CHECKING:
    from word2vec.corpus.memory import MemoryCorpus  # numba is loaded only when something is encoded
    from word2vec.corpus.sequences import Batch

Tokenizer = str | Callable[[str], Iterable[str]]
"""The name of a tokenizer, or a function that splits a text into tokens."""

CHECKED_NAMES = 100  # strings of a list that are looked up on disk, to tell paths from texts

TEXTS_NEED_A_TOKENIZER = (
    "to train on texts, pass tokenizer='whitespace'; to train on tokens, pass a list of token lists"
)


def as_paths(source: object, tokenizer: Tokenizer | None = None) -> tuple[str, ...] | None:
    """Return the paths, patterns and names of a corpus in files; None if `source` contains the data itself.

    Only a string, a path, or a list or tuple of them can mean files. Strings of which none exists are texts, if a
    tokenizer says so.

    Args:
        source: What the user passed as a corpus.
        tokenizer: What the user passed as a tokenizer.

    Raises:
        CorpusError: `source` is empty, a string that is neither a file nor a corpus, or a list of strings of which only
            some are, or none and there is no tokenizer.
    """
    if isinstance(source, str | os.PathLike):
        if isinstance(source, str) and not is_source(source):
            raise CorpusError(
                f"{shorten(source)}: no such file, folder or corpus; check the path, or use a named corpus: text8, "
                "pydocs; to train on a text, pass a list of texts with tokenizer='whitespace', or a list of token lists"
            )
        return (os.fspath(source),)
    if not isinstance(source, list | tuple):
        return None
    if not source:
        raise CorpusError("the corpus is empty; pass files, a list of token lists, or a list of texts with a tokenizer")
    if not all(isinstance(item, str | Path) for item in source):
        return None
    paths = tuple(map(os.fspath, source))
    if any(isinstance(item, Path) for item in source):
        return paths
    found = [is_source(path) for path in paths[: 1 if tokenizer is not None else CHECKED_NAMES]]
    if all(found) and (tokenizer is None or all(map(is_source, paths))):
        return paths
    if tokenizer is not None:
        return None
    missing = paths[found.index(False)]
    if any(found):
        raise CorpusError(
            f"{shorten(missing)}: no such file, folder or corpus, but other items of the list exist; check the path, "
            "or pass tokenizer='whitespace' to train on the strings as texts"
        )
    raise CorpusError(
        f"the corpus is a list of strings, and {shorten(missing)} is not a file, folder or corpus; check the paths; "
        f"{TEXTS_NEED_A_TOKENIZER}"
    )


def open_corpus(
    source: object,
    *,
    lowercase: bool = False,
    tokenizer: Tokenizer | None = None,
    column: str | None = None,
    padding: int | None = None,
    threads: int | None = None,
    cache: Path | None = None,
    output: Path | None = None,
    progress: bool = False,
) -> Corpus:
    """Turn any source of sequences into a corpus of word ids.

    Args:
        source: One of:

            - a path, folder, glob pattern, `-` for standard input, the name of a corpus, or a list of these;
            - an iterable of sequences of tokens, which are strings or integers; an array of integers with one sequence
              per row;
            - an iterable of texts, with a tokenizer;
            - a table (pandas, polars, pyarrow, Hugging Face datasets) or an iterable of dictionaries, with a column; or
              a column.

            An iterable is consumed once.
        lowercase: Whether to lowercase the text or the tokens.
        tokenizer: How texts are split: "whitespace", "words", or a function that returns the tokens of a text.
            Files are split at whitespace by default; texts in memory require a tokenizer.
        column: The column of a table, in memory or in files, that contains texts or lists of tokens.
        padding: An integer that marks the unused places of an array of integers.
        threads: The number of threads that encode texts; all processors by default.
        cache: The cache folder for indexes of files; `system.cache.cache_folder()` by default.
        output: The folder that results will be written to; it must not contain a file of the corpus.
        progress: Whether to draw a progress bar on stderr.

    Returns:
        An `IndexedCorpus` for files, a `MemoryCorpus` for other sources.

    Raises:
        CorpusError: The source is missing, empty, or not of one of these kinds; the message names the file, or the
            number of the sequence or row.
    """
    paths = as_paths(source, tokenizer)
    if paths is None:
        return _read_memory(source, lowercase, tokenizer, column, padding, threads)
    if padding is not None:
        raise CorpusError("padding= applies to arrays of integers, and the corpus is in files; remove it")
    if callable(tokenizer):
        return _read_files(paths, lowercase, tokenizer, column, cache, output, progress)
    name = "whitespace" if tokenizer is None else tokenizer
    return index_corpus(
        paths,
        lowercase=lowercase,
        tokenizer=name,
        column=column,
        threads=threads,
        cache=cache,
        output=output,
        progress=progress,
    )


def _read_files(
    paths: Sequence[str],
    lowercase: bool,
    tokenizer: Callable[[str], Iterable[str]],
    column: str | None,
    cache: Path | None,
    output: Path | None,
    progress: bool,
) -> "MemoryCorpus":
    """Encode the tokens that a function returns for each line of text files, or for each text of a column."""
    from word2vec.corpus.encoding import file_texts

    report = ReadReport()
    with local_files(paths, cache_folder() if cache is None else cache, output, column, progress) as files:
        size = sum(file.stat().st_size for file in files)
        with tqdm(total=size, unit="B", unit_scale=True, desc="tokenizing", disable=not progress, leave=False) as bar:
            texts = file_texts(files, column, report, bar.update)
            return _encode_sequences(map(tokenizer, texts), "text", lowercase, report=report)


def _read_memory(
    source: Any,
    lowercase: bool,
    tokenizer: Tokenizer | None,
    column: str | None,
    padding: int | None,
    threads: int | None,
) -> "MemoryCorpus":
    """Encode sequences or texts in memory."""
    if type(source).__module__ == "torch":
        source = source.detach().cpu().numpy()
    if isinstance(source, np.ndarray):
        _check_array(source)
    elif container_of(source) is None:
        _check_iterable(source)
    is_table = column is not None or container_of(source) is not None
    items = iter(values(source, column))
    first = list(islice(items, 1))
    if not first:
        raise CorpusError("the corpus is empty; if it is a generator that was consumed before, create it again")
    items = chain(first, items)
    if isinstance(first[0], str):
        return _encode_texts(items, "row" if is_table else "text", lowercase, tokenizer, threads)
    if tokenizer is not None and isinstance(first[0], list | tuple | np.ndarray):
        raise CorpusError("tokenizer= applies to texts, and the corpus consists of sequences of tokens; remove it")
    if isinstance(first[0], Mapping):
        raise CorpusError(
            f"the corpus consists of dictionaries; choose a value of each with column=, one of: {names_of(first[0])}"
        )
    if isinstance(source, np.ndarray) and source.ndim == 2 and source.dtype.kind in "iu":
        return _encode_sequences(source, "row", lowercase, padding)
    return _encode_sequences(items, "row" if is_table else "sequence", lowercase, padding)


def _encode_texts(
    items: Iterable[object], unit: str, lowercase: bool, tokenizer: Tokenizer | None, threads: int | None
) -> "MemoryCorpus":
    from word2vec.corpus.memory import collect
    from word2vec.corpus.texts import checked_texts, text_blocks
    from word2vec.corpus.word_tables import WordTables

    if tokenizer is None:
        raise CorpusError(f"the corpus consists of strings; {TEXTS_NEED_A_TOKENIZER}")
    if callable(tokenizer):
        return _encode_sequences(map(tokenizer, checked_texts(items, unit)), unit, lowercase)
    tables, report = WordTables(threads), ReadReport()
    blocks = text_blocks(items, unit, report, lowercase=lowercase, tokenizer=find_tokenizer(tokenizer))
    return collect(tables.encoded(blocks), tables, lowercase=lowercase, report=report)


def _encode_sequences(
    sequences: "Iterable[object] | npt.NDArray[Any]",
    unit: str,
    lowercase: bool,
    padding: int | None = None,
    report: ReadReport | None = None,
) -> "MemoryCorpus":
    from word2vec.corpus.memory import collect
    from word2vec.corpus.sequences import array_batches, batches
    from word2vec.corpus.token_counts import SequenceTable

    table = SequenceTable(lowercase=lowercase, padding=padding)
    found: Iterable[Batch] = array_batches(sequences) if isinstance(sequences, np.ndarray) else batches(sequences, unit)
    return collect(map(table.encode, found), table, lowercase=lowercase, report=report)


def _check_array(array: npt.NDArray[Any]) -> None:
    """Raise an error for an array that is not a list of sequences or texts."""
    shape = "x".join(map(str, array.shape))
    if array.ndim == 1 and array.dtype.kind in "iu":
        raise CorpusError("the corpus is one sequence; pass a list of sequences, or a two-dimensional array")
    if array.ndim not in (1, 2):
        raise CorpusError(f"the corpus is an array of shape ({shape}); pass one sequence per row, in two dimensions")
    if array.dtype.kind not in "iuUOT":
        raise CorpusError(
            f"the corpus is an array of {array.dtype}; pass an array of integers, or one of strings with a tokenizer"
        )


def _check_iterable(source: object) -> None:
    """Raise an error for an object that cannot be a list of sequences or texts."""
    if isinstance(source, bytes | bytearray):
        raise CorpusError("the corpus is bytes, not text; decode it first, with .decode('utf-8')")
    if isinstance(source, Mapping):
        raise CorpusError("the corpus is a dictionary; pass a list of its values, or a table with column=")
    if isinstance(source, Set):
        raise CorpusError("the corpus is a set, whose order varies between runs; pass sorted(...) of it")
    if not isinstance(source, Iterable):
        raise CorpusError(
            f"the corpus is {shorten(source)}; pass files, sequences of tokens, or texts with a tokenizer"
        )
