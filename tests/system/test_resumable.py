"""Downloads that are continued, from a local server that supports range requests."""

import gc
import hashlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from word2vec.errors import Word2VecError
from word2vec.system import resumable
from word2vec.system.atomic_files import locked
from word2vec.system.download import RETRIES
from word2vec.system.resumable import RemoteFile, fetch_resumable

# requests leaves the socket of a failed response to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

CONTENT = bytes(range(256)) * 40


class Site(ThreadingHTTPServer):
    """Serves `content`, of which the first responses contain only the given numbers of bytes.

    Attributes:
        ranges: The header Range of each request.
        supports_ranges: Whether it answers such requests with a part of the content.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.cuts: list[int] = []
        self.status = 200
        self.ranges: list[str | None] = []
        self.supports_ranges = True

    def offers(self) -> RemoteFile:
        return RemoteFile(f"http://127.0.0.1:{self.server_port}/v.gz", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        asked = self.headers.get("Range")
        site.ranges.append(asked)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and site.supports_ranges else 0
        rest = site.content[first:]
        self.send_response(206 if first else site.status)
        self.send_header("Content-Length", str(len(rest)))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(site.content) - 1}/{len(site.content)}")
        self.end_headers()
        self.wfile.write(rest[: site.cuts.pop(0)] if site.cuts else rest)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
        pass


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Collect the sockets here, not in an unrelated test."""
    yield
    gc.collect()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(resumable.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(resumable, "CHUNK", 100)  # an incomplete chunk is lost
    with Site() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "vectors" / "v.gz"


def message(source: Callable[[], object]) -> str:
    """The one-line message of a failure."""
    with pytest.raises(Word2VecError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_complete_file_is_not_downloaded_again(site: Site, target: Path) -> None:
    for _ in range(2):
        assert fetch_resumable(site.offers(), target, progress=False) == target
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["v.gz"]
    assert site.ranges == [None]


def test_broken_connection_is_continued(site: Site, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.cuts = [1000, 500]
    fetch_resumable(site.offers(), target)
    assert target.read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=1000-", "bytes=1500-"]
    assert "100%" in capsys.readouterr().err


def test_a_later_call_continues(site: Site, target: Path) -> None:
    site.cuts = [100] * (1 + RETRIES)
    error = message(lambda: fetch_resumable(site.offers(), target, progress=False))
    assert error.startswith(f"{site.offers().url}: the download failed (")
    assert "after 400 of 10,240 bytes; try again to continue, or download it yourself and move it to" in error
    assert not target.exists()
    fetch_resumable(site.offers(), target, progress=False)
    assert target.read_bytes() == CONTENT
    assert site.ranges[-1] == "bytes=400-"


def test_server_that_always_sends_the_whole_file(site: Site, target: Path) -> None:
    site.supports_ranges = False
    site.cuts = [1000]
    fetch_resumable(site.offers(), target, progress=False)
    assert target.read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=1000-"]


def test_wrong_checksum(site: Site, target: Path) -> None:
    site.content = b"x" + CONTENT[1:]
    error = message(lambda: fetch_resumable(site.offers(), target, progress=False))
    assert error.startswith(f"{site.offers().url}: checksum mismatch; ")
    assert not target.parent.exists()  # a later call starts from scratch
    site.content = CONTENT
    fetch_resumable(site.offers(), target, progress=False)


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", CONTENT * 1000, b""], ids=["page", "long", "empty"])
def test_file_of_another_size(content: bytes, site: Site, target: Path) -> None:
    site.content = content
    error = message(lambda: fetch_resumable(site.offers(), target, progress=False))
    assert error.startswith(f"{site.offers().url}: the server sent a file of another size; ")
    assert not target.parent.exists()
    assert len(site.ranges) == 1


def test_missing_page(site: Site, target: Path) -> None:
    site.status = 404
    error = message(lambda: fetch_resumable(site.offers(), target, progress=False))
    assert "the download failed (404 Client Error: Not Found" in error
    assert not target.parent.exists()


def test_two_processes_do_not_write_the_same_file(site: Site, target: Path) -> None:
    target.parent.mkdir()
    with locked(target.parent):
        error = message(lambda: fetch_resumable(site.offers(), target, progress=False))
    assert error.startswith(f"{target.parent}: another process writes to this folder; wait for it")
    assert site.ranges == []


def test_folder_that_cannot_be_created(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = message(lambda: fetch_resumable(site.offers(), tmp_path / "file" / "v.gz", progress=False))
    assert error.startswith(f"cannot create the folder {tmp_path / 'file'}: ")
