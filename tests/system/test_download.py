"""Downloads from a server on this machine: what arrives is checked, and nothing else is ever left in place."""

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
from word2vec.system.download import DOWNLOADS, RETRIES, TEXT8, Download, corpora_folder, fetch

# requests leaves the socket of an answer that failed to the garbage collector
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
    """Serves `content` under any name; the first `cut` answers break off half-way.

    What `instead` does with a request, it does in place of that.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = zipped(corpus=TEXT)
        self.cut = 0
        self.status = 200
        self.requests = 0
        self.instead: Callable[[Handler], None] | None = None
        self.patience = Event()  # until which a slow answer waits

    def url(self, name: str = "corpus.zip") -> str:
        return f"http://127.0.0.1:{self.server_port}/folder/{name}"

    def offers(self) -> Download:
        """What describes the corpus on this site truly."""
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
    """The collector comes here, and not in a test that knows nothing of these sockets."""
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
    """How long was waited between attempts, without waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(pooch.core.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpora"


def message(source: Callable[[], object]) -> str:
    """The one line with which something fails."""
    with pytest.raises(Word2VecError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_zip(site: Site, content: bytes) -> Download:
    """The site's zip is replaced, and its checksum is right."""
    site.content = content
    return site.offers()


def test_text8_is_the_one_that_everybody_knows() -> None:
    assert (TEXT8.name, TEXT8.url) == ("text8", "http://mattmahoney.net/dc/text8.zip")
    assert TEXT8.sha256 == "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
    assert (TEXT8.size, TEXT8.text_sha1) == (100_000_000, "0dc3edebc970dcc96137e7deda4d9995af9d93de")
    assert DOWNLOADS == {"text8": TEXT8}


def test_text_arrives_and_the_zip_goes(site: Site, folder: Path) -> None:
    assert fetch(site.offers(), folder, progress=False) == folder / "corpus"
    assert (folder / "corpus").read_bytes() == TEXT
    assert [path.name for path in folder.iterdir()] == ["corpus"]
    assert site.requests == 1


def test_text_that_is_there_is_not_fetched_again(site: Site, folder: Path) -> None:
    first = fetch(site.offers(), folder, progress=False)
    assert fetch(site.offers(), folder, progress=False) == first
    assert site.requests == 1


def test_text_of_another_size_is_fetched_again(site: Site, folder: Path) -> None:
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


def test_folder_is_that_of_the_corpora(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "checkout" / "word2vec"
    monkeypatch.setattr(module, "__file__", str(package / "download.py"))
    assert corpora_folder() == tmp_path / "cache" / "corpora"
    (tmp_path / "checkout" / "data").mkdir(parents=True)
    (tmp_path / "checkout" / "data" / "README.md").touch()
    assert corpora_folder() == tmp_path / "cache" / "corpora"  # any folder may hold data/ beside an installed package
    (tmp_path / "checkout" / "pyproject.toml").touch()
    assert corpora_folder() == tmp_path / "checkout" / "data"
    assert fetch(site.offers(), progress=False) == tmp_path / "checkout" / "data" / "corpus"


def test_wrong_checksum(site: Site, folder: Path, waits: list[float]) -> None:
    download = site.offers()
    site.content = zipped(corpus=TEXT, changed=b"")
    said = message(partial(fetch, download, folder, progress=False))
    assert said.startswith(f"{site.url()}: what came has another checksum than corpus should have; ")
    assert said.endswith(f"fetch it by hand and unpack it to {folder / 'corpus'}")
    assert site.requests == 1 + RETRIES
    assert waits == [1, 2, 3]
    assert not folder.exists()
    fetch(site.offers(), folder, progress=False)  # and a later call begins cleanly
    assert (folder / "corpus").read_bytes() == TEXT


def test_connection_that_breaks_off_is_tried_again(site: Site, folder: Path) -> None:
    site.cut = RETRIES
    fetch(site.offers(), folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT
    assert [path.name for path in folder.iterdir()] == ["corpus"]
    assert site.requests == 1 + RETRIES


def test_connection_that_always_breaks_off(site: Site, folder: Path) -> None:
    site.cut = 1 + RETRIES
    said = message(partial(fetch, site.offers(), folder, progress=False))
    assert said.startswith(f"{site.url()}: the download failed (")
    assert not folder.exists()
    fetch(site.offers(), folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT


def test_page_that_is_not_there(site: Site, folder: Path) -> None:
    site.status = 404
    said = message(partial(fetch, site.offers(), folder, progress=False))
    assert said.startswith(f"{site.url()}: the download failed (404 Client Error: Not Found")
    assert "check the network and the proxy" in said
    assert not folder.exists()


def test_server_that_does_not_answer(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/corpus.zip"
    said = message(partial(fetch, Download("corpus", url, "0" * 64, 1, ""), folder, progress=False))
    assert said.startswith(f"{url}: the download failed ([Errno {errno.ECONNREFUSED}] Connection refused); check the ")
    assert not folder.exists()


def test_proxy_that_is_no_address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is a ValueError too, as that of a wrong checksum is."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http:///nowhere")
    said = message(
        partial(fetch, Download("corpus", "http://example.invalid/c.zip", "", 1, ""), folder, progress=False)
    )
    assert said.startswith("http://example.invalid/c.zip: the download failed (")


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
def test_server_that_does_not_serve(
    answer: Callable[[Handler], None], reason: str, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)  # a busy machine needs some of it
    download = site.offers()
    site.instead = answer
    said = message(partial(fetch, download, folder, progress=False))
    site.patience.set()
    assert said.startswith(f"{site.url()}: the download failed (")
    assert reason in said
    assert "check the network and the proxy" in said
    assert not folder.exists()
    site.instead = None  # and a later call begins cleanly
    fetch(download, folder, progress=False)
    assert (folder / "corpus").read_bytes() == TEXT


def test_page_in_place_of_the_file(site: Site, folder: Path) -> None:
    """As the portal of a hotel's network sends it, with 200 OK."""
    download = site.offers()
    site.content = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    said = message(partial(fetch, download, folder, progress=False))
    assert said.startswith(f"{site.url()}: what came has another checksum than corpus should have; a proxy or ")
    assert not folder.exists()


@pytest.mark.parametrize("length", [None, str(1 << 40), "many"])
def test_answer_without_end_does_not_fill_the_disk(
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
            except OSError:  # the other side has had enough
                return

    site.instead = pour
    said = message(partial(fetch, download, folder, progress=False))
    if length == "many":  # a header that is no number: what follows it is not read
        assert said.startswith(f"{site.url()}: ")
    else:
        assert said == f"{site.url()}: the server sends more than the file can hold; fetch it from elsewhere"
        assert site.requests == 1  # it would not help to try again
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
    said = message(partial(fetch, download, folder, progress=False))
    assert said == f"{site.url()}: the zip does not hold the text it should; try again later"
    assert not folder.exists()


def test_bomb_is_not_unpacked(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a text that is longer than promised no more is read than shows it."""
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
    said = message(partial(fetch, with_zip(site, content), folder, progress=False))
    assert said == f"{site.url()}: is not a zip file with corpus in it; try again later"
    assert not folder.exists()
    assert not (folder.parent / "corpus").exists()


def test_only_the_text_is_unpacked(site: Site, folder: Path) -> None:
    download = with_zip(site, zipped(**{"../outside": b"x", "corpus": TEXT, "another": b"y"}))
    fetch(download, folder, progress=False)
    assert [path.name for path in folder.iterdir()] == ["corpus"]
    assert not (folder.parent / "outside").exists()


def test_failure_keeps_what_was_in_the_folder(site: Site, folder: Path) -> None:
    folder.mkdir()
    (folder / "corpus").write_bytes(b"the old one")
    (folder / "README.md").touch()
    message(partial(fetch, with_zip(site, b"no zip"), folder, progress=False))
    assert (folder / "corpus").read_bytes() == b"the old one"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "corpus"]


def test_folder_that_cannot_be_made(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = message(partial(fetch, site.offers(), tmp_path / "file" / "corpora", progress=False))
    assert said.startswith(f"cannot make the folder {tmp_path / 'file' / 'corpora'}: ")
    assert site.requests == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_folder_that_may_not_be_written(site: Site, folder: Path) -> None:
    folder.mkdir(mode=0o500)
    said = message(partial(fetch, site.offers(), folder, progress=False))
    assert said.startswith(f"{folder}: corpus cannot be written there: Permission denied; make room for it, ")


def test_disk_that_is_full_is_no_trouble_of_the_network(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "move", full)  # with which the zip is put in place
        said = message(partial(fetch, site.offers(), folder, progress=False))
        assert said == (
            f"{folder}: corpus cannot be written there: No space left on device; make room for it, "
            f"or fetch {site.url()} by hand and unpack it"
        )
        assert not folder.exists()
    monkeypatch.setattr(os, "fsync", full)  # with which the text is
    assert message(partial(fetch, site.offers(), folder, progress=False)) == (
        f"cannot write {folder / 'corpus'}: No space left on device"
    )
    assert not folder.exists()


def test_two_at_once_do_not_take_the_zip_from_each_other(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the download and the unpacking of one, another goes all the way."""
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
