"""Pretrained vectors by name, from a local server in place of the collection, with files of the same form."""

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import word2vec
from tests.system.test_resumable import Site, collected, site
from word2vec import cli
from word2vec.errors import Word2VecError
from word2vec.system.resumable import RemoteFile
from word2vec.vectors.pretrained import PRETRAINED, find_vectors
from word2vec.vectors.word_vectors import WordVectors

__all__ = ["collected", "site"]  # fixtures

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

VECTORS = WordVectors(["the", "king", "queen"], np.arange(9).reshape(3, 3))
Publish = Callable[[str, str], None]


@pytest.fixture
def publish(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publish:
    """Put a file in one of the formats of the collection on the site, under the name of pretrained vectors."""

    def put(name: str, extension: str) -> None:
        VECTORS.save(tmp_path / f"v.{extension}")
        site.content = gzip.compress((tmp_path / f"v.{extension}").read_bytes())
        url, md5 = f"http://127.0.0.1:{site.server_port}/v.gz", hashlib.md5(site.content).hexdigest()
        monkeypatch.setitem(PRETRAINED, name, RemoteFile(url, len(site.content), md5))

    return put


@pytest.mark.parametrize(("name", "extension"), [("glove-twitter-25", "txt"), ("word2vec-google-news-300", "bin")])
def test_a_name_is_downloaded_once(name: str, extension: str, publish: Publish, site: Site, tmp_path: Path) -> None:
    publish(name, extension)
    for load in (word2vec.load, WordVectors.load):
        found = load(name)
        assert found.words == VECTORS.words
        np.testing.assert_array_equal(found.vectors, VECTORS.vectors)
    assert len(word2vec.load(name, 2)) == 2
    assert len(site.ranges) == 1
    assert (tmp_path / "cache" / "vectors" / name / f"{name}.gz").is_file()


def test_commands_accept_names(publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish("glove-twitter-25", "txt")
    path = tmp_path / "cache" / "vectors" / "glove-twitter-25" / "glove-twitter-25.gz"
    assert cli.run(["download", "glove-twitter-25"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert cli.run(["info", "glove-twitter-25"]) == 0
    assert "the king queen" in capsys.readouterr().out
    assert cli.run(["nearest", "glove-twitter-25", "king", "--json"]) == 0
    assert '"queen"' in capsys.readouterr().out


def test_a_file_of_this_name_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    VECTORS.save("glove-twitter-25", format="word2vec-text")
    assert find_vectors("glove-twitter-25") == Path("glove-twitter-25")
    assert word2vec.load("glove-twitter-25").words == VECTORS.words


def test_unknown_names() -> None:
    with pytest.raises(Word2VecError, match=r"glove-twitter-26: no such file .*did you mean glove-twitter-25, "):
        word2vec.load("glove-twitter-26")
    for path in ("runs/glove-twitter-26", "nothing", "a" * 5000):
        assert find_vectors(path) == Path(path)


def test_the_collection() -> None:
    assert len(PRETRAINED) == 11
    for name, remote in PRETRAINED.items():
        assert remote.url.endswith(f"/gensim-data/releases/download/{name}/{name}.gz")
        assert re.fullmatch(r"[0-9a-f]{32}", remote.md5)
        assert remote.size > 69_000_000
