"""Hostile and broken input on the command line: one printable line, the right exit code, nothing lost or left behind.

What each reader accepts and rejects in detail is tested beside it (tests/corpus, tests/evaluation/test_benchmarks.py,
tests/test_config.py, tests/system/test_download.py). tests/README.md lists the guarantees.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import resource
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from word2vec.cli import run
from word2vec.cli.console import UNSAFE
from word2vec.vectors.word_vectors import WordVectors

TEXT = b"the cat sat on the mat\n" * 100
PAIRS = b"king,queen,9\nking,man,7\nman,woman,1\n"
NOISE = np.random.default_rng(0).integers(1, 256, 20_000, dtype=np.uint8).tobytes()  # no NUL bytes


def zip_of(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, TEXT)
    return file.getvalue()


def tar_of(name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return file.getvalue()


def gzip_with_a_wrong_size() -> bytes:
    """The last four bytes give the size of the content, here as 2 GB."""
    return gzip.compress(TEXT)[:-4] + b"\xff\xff\xff\x7f"


CORPORA: dict[str, tuple[bytes, str]] = {
    "a program": (b"\x7fELF\2\1\1\0\0\0" + NOISE, "contains NUL bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE, "contains NUL bytes"),
    "noise": (NOISE, "is not UTF-8 text"),
    "Cyrillic of Windows": ("кошка сидит на ковре\n".encode("cp1251") * 100, "is not UTF-8 text, 81% of its"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "convert it to UTF-8 text (iconv -f UTF-16"),
    "a zip": (zip_of("text.txt"), "is a zip archive, not text; unpack it first: unzip -p FILE | word2vec train"),
    "a zip with a path outside the folder": (zip_of("../../evil.txt"), "is a zip archive"),
    "a tar": (tar_of("text.txt"), "is a tar archive"),
    "a 7z": (b"7z\xbc\xaf\x27\x1c" + NOISE, "is a 7z archive"),
    "a PDF": (b"%PDF-1.7\n" + TEXT, "is a PDF"),
    "a gzip with a wrong size": (gzip_with_a_wrong_size(), "damaged or truncated"),
    "half a gzip": (gzip.compress(TEXT)[:-9], "damaged or truncated"),
    "half a bzip2": (bz2.compress(TEXT)[:-9], "damaged or truncated"),
    "half an xz": (lzma.compress(TEXT)[:-9], "damaged or truncated"),
    "half a zstandard": (zstandard.compress(TEXT)[:-9], "damaged or truncated"),
    "nothing": (b"", "contains no words"),
    "empty lines": (b"\n\r\n" * 10_000, "contains no words"),
    "a line without a space": (b"x" * 5_000_000, "contains no words"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which contains vectors."""
    monkeypatch.chdir(tmp_path)
    WordVectors(["king", "queen", "man", "woman"], np.eye(4) + 0.1).save("v.txt")
    return tmp_path


def error_of(arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]) -> str:
    """The error message of a command that fails with this exit code and changes nothing but the cache."""

    def files() -> dict[Path, bytes]:
        seen = (path for path in Path().rglob("*") if "cache" not in path.parts and path.is_file())
        return {path: path.read_bytes() for path in seen}

    before = files()
    assert run(arguments) == code
    out, err = capfd.readouterr()
    assert files() == before
    assert out == ""
    assert err.endswith("\n")
    *log, message = err.removesuffix("\n").split("\n")
    assert not any(line.startswith(("word2vec: ", "Traceback")) for line in log)
    assert message.startswith("word2vec: ")
    assert UNSAFE.search(message) is None
    return message.removeprefix("word2vec: ")


TRAIN = ["--output", "run", "--min-count", "1", "--epochs", "1", "--dim", "4", "--threads", "1"]


@pytest.mark.parametrize("name", CORPORA)
def test_files_that_are_not_text_are_rejected(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content, expected = CORPORA[name]
    Path("text").write_bytes(content)
    message = error_of(["train", "text", *TRAIN], 1, capfd)
    assert expected in message
    assert not Path("run").exists()
    indexes = Path("cache/indexes")
    assert not indexes.exists() or [path for path in indexes.iterdir() if not path.name.startswith("seen-")] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/dev/zero", "/dev/zero: is a device or a socket, not a file"),
        ("/dev/null", "/dev/null: is a device or a socket, not a file"),
        ("socket", "socket: is a device or a socket, not a file"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("y/" * 2100, "cannot be read: File name too long"),
        ("no\nthing\x1b[2J.txt", r"no\nthing\x1b[2J.txt: no such file"),
        (os.fsdecode(b"not-utf8-\xff"), "the name is not UTF-8; rename it"),
        ("broken", "broken: no such file"),
        ("", "empty argument ''"),
    ],
    ids=["endless device", "empty device", "socket", "long", "deep", "escapes", "not UTF-8", "broken link", "empty"],
)
def test_sources_that_are_not_files_are_rejected(
    source: str, expected: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        Path("broken").symlink_to("nowhere")
        message = error_of(["train", source, *TRAIN], 2 if source == "" or "not-utf8" in source else 1, capfd)
    assert expected.replace(r"no\nthing", "no thing") in message


def test_folder_with_loops_pipes_sockets_and_broken_links(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    texts = folder / "texts"
    texts.mkdir()
    (texts / "a.txt").write_bytes(TEXT)
    os.mkfifo(texts / "pipe")
    for name, target in [("zero", "/dev/zero"), ("loop", "."), ("broken", "nowhere"), ("self", "self")]:
        (texts / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("texts/socket")
        assert run(["train", "texts", *TRAIN]) == 0
        assert "600 words" in capfd.readouterr().err
        assert run(["train", "texts/**", *TRAIN, "--overwrite"]) == 0


def test_corpus_is_never_overwritten_by_its_result(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_folder = folder / "run"
    run_folder.mkdir()
    (run_folder / "vocab.tsv").write_bytes(TEXT)
    Path("link.txt").symlink_to("run/vocab.tsv")
    Path("twin.txt").hardlink_to("run/vocab.tsv")
    Path("file.txt").write_bytes(TEXT)
    for source in ("run/vocab.tsv", "run", "link.txt", "twin.txt"):
        message = error_of(["train", source, *TRAIN, "--overwrite"], 1, capfd)
        assert message.startswith(f"{source}")
        assert "inside the output folder run" in message
    assert "cannot create the folder file.txt: " in error_of(["train", "file.txt", *TRAIN, "-o", "file.txt"], 1, capfd)
    assert run(["train", "file.txt", *TRAIN, "--overwrite"]) == 0
    (run_folder / "notes").symlink_to("nowhere")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
        assert run(["train", "-", *TRAIN, "--overwrite"]) == 0
    capfd.readouterr()
    (run_folder / "metrics.jsonl").unlink()
    (run_folder / "metrics.jsonl").symlink_to("../file.txt")
    message = error_of(["train", "file.txt", *TRAIN, "--overwrite"], 1, capfd)
    assert "file.txt: the corpus is inside the output folder run" in message


def test_output_folder_inside_the_corpus_folder(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("texts").mkdir()
    Path("texts/a.txt").write_bytes(TEXT)
    command = ["train", "texts", *TRAIN, "-o", "texts/first"]
    assert run(command) == 0
    assert run([*command, "--epochs", "2", "--resume"]) == 0
    assert run([*command, "--overwrite"]) == 0
    assert run(["train", "texts", *TRAIN, "-o", "texts/second"]) == 0
    err = capfd.readouterr().err
    assert err.count("corpus of 600 words") == 4
    assert "texts/first: contains a run; not read as text" in err
    Path("texts/first/checkpoint.safetensors").unlink()
    Path("texts/first/vectors.safetensors").unlink()  # as after a kill in the first minutes
    assert run([*command, "--resume"]) == 0
    Path("texts/mixed").mkdir()
    Path("texts/mixed/b.txt").write_bytes(TEXT)
    message = error_of(["train", "texts", *TRAIN, "-o", "texts/mixed"], 1, capfd)
    assert message.startswith("texts/mixed/b.txt: the corpus is inside the output folder")


def test_unusual_text_is_read(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    windows = b"\xef\xbb\xbf" + TEXT.replace(b"\n", b"\r\n") * 4
    Path("odd").write_bytes(windows + b"caf\xe9 \xff\n" + b"mat\0cat\0\n" * 50)  # a late NUL separates words
    assert run(["train", "odd", *TRAIN]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "2 byte sequences were not valid UTF-8" in err
    assert "2,502 words" in err


NUMBERS = b",".join([b"0"] * 1_000_000)

SETS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "contains no word pairs"),
    "a byte-order mark": (b"\xef\xbb\xbf", "contains no word pairs"),
    "Latin-1": (PAIRS + b"caf\xe9,man,3\n", "line 4: not UTF-8 text; save the file as UTF-8"),
    "UTF-16": (PAIRS.decode().encode("utf-16"), "not UTF-8 text"),
    "a NUL": (PAIRS + b"k\0,man,3\n", "contains NUL bytes"),
    "a program": (b"\x7fELF\0\0" + NOISE, "not UTF-8 text"),
    "a web page": (b"<!DOCTYPE html>\n<html><body>Not Found</body></html>\n", "line 1: expected two columns of words"),
    "nan": (PAIRS + b"king,woman,nan\n", "line 4: the score 'nan' is not finite"),
    "infinity": (PAIRS + b"king,woman,-Infinity\n", "line 4: the score '-Infinity' is not finite"),
    "a field with a newline": (PAIRS + b'king,woman,3,"a\nb"\n', "line 4: cannot be split into fields"),
    "an unclosed quote": (PAIRS + b'"' * 1_000_001, "line 4: cannot be split into fields"),
    "an endless field": (PAIRS + b"x" * 10_000_000 + b",man,3\n", "line 4: cannot be split into fields"),
    "a million delimiters": (b"," * 1_000_000, "line 1: expected two columns of words"),
    "an escape as a score": (PAIRS + b"king,woman,\x1b[31m\n", r"line 4: the score '\x1b[31m' is not a number"),
}


@pytest.mark.parametrize("name", SETS)
def test_unreadable_word_pairs_are_rejected(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content, expected = SETS[name]
    Path("p.csv").write_bytes(content)
    message = error_of(["evaluate", "v.txt", "--pairs", "p.csv"], 1, capfd)
    assert message.startswith("p.csv")
    assert expected in message


@pytest.mark.parametrize(
    ("content", "pairs", "note"),
    [
        (b"=cmd|' /C calc'!A0,king,3\n@SUM(A1),man,2\n" + PAIRS, 3, "only 3 usable pairs"),
        (PAIRS + b"king,woman,3," + NUMBERS + b"\n", 4, "only 4 usable pairs"),
        (b"king,man,1\n" * 20 + b"king,queen,2,3," + NUMBERS + b"\n", 21, ""),
        (b"king,queen,3\n", 1, "too few usable pairs (1): a correlation needs two or more"),
        (b"king,queen,3\nking,man,3\nman,woman,3\n", 3, "all scores are equal: the correlation is undefined"),
        (b"king,king,3\nqueen,queen,2\nman,man,1\n", 3, "all cosines are equal: the correlation is undefined"),
        (b"emperor,empress,3\nduke,duchess,2\n", 0, "too few usable pairs (0)"),
        (PAIRS + b"king,queen,9\n" * 9, 12, ""),
        (b"king,queen,1e308\nking,man,-1e308\nman,woman,7\n", 3, "only 3 usable pairs"),
        (b"king,queen,1e-320\nking,man,2e-320\nman,woman,3e-320\n", 3, "only 3 usable pairs"),
    ],
    ids=[
        "formulas", "a million columns", "one wide row", "one pair", "constant scores", "equal words", "unknown words",
        "duplicate pairs", "scores that overflow", "scores that vanish",
    ],
)  # fmt: skip
def test_unusual_word_pairs_are_scored_with_a_note(
    content: bytes, pairs: int, note: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [[1, 0, 0.1], [0.9, 0.3, 0.2], [0.1, 1, 0.1], [0.3, 0.8, 0.9]]
    WordVectors(["king", "queen", "man", "woman"], rows).save("v.txt")
    Path("p.csv").write_bytes(content)
    assert run(["evaluate", "v.txt", "--pairs", "p.csv", "--json"]) == 0
    out, err = capfd.readouterr()
    (found,) = json.loads(out)
    assert found["pairs"] == pairs
    assert (found["spearman"] is None) == note.startswith(("too few", "all "))
    assert (found["pearson"] is None) == (found["spearman"] is None)
    assert err == "" if note == "" else err.startswith(f"p: {note}")
    assert err.count("\n") == (note != "")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "contains no questions"),
        (PAIRS, "line 1: no section yet"),
        (b": a\n" + b"word " * 1_000_000, "line 2: found 1000000 words, expected 4"),
        (b": a\nking man queen caf\xe9\n", "line 2: not UTF-8 text"),
        (b"\x7fELF\0\0\0", "contains NUL bytes"),
    ],
)
def test_unreadable_analogy_questions_are_rejected(
    content: bytes, expected: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("q.txt").write_bytes(content)
    message = error_of(["evaluate", "v.txt", "--analogies", "q.txt"], 1, capfd)
    assert message.startswith("q.txt")
    assert expected in message


@pytest.mark.parametrize("path", [".", "/dev/zero", "x" * 5000, "no\x1b[2J.csv"])
def test_test_sets_that_are_not_files_are_rejected(path: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for kind in ("--pairs", "--analogies") if path != "." else ("--pairs",):  # a folder of analogies is read
        assert "ile" in error_of(["evaluate", "v.txt", kind, path], 1, capfd)


def test_test_set_from_a_pipe(folder: Path) -> None:
    Path("p.csv").write_bytes(PAIRS)
    command = f"{sys.executable} -m word2vec evaluate v.txt --json --pairs <(cut -d, -f1-3 p.csv)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[0]["pairs"] == 3


WORDS = ["king", "\x1b[2J\x1b]0;mine\x07", "\x9b31mred", "\u202egnik", "[red]king[/red]", "[/]", "می\u200cکند"]


def test_words_cannot_control_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    WordVectors(WORDS, np.random.default_rng(0).normal(size=(len(WORDS), 3)), counts=range(9, 2, -1)).save("bad")
    Path("\x1b[31mp.csv").write_bytes("".join(f"king,{word},3\nking,my{word},4\n" for word in WORDS).encode())
    Path("q.txt").write_text(": \x1b[31mcapitals[/]\nking king king king\n")
    shown = ""
    for arguments in [
        ["nearest", "bad", "king", *WORDS[1:]],
        ["nearest", "bad", WORDS[2], "--json"],
        ["analogy", "bad", "king", "[/]", WORDS[1]],
        ["evaluate", "bad", "--pairs", "\x1b[31mp.csv", "--analogies", "q.txt"],
        ["evaluate", "bad", "--pairs", "\x1b[31mp.csv", "--json"],
        ["info", "bad"],
    ]:
        assert run(arguments) == 0
        shown += "".join(capfd.readouterr())
    shown += error_of(["nearest", "bad", "\x1b[31mfoo"], 1, capfd)
    shown += error_of(["nearest", "bad", "31mred"], 1, capfd)  # the message suggests the nearest spelling
    assert UNSAFE.search(shown.replace("\n", "")) is None
    for word in (
        r"\x1b[2J\x1b]0;mine\x07",
        r"\x9b31mred",
        r"\u202egnik",
        r"\x1b[31mcapitals[/]",
        r"\x1b[31mp",
        *WORDS[4:],
    ):
        assert word in shown


SETTINGS: dict[str, tuple[bytes, str]] = {
    "a typo": (b"dimm = 5", "unknown setting 'dimm'; did you mean 'dim'?"),
    "an option's spelling": (b"min-count = 5", "unknown setting 'min-count'; did you mean 'min_count'?"),
    "capitals": (b"DIM = 5", "unknown setting 'DIM'; did you mean 'dim'?"),
    "a wrong type": (b"dim = '100'", "--dim must be a whole number, not '100'"),
    "a table": (b"dim = {a = 1}", "--dim must be a whole number, not {'a': 1}"),
    "a contradiction": (b"lr = 0.01\nmin_lr = 0.1", "--min-lr 0.1 is above --lr 0.01"),
    "a huge number": (b"epochs = " + b"9" * 400, "--epochs must be between -2^63 and 2^63"),
    "a huge rate": (b"lr = " + b"9" * 400, "--lr must be between -2^63 and 2^63"),
    "a number that Python cannot parse": (b"seed = " + b"9" * 5000, "invalid TOML: Exceeds the limit"),
    "too many epochs": (b"epochs = 1000000000000", "--epochs must be at most 1000000, not 1000000000000"),
    "infinity": (b"lr = inf", "--lr must be at most 1000, not inf"),
    "nested lists": (b"dim = " + b"[" * 100_000, "invalid TOML"),
    "nested tables": (b"dim = " + b"{a=" * 5000 + b"1" + b"}" * 5000, "invalid TOML"),
    "a huge file": (b"#" * (5 << 20), "larger than 4 MiB"),
    "a huge string": (b'objective = "' + b"x" * (1 << 20) + b'"', "unknown objective 'xxx"),
    "Latin-1": (b"# caf\xe9", "not UTF-8 text; save it as UTF-8"),
    "UTF-16": ("dim = 3".encode("utf-16"), "not UTF-8 text"),
    "a NUL": (b"dim = 3\0", "invalid TOML"),
    "an escape": (b'"\\u001b[2J" = 3', r"unknown setting '\x1b[2J'"),
    "a duplicate key": (b"dim = 3\ndim = 4", "invalid TOML: Cannot overwrite a value"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_invalid_settings_are_rejected(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content, expected = SETTINGS[name]
    Path("text").write_bytes(TEXT)
    Path("c.toml").write_bytes(content)
    message = error_of(["train", "text", "--output", "run", "--config", "c.toml"], 2, capfd)
    assert expected in message
    assert len(message) < 2100


def test_settings_file_written_on_windows(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("text").write_bytes(TEXT)
    Path("c.toml").write_bytes(b"\xef\xbb\xbfmin_count = 1\r\ndim = 3\r\nepochs = 1\r\n")
    assert run(["train", "text", "--output", "run", "--config", "c.toml"]) == 0
    assert WordVectors.load("run").dim == 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "text", "-o", "run", "--device", "gpu"], "'--device': 'gpu' is not one of 'auto', 'cpu', 'cuda'."),
        (["train", "text", "-o", "run", "--dim", "1e3"], "'--dim': it must be a whole number"),
        (["train", "text", "-o", "run", "--lr", "fast"], "'--lr': it must be a number"),
        (["train", "text", "-o", "run", "--seed", "9" * 5000], "'--seed': the number is too long"),
        (["train", "text", "-o", "a\0b"], "embedded null byte"),
        (["evaluate", "v.txt", "--oov", "x"], "'--oov': 'x' is not one of 'skip', 'zero'."),
        (["evaluate", "v.txt", "--restrict", "0"], "'--restrict': it must be at least 1"),
        (["train", "text", "-o", "run", "--bogus\x1b[2J"], r"No such option: --bogus\x1b[2J"),
        (["train", "text", "--output="], "empty argument '--output='"),
        (["nearest", "", "king"], "empty argument '': a shell variable may be unset"),
        (["train", "text", "-o", "run", "--config", "/dev/zero"], "/dev/zero: not a file"),
        (["train", "text", "-o", "run", "--config", "."], ".: not a file"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "",
)
def test_wrong_usage_is_explained_in_plain_words(
    arguments: list[str], expected: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("text").write_bytes(TEXT)
    message = error_of(arguments, 2, capfd)
    assert expected in message
    assert "Value error" not in message
    assert "Input should" not in message


@pytest.mark.parametrize("output", ["x" * 300, "/dev/null", "v.txt", "/proc/nowhere"])
def test_invalid_output_is_rejected(output: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("text").write_bytes(TEXT)
    message = error_of(["train", "text", "-o", output], 1, capfd)
    assert output in message
    assert "the result" not in message


# Sizes. Measured in a process of its own, because this one has already allocated a lot.

MEASURE = """
import resource, sys
from word2vec.corpus.word_counts import load_kernels
from word2vec.corpus.indexing import index_corpus
load_kernels()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
facts = index_corpus(sys.argv[1:]).facts
print(facts.words, facts.distinct_words, facts.long_words)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def indexed_within(megabytes: int, *sources: Path) -> list[int]:
    """Index the sources in a process whose memory grows by less than this after loading the libraries.

    Returns:
        The numbers of words, distinct words and too long words.
    """
    command = [sys.executable, "-c", MEASURE, *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *facts, grown = map(int, done.stdout.split())
    assert grown < megabytes
    return facts


def written(path: Path, *blocks: bytes, times: int = 1) -> Path:
    """Write each block this many times, then the text; compressed as the name says."""
    writers: dict[str, Callable[[Path], Any]] = {
        ".gz": lambda path: gzip.GzipFile(path, "wb", compresslevel=1),
        ".zst": lambda path: zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(level=1)),
        ".txt": lambda path: path.open("wb"),
    }
    with writers[path.suffix](path) as file:
        for block in blocks:
            for _ in range(times):
                file.write(block)
        file.write(b"\n" + TEXT)
    return path


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compression_bombs_are_read_in_bounded_memory(suffix: str, folder: Path) -> None:
    """64 MB from each file of less than 1 MB; a word that is too long counts as one."""
    blocks = {"x": b"x", "space": b" ", "line": b"\n", "not-text": b"a\xff"}
    bombs = [
        written(folder / f"{name}{suffix}", TEXT * 4, *[block * ((1 << 20) // len(block))] * 64)
        for name, block in blocks.items()
    ]
    assert max(bomb.stat().st_size for bomb in bombs) < 1 << 20
    words = 4 * 5 * len(TEXT.split())
    assert indexed_within(160, *bombs) == [words, 5, 2]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_large_compression_bombs_are_read_in_bounded_memory(suffix: str, folder: Path) -> None:
    """4 GB, half of it one line without spaces, half of it empty lines."""
    bomb = written(folder / f"bomb{suffix}", b"x" * (1 << 20), b"\n" * (1 << 20), times=2048)
    assert indexed_within(160, bomb) == [len(TEXT.split()), 5, 1]


@pytest.mark.slow
def test_line_of_a_gigabyte_is_one_too_long_word(folder: Path) -> None:
    line = written(folder / "line.txt", b"x" * (1 << 20), times=1024)
    assert indexed_within(160, line) == [len(TEXT.split()), 5, 1]


@pytest.mark.slow
def test_folder_of_100_000_files(folder: Path) -> None:
    (folder / "texts").mkdir()
    for number in range(100_000):
        (folder / "texts" / f"{number}.txt").write_bytes(b"the cat sat on the mat\n")
    assert indexed_within(300, folder / "texts") == [600_000, 5, 0]


def test_endless_stream_ends_when_the_disk_is_full(folder: Path) -> None:
    """Standard input is copied to a file, whose size limit stands for that of the disk."""
    command = [sys.executable, "-m", "word2vec", "train", "-", *TRAIN]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50 << 20, 50 << 20))

    with subprocess.Popen(["yes", "the cat sat"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as endless:
        done = subprocess.run(command, stdin=endless.stdout, capture_output=True, text=True, preexec_fn=limit)
        endless.kill()
    assert done.returncode == 1
    (message,) = done.stderr.splitlines()
    assert message.startswith("word2vec: ")
    assert "File too large; free some disk space" in message
    assert [path.name for path in Path("cache").iterdir()] == []
    assert not Path("run").exists()
