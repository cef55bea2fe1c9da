"""Write files atomically: a reader finds the old file or the new one, never a partial one.

A file is written in a temporary folder beside its target, flushed to disk, and moved over the target in one step. This
module also provides temporary folders that are cleaned up even after a crash, and locks on folders.
"""

import glob
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from word2vec.errors import Word2VecError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TEMPORARY = ".word2vec-tmp-"  # prefix of the temporary folders that files are written in
STALE_SECONDS = 24 * 3600  # a temporary folder whose process may run on another host is kept for this time


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Provide a path to write to; if the block succeeds, that file replaces `target`.

    Args:
        target: The file to create or replace; its folder must exist.

    Yields:
        An empty file on the same disk as `target`. It is deleted after the block, whether or not the block succeeds.

    Raises:
        Word2VecError: The file cannot be written, for instance because the disk is full. `target` is unchanged.
    """
    with atomic_paths(target) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(*targets: Path) -> Iterator[list[Path]]:
    """Like `atomic_path` for several files: none is replaced before all of them are flushed to disk.

    Args:
        targets: The files, replaced in this order: put first the file that is useless without the others.

    Yields:
        One empty file for each target, on the same disk.

    Raises:
        Word2VecError: One of the files cannot be written; none is replaced. On Windows this happens if another process
            has one of the targets open.
    """
    try:
        final = [target.resolve() for target in targets]  # subtle: a link stays a link, and its target is replaced
        with ExitStack() as work:
            modes: dict[Path, int] = {}  # temporary file -> the permissions of a new file
            for path in final:
                _check_target(path)
                temporary = work.enter_context(temporary_folder(path.parent, TEMPORARY)) / path.name
                temporary.touch()
                modes[temporary] = temporary.stat().st_mode
            yield list(modes)
            for temporary, mode in modes.items():
                temporary.chmod(mode)  # subtle: safetensors replaces the file by one that only its owner may read
                flush_file(temporary)
            _replace_all(list(zip(modes, final, strict=True)))
            for folder in {path.parent for path in final}:
                flush_folder(folder)
    except OSError as error:
        names = " and ".join(map(str, targets))
        raise Word2VecError(f"cannot write {names}: {error.strerror or error}") from error


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Provide a folder to write to; if the block succeeds, it becomes `target`.

    Args:
        target: The folder to create, or an empty one; missing parents are created.

    Yields:
        An empty folder of the same name on the same disk. It is deleted if the block fails.

    Raises:
        Word2VecError: `target` is not an empty folder, or the files cannot be written.
    """
    final = target.resolve()
    if final.exists() and not (final.is_dir() and not any(final.iterdir())):
        raise Word2VecError(f"cannot write {target}: it exists and is not an empty folder; choose another name")
    try:
        with new_folder(final.parent), temporary_folder(final.parent, TEMPORARY) as work:
            unfinished = work / final.name
            unfinished.mkdir()
            yield unfinished
            for path in unfinished.rglob("*"):
                if path.is_file():
                    flush_file(path)
            if final.exists():
                final.rmdir()
            unfinished.replace(final)
            flush_folder(final.parent)
    except OSError as error:
        raise Word2VecError(f"cannot write {target}: {error.strerror or error}") from error
    except Word2VecError as error:  # about a file in the unfinished folder, whose name the user does not know
        raise type(error)(
            re.sub(rf"\S*{re.escape(TEMPORARY)}[^/\\]*[/\\]{re.escape(final.name)}", lambda _: str(target), str(error))
        ) from error


def _replace_all(files: list[tuple[Path, Path]]) -> None:
    """Move each temporary file over its target; if one cannot be moved, the targets replaced before it are restored."""
    backups = {}  # target -> its old content; not of the last one, after which nothing can fail
    for temporary, target in files[:-1]:
        backups[target] = temporary.with_name(f"old-{temporary.name}")
        if target.exists():
            shutil.copy2(target, backups[target])
    try:
        for temporary, target in files:
            temporary.replace(target)
    except BaseException:
        replaced = [target for temporary, target in files if not temporary.exists()]
        for target in replaced if len(replaced) < len(files) else []:
            if backups[target].exists():
                backups[target].replace(target)
            else:
                target.unlink()
        raise


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Create a folder for unfinished work, which is deleted after the block, whether or not the block succeeds.

    The folder of a killed process remains until a later call with the same parent and prefix. Such a folder is
    recognized by its lock, which the system released when the process ended. Some network file systems keep locks local
    to a host, so the name of a folder contains its host, and one of another host is deleted only after a day without
    changes. The same holds where locks are not supported.

    Args:
        parent: The folder in which it is created.
        prefix: How its name begins.

    Yields:
        The path of the folder.

    Raises:
        OSError: The folder cannot be created.
    """
    for stale in parent.glob(f"{glob.escape(prefix)}*"):
        with _lock(stale) as acquired:
            if acquired is not False and ((acquired and _is_of_this_host(stale, prefix)) or _is_old(stale)):
                shutil.rmtree(stale, ignore_errors=True)
    folder = parent / f"{prefix}{_host_name()}-{os.getpid()}-{secrets.token_hex(4)}"
    with ExitStack() as locks:
        try:  # subtle: named and guarded before it exists, because a signal may arrive as soon as it does
            folder.mkdir(mode=0o700)
            # subtle: before the folder is locked, another process may have deleted it as stale
            while locks.enter_context(_lock(folder)) is False or not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_folder(path: Path) -> Iterator[None]:
    """Create a folder and its parents; if the block fails, those that were created and are still empty are removed.

    Raises:
        Word2VecError: The folder cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]  # deepest first
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Word2VecError(
                f"cannot create the folder {path}: {error.strerror or error}; choose another folder"
            ) from error
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from working in a folder during the block; without effect where locks are not supported.

    Raises:
        Word2VecError: Another process has the lock.
    """
    with _lock(folder) as acquired:
        if acquired is False:
            raise Word2VecError(f"{folder}: another process writes to this folder; wait for it or use another folder")
        yield


@contextmanager
def _lock(folder: Path) -> Iterator[bool | None]:
    """Acquire the lock of a folder, which the system releases when the process ends, however it ends.

    Yields:
        Whether the lock was acquired; None if that is unknown: there is no folder, or locks are not supported.
    """
    if fcntl is None:
        yield None
        return
    acquired: bool | None = None
    with ExitStack() as descriptors:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            descriptors.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                acquired = True
            except BlockingIOError:
                acquired = False
        yield acquired


def _host_name() -> str:
    """Return the name of this host as a part of a file name, without hyphens."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", socket.gethostname())[:64]


def _is_of_this_host(folder: Path, prefix: str) -> bool:
    """Return whether `temporary_folder` created a folder on this host."""
    return re.fullmatch(rf"{re.escape(_host_name())}-\d+-[^-]+", folder.name.removeprefix(prefix)) is not None


def _is_old(folder: Path) -> bool:
    """Return whether nothing has changed in a folder for `STALE_SECONDS`."""
    try:
        changed = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return False
    return time.time() - changed > STALE_SECONDS


def _check_target(path: Path) -> None:
    """Raise an error if a file cannot be created or replaced here."""
    if not path.parent.is_dir():
        raise Word2VecError(f"cannot write {path}: the folder {path.parent} does not exist; create it first")
    if path.exists() and not path.is_file():
        # subtle: replacing /dev/null would remove the device for the whole machine
        raise Word2VecError(f"cannot write {path}: it exists and is not a regular file; choose another name")


def flush_file(path: Path) -> None:
    """Wait until the content of a file is on disk; a full disk may only be noticed here."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, so a file that was moved there survives a power failure."""
    with suppress(OSError):  # Windows cannot open folders, and some file systems cannot flush them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
