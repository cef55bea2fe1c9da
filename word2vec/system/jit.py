"""Compile functions with numba, and cache the compiled code on disk if possible.

Numba runs whatever its cache files contain, and a damaged file ends the process or changes results. So each file ends
with a SHA-256 of its content, which is verified before numba reads it; a damaged file is deleted, and the function is
compiled again.
"""

import functools
import hashlib
import io
import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache

from word2vec.system import instruction_set

SUFFIX = ".sha256"  # in the names of the files, because those that numba itself writes have no checksum
DIGEST_BYTES = hashlib.sha256().digest_size

logger = logging.getLogger("word2vec")

instruction_set.restrict()  # before the first function is compiled


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with numba on its first call, and release the global lock while it runs."""
    return cached_on_disk(numba.njit(nogil=True)(function))


def compiled_with(*inlined: ModuleType) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate as `compiled` does, for functions that contain code of other modules.

    Numba detects changes only of the file that defines a function, so the cache has a digest of the others in its name.
    """
    digest = zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in inlined))

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ += f"_{digest:08x}"
        return compiled(function)

    return decorate


def cached_on_disk(dispatcher: Any) -> Callable[..., Any]:
    """Let a function that numba compiles use the cache on disk, and return it.

    If neither the folder of the package nor the user's cache is writable, as in many containers, or if the disk is
    full, every process compiles the function again, which takes seconds.
    """
    try:
        dispatcher._cache = _CheckedCache(dispatcher.py_func)
    except RuntimeError as error:
        dispatcher._cache = _NoCache(str(error))
    return dispatcher  # type: ignore[no-any-return]


class _CheckedFiles(IndexDataCacheFile):
    """The files of one function: an index, and one file for each combination of argument types."""

    def save(self, key: Any, data: Any) -> None:
        """Save compiled code in a file of its own, then its entry in the index.

        subtle: numba numbers the files and writes the entry first. If the code then cannot be written, or if two
        processes compile at the same time, the entry names the code of an earlier version or of other argument types.
        """
        overloads = self._load_index()
        digest = hashlib.sha256(repr((key, self._source_stamp)).encode()).hexdigest()
        overloads[key] = self._data_name(int(digest[:16], 16))  # type: ignore[no-untyped-call]
        self._save_data(overloads[key], data)  # type: ignore[no-untyped-call]
        self._save_index(overloads)  # type: ignore[no-untyped-call]

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BinaryIO]:  # pyright: ignore[reportIncompatibleMethodOverride]
        content = io.BytesIO()
        yield content
        with super()._open_for_write(filepath) as file:
            file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())

    def _load_index(self) -> Any:
        return super()._load_index() if _is_intact(Path(self._index_path)) else {}  # type: ignore[no-untyped-call]

    def _load_data(self, name: str) -> Any:
        path = Path(self._data_path(name))  # type: ignore[no-untyped-call]
        if not _is_intact(path):
            raise FileNotFoundError(path)  # which numba takes for a function that is not cached
        return super()._load_data(name)  # type: ignore[no-untyped-call]


class _CheckedCache(FunctionCache):
    """A cache that never prevents the use of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file = _CheckedFiles(  # type: ignore[no-untyped-call]
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base + SUFFIX,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError as error:
            _warn_not_cached(f"{self._cache_path}: {error.strerror or error}")


class _NoCache(NullCache):
    """Replaces the cache if numba finds no writable folder; it warns when a function is compiled."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def save_overload(self, sig: Any, cres: Any) -> None:  # noqa: ARG002 (numba's interface)
        _warn_not_cached(self._reason)


def _is_intact(path: Path) -> bool:
    """Return whether a file ends with the checksum of its content; delete it otherwise."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:  # for instance another user's; if it cannot be replaced either, that is reported
        return False
    if hashlib.sha256(content[:-DIGEST_BYTES]).digest() == content[-DIGEST_BYTES:]:
        return True
    _warn_damaged(str(path.parent))
    with suppress(OSError):
        path.unlink()
    return False


@functools.cache
def _warn_damaged(folder: str) -> None:
    logger.warning("%s: compiled code in this folder is damaged; it is compiled again", folder)


@functools.cache
def _warn_not_cached(reason: str) -> None:
    logger.warning("compiled code cannot be cached: %s; each process compiles it again", reason)
