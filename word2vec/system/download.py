"""Download files.

`fetch` downloads a zip file, verifies its checksum, unpacks the one text file in it, and only then puts it in place.
`fetch_files` returns the contents of some files of an archive, which the caller verifies and stores.
"""

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from word2vec.errors import DownloadError
from word2vec.system.atomic_files import atomic_path, new_folder, temporary_folder

CHUNK = 1 << 20  # bytes
RETRIES = 3
TIMEOUT = 30  # seconds without a byte; a slow server may take as long as it needs
MAX_DOWNLOAD = 1 << 29  # bytes of an archive of test sets; the largest has some megabytes
MAX_FILE = 1 << 24  # bytes of a file in such an archive; the largest has 100 KB
ZIP_OVERHEAD = 1 << 16  # bytes by which a zip of one file may exceed the file; far more than its headers take


@dataclass(frozen=True)
class Download:
    """A zip file on the web that contains a text file.

    Attributes:
        name: The name of the text file.
        url: The address of the zip file.
        sha256: The SHA-256 of the zip file.
        size: The size of the text file in bytes.
        text_sha1: The SHA-1 of the text file.
    """

    name: str
    url: str
    sha256: str
    size: int
    text_sha1: str


def fetch(download: Download, folder: Path, *, progress: bool = True) -> Path:
    """Return the path of a text file, which is downloaded if it does not exist yet.

    A failed download is retried a few times. A file with a wrong checksum is deleted, so the next call starts from
    scratch. The zip file is deleted after unpacking. Several processes may download the same file at once, each into
    its own temporary folder.

    Args:
        download: The file to download.
        folder: The folder for the text file; it is created if needed.
        progress: Whether to draw a progress bar on stderr.

    Raises:
        Word2VecError: The folder cannot be created or written to, the download failed, or a checksum is wrong.
    """
    target = folder / download.name
    if target.is_file() and target.stat().st_size == download.size:
        return target
    try:
        with new_folder(folder), temporary_folder(folder, ".download-") as work:
            checksum, size = f"sha256:{download.sha256}", download.size + ZIP_OVERHEAD
            advice = f"download it yourself and unpack it to {target}"
            _unpack(_download(download.url, work, checksum, size, advice, progress), download, target)
    except OSError as error:
        raise DownloadError(
            f"{folder}: {download.name} cannot be written: {error.strerror or error}; free some disk space, "
            f"or download {download.url} yourself and unpack it"
        ) from error
    return target


def fetch_files(url: str, patterns: Sequence[str], work: Path, *, progress: bool = True) -> dict[str, bytes]:
    """Download a file, or some files of a zip or tar archive.

    Args:
        url: The address of the file or archive.
        patterns: Patterns of the paths in the archive, as in `fnmatch`; empty if the address is the file itself.
        work: A folder for the download.
        progress: Whether to draw a progress bar on stderr.

    Returns:
        The contents by file name, without the folders of the archive.

    Raises:
        DownloadError: The download failed, or the archive is damaged or lacks a file.
        OSError: The folder cannot be written to.
    """
    path = _download(url, work, None, MAX_DOWNLOAD, "download it yourself and pass the path of the file", progress)
    if not patterns:
        return {path.name: path.read_bytes()}
    found: dict[str, bytes] = {}
    missing = set(patterns)
    try:
        for name, file in _files_of(path):
            matching = {pattern for pattern in patterns if fnmatchcase(name, pattern)}
            if matching:
                found[PurePosixPath(name).name] = content = file.read(MAX_FILE + 1)
                missing -= matching
                if len(content) > MAX_FILE:
                    raise DownloadError(f"{url}: {name} is larger than {MAX_FILE:,} bytes; it is not the expected file")
    except (*DAMAGED, OSError) as error:
        raise DownloadError(f"{url}: not a readable archive ({describe_failure(error)}); try again later") from error
    if missing:
        raise DownloadError(f"{url}: the archive contains no {min(missing)}; its authors may have changed it")
    return found


DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile and tarfile raise on archives that are damaged, encrypted or compressed in an unknown way."""


def _files_of(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the path and the open content of each file of a zip or tar archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for name in zipped.namelist():
                with zipped.open(name) as file:
                    yield name, file
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if (content := tar.extractfile(member) if member.isfile() else None) is not None:
                yield member.name, content


def _download(url: str, work: Path, checksum: str | None, max_size: int, advice: str, progress: bool) -> Path:
    """Download a file into the folder `work`; `checksum` is "sha256:..." or None, `advice` the last way out."""
    import pooch  # imports requests, too slow to load for a command that downloads nothing

    pooch.get_logger().setLevel("ERROR")
    name = Path(url).name
    files = pooch.create(path=work, base_url=url.removesuffix(name), registry={name: checksum}, retry_if_failed=RETRIES)

    def downloader(url: str, file: str, _: object) -> None:
        _stream(url, Path(file), max_size, progress)

    try:
        return Path(files.fetch(name, downloader=downloader))  # pyright: ignore[reportArgumentType] (pooch's mistake)
    except OSError as error:
        if error.errno is not None:  # an error of the disk; those of requests are OSErrors without a number
            raise
        raise DownloadError(
            f"{url}: the download failed ({describe_failure(error)}); check the network and the proxy and try again, "
            f"or {advice}"
        ) from error
    except ValueError as error:  # pooch's error for a wrong checksum
        raise DownloadError(
            f"{url}: checksum mismatch; a proxy may have replaced the file, or it has changed: {advice}"
        ) from error


def _stream(url: str, path: Path, max_size: int, progress: bool) -> None:
    """Save what a server sends, up to a size; pooch's own downloader would continue until the disk is full."""
    import requests

    with requests.get(url, stream=True, timeout=TIMEOUT) as answer, path.open("wb") as file:
        answer.raise_for_status()
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        with tqdm(total=total, unit="B", unit_scale=True, desc="downloading", disable=not progress) as bar:
            for chunk in answer.iter_content(CHUNK):
                bar.update(file.write(chunk))
                if file.tell() > max_size:
                    raise DownloadError(f"{url}: the server sends more than the file can contain; try another source")


def describe_failure(error: BaseException) -> str:
    """Return the innermost cause in one line; requests and urllib3 wrap it in long repetitions of the address."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return " ".join(str(error).split())[:200] or type(error).__name__


def _unpack(archive: Path, download: Download, target: Path) -> None:
    """Extract the text file from the zip, reading no more than its expected size."""
    try:
        with zipfile.ZipFile(archive) as zipped, zipped.open(download.name) as source, atomic_path(target) as path:
            digest, left = hashlib.sha1(usedforsecurity=False), download.size
            with path.open("wb") as text:
                while chunk := source.read(min(CHUNK, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        break
                    digest.update(chunk)
                    text.write(chunk)
            if left or digest.hexdigest() != download.text_sha1:
                raise DownloadError(f"{download.url}: the zip file does not contain the expected text; try again later")
    except (zipfile.BadZipFile, KeyError) as error:
        raise DownloadError(
            f"{download.url}: is not a zip file that contains {download.name}; try again later"
        ) from error
