"""Copy remote files, such as https:// and s3://, to temporary files, through fsspec (the extra `remote`).

The copies are hashed and indexed like any other file and then deleted: the index in the cache is found by the content,
so training again downloads the file but does not index it again.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tqdm import tqdm

from word2vec.corpus.messages import reason_of
from word2vec.errors import CorpusError
from word2vec.system.atomic_files import temporary_folder
from word2vec.system.cache import remedy

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
HTTP = ("http", "https")
CONNECT_SECONDS, READ_SECONDS = 30, 60  # until a server accepts a connection, and between two pieces of a file
PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub", "http": "aiohttp", "https": "aiohttp"}
"""Protocol -> the package that fsspec needs for it."""


def is_remote(source: str | Path) -> bool:
    """Return whether a source is a URL, such as https://example.org/text.gz."""
    return isinstance(source, str) and ADDRESS.match(source) is not None


@contextmanager
def downloaded(address: str, cache: Path, *, progress: bool = False) -> Iterator[list[Path]]:
    """Copy the files of a URL to temporary files that exist during the block.

    Args:
        address: A file; with protocols other than http and https, also a folder or a pattern with `*`.
        cache: The cache folder, in which the files are created.
        progress: Whether to draw a progress bar on stderr.

    Yields:
        The temporary files. A CorpusError of the block that names one of them is changed to name its URL.

    Raises:
        CorpusError: A package is missing, the URL cannot be read, the connection broke, or the copy cannot be
            written.
    """
    system, path = _open_system(address)
    names: dict[Path, str] = {}  # copy -> URL
    with ExitStack() as folders:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            folder = folders.enter_context(temporary_folder(cache, "remote-"))
        except OSError as error:
            raise CorpusError(
                f"{cache}: the copy of {address} cannot be written: {error.strerror or error}; {remedy(error)}"
            ) from error
        files = _files(system, path, address)
        for number, file in enumerate(files):
            (folder / str(number)).mkdir()
            copy = folder / str(number) / (PurePosixPath(urlsplit(file).path).name or "text")
            names[copy] = address if len(files) == 1 else system.unstrip_protocol(file)
            _copy(system, file, copy, names[copy], progress)
        try:
            yield list(names)
        except CorpusError as error:
            message = str(error)
            for copy, name in names.items():
                message = message.replace(str(copy), name)
            raise CorpusError(message) from error


def _open_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of a URL, and the path in it."""
    protocol = address.partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        options = _http_options() if protocol in HTTP else {}
        system, path = url_to_fs(address, **options)
    except ImportError as error:
        needed = f"pip install 'word2vec-fused[remote]' {PACKAGES.get(protocol, '')}".strip()
        raise CorpusError(f"{address}: a package is missing ({reason_of(error)}); install it with {needed}") from error
    except ValueError as error:
        raise CorpusError(
            f"{address}: {reason_of(error)}; use https://, s3://, gs://, hf://, or a path on this machine"
        ) from error
    return system, path


def _http_options() -> dict[str, Any]:
    """Return options without aiohttp's limit of five minutes for a file, and without compression by the server."""
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
    return {"client_kwargs": {"timeout": timeout}, "headers": {"Accept-Encoding": "identity"}}


def _files(system: Any, path: str, address: str) -> list[str]:
    """Return the files of a path: itself, those in a folder, or the matches of a pattern."""
    if address.startswith(HTTP):
        return [path]
    try:
        if "*" in path:
            files = sorted(file for file in system.glob(path) if system.isfile(file))
        else:
            files = sorted(system.find(path)) if system.isdir(path) else [path]
    except Exception as error:  # each protocol has errors of its own
        raise _unreadable(address, error) from error
    if not files:
        raise CorpusError(f"{address}: no such file; check the URL")
    return files


def _copy(system: Any, file: str, copy: Path, address: str, progress: bool) -> None:
    """Copy a file, and check that it is complete."""
    from fsspec.callbacks import TqdmCallback

    options = {"unit": "B", "unit_scale": True, "desc": "downloading", "disable": not progress, "leave": False}
    callback = TqdmCallback(tqdm_kwargs=options, tqdm_cls=tqdm)
    try:
        system.get_file(file, str(copy), callback=callback)
        size = callback.size if address.startswith(HTTP) else system.info(file)["size"]
    except Exception as error:  # each protocol has errors of its own
        raise _unreadable(address, error) from error
    finally:
        callback.close()
    if size is not None and copy.stat().st_size < size:
        raise CorpusError(
            f"{address}: the download is incomplete, {copy.stat().st_size:,} of {size:,} bytes; try again"
        )


def _unreadable(address: str, error: Exception) -> CorpusError:
    if isinstance(error, FileNotFoundError):
        return CorpusError(f"{address}: no such file; check the URL")
    return CorpusError(
        f"{address}: cannot be read ({reason_of(error)}); check the URL, the network and your permission, and try again"
    )
