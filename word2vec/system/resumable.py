"""Download a large file so that an interrupted download can be continued.

The bytes that have arrived are kept in a file with the additional extension .part. A later attempt, also by another
process, asks the server only for the rest (RFC 9110, range requests). The file gets its name after its size and its MD5
are verified.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from word2vec.errors import DownloadError
from word2vec.system.atomic_files import flush_file, flush_folder, locked, new_folder
from word2vec.system.download import CHUNK, RETRIES, TIMEOUT, describe_failure

PARTIAL_CONTENT = 206  # HTTP status of a response that continues a file
PART = ".part"


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web.

    Attributes:
        url: The address.
        size: Its size in bytes.
        md5: Its MD5, as hexadecimal digits. It protects from damage; the connection has to protect from forgery.
    """

    url: str
    size: int
    md5: str


def fetch_resumable(remote: RemoteFile, target: Path, *, progress: bool = True) -> Path:
    """Return the path of a file, which is downloaded if it does not exist yet.

    Args:
        remote: The file to download.
        target: Where to store it; the folder is created if needed, and should contain nothing else.
        progress: Whether to draw a progress bar on stderr.

    Raises:
        Word2VecError: The folder cannot be created or written to, another process is downloading the file, the download
            failed, or the checksum is wrong.
    """
    if _is_complete(target, remote):
        return target
    part = target.with_name(target.name + PART)
    try:
        with new_folder(target.parent), locked(target.parent):
            if not _is_complete(target, remote):  # another process may have been faster
                _receive_all(remote, part, target, progress)
                _verify(remote, part, target)
                flush_file(part)
                part.replace(target)
                flush_folder(target.parent)
    except OSError as error:
        raise DownloadError(
            f"{target}: cannot be written: {error.strerror or error}; free some disk space or set WORD2VEC_CACHE to "
            "another folder, and try again to continue"
        ) from error
    return target


def _is_complete(path: Path, remote: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == remote.size


def _receive_all(remote: RemoteFile, part: Path, target: Path, progress: bool) -> None:
    """Download what is missing in the partial file, with some retries."""
    import requests

    for attempt in range(1 + RETRIES):
        time.sleep(attempt)
        try:
            _receive(remote, part, progress)
        except requests.RequestException as error:
            if attempt < RETRIES:
                continue
            arrived = part.stat().st_size if part.exists() else 0
            raise DownloadError(
                f"{remote.url}: the download failed ({describe_failure(error)}) after {arrived:,} of {remote.size:,} "
                f"bytes; try again to continue, or download it yourself and move it to {target}"
            ) from error
        if _is_complete(part, remote):
            return
        part.unlink(missing_ok=True)
        raise DownloadError(
            f"{remote.url}: the server sent a file of another size; a proxy may have replaced it: try again later, or "
            f"download it yourself and move it to {target}"
        )


def _receive(remote: RemoteFile, part: Path, progress: bool) -> None:
    """Append what a server sends to the partial file, or replace it if the server sends the whole file.

    One byte more than the expected size is enough to know that the file is another one, so no more is stored.
    """
    import requests

    arrived = part.stat().st_size if part.exists() else 0
    if arrived >= remote.size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={arrived}-"} if arrived else {})
    with requests.get(remote.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        starts = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        continued = answer.status_code == PARTIAL_CONTENT and starts == str(arrived)
        with (
            part.open("ab" if continued else "wb") as file,
            tqdm(
                total=remote.size,
                initial=arrived if continued else 0,
                unit="B",
                unit_scale=True,
                desc="downloading",
                disable=not progress,
            ) as bar,
        ):
            for chunk in answer.iter_content(CHUNK):
                bar.update(file.write(chunk[: remote.size + 1 - file.tell()]))
                if file.tell() > remote.size:
                    return


def _verify(remote: RemoteFile, part: Path, target: Path) -> None:
    """Compare the MD5 of the partial file with the expected one; delete it if it differs."""
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if digest != remote.md5:
        part.unlink()
        raise DownloadError(
            f"{remote.url}: checksum mismatch; a proxy may have replaced the file, or it has changed: try again, or "
            f"download it yourself and move it to {target}"
        )
