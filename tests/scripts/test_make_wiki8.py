"""data/make_wiki8.py on a small git repository with files as WikiExtractor writes them."""

import hashlib
import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

make_wiki8: Any = importlib.import_module("make_wiki8")

BODY = "the quick brown fox jumps over the lazy dog and runs away from it into the deep dark woods where no one can see"


def article(number: int, title: str, body: str) -> str:
    return f'<doc id="{number}" url="https://a.b/?curid={number}" title="{title}">\n{title}\n\n{body}\n</doc>\n'


def long_body(first: str) -> str:
    return f"{first} {BODY} {BODY}"


FILES = {
    "text/AA/wiki_00": article(12, "One", long_body("first")) + article(13, "Tiny", "too short"),
    "text/AA/wiki_01": article(14, "One", long_body("same title"))
    + article(15, "Two", long_body("first"))  # the same text as article 12
    + article(16, "Three (disambiguation)", long_body("third")),
    "text/AB/wiki_00": article(17, "Four", long_body("fourth")),
    "text/AB/notes.txt": article(18, "Five", long_body("fifth")),
    "other/wiki_00": article(19, "Six", long_body("sixth")),
}
EXPECTED = f" {long_body('first')} {long_body('fourth')}"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("source")
    for name, text in FILES.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "-m", "articles"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return repository


def build(source: Path | str, output: Path, *arguments: str) -> int:
    code: int = make_wiki8.main(["--source", str(source), "--commit", "HEAD", "--output", str(output), *arguments])
    return code


def test_corpus_has_the_kept_articles_in_order(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "data" / "wiki8"
    checksum = hashlib.sha256(EXPECTED.encode()).hexdigest()
    assert build(source, output, "--sha256", checksum) == 0
    assert output.read_text() == EXPECTED
    assert f"SHA-256 {checksum} (verified)" in capsys.readouterr().out


def test_a_repository_is_cloned(source: Path, tmp_path: Path) -> None:
    assert build(source.as_uri(), tmp_path / "wiki8") == 0
    assert (tmp_path / "wiki8").read_text() == EXPECTED


def test_checksum_mismatch_writes_nothing(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wiki8").write_text("an earlier corpus")
    assert build(source, tmp_path / "wiki8", "--sha256", "0" * 64) == 1
    error = capsys.readouterr().err
    assert "checksum mismatch" in error
    assert error.count("\n") == 1
    assert (tmp_path / "wiki8").read_text() == "an earlier corpus"
    assert [path.name for path in tmp_path.iterdir()] == ["wiki8"]


@pytest.mark.parametrize("limit", [1, 40, 150, len(EXPECTED) - 1, len(EXPECTED), len(EXPECTED) + 1])
def test_corpus_ends_at_a_whole_word_within_the_limit(limit: int, source: Path, tmp_path: Path) -> None:
    assert build(source, tmp_path / "wiki8", "--bytes", str(limit)) == 0
    text = (tmp_path / "wiki8").read_text()
    assert len(text) <= limit
    assert EXPECTED.startswith(text)
    assert text.split() == EXPECTED.split()[: len(text.split())]
    assert len(text) > limit - 8 or text == EXPECTED  # no word has more letters


def test_checksums_are_known_for_two_sizes_of_the_default_commit(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[str | None] = []
    monkeypatch.setattr(make_wiki8, "build", lambda *arguments: expected.append(arguments[-1]))
    make_wiki8.main(["--source", str(source)])
    make_wiki8.main(["--source", str(source), "--bytes", "420000000"])
    make_wiki8.main(["--source", str(source), "--bytes", "1000"])
    make_wiki8.main(["--source", str(source), "--commit", "HEAD"])
    assert expected == [*make_wiki8.CHECKSUMS.values(), None, None]


def test_wrong_sources_are_reported_in_one_line(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path, tmp_path / "wiki8") == 1
    assert "pass a clone of https://github.com/jason-feng/wikiVisual" in capsys.readouterr().err
    assert make_wiki8.main(["--source", str(source), "--commit", "0" * 40, "--output", str(tmp_path / "wiki8")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "wiki8").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anarchism in 1904, &amp;c.", "anarchism in one nine zero four c"),
        ("a [[dog|hound]] [[Category:Dogs|x]] [[de:Hund]] b", "a hound dogs b"),
        ("[http://a.b the link] https://c.d/e rest", "the link rest"),
        ("x <ref name=a>b</ref><!-- c\nd --> y", "x y"),
        ("a &lt;b&gt;bold&lt;/b&gt; word, 1 < 2", "a bold word one two"),
        ("the formula_12 and codice_3 {{template|x}} &nbsp; end", "the and end"),
        ("[[File:a.jpg|thumb|200px|A caption]]", "a caption"),
    ],
)
def test_markup_is_removed(text: str, expected: str) -> None:
    assert make_wiki8.normalize(text.encode()).decode() == expected


@pytest.mark.slow
def test_the_published_checksum_is_that_of_the_development_corpus() -> None:
    import lzma
    import os

    folder = os.environ.get("WORD2VEC_DATA")
    if not folder or not (Path(folder) / "wiki8.xz").exists():
        pytest.skip("WORD2VEC_DATA does not name a folder with wiki8.xz")
    with lzma.open(Path(folder) / "wiki8.xz") as file:
        text = file.read()
    assert hashlib.sha256(text).hexdigest() == make_wiki8.CHECKSUMS[make_wiki8.BYTES]
    assert make_wiki8.NOT_A_LETTER.sub(b" ", text) == text
