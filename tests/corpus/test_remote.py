"""Remote files: a server on this machine, fsspec's file system in memory, and connections that break."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.test_opening import decoded, message
from word2vec.corpus import as_paths, index_corpus, open_corpus
from word2vec.corpus.remote import is_remote

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

FILES = {
    "/text.txt": b"one two\nthree\n",
    "/text.txt.gz": gzip.compress(b"one two\nthree\n"),
    "/table.csv": b"id,text\n1,one two\n2,three\n",
    "/binary": b"\x7fELF\0",
}
SENTENCES = [["one", "two"], ["three"]]


class Handler(BaseHTTPRequestHandler):
    """Serves FILES; some addresses fail."""

    protocol_version = "HTTP/1.1"
    requests: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.requests.append(path)
        if path == "/error":
            self.send_error(500)
            return
        content = FILES.get(path.replace("/cut/", "/"))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) + (5 if "/cut/" in path else 0)))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory."""
    system = fsspec.filesystem("memory")
    for name, content in FILES.items():
        system.pipe(f"/corpus{name}", content)
    yield system
    system.rm("/corpus", recursive=True)


def test_files_on_a_server(server: str, tmp_path: Path) -> None:
    local = tmp_path / "text.txt"
    local.write_bytes(FILES["/text.txt"])
    expected = index_corpus([local])
    for name in ("/text.txt", "/text.txt?token=a/b.gz"):
        corpus = index_corpus([server + name])
        assert decoded(corpus) == SENTENCES
        assert corpus.fingerprint == expected.fingerprint  # so the index is not built again
    assert decoded(open_corpus(server + "/text.txt.gz")) == SENTENCES
    assert decoded(open_corpus(server + "/table.csv", column="text")) == SENTENCES
    assert decoded(open_corpus([str(local), server + "/text.txt"], tokenizer=str.split)) == SENTENCES * 2
    assert as_paths(server + "/text.txt") == (server + "/text.txt",)


def test_nothing_is_left_in_the_cache(server: str, tmp_path: Path) -> None:
    index_corpus([server + "/text.txt"], cache=tmp_path / "own")
    message(server + "/binary", cache=tmp_path / "own")
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["indexes"]


def test_what_a_server_refuses(server: str) -> None:
    assert message(server + "/nowhere") == f"{server}/nowhere: no such file; check the URL"
    assert message(server + "/error").startswith(f"{server}/error: cannot be read (500")
    assert message("http://127.0.0.1:1/text").startswith("http://127.0.0.1:1/text: cannot be read (Cannot connect")
    assert message(server + "/binary").startswith(f"{server}/binary: contains NUL bytes")
    assert message([server + "/text.txt", "nowhere"]).startswith("'nowhere': no such file")


def test_an_incomplete_download_is_not_trained(server: str) -> None:
    error = message(server + "/cut/text.txt")
    assert error.startswith(f"{server}/cut/text.txt: ")
    assert "Response payload is not completed" in error


def test_files_folders_and_patterns_of_other_protocols(memory: Any) -> None:
    assert decoded(index_corpus(["memory://corpus/text.txt"])) == SENTENCES
    assert decoded(index_corpus(["memory://corpus/*.txt*"])) == SENTENCES * 2
    assert "no such file" in message("memory://corpus/*.json")
    assert "no such file" in message("memory://corpus/nowhere")
    memory.rm("/corpus/binary")
    memory.rm("/corpus/table.csv")
    assert decoded(index_corpus(["memory://corpus"])) == SENTENCES * 2


def test_a_file_that_is_shorter_than_announced(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    info = type(memory).info
    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "info", lambda self, path, **settings: info(self, path) | {"size": 1000})
        error = message("memory://corpus/text.txt")
    assert error == "memory://corpus/text.txt: the download is incomplete, 14 of 1,000 bytes; try again"


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "unknown" in message("nope://x/y") or "not known" in message("nope://x/y")
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    assert message("s3://bucket/text").endswith("pip install 'word2vec-fused[remote]' s3fs")
    monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
    assert "pip install 'word2vec-fused[remote]'" in message("https://example.org/text")


def test_addresses() -> None:
    assert all(map(is_remote, ("https://a/b", "s3://a/b", "hf://datasets/a/b.parquet", "memory://a")))
    assert not any(map(is_remote, ("a.txt", "/a//b", "C:/a", "-", Path("https://a"))))
