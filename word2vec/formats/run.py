"""The native format: a run folder with vectors.safetensors and vocab.tsv.

vocab.tsv has one line per word, with its count after a tab, for people and other programs to read; the other files of
the folder belong to training. The two files are replaced one after the other, so the vectors file records the SHA-256
of the vocabulary, and two files that do not belong together, after a killed process or a partial copy, are rejected.
The vectors are memory-mapped: memory is used only for the rows that are accessed.
"""

import hashlib
import io
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from word2vec.corpus.phrases import Phrases
from word2vec.errors import FormatError
from word2vec.formats.foreign import describe_folder
from word2vec.formats.ngrams import NGRAMS, ngram_arrays, read_ngrams
from word2vec.formats.table import Table, encode_words, parse_refinement
from word2vec.formats.tensor_file import TensorFile, map_tensors, verify_blocks, write_tensors
from word2vec.models.subwords import WORD_ROWS, Subwords
from word2vec.system.atomic_files import atomic_paths, new_folder

RUN_FORMAT = "word2vec-run"
# Increase when an older reader would misread the files. Tables that an older reader ignores, such as those of n-grams,
# are no reason: it reads the same vectors of words, and reports that unknown words have none.
RUN_VERSION = 1
PAIR_VERSION = 2  # of runs trained on pairs, which have a second vocabulary; see pair_run.py
VECTORS_FILE = "vectors.safetensors"
VOCABULARY_FILE = "vocab.tsv"
# The tables of a trained model in the vectors file. With n-grams, "input" contains the vectors of the words, which are
# means of their own rows, "word-rows", and the rows of their n-grams. With hierarchical softmax, "nodes" contains the
# rows of the inner nodes of the tree of the words, and there is no "output". In a refined run, "input" contains the
# refined vectors, "plain" the trained ones, and the n-grams are those of the refinement.
MODEL_TABLES = ("input", "output", "nodes", WORD_ROWS, NGRAMS)
PLAIN = "plain"
PHRASES = "phrases"  # U8, the content of a file of phrases, see corpus/phrases.py; earlier versions ignore it
REFINEMENT = "refinement"  # metadata key of the settings of a refined run, a JSON object
CHECKPOINT_FILE = "checkpoint.safetensors"  # written by training
NGRAM_SETTINGS = "min-n", "max-n", "number-of-buckets"  # metadata keys; the numbers are those of `ngrams.Settings`
VOCABULARY_DIGEST = "vocab.tsv-sha256"  # metadata key of the vectors file; missing in files of earlier versions

_COUNTED_WORD = re.compile(rb"([^\t\n]+)\t(\d{1,18})\n")
_BARE_WORD = re.compile(rb"([^\t\n]+)\n")


class Tables(NamedTuple):
    """The tables of words and the words' own rows, cut to the limit, and their total number of rows."""

    vectors: NDArray[np.float32]
    output: NDArray[np.float32] | None
    subwords: Subwords | None
    nodes: NDArray[np.float32] | None  # None if words are cut off, because all counts are needed for the tree
    plain: NDArray[np.float32] | None
    refinement: dict[str, Any] | None
    phrases: Phrases | None
    total: int

    def table(self, words: list[str], counts: NDArray[np.int64] | None) -> Table:
        """Return the tables with their words and counts."""
        return Table(
            words,
            self.vectors,
            counts,
            self.output,
            self.subwords,
            self.nodes,
            self.plain,
            self.refinement,
            self.phrases,
        )


def read_run(path: Path, limit: int | None, progress: bool = False) -> Table:  # noqa: ARG001 (memory-mapped)
    """Read a run folder."""
    for name in (VECTORS_FILE, VOCABULARY_FILE):
        if not (path / name).is_file():
            if foreign := describe_folder(path):
                raise FormatError(f"{path}: {foreign}")
            raise FormatError(f"{path}: not a run folder, {name} is missing; pass a run folder or a file of vectors")
    file, text = map_tensors(path / VECTORS_FILE), (path / VOCABULARY_FILE).read_bytes()
    tables = read_tables(path / VECTORS_FILE, file, limit)
    words, counts = read_vocabulary(path / VOCABULARY_FILE, text, limit)
    if len(words) != len(tables.vectors):
        at_least = "at least " if limit is not None else ""
        raise mismatch(
            path, f"{VOCABULARY_FILE} has {at_least}{len(words)} words but {VECTORS_FILE} has {tables.total} rows"
        )
    if file.metadata.get(VOCABULARY_DIGEST) not in (None, digest_of(text)):
        raise mismatch(path, f"{VOCABULARY_FILE} is not the one that {VECTORS_FILE} was written with")
    return tables.table(words, counts)


def verify_run(path: Path, limit: int | None) -> bool:
    """Compare the vectors with their checksums; return whether there are any."""
    return verify_vectors(path / VECTORS_FILE, limit)


def verify_vectors(path: Path, limit: int | None) -> bool:
    """Compare the tables of a safetensors file with their checksums; a limit does not apply to n-grams."""
    return verify_blocks(path, limit, complete=(NGRAMS,))


def write_run(path: Path, table: Table, progress: bool = False) -> None:  # noqa: ARG001 (as fast as the disk)
    """Write a run folder; other files in the folder are kept."""
    vocabulary = encode_vocabulary(path, table)
    tensors, metadata = content_of(table)
    metadata[VOCABULARY_DIGEST] = digest_of(vocabulary)
    # subtle: the vectors come last, because a checkpoint describes the old vectors as long as they are there
    targets = path / VOCABULARY_FILE, path / VECTORS_FILE
    with new_folder(path), atomic_paths(*targets) as (vocabulary_file, vectors_file):
        vocabulary_file.write_bytes(vocabulary)
        write_tensors(vectors_file, tensors, metadata)


def encode_vocabulary(path: Path, table: Table) -> bytes:
    """Return the content of vocab.tsv for the words of a table."""
    words = encode_words(path, table.words, spaces=True)
    columns = [words] if table.counts is None else [words, [b"%d" % count for count in table.counts.tolist()]]
    return b"".join(b"\t".join(line) + b"\n" for line in zip(*columns, strict=True))


def read_tables(path: Path, file: TensorFile, limit: int | None) -> Tables:
    """Return the input table of a safetensors file and, if there are any, the output table or nodes, and the n-grams.

    Raises:
        FormatError: The file was written by another program or a later version, or a table has the wrong type or shape.
    """
    _check_version(path, file.metadata)
    vectors = table_of(path, file, "input")
    found = {name: table_of(path, file, name) for name in ("output", "nodes", PLAIN) if name in file.tensors}
    for name, table in found.items():
        if table.shape != vectors.shape:
            raise FormatError(
                f"{path}: 'input' has the shape {list(vectors.shape)} but {name!r} has {list(table.shape)}; "
                "the file is damaged"
            )
    output, plain = found.get("output"), found.get(PLAIN)
    nodes = found.get("nodes") if limit is None or limit >= len(vectors) else None
    subwords = read_ngrams(path, file.tensors, _ngram_settings(file.metadata), vectors.shape, limit)
    output, plain = (None if table is None else table[:limit] for table in (output, plain))
    refinement = parse_refinement(path, file.metadata.get(REFINEMENT))
    phrases = None if PHRASES not in file.tensors else Phrases.from_bytes(file.tensors[PHRASES].tobytes(), path)
    return Tables(vectors[:limit], output, subwords, nodes, plain, refinement, phrases, len(vectors))


def _ngram_settings(metadata: dict[str, str]) -> list[int] | None:
    """Return the numbers of the n-gram settings in the metadata of a file, None if there are none."""
    found = [metadata[key] for key in NGRAM_SETTINGS if key in metadata]
    return [int(number) for number in found if re.fullmatch(r"-?\d{1,10}", number, re.ASCII)] if found else None


def table_of(path: Path, file: TensorFile, name: str) -> NDArray[np.float32]:
    """Return a table of a safetensors file.

    Raises:
        FormatError: There is no table of this name, or it has the wrong type or shape.
    """
    table = file.tensors.get(name)
    if table is None:
        raise FormatError(f"{path}: contains no float32 table {name!r}; the file was written by another program")
    if table.dtype != np.float32 or table.ndim != 2:
        raise FormatError(
            f"{path}: {name!r} has type {table.dtype} and shape {list(table.shape)}, expected a float32 table"
        )
    return table


def content_of(table: Table) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the tables by their names in safetensors files, and the metadata."""
    tables = {"input": table.vectors, "output": table.output, "nodes": table.nodes, PLAIN: table.plain}
    tensors: dict[str, NDArray[Any]] = {name: numbers for name, numbers in tables.items() if numbers is not None}
    ngrams, settings = ngram_arrays(table)
    if table.phrases is not None:
        tensors[PHRASES] = np.frombuffer(table.phrases.to_bytes(), np.uint8)
    metadata: dict[str, str] = {}
    if settings is not None:
        metadata |= zip(NGRAM_SETTINGS, map(str, settings), strict=True)
    if table.refinement is not None:
        metadata[REFINEMENT] = json.dumps(table.refinement)
    return tensors | ngrams, {RUN_FORMAT: str(RUN_VERSION), **metadata}


def digest_of(vocabulary: bytes) -> str:
    """Return the SHA-256 of a vocabulary."""
    return hashlib.sha256(vocabulary).hexdigest()


def mismatch(path: Path, reason: str) -> FormatError:
    """Return the error for a folder in which only one of the two files was replaced."""
    has_checkpoint = (path / CHECKPOINT_FILE).exists()
    remedy = (
        "train with --resume to write both again" if has_checkpoint else "restore the original file, or train again"
    )
    return FormatError(f"{path}: {reason}; the two files are from different runs: {remedy}")


def _check_version(path: Path, metadata: dict[str, str]) -> None:
    version = metadata.get(RUN_FORMAT, "")
    if not re.fullmatch(r"\d{1,9}", version, re.ASCII):
        raise FormatError(f"{path}: no {RUN_FORMAT} version in its metadata; the file was written by another program")
    if int(version) == PAIR_VERSION:
        raise FormatError(
            f"{path}: trained on pairs, with vectors of inputs and of targets; load the folder with word2vec.load in "
            "Python, or export one table: word2vec export RUN OUT --table targets"
        )
    if int(version) > RUN_VERSION:
        raise FormatError(
            f"{path}: the file has version {version}, but this program reads up to {PAIR_VERSION}; update word2vec"
        )


def read_vocabulary(path: Path, text: bytes, limit: int | None) -> tuple[list[str], NDArray[np.int64] | None]:
    """Return the words and their counts; None if the first line has no count."""
    if limit is not None:  # subtle: bytes end a line only at \n, but str also at characters that words may contain
        text = b"".join(islice(io.BytesIO(text), limit))
    counted = b"\t" in text.partition(b"\n")[0]
    line = _COUNTED_WORD if counted else _BARE_WORD
    if not re.fullmatch(b"(?:%b)*+" % line.pattern, text):
        _raise_malformed(path, text, line)
    try:
        fields = text.decode().replace("\n", "\t").split("\t")
    except UnicodeDecodeError:
        _raise_malformed(path, text, line)
    words = fields[:-1:2] if counted else fields[:-1]
    if len(set(words)) < len(words):
        _raise_malformed(path, text, line)
    return words, np.array(list(map(int, fields[1::2])), np.int64) if counted else None


def _raise_malformed(path: Path, text: bytes, pattern: re.Pattern[bytes]) -> NoReturn:
    """Raise FormatError for the first malformed line of a vocabulary."""
    known: set[bytes] = set()
    for number, line in enumerate(io.BytesIO(text), start=1):
        match = pattern.fullmatch(line)
        if match is None:
            expected = "word<TAB>count" if pattern is _COUNTED_WORD else "one word"
            raise FormatError(f"{path}, line {number}: expected {expected} and a line feed, found {line[:60]!r}")
        try:
            word = match[1].decode()
        except UnicodeDecodeError as error:
            raise FormatError(f"{path}, line {number}: the word {match[1]!r} is not valid UTF-8") from error
        if match[1] in known:
            raise FormatError(f"{path}, line {number}: duplicate word {word!r}")
        known.add(match[1])
    raise AssertionError("called for a vocabulary without a malformed line")
