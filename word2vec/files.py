"""Writing files so that a reader finds the old one or the new one, never half of one.

A file is written under another name beside its target, flushed to the disk, and moved over the target in one step.
What is written is the business of the callers: formats/ for vectors, training.py for the rest of a run folder.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from word2vec.errors import Word2VecError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Gives a path to write to; when the block ends well, that file takes the place of `target`.

    Args:
        target: the file to make or to replace; its folder has to exist.

    Yields:
        An empty file beside `target`. It is gone after the block, however that ended.

    Raises:
        Word2VecError: the file cannot be written, for instance because the disk is full. `target` is as it was.
    """
    with atomic_paths(target) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(*targets: Path) -> Iterator[list[Path]]:
    """As `atomic_path` for files that belong together: none is replaced before all of them lie safely on the disk.

    Args:
        targets: the files, replaced in this order: put first what is worthless without the others.

    Yields:
        One empty file for each target, beside it.

    Raises:
        Word2VecError: one of the files cannot be written.
    """
    temporaries: dict[Path, int] = {}  # with the permissions that a new file gets
    try:
        final = [target.resolve() for target in targets]  # subtle: a link stays a link, and what it names is replaced
        for path in final:
            _refuse_special(path)
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
            temporary.touch(exist_ok=False)
            temporaries[temporary] = temporary.stat().st_mode
        yield list(temporaries)
        for temporary, mode in temporaries.items():
            temporary.chmod(mode)  # subtle: safetensors replaces the file by one that only its owner may read
            _flush(temporary)
        for temporary, path in zip(temporaries, final, strict=True):
            temporary.replace(path)
    except OSError as error:
        names = " and ".join(map(str, targets))
        raise Word2VecError(f"cannot write {names}: {error.strerror or error}") from error
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def new_folder(path: Path) -> Iterator[None]:
    """Makes a folder and those above it; when the block fails, the ones made are removed where they are still empty.

    Raises:
        Word2VecError: the folder cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]  # deepest first
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Word2VecError(f"cannot make the folder {path}: {error.strerror or error}") from error
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _refuse_special(path: Path) -> None:
    """Says no where a file cannot be put."""
    if not path.parent.is_dir():
        raise Word2VecError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if path.exists() and not path.is_file():
        # subtle: replacing /dev/null would take the device away from the whole machine
        raise Word2VecError(f"cannot write {path}: it exists and is not a plain file; choose another name")


def _flush(path: Path) -> None:
    """Waits until the file's content is on the disk; a full disk may show only here."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
