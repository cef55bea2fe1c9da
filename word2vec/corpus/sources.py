"""Find the files of a corpus: paths, folders, glob patterns, standard input and named corpora.

`resolve` turns the sources of a corpus into a list of files; reader.py reads them.

An output folder may be inside the corpus folder: folders that contain a run are left out when folders are searched.
"""

import glob
import logging
import os
from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

from word2vec.corpus.named import NAMED_CORPORA
from word2vec.corpus.remote import is_remote
from word2vec.errors import CorpusError

STDIN = Path("-")
TABLE_FILES = {"vectors.safetensors", "checkpoint.safetensors"}  # binary: no folder of texts contains them
METRICS_FILE = "metrics.jsonl"
RUN_FILES = {*TABLE_FILES, METRICS_FILE, "vocab.tsv", "config.toml"}

logger = logging.getLogger("word2vec")


def resolve(sources: Sequence[str | Path]) -> list[Path]:
    """Resolve the sources of a corpus to files, in reading order.

    Args:
        sources: Paths, folders (read recursively, without hidden files and run folders), glob patterns (`**` also
            without run folders), `-` for standard input, or names of corpora (`text8`, `pydocs`). An existing path
            takes precedence over a corpus of the same name.

    Returns:
        Files, pipes, or `STDIN` alone.

    Raises:
        CorpusError: Nothing was given, or a source does not exist, contains no file or is a run folder.
    """
    if isinstance(sources, str | Path):
        sources = [sources]
    try:
        files = [file for source in sources for file in _resolve_one(source)]
    except OSError as error:  # for example an unreadable folder, or a name that is too long
        raise CorpusError(f"{error.filename or 'the corpus'}: cannot be read: {error.strerror or error}") from error
    if not files:
        raise CorpusError(
            "no corpus given; pass a text file, a folder, a glob pattern, '-' for standard input or a named corpus "
            "such as text8"
        )
    if STDIN in files and len(files) > 1:
        raise CorpusError("standard input ('-') cannot be combined with other corpora; concatenate them first")
    return files


def is_source(name: str) -> bool:
    """Return whether a string is a file, folder, URL, corpus or standard input, or a pattern that matches."""
    try:
        path = Path(os.path.expanduser(name))  # noqa: PTH111 (see _resolve_one)
        if is_remote(name) or path == STDIN or name in NAMED_CORPORA or path.exists():
            return True
        return glob.has_magic(name) and any(glob.iglob(str(path), recursive=True))  # noqa: PTH207 (absolute)
    except (OSError, ValueError):  # a text is too long for a name, or contains a NUL character
        return False


def reject_files_in(folder: Path, files: Sequence[Path]) -> None:
    """Raise an error if a corpus file is inside the output folder.

    Such a file could be overwritten by the result, or the next training could read the result as a corpus.

    Args:
        folder: The folder that the result will be written to.
        files: The files of the corpus.

    Raises:
        CorpusError: A file of the corpus is in the folder, under the same name or another.
    """
    # subtle: links are followed, because what they point to would be overwritten
    inside = {_identity(file) for file in folder.iterdir() if file.is_file()}
    for file in files if inside else ():
        if file != STDIN and _identity(file) in inside:
            raise CorpusError(
                f"{file}: the corpus is inside the output folder {folder} and could be overwritten; "
                "choose another --output"
            )


def _resolve_one(source: str | Path) -> list[Path]:
    path = Path(os.path.expanduser(source))  # noqa: PTH111 (leaves "~x.txt" alone if there is no user of that name)
    if path == STDIN:
        return [STDIN]
    if path.is_file() or path.is_fifo():
        return [path]
    if path.is_dir():
        files = sorted(_walk(path))
        if not files:
            raise CorpusError(
                f"{path}: the folder contains no files (hidden ones and run folders are ignored); add text files to it"
            )
        return files
    if str(source) in NAMED_CORPORA:
        return [NAMED_CORPORA[str(source)]()]
    if path.exists():
        raise CorpusError(f"{path}: is a device or a socket, not a file; pass a text file, or '-' for standard input")
    # subtle: ** follows links to folders, and a loop of links gives a file many names: keep the shortest
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)), key=_depth, reverse=True)  # noqa: PTH207 (absolute)
    files = sorted({match.resolve(): match for match in matches if match.is_file()}.values())
    if "**" in path.parts:
        files = _without_runs(files, path)
    if not files:
        names = ", ".join(NAMED_CORPORA)
        raise CorpusError(f"{source}: no such file, folder or corpus; check the path, or use a named corpus: {names}")
    return files


def _identity(file: Path) -> tuple[int, int]:
    """Return the device and inode of a file, which all its names share."""
    state = file.stat()
    return state.st_dev, state.st_ino


def _depth(path: Path) -> int:
    return len(path.parts)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders; hidden ones and run folders are skipped.

    Raises:
        CorpusError: The folder itself contains a run.
    """
    # subtle: links to folders are not followed, so a loop of links does no harm
    for parent, folders, names in os.walk(folder, onerror=_raise, followlinks=False):
        if _is_run(names):
            if Path(parent) == folder:
                raise CorpusError(f"{folder}: is a run folder, not a folder of texts; remove it from the corpus")
            logger.info("%s: contains a run; not read as text", parent)
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (path for name in names if not name.startswith(".") and (path := Path(parent) / name).is_file())


def _is_run(names: Collection[str]) -> bool:
    """Return whether a folder with these files contains a run.

    Before its first checkpoint, a run has no tables but its metrics, so a folder with metrics is a run if it contains
    no files but those of a run.
    """
    visible = {name for name in names if not name.startswith(".")}
    return not TABLE_FILES.isdisjoint(visible) or (METRICS_FILE in visible and visible <= RUN_FILES)


def _without_runs(files: Sequence[Path], pattern: Path) -> list[Path]:
    """Return the files that are not in a run folder below the fixed part of a glob pattern."""
    root = Path(*takewhile(lambda part: glob.escape(part) == part, pattern.parts))
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(root) and folder != root}
    runs = {folder for folder in folders if _is_run(next(os.walk(folder, onerror=_raise))[2])}
    for folder in sorted(runs):
        logger.info("%s: contains a run; not read as text", folder)
    return [file for file in files if runs.isdisjoint(file.parents)]


def _raise(error: OSError) -> NoReturn:
    raise error
