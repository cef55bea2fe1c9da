"""Writing files so that a reader finds the old one or the new one, never half of one.

A file is written in a temporary folder beside its target, flushed to the disk, and moved over the target in one step.
What is written is the business of the callers: formats/ for vectors, training.py for the rest of a run folder.
"""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from word2vec.errors import Word2VecError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TEMPORARY = ".word2vec-tmp-"  # how the folders are called that files are written in


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Gives a path to write to; when the block ends well, that file takes the place of `target`.

    Args:
        target: the file to make or to replace; its folder has to exist.

    Yields:
        An empty file on the disk of `target`. It is gone after the block, however that ended.

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
        One empty file for each target, on the same disk.

    Raises:
        Word2VecError: one of the files cannot be written.
    """
    try:
        final = [target.resolve() for target in targets]  # subtle: a link stays a link, and what it names is replaced
        with ExitStack() as work:
            modes: dict[Path, int] = {}  # the permissions that a new file gets
            for path in final:
                _refuse_special(path)
                temporary = work.enter_context(temporary_folder(path.parent, TEMPORARY)) / path.name
                temporary.touch()
                modes[temporary] = temporary.stat().st_mode
            yield list(modes)
            for temporary, mode in modes.items():
                temporary.chmod(mode)  # subtle: safetensors replaces the file by one that only its owner may read
                _flush(temporary)
            for temporary, path in zip(modes, final, strict=True):
                temporary.replace(path)
            for folder in {path.parent for path in final}:
                _flush_folder(folder)
    except OSError as error:
        names = " and ".join(map(str, targets))
        raise Word2VecError(f"cannot write {names}: {error.strerror or error}") from error


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder for work that is not done; it is gone after the block, however that ended.

    The folder of a process that was killed stays, until the next one makes one of that prefix there. That it is
    nobody's any more shows in its lock, which went with the process.

    Raises:
        OSError: the folder cannot be made.
    """
    for stale in parent.glob(f"{glob.escape(prefix)}*"):
        with _lock(stale) as ours:
            if ours:
                shutil.rmtree(stale, ignore_errors=True)
    with ExitStack() as locks:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        # subtle: before it was locked somebody may have taken it for stale
        while locks.enter_context(_lock(folder)) is False or not folder.exists():
            folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a second process from working in a folder; where there are no locks, nothing is held.

    Raises:
        Word2VecError: another process has the lock.
    """
    with _lock(folder) as ours:
        if ours is False:
            raise Word2VecError(
                f"{folder}: another training writes to this folder; wait for it, or choose another --output"
            )
        yield


@contextmanager
def _lock(folder: Path) -> Iterator[bool | None]:
    """Takes the lock of a folder, which goes with the process however that ends.

    Yields:
        Whether it was free; None where that is not known: no folder, or no locks on this disk or machine.
    """
    if fcntl is None:
        yield None
        return
    ours: bool | None = None
    with ExitStack() as descriptors:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            descriptors.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ours = True
            except BlockingIOError:
                ours = False
        yield ours


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


def _flush_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, so that a file moved there survives a power cut."""
    with suppress(OSError):  # Windows opens no folders, and some file systems flush none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
