"""The native formats: a run folder, and one safetensors file with the words in it.

A run folder holds vectors.safetensors and vocab.tsv, a word and its count a line, which people and other programs can
read; what else lies there belongs to training.py. The two are replaced one after the other, so the first names the
second by its SHA-256, and a pair that a killed process or a copy has mixed is refused. A single file holds the words as
the bytes of a text, a word a line. Both are mapped from the disk: loading takes no memory but for what is used.
"""

import hashlib
import io
import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import FormatError
from word2vec.formats.table import Table, WordList, distinct, encoded
from word2vec.formats.tensor_file import TensorFile, map_tensors, write_tensors
from word2vec.system.atomic_files import atomic_path, atomic_paths, new_folder

RUN_FORMAT = "word2vec-run"
RUN_VERSION = 1  # raise it when an older reader would misread the files
VECTORS_FILE = "vectors.safetensors"
VOCABULARY_FILE = "vocab.tsv"
CHECKPOINT_FILE = "checkpoint.safetensors"  # checkpoint.py writes it
VOCABULARY_DIGEST = "vocab.tsv-sha256"  # the key under which the vectors name it; earlier versions wrote none

_COUNTED_WORD = re.compile(rb"([^\t\n]+)\t(\d{1,18})\n")
_BARE_WORD = re.compile(rb"([^\t\n]+)\n")


class _Tables(NamedTuple):
    """The tensors that belong to words, cut to the limit, and how many rows they had before."""

    vectors: NDArray[np.float32]
    output: NDArray[np.float32] | None
    total: int


def read_run(path: Path, limit: int | None, progress: bool = False) -> Table:  # noqa: ARG001 (mapped at once)
    """Reads a run folder."""
    for name in (VECTORS_FILE, VOCABULARY_FILE):
        if not (path / name).is_file():
            raise FormatError(f"{path} is no run folder: it holds no {name}")
    file, text = map_tensors(path / VECTORS_FILE), (path / VOCABULARY_FILE).read_bytes()
    tables = _tables(path / VECTORS_FILE, file, limit)
    words, counts = _read_vocabulary(path / VOCABULARY_FILE, text, limit)
    if len(words) != len(tables.vectors):
        more = "at least " if limit is not None else ""
        raise _mixed(path, f"{VOCABULARY_FILE} has {more}{len(words)} words but {VECTORS_FILE} has {tables.total} rows")
    if file.metadata.get(VOCABULARY_DIGEST) not in (None, _digest(text)):
        raise _mixed(path, f"{VOCABULARY_FILE} is not the one that {VECTORS_FILE} was written with")
    return Table(words, tables.vectors, counts, tables.output)


def _digest(vocabulary: bytes) -> str:
    return hashlib.sha256(vocabulary).hexdigest()


def _mixed(path: Path, reason: str) -> FormatError:
    """What to say of a folder in which only one of the two files was replaced."""
    saved = (path / CHECKPOINT_FILE).exists()
    remedy = "train with --resume to write both again" if saved else "put back the file that was there, or train again"
    return FormatError(f"{path}: {reason}; the two are not of one run: {remedy}")


def read_safetensors(path: Path, limit: int | None, progress: bool = False) -> Table:  # noqa: ARG001 (mapped at once)
    """Reads a single file, or the run folder that a file without words lies in."""
    file = map_tensors(path)
    if "words" not in file.tensors and (path.parent / VOCABULARY_FILE).is_file() and path.name == VECTORS_FILE:
        return read_run(path.parent, limit)
    tables = _tables(path, file, limit)
    text, counts = file.tensors.get("words"), file.tensors.get("counts")
    if text is None or text.dtype != np.uint8 or text.ndim != 1:
        raise FormatError(f"{path} holds no words (a tensor 'words' of U8, one word a line); give the run folder")
    words = WordList(path)
    words.extend(text.tobytes(), "\n")
    if len(words.words) != tables.total or text[-1] != ord("\n"):
        raise FormatError(f"{path} holds {len(words.words)} words but {tables.total} rows; it is damaged")
    if counts is not None and (counts.dtype != np.int64 or counts.shape != (tables.total,)):
        raise FormatError(f"{path}: 'counts' is {counts.dtype} {list(counts.shape)}, not one I64 a word")
    words.warn()
    counts = None if counts is None else counts[:limit]
    return distinct(path, Table(words.words[:limit], tables.vectors, counts, tables.output))


def _tables(path: Path, file: TensorFile, limit: int | None) -> _Tables:
    """The input table, and the output table where there is one."""
    _check_version(path, file.metadata)
    tables = {name: tensor for name, tensor in file.tensors.items() if name in ("input", "output")}
    for name, table in tables.items():
        if table.dtype != np.float32 or table.ndim != 2:
            raise FormatError(f"{path}: {name!r} is {table.dtype} {list(table.shape)}, not a table of float32")
    if "input" not in tables:
        raise FormatError(f"{path} holds no table 'input' of float32")
    vectors, output = tables["input"], tables.get("output")
    if output is not None and output.shape != vectors.shape:
        raise FormatError(f"{path}: 'input' is {list(vectors.shape)} but 'output' is {list(output.shape)}")
    return _Tables(vectors[:limit], None if output is None else output[:limit], len(vectors))


def _check_version(path: Path, metadata: dict[str, str]) -> None:
    version = metadata.get(RUN_FORMAT, "")
    if not re.fullmatch(r"\d{1,9}", version, re.ASCII):
        raise FormatError(f"{path} does not say that it is a {RUN_FORMAT} file; it was written by another program")
    if int(version) > RUN_VERSION:
        raise FormatError(f"{path} has version {version}, this program reads up to {RUN_VERSION}; update word2vec")


def _read_vocabulary(path: Path, text: bytes, limit: int | None) -> tuple[list[str], NDArray[np.int64] | None]:
    """Words and their counts; no counts where the lines are bare words, as the first line shows."""
    if limit is not None:  # subtle: bytes end a line at \n only; a word may hold what str takes for a line end
        text = b"".join(islice(io.BytesIO(text), limit))
    counted = b"\t" in text.partition(b"\n")[0]
    line = _COUNTED_WORD if counted else _BARE_WORD
    if not re.fullmatch(b"(?:%b)*+" % line.pattern, text):
        _complain(path, text, line)
    try:
        fields = text.decode().replace("\n", "\t").split("\t")
    except UnicodeDecodeError:
        _complain(path, text, line)
    words = fields[:-1:2] if counted else fields[:-1]
    if len(set(words)) < len(words):
        _complain(path, text, line)
    return words, np.array(list(map(int, fields[1::2])), np.int64) if counted else None


def _complain(path: Path, text: bytes, pattern: re.Pattern[bytes]) -> NoReturn:
    """Says which line is wrong, and how."""
    known: set[bytes] = set()
    for number, line in enumerate(io.BytesIO(text), start=1):
        match = pattern.fullmatch(line)
        if match is None:
            expected = "word<TAB>count" if pattern is _COUNTED_WORD else "one word"
            raise FormatError(f"{path}, line {number}: expected {expected} and a line end, found {line[:60]!r}")
        try:
            word = match[1].decode()
        except UnicodeDecodeError as error:
            raise FormatError(f"{path}, line {number}: the word {match[1]!r} is not UTF-8") from error
        if match[1] in known:
            raise FormatError(f"{path}, line {number}: {word!r} is there already")
        known.add(match[1])
    raise AssertionError("a line has to be wrong")


def write_run(path: Path, table: Table, progress: bool = False) -> None:  # noqa: ARG001 (as fast as the disk)
    """Writes a run folder; other files in it stay."""
    words = encoded(path, table.words, spaces=True)
    columns = [words] if table.counts is None else [words, [b"%d" % count for count in table.counts.tolist()]]
    vocabulary = b"".join(b"\t".join(line) + b"\n" for line in zip(*columns, strict=True))
    metadata = {RUN_FORMAT: str(RUN_VERSION), VOCABULARY_DIGEST: _digest(vocabulary)}
    # subtle: the vectors come last, for what a checkpoint says of those before is true as long as they are there
    targets = path / VOCABULARY_FILE, path / VECTORS_FILE
    with new_folder(path), atomic_paths(*targets) as (vocabulary_file, vectors_file):
        vocabulary_file.write_bytes(vocabulary)
        write_tensors(vectors_file, _tensors(table), metadata)


def write_safetensors(path: Path, table: Table, progress: bool = False) -> None:
    """Writes a single file; a run folder where the path is a folder, or its name has no ending."""
    if path.is_dir() or not path.suffix:
        write_run(path, table, progress)
        return
    tensors = _tensors(table) | ({} if table.counts is None else {"counts": table.counts})
    text = b"".join(word + b"\n" for word in encoded(path, table.words, spaces=True))
    with atomic_path(path) as temporary:
        write_tensors(temporary, tensors | {"words": np.frombuffer(text, np.uint8)}, {RUN_FORMAT: str(RUN_VERSION)})


def _tensors(table: Table) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {"input": table.vectors}
    return tensors if table.output is None else tensors | {"output": table.output}
