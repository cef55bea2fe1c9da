"""The name of an index: a digest of the content of the files of a corpus and of the settings that affect the index.

Reading a large text takes seconds, so the name is remembered in a small file in the cache, a memo, for as long as no
file has changed. The cache may be damaged or shared with other users: a memo that does not have the exact form is
ignored.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from word2vec.corpus.read_settings import ReadSettings
from word2vec.errors import CorpusError
from word2vec.system.atomic_files import temporary_folder

# Bytes hashed at a time. Subtle: after each step the thread waits up to 5 ms for the thread that loads the compiled
# code, because that one holds Python's global lock; so the steps are large and few.
HASH_BYTES = 1 << 23
KEY = re.compile(r"[0-9a-f]{32}")  # the name of an index
TRUSTS_STATUS_CHANGE = os.name != "nt"  # Windows calls the creation time st_ctime: a change leaves no reliable trace

FileState = tuple[str, int, int, int]
"""Path, size, modification time and status change time of a file."""


def content_key(files: Sequence[Path], states: list[FileState], indexes: Path, settings: ReadSettings) -> str:
    """Return the name of the index: a digest of the files' content, remembered for files that have not changed.

    The name is remembered in a file whose own name is a digest of paths, sizes and times. It contains the name of the
    index and a check value, so that a damaged memo is ignored.

    Args:
        files: The files of the corpus.
        states: Their states before they are read.
        indexes: The folder of the indexes and memos.
        settings: How the files are turned into words.

    Raises:
        CorpusError: A file cannot be read, or it changed while it was read.
    """
    memo = indexes / f"seen-{hashlib.sha256(repr((settings.key, states)).encode()).hexdigest()[:32]}"
    if TRUSTS_STATUS_CHANGE and (known := _read_memo(memo)):
        return known
    digest = hashlib.sha256(settings.key.encode())
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_load_kernels)  # a text not seen before will nearly always be encoded next
        for file in files:
            digest.update(_digest(file))
    check_unchanged(files, states)
    key = digest.hexdigest()[:32]
    if TRUSTS_STATUS_CHANGE:
        with suppress(OSError):  # the memo only saves time; if the disk has a problem, _build reports it
            indexes.mkdir(parents=True, exist_ok=True)
            # subtle: a link in place of the memo is replaced; atomic_path would overwrite the file that it points to
            with temporary_folder(indexes, "tmp-") as folder:
                (folder / memo.name).write_text(_memo_text(memo, key), encoding="ascii")
                (folder / memo.name).replace(memo)
    return key


def _memo_text(memo: Path, key: str) -> str:
    check = hashlib.sha256(f"{memo.name} {key}".encode()).hexdigest()[:32]
    return f"{key} {check}\n"


def _read_memo(memo: Path) -> str | None:
    """Return the name of the index that a memo contains; None if there is no memo or it is damaged."""
    try:
        with memo.open("rb") as file:
            text = file.read(128).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    key = text[:32]
    return key if KEY.fullmatch(key) and text == _memo_text(memo, key) else None


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


def file_states(files: Sequence[Path]) -> list[FileState]:
    """Return what identifies an unchanged file without reading it.

    Two times, because the modification time can be set back, as `cp -p` and `touch` do.
    """
    try:
        states = [(file, file.stat()) for file in files]
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return [(str(file.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns) for file, state in states]


def check_unchanged(files: Sequence[Path], states: list[FileState]) -> None:
    """Raise an error if a file has another state than before.

    Raises:
        CorpusError: A file changed, or it cannot be read.
    """
    if file_states(files) != states:
        raise CorpusError("the corpus changed while it was being read; start again when nothing writes to it")
