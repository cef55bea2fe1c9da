"""The run folder of a training on pairs: two tables, and one vocabulary for each.

vectors.safetensors contains the tables `input` (inputs, D) and `output` (targets, D); vocab.tsv lists the inputs and
targets.tsv the targets, in the format of run.py. The vectors file records the SHA-256 of both vocabularies, so files of
different runs are rejected. Its version is higher than that of other runs: a reader that does not know targets would
assign the rows of the output table to the inputs.
"""

from os import PathLike
from pathlib import Path

from word2vec.errors import FormatError
from word2vec.formats.run import (
    PAIR_VERSION,
    RUN_FORMAT,
    VECTORS_FILE,
    VOCABULARY_DIGEST,
    VOCABULARY_FILE,
    digest_of,
    encode_vocabulary,
    mismatch,
    read_vocabulary,
    table_of,
)
from word2vec.formats.table import Table, check_finite
from word2vec.formats.tensor_file import map_tensors, verify_blocks, write_tensors
from word2vec.system.atomic_files import atomic_paths, new_folder

TARGETS_FILE = "targets.tsv"
TARGETS_DIGEST = "targets.tsv-sha256"  # metadata key of the vectors file
SIDES = (("input", VOCABULARY_FILE, VOCABULARY_DIGEST), ("output", TARGETS_FILE, TARGETS_DIGEST))


def is_pair_run(path: Path) -> bool:
    """Return whether a path is the folder of a run that was trained on pairs; False if that cannot be determined."""
    try:
        return map_tensors(path / VECTORS_FILE).metadata.get(RUN_FORMAT) == str(PAIR_VERSION)
    except (FormatError, OSError):
        return False


def read_pair_tables(path: str | PathLike[str], *, verify: bool = True) -> tuple[Table, Table]:
    """Read the tables of the inputs and of the targets from a run folder.

    Args:
        path: The run folder.
        verify: Whether to read all numbers and compare them with their checksums.

    Raises:
        FormatError: The folder cannot be read, is damaged, or was not trained on pairs.
    """
    path = Path(path)
    try:
        tables = _read(path)
        if verify:
            verify_blocks(path / VECTORS_FILE)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    for table in tables if verify else ():
        check_finite(path, table)
    return tables


def _read(path: Path) -> tuple[Table, Table]:
    for name in (VECTORS_FILE, VOCABULARY_FILE):
        if not (path / name).is_file():
            raise FormatError(f"{path}: not a run folder, {name} is missing; pass the folder of a run trained on pairs")
    file = map_tensors(path / VECTORS_FILE)
    if file.metadata.get(RUN_FORMAT) != str(PAIR_VERSION):
        raise FormatError(f"{path}: not trained on pairs; load it with word2vec.load or WordVectors.load")
    tables = []
    for name, vocabulary_file, digest in SIDES:
        if not (path / vocabulary_file).is_file():
            raise FormatError(f"{path}: {vocabulary_file} is missing; restore the file, or train again")
        text = (path / vocabulary_file).read_bytes()
        words, counts = read_vocabulary(path / vocabulary_file, text, None)
        vectors = table_of(path / VECTORS_FILE, file, name)
        if len(words) != len(vectors):
            raise mismatch(
                path, f"{vocabulary_file} has {len(words)} words but {VECTORS_FILE} has {len(vectors)} rows of {name!r}"
            )
        if file.metadata.get(digest) != digest_of(text):
            raise mismatch(path, f"{vocabulary_file} is not the one that {VECTORS_FILE} was written with")
        tables.append(Table(words, vectors, counts))
    inputs, targets = tables
    if inputs.vectors.shape[1] != targets.vectors.shape[1]:
        raise FormatError(f"{path}: the tables have different dimensions; the file is damaged")
    return inputs, targets


def write_pair_tables(path: str | PathLike[str], inputs: Table, targets: Table) -> None:
    """Write a run folder; other files in the folder are kept.

    Raises:
        FormatError: A name cannot be represented, or a number is not finite.
        Word2VecError: The folder cannot be written.
    """
    path = Path(path)
    texts = []
    for table in (inputs, targets):
        check_finite(path, table)
        texts.append(encode_vocabulary(path, table))
    metadata = {RUN_FORMAT: str(PAIR_VERSION)}
    metadata |= {digest: digest_of(text) for (_, _, digest), text in zip(SIDES, texts, strict=True)}
    # subtle: the vectors come last, because a checkpoint describes the old vectors as long as they are there
    files = path / VOCABULARY_FILE, path / TARGETS_FILE, path / VECTORS_FILE
    with new_folder(path), atomic_paths(*files) as (inputs_file, targets_file, vectors_file):
        inputs_file.write_bytes(texts[0])
        targets_file.write_bytes(texts[1])
        write_tensors(vectors_file, {"input": inputs.vectors, "output": targets.vectors}, metadata)
