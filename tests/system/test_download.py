"""Downloads from a local server: the content is verified, and nothing else is ever left in place."""

import errno
import gc
import hashlib
import io
import os
import shutil
import socket
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pooch
import pytest

from word2vec.errors import Word2VecError
from word2vec.system import download as module
from word2vec.system.download import RETRIES, Download, fetch

# requests leaves the socket of a failed response to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

TEXT = b"some words of text " * 1000


def zipped(**files: bytes) -> bytes:
    """A zip file in memory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


class Site(ThreadingHTTPServer):
    """Serves `content` under any name; the first `cut` responses are truncated.

    Attributes:
        instead: Handles requests in place of all that, if set.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = zipped(corpus=TEXT)
        self.cut = 0
        self.status = 200
        self.requests = 0
        self.instead: Callable[[Handler], None] | None = None
        self.patience = Event()  # ends the wait of a slow response

    def url(self, name: str = "corpus.zip") -> str:
        return f"http://127.0.0.1:{self.server_port}/folder/{name}"

    def offers(self) -> Download:
        """The correct description of the corpus on this site."""
        checksum = hashlib.sha256(self.content).hexdigest()
        return Download("corpus", self.url(), checksum, len(TEXT), hashlib.sha1(TEXT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        site.requests += 1
        if site.instead is not None:
            site.instead(self)
            return
        cut = site.requests <= site.cut
        self.send_response(site.status)
        self.send_header("Content-Length", str(len(site.content)))
        self.end_headers()
        self.wfile.write(site.content[: len(site.content) // 2] if cut else site.content)

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
    with Site() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, which pass instantly."""
    seconds: list[float] = []
    monkeypatch.setattr(pooch.core.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpora"


def message(source: Callable[[], object]) -> str:
    """The one-line message of a failure."""
    with pytest.raises(Word2VecError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_zip(site: Site, content: bytes) -> Download:
    """Replace the zip file on the site, with a matching checksum."""
    site.content = content
    return site.offers()


def test_text_is_unpacked_and_the_zip_deleted(site: Site, folder: Path) -> None:
    assert fetch(site.offers(), folder, progress=False) == folder / "corpus"
    assert (folder / "corpus").read_bytes() == TEXT
    assert [path.name for path in folder.iterdir()] == ["corpus"]
    assert site.requests == 1


def test_existing_text_is_not_downloaded_again(site: Site, folder: Path) -> None:
    first = fetch(site.offers(), folder, progress=False)
    assert fetch(site.offers(), folder, progress=False) == first
    assert site.requests == 1


def test_text_of_the_wrong_size_is_downloaded_again(site: Site, folder: Path) -> None:
    folder.mkdir()
    (folder / "corpus").write_bytes(TEXT[:-1])
    fetch(site.offers(), folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT


def test_progress_goes_to_stderr(site: Site, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(site.offers(), folder, progress=False)
    assert capsys.readouterr() == ("", "")
    fetch(site.offers(), folder.with_name("second"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%" in err


def test_wrong_checksum(site: Site, folder: Path, waits: list[float]) -> None:
    download = site.offers()
    site.content = zipped(corpus=TEXT, changed=b"")
    error = message(partial(fetch, download, folder, progress=False))
    assert error.startswith(f"{site.url()}: checksum mismatch; ")
    assert error.endswith(f"unpack it to {folder / 'corpus'}")
    assert site.requests == 1 + RETRIES
    assert waits == [1, 2, 3]
    assert not folder.exists()
    fetch(site.offers(), folder, progress=False)  # a later call starts from scratch
    assert (folder / "corpus").read_bytes() == TEXT


def test_broken_connection_is_retried(site: Site, folder: Path) -> None:
    site.cut = RETRIES
    fetch(site.offers(), folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT
    assert [path.name for path in folder.iterdir()] == ["corpus"]
    assert site.requests == 1 + RETRIES


def test_connection_that_always_breaks(site: Site, folder: Path) -> None:
    site.cut = 1 + RETRIES
    error = message(partial(fetch, site.offers(), folder, progress=False))
    assert error.startswith(f"{site.url()}: the download failed (")
    assert not folder.exists()
    fetch(site.offers(), folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT


def test_missing_page(site: Site, folder: Path) -> None:
    site.status = 404
    error = message(partial(fetch, site.offers(), folder, progress=False))
    assert error.startswith(f"{site.url()}: the download failed (404 Client Error: Not Found")
    assert "check the network and the proxy" in error
    assert not folder.exists()


def test_server_that_does_not_answer(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/corpus.zip"
    error = message(partial(fetch, Download("corpus", url, "0" * 64, 1, ""), folder, progress=False))
    assert error.startswith(f"{url}: the download failed ([Errno {errno.ECONNREFUSED}] Connection refused); check the ")
    assert not folder.exists()


def test_proxy_with_an_invalid_address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is a ValueError, like that of a wrong checksum."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http:///nowhere")
    error = message(
        partial(fetch, Download("corpus", "http://example.invalid/c.zip", "", 1, ""), folder, progress=False)
    )
    assert error.startswith("http://example.invalid/c.zip: the download failed (")


def begin(handler: Handler, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def redirect_to_itself(handler: Handler) -> None:
    begin(handler, 302, Location=handler.path, Content_Length="0")


def redirect_to_a_file(handler: Handler) -> None:
    begin(handler, 302, Location="file:///etc/passwd", Content_Length="0")


def stall(handler: Handler) -> None:
    begin(handler, Content_Length="1000")
    handler.wfile.write(b"PK")
    handler.wfile.flush()
    server = handler.server
    assert isinstance(server, Site)
    server.patience.wait(10)


def say_nothing(handler: Handler) -> None:
    server = handler.server
    assert isinstance(server, Site)
    server.patience.wait(10)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (redirect_to_itself, "Exceeded 30 redirects."),
        (redirect_to_a_file, "No connection adapters were found for 'file:///etc/passwd'"),
        (stall, "timed out"),
        (say_nothing, "timed out"),
        (lambda handler: begin(handler, 500, Content_Length="0"), "500 Server Error: Internal Server Error"),
        (lambda handler: begin(handler, 407, Content_Length="0"), "407 Client Error: Proxy Authentication Required"),
    ],
    ids=["redirect loop", "redirect to a file", "stalled", "silent", "500", "proxy that wants a password"],
)
def test_failing_server(
    answer: Callable[[Handler], None], reason: str, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)  # long enough for a busy machine
    download = site.offers()
    site.instead = answer
    error = message(partial(fetch, download, folder, progress=False))
    site.patience.set()
    assert error.startswith(f"{site.url()}: the download failed (")
    assert reason in error
    assert "check the network and the proxy" in error
    assert not folder.exists()
    site.instead = None  # a later call starts from scratch
    fetch(download, folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT


def test_web_page_in_place_of_the_file(site: Site, folder: Path) -> None:
    """A captive portal sends one with status 200."""
    download = site.offers()
    site.content = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    error = message(partial(fetch, download, folder, progress=False))
    assert error.startswith(f"{site.url()}: checksum mismatch; a proxy may ")
    assert not folder.exists()


@pytest.mark.parametrize("length", [None, str(1 << 40), "many"])
def test_endless_response_does_not_fill_the_disk(
    length: str | None, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 1 << 16)
    download = site.offers()
    sent = 0

    def pour(handler: Handler) -> None:
        nonlocal sent
        begin(handler, **({} if length is None else {"Content_Length": length}))
        while sent < 1 << 28:
            try:
                sent += handler.wfile.write(bytes(1 << 16))
            except OSError:  # the client closed the connection
                return

    site.instead = pour
    error = message(partial(fetch, download, folder, progress=False))
    if length == "many":  # an invalid header: the content is not read
        assert error.startswith(f"{site.url()}: ")
    else:
        assert error == f"{site.url()}: the server sends more than the file can contain; try another source"
        assert site.requests == 1  # a retry would not help
    assert sent < 1 << 24
    assert not folder.exists()


def test_proxy_is_used(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{site.server_port}")
    offered = site.offers()
    elsewhere = Download("corpus", "http://example.invalid/c.zip", offered.sha256, offered.size, offered.text_sha1)
    assert fetch(elsewhere, folder, progress=False).read_bytes() == TEXT
    assert site.requests == 1


NOT_THE_TEXT = [TEXT[:-1], b"x" + TEXT[1:], TEXT + b"x", TEXT * 1000, b""]


@pytest.mark.parametrize("text", NOT_THE_TEXT, ids=["shorter", "other", "longer", "bomb", "empty"])
def test_zip_with_another_text(site: Site, folder: Path, text: bytes) -> None:
    download = with_zip(site, zipped(corpus=text))
    error = message(partial(fetch, download, folder, progress=False))
    assert error.startswith(f"{site.url()}: the zip file does not contain the expected text; ")
    assert not folder.exists()


def test_bomb_is_not_unpacked(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one byte more than the expected size is read."""
    monkeypatch.setattr(module, "CHUNK", 100)
    download = with_zip(site, zipped(corpus=TEXT * 1000))
    unpacked = 0
    read = zipfile.ZipExtFile.read

    def counting(self: zipfile.ZipExtFile, size: int = -1) -> bytes:
        nonlocal unpacked
        data = read(self, size)
        unpacked += len(data)
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting)
    message(partial(fetch, download, folder, progress=False))
    assert unpacked == len(TEXT) + 1


@pytest.mark.parametrize("content", [zipped(another=TEXT), zipped(**{"../corpus": TEXT}), zipped(), b"no zip", b""])
def test_zip_without_the_text(site: Site, folder: Path, content: bytes) -> None:
    error = message(partial(fetch, with_zip(site, content), folder, progress=False))
    assert error.startswith(f"{site.url()}: is not a zip file that contains corpus; ")
    assert not folder.exists()
    assert not (folder.parent / "corpus").exists()


def test_only_the_text_is_unpacked(site: Site, folder: Path) -> None:
    download = with_zip(site, zipped(**{"../outside": b"x", "corpus": TEXT, "another": b"y"}))
    fetch(download, folder, progress=False)
    assert [path.name for path in folder.iterdir()] == ["corpus"]
    assert not (folder.parent / "outside").exists()


def test_failure_keeps_the_files_of_the_folder(site: Site, folder: Path) -> None:
    folder.mkdir()
    (folder / "corpus").write_bytes(b"the old one")
    (folder / "README.md").touch()
    message(partial(fetch, with_zip(site, b"no zip"), folder, progress=False))
    assert (folder / "corpus").read_bytes() == b"the old one"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "corpus"]


def test_folder_that_cannot_be_created(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = message(partial(fetch, site.offers(), tmp_path / "file" / "corpora", progress=False))
    assert error.startswith(f"cannot create the folder {tmp_path / 'file' / 'corpora'}: ")
    assert site.requests == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_folder_that_is_not_writable(site: Site, folder: Path) -> None:
    folder.mkdir(mode=0o500)
    error = message(partial(fetch, site.offers(), folder, progress=False))
    assert error.startswith(f"{folder}: corpus cannot be written: Permission denied; ")


def test_full_disk_is_not_reported_as_a_network_error(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "move", full)  # pooch uses it to put the zip file in place
        error = message(partial(fetch, site.offers(), folder, progress=False))
        assert error.startswith(f"{folder}: corpus cannot be written: No space left on device; free some disk space")
        assert site.url() in error
        assert not folder.exists()
    monkeypatch.setattr(os, "fsync", full)  # atomic_path uses it to put the text in place
    error = message(partial(fetch, site.offers(), folder, progress=False))
    assert error.startswith(f"cannot write {folder / 'corpus'}: No space left on device")
    assert not folder.exists()


def test_concurrent_downloads_do_not_disturb_each_other(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the download and the unpacking of one call, another call runs to its end."""
    unpack = module._unpack
    download = site.offers()

    def late(archive: Path, *rest: object) -> None:
        monkeypatch.setattr(module, "_unpack", unpack)
        fetch(download, folder, progress=False)
        unpack(archive, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_unpack", late)
    fetch(download, folder, progress=False)
    assert site.requests == 2
    assert [path.name for path in folder.iterdir()] == ["corpus"]
