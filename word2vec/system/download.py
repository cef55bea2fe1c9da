"""Corpora that are downloaded: checked by checksum, unpacked, and only then put in place."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from word2vec.errors import CorpusError
from word2vec.system.atomic_files import atomic_path, new_folder, temporary_folder
from word2vec.system.cache import cache_folder

CHUNK = 1 << 20
RETRIES = 3
TIMEOUT = 30  # seconds without a byte; a slow server may take as long as it likes
ZIP_OVERHEAD = 1 << 16  # bytes by which a zip of one file can be larger than the file, far more than its headers take


@dataclass(frozen=True)
class Download:
    """A zip file on the web with one text file in it.

    Attributes:
        name: of the corpus and of the file in the zip.
        url: of the zip.
        sha256: of the zip.
        size: of the text, in bytes.
        text_sha1: of the text.
    """

    name: str
    url: str
    sha256: str
    size: int
    text_sha1: str


TEXT8 = Download(
    name="text8",
    url="http://mattmahoney.net/dc/text8.zip",
    sha256="a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
    size=100_000_000,
    text_sha1="0dc3edebc970dcc96137e7deda4d9995af9d93de",
)
"""The first 10^8 bytes of cleaned English Wikipedia of 2006 (Matt Mahoney); the corpus of record."""

DOWNLOADS = {TEXT8.name: TEXT8}


def corpora_folder() -> Path:
    """Where downloaded corpora lie: data/ of a checkout, else the cache."""
    checkout = Path(__file__).parents[2]
    in_checkout = (checkout / "pyproject.toml").is_file() and (checkout / "data" / "README.md").is_file()
    return checkout / "data" if in_checkout else cache_folder() / "corpora"


def fetch(download: Download, folder: Path | None = None, *, progress: bool = True) -> Path:
    """The corpus as a text file, downloaded if it is not there yet.

    A broken download is tried again a few times; what is wrong in the end is thrown away, so the next call begins
    cleanly. The zip goes once the text is unpacked. Several processes may fetch at once, each in a folder of its own.

    Raises:
        Word2VecError: the folder cannot be made, the download fails or cannot be written, or what came is not what it
            should be.
    """
    folder = corpora_folder() if folder is None else folder
    target = folder / download.name
    if target.is_file() and target.stat().st_size == download.size:
        return target
    try:
        with new_folder(folder), temporary_folder(folder, ".download-") as work:
            _unpack(_download(download, work, target, progress), download, target)
    except OSError as error:
        raise CorpusError(
            f"{folder}: {download.name} cannot be written there: {error.strerror or error}; make room for it, "
            f"or fetch {download.url} by hand and unpack it"
        ) from error
    return target


def _download(download: Download, work: Path, target: Path, progress: bool) -> Path:
    """The zip file, in the folder `work`."""
    import pooch  # with requests behind it, too slow to load for a command that downloads nothing

    pooch.get_logger().setLevel("ERROR")
    name = Path(download.url).name
    base = download.url.removesuffix(name)
    registry = {name: f"sha256:{download.sha256}"}
    files = pooch.create(path=work, base_url=base, registry=registry, retry_if_failed=RETRIES)

    def downloader(url: str, file: str, _: object) -> None:
        _stream(url, Path(file), download.size + ZIP_OVERHEAD, progress)

    try:
        return Path(files.fetch(name, downloader=downloader))  # pyright: ignore[reportArgumentType] (pooch's mistake)
    except OSError as error:
        if error.errno is not None:  # the disk's; requests' errors are OSErrors too, but have no number
            raise
        raise CorpusError(
            f"{download.url}: the download failed ({_reason(error)}); check the network and the proxy and try again, "
            f"or fetch it by hand and unpack it to {target}"
        ) from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise CorpusError(
            f"{download.url}: what came has another checksum than {download.name} should have; a proxy or a changed "
            f"file is in the way: fetch it by hand and unpack it to {target}"
        ) from error


def _stream(url: str, path: Path, most: int, progress: bool) -> None:
    """Save what a server sends, up to so many bytes; pooch's own downloader would go on until the disk is full."""
    import requests

    with requests.get(url, stream=True, timeout=TIMEOUT) as answer, path.open("wb") as file:
        answer.raise_for_status()
        promised = answer.headers.get("Content-Length", "")
        total = int(promised) if promised.isdecimal() else None
        with tqdm(total=total, unit="B", unit_scale=True, desc="downloading", disable=not progress) as bar:
            for chunk in answer.iter_content(CHUNK):
                bar.update(file.write(chunk))
                if file.tell() > most:
                    raise CorpusError(f"{url}: the server sends more than the file can hold; fetch it from elsewhere")


def _reason(error: BaseException) -> str:
    """The innermost cause in one line; requests and urllib3 wrap it in long repetitions of the address."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return " ".join(str(error).split())[:200] or type(error).__name__


def _unpack(archive: Path, download: Download, target: Path) -> None:
    """Copy the one text file out of the zip, reading no more than it may hold."""
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
                raise CorpusError(f"{download.url}: the zip does not hold the text it should; try again later")
    except (zipfile.BadZipFile, KeyError) as error:
        raise CorpusError(f"{download.url}: is not a zip file with {download.name} in it; try again later") from error
