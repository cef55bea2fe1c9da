"""The page as text: self-contained, escaped, and limited to its own scripts."""

import base64
import hashlib
import html
import json
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.report.sample import HOSTILE, WORDS, write_sample_run
from word2vec.cli import run as run_command
from word2vec.errors import ConfigError, Word2VecError
from word2vec.report import write_report
from word2vec.report.page import as_json
from word2vec.system.atomic_files import atomic_path
from word2vec.vectors.word_vectors import WordVectors


class Elements(HTMLParser):
    """The start tags of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.in_script = tag == "script"
        if self.in_script:
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    write_report(write_sample_run(folder / "my <run> & co"), folder / "my <run> & co", folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def test_words_and_settings_are_escaped(page: str) -> None:
    elements = Elements(page)
    assert len(elements.scripts) == 6  # data, plotly and four scripts of the page
    assert not [tag for tag, _ in elements.tags if tag in ("img", "b", "iframe", "object", "embed", "base", "form")]
    assert not [name for _, attributes in elements.tags for name in attributes if name.startswith("on")]
    assert "<title>my &lt;run&gt; &amp; co: word vectors</title>" in page
    assert '<td><span class="value">a&#34;&lt;script&gt;</span>' in page


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    for tag, attributes in Elements(page).tags:
        for name in ("src", "href", "action", "data"):
            target = attributes.get(name) or ""
            assert target == "" or target.startswith(("#", "data:")), (tag, target)
    assert "@import" not in page.partition("</style>")[0]
    assert "url(" not in page.partition("</style>")[0]


def test_the_policy_allows_exactly_the_scripts_of_the_page(page: str) -> None:
    policy = next(a["content"] for tag, a in Elements(page).tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    allowed = re.findall(r"sha256-([^']+)", policy)
    scripts = Elements(page).scripts[1:]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert allowed == digests
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.partition("; style-src")[0]


def test_the_data_of_the_page(page: str) -> None:
    data = json.loads(Elements(page).scripts[0])
    assert data["embedded"]["words"] == data["map"]["words"] == WORDS
    assert len(base64.b64decode(data["embedded"]["rows"])) == len(WORDS) * data["embedded"]["dim"]
    assert [epoch["loss"] for epoch in data["history"]["epochs"]] == [[3.0, 2.5], [2.2, 2.0]]
    assert data["history"]["similarity"][0] == {"name": "<i>mine</i>", "epochs": [1, 2], "values": [0.1, 0.4]}


@pytest.mark.parametrize("word", HOSTILE)
def test_json_has_no_markup(word: str) -> None:
    assert "<" not in as_json([word])
    assert json.loads(as_json([word])) == [word]


def test_the_same_run_gives_the_same_page(page: str, tmp_path: Path) -> None:
    source = tmp_path / "my <run> & co"
    write_report(write_sample_run(source), source, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_missing_sections_are_left_out(tmp_path: Path) -> None:
    WordVectors(["one"], np.ones((1, 3))).save(tmp_path / "v.txt")
    assert run_command(["report", str(tmp_path / "v.txt"), "-o", str(tmp_path / "r.htm")]) == 0
    text = (tmp_path / "r.htm").read_text(encoding="utf-8")
    assert 'id="training-title"' not in text
    assert 'id="settings-title"' not in text
    assert 'id="comparison-title"' not in text
    assert 'id="stability-title"' not in text
    assert "the whole vocabulary (1 word)" in " ".join(html.unescape(text).split())
    assert "too few usable pairs" in text
    assert json.loads(Elements(text).scripts[0])["history"] is None


def test_the_command_prints_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    WordVectors(["one", "two"], np.eye(2)).save(tmp_path / "v.txt")
    assert run_command(["report", "v.txt"]) == 0
    assert capsys.readouterr().out == "report.html\n"
    assert Path("report.html").stat().st_size > 1_000_000


@pytest.mark.parametrize("name", ["v.txt", "report", "report.pdf"])
def test_only_html_files_are_written(name: str, tmp_path: Path) -> None:
    vectors = WordVectors(["one"], np.ones((1, 3)))
    vectors.save(tmp_path / "v.txt")
    before = (tmp_path / "v.txt").read_bytes()
    with pytest.raises(ConfigError, match=r"ends in \.html"):
        write_report(vectors, tmp_path / "v.txt", tmp_path / name)
    assert (tmp_path / "v.txt").read_bytes() == before


def test_unwritable_files_are_reported_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.report.content.collect", lambda *a: pytest.fail("the work started"))
    vectors = WordVectors(["one"], np.ones((1, 3)))
    with pytest.raises(Word2VecError, match="nowhere"):
        write_report(vectors, tmp_path, tmp_path / "nowhere" / "r.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(Word2VecError, match=r"folder\.html"):
        write_report(vectors, tmp_path, tmp_path / "folder.html")


def test_an_existing_page_is_replaced_only_by_a_complete_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with atomic_path(tmp_path / "r.html") as path:
        path.write_text("old")

    def broken(content: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("word2vec.report.page.render", broken)
    with pytest.raises(RuntimeError):
        write_report(WordVectors(["one"], np.ones((1, 3))), tmp_path, tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_the_name_of_a_run_need_not_be_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / os.fsdecode(b"caf\xe9")
    write_sample_run(run)
    assert run_command(["report", str(run), "-o", str(tmp_path / "report.html")]) == 0, capsys.readouterr().err
    assert "<title>caf\ufffd" in (tmp_path / "report.html").read_text(encoding="utf-8")
