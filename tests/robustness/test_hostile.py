"""Hostile and broken input, as a person meets it: one printable line, the right exit code, nothing lost or left over.

What each reader accepts and refuses in detail is tested beside it (test_corpus.py, test_testsets.py, test_config.py,
test_download.py); here all of it goes through the command line. tests/README.md lists the promises.
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
NOISE = np.random.default_rng(0).integers(1, 256, 20_000, dtype=np.uint8).tobytes()  # without a NUL byte


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


def gzip_that_lies() -> bytes:
    """The last four bytes are the size of the text, here 2 GB."""
    return gzip.compress(TEXT)[:-4] + b"\xff\xff\xff\x7f"


CORPORA: dict[str, tuple[bytes, str]] = {
    "a program": (b"\x7fELF\2\1\1\0\0\0" + NOISE, "holds NUL bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE, "holds NUL bytes"),
    "noise": (NOISE, "is no UTF-8 text"),
    "Cyrillic of Windows": ("кошка сидит на ковре\n".encode("cp1251") * 100, "is no UTF-8 text, 81% of its"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "convert it to UTF-8 text (iconv -f UTF-16)"),
    "a zip": (zip_of("text.txt"), "is a zip archive, no text; unpack it first, as in: unzip -p FILE | word2vec train"),
    "a zip that climbs": (zip_of("../../evil.txt"), "is a zip archive"),
    "a tar": (tar_of("text.txt"), "is a tar archive"),
    "a 7z": (b"7z\xbc\xaf\x27\x1c" + NOISE, "is a 7z archive"),
    "a PDF": (b"%PDF-1.7\n" + TEXT, "is a PDF"),
    "a gzip that lies": (gzip_that_lies(), "damaged or cut off"),
    "half a gzip": (gzip.compress(TEXT)[:-9], "damaged or cut off"),
    "half a bzip2": (bz2.compress(TEXT)[:-9], "damaged or cut off"),
    "half an xz": (lzma.compress(TEXT)[:-9], "damaged or cut off"),
    "half a zstandard": (zstandard.compress(TEXT)[:-9], "damaged or cut off"),
    "nothing": (b"", "holds no words"),
    "empty lines": (b"\n\r\n" * 10_000, "holds no words"),
    "a line without a space": (b"x" * 5_000_000, "holds no words"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with vectors in it."""
    monkeypatch.chdir(tmp_path)
    WordVectors(["king", "queen", "man", "woman"], np.eye(4) + 0.1).save("v.txt")
    return tmp_path


def refusal(arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command fails, which leaves everything as it was but for the cache."""

    def files() -> dict[Path, bytes]:
        seen = (path for path in Path().rglob("*") if "cache" not in path.parts and path.is_file())
        return {path: path.read_bytes() for path in seen}

    before = files()
    assert run(arguments) == code
    out, err = capfd.readouterr()
    assert files() == before
    assert out == ""
    assert err.endswith("\n")
    (line,) = (
        line for line in err.removesuffix("\n").split("\n") if not line.startswith(("corpus of ", "batches of "))
    )
    assert line.startswith("word2vec: ")
    assert UNSAFE.search(line) is None
    return line.removeprefix("word2vec: ")


TRAIN = ["--output", "run", "--min-count", "1", "--epochs", "1", "--dim", "4", "--threads", "1"]


@pytest.mark.parametrize("name", CORPORA)
def test_what_is_no_text_is_refused(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content, said = CORPORA[name]
    Path("text").write_bytes(content)
    line = refusal(["train", "text", *TRAIN], 1, capfd)
    assert said in line
    assert not Path("run").exists()
    indexes = Path("cache/indexes")
    assert not indexes.exists() or [path for path in indexes.iterdir() if not path.name.startswith("seen-")] == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/dev/zero", "/dev/zero: is a device or a socket, no file"),
        ("/dev/null", "/dev/null: is a device or a socket, no file"),
        ("socket", "socket: is a device or a socket, no file"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("y/" * 2100, "cannot be read: File name too long"),
        ("no\nthing\x1b[2J.txt", r"no\nthing\x1b[2J.txt: no such file"),
        (os.fsdecode(b"not-utf8-\xff"), "the name is not UTF-8; rename it"),
        ("broken", "broken: no such file"),
        ("", "empty argument ''"),
    ],
    ids=["endless device", "empty device", "socket", "long", "deep", "escapes", "not UTF-8", "broken link", "empty"],
)
def test_what_is_no_file_is_refused(source: str, said: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        Path("broken").symlink_to("nowhere")
        line = refusal(["train", source, *TRAIN], 2 if source == "" or "not-utf8" in source else 1, capfd)
    assert said.replace(r"no\nthing", "no thing") in line


def test_a_folder_with_traps_is_read_without_falling_into_them(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    texts = folder / "texts"
    texts.mkdir()
    (texts / "a.txt").write_bytes(TEXT)
    os.mkfifo(texts / "pipe")
    for name, target in [("zero", "/dev/zero"), ("loop", "."), ("broken", "nowhere"), ("self", "self")]:
        (texts / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("texts/socket")
        assert run(["train", "texts", *TRAIN]) == 0
        assert "corpus of 600 words, vocabulary of 5\n" in capfd.readouterr().err
        assert run(["train", "texts/**", *TRAIN]) == 0


def test_a_corpus_is_never_overwritten_by_what_is_made_of_it(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_folder = folder / "run"
    run_folder.mkdir()
    (run_folder / "vocab.tsv").write_bytes(TEXT)
    Path("link.txt").symlink_to("run/vocab.tsv")
    Path("twin.txt").hardlink_to("run/vocab.tsv")
    Path("file.txt").write_bytes(TEXT)
    for source in ("run/vocab.tsv", "run", "link.txt", "twin.txt"):
        line = refusal(["train", source, *TRAIN], 1, capfd)
        assert line.endswith("lies in run, which is to be written; choose another --output")
    assert "cannot create the folder file.txt: " in refusal(["train", "file.txt", *TRAIN, "-o", "file.txt"], 1, capfd)
    assert run(["train", "file.txt", *TRAIN]) == 0  # a run folder may be written again
    (run_folder / "notes").symlink_to("nowhere")
    command = [sys.executable, "-m", "word2vec", "train", "-", *TRAIN]
    subprocess.run(command, input=TEXT, check=True, capture_output=True)  # as from a pipe
    capfd.readouterr()
    (run_folder / "metrics.jsonl").unlink()
    (run_folder / "metrics.jsonl").symlink_to("../file.txt")
    assert "file.txt: lies in run" in refusal(["train", "file.txt", *TRAIN], 1, capfd)


def test_text_that_is_only_odd_is_read(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    windows = b"\xef\xbb\xbf" + TEXT.replace(b"\n", b"\r\n") * 4
    Path("odd").write_bytes(windows + b"caf\xe9 \xff\n" + b"mat\0cat\0\n" * 50)  # NUL parts words, if it comes late
    assert run(["train", "odd", *TRAIN]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[:2] == [
        "2 sequences of bytes were not UTF-8 and were replaced by U+FFFD",
        "corpus of 2,502 words, vocabulary of 7",
    ]


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
    "a field of two lines": (PAIRS + b'king,woman,3,"a\nb"\n', "line 4: cannot be split into fields"),
    "a quote that never ends": (PAIRS + b'"' * 1_000_001, "line 4: cannot be split into fields"),
    "an endless field": (PAIRS + b"x" * 10_000_000 + b",man,3\n", "line 4: cannot be split into fields"),
    "a million delimiters": (b"," * 1_000_000, "line 1: expected two columns of words"),
    "an escape as a score": (PAIRS + b"king,woman,\x1b[31m\n", r"line 4: the score '\x1b[31m' is not a number"),
}


@pytest.mark.parametrize("name", SETS)
def test_pairs_that_cannot_be_read_are_refused(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content, said = SETS[name]
    Path("p.csv").write_bytes(content)
    line = refusal(["evaluate", "v.txt", "--pairs", "p.csv"], 1, capfd)
    assert line.startswith("p.csv")
    assert said in line


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
        "pairs that stand there twice", "scores that overflow", "scores that vanish",
    ],
)  # fmt: skip
def test_odd_pairs_are_scored_and_what_is_odd_is_said(
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
    ("content", "said"),
    [
        (b"", "contains no questions"),
        (PAIRS, "line 1: no section yet"),
        (b": a\n" + b"word " * 1_000_000, "line 2: found 1000000 words, expected 4"),
        (b": a\nking man queen caf\xe9\n", "line 2: not UTF-8 text"),
        (b"\x7fELF\0\0\0", "contains NUL bytes"),
    ],
)
def test_questions_that_cannot_be_read_are_refused(
    content: bytes, said: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("q.txt").write_bytes(content)
    line = refusal(["evaluate", "v.txt", "--analogies", "q.txt"], 1, capfd)
    assert line.startswith("q.txt")
    assert said in line


@pytest.mark.parametrize("path", [".", "/dev/zero", "x" * 5000, "no\x1b[2J.csv"])
def test_sets_that_are_no_files_are_refused(path: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for kind in ("--pairs", "--analogies"):
        assert "ile" in refusal(["evaluate", "v.txt", kind, path], 1, capfd)


def test_a_set_may_come_from_a_pipe(folder: Path) -> None:
    Path("p.csv").write_bytes(PAIRS)
    command = f"{sys.executable} -m word2vec evaluate v.txt --json --pairs <(cut -d, -f1-3 p.csv)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[0]["pairs"] == 3


WORDS = ["king", "\x1b[2J\x1b]0;mine\x07", "\x9b31mred", "\u202egnik", "[red]king[/red]", "[/]", "می\u200cکند"]


def test_words_cannot_take_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
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
    shown += refusal(["nearest", "bad", "\x1b[31mfoo"], 1, capfd)
    shown += refusal(["nearest", "bad", "31mred"], 1, capfd)  # which names the nearest spelling
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
    "a slip": (b"dimm = 5", "unknown setting 'dimm'; did you mean 'dim'?"),
    "an option's spelling": (b"min-count = 5", "unknown setting 'min-count'; did you mean 'min_count'?"),
    "capitals": (b"DIM = 5", "unknown setting 'DIM'; did you mean 'dim'?"),
    "a wrong type": (b"dim = '100'", "--dim must be a whole number, not '100'"),
    "a table": (b"dim = {a = 1}", "--dim must be a whole number, not {'a': 1}"),
    "a contradiction": (b"lr = 0.01\nmin_lr = 0.1", "--min-lr 0.1 is above --lr 0.01"),
    "a huge number": (b"epochs = " + b"9" * 400, "--epochs must be between -2^63 and 2^63"),
    "a huge rate": (b"lr = " + b"9" * 400, "--lr must be between -2^63 and 2^63"),
    "a number beyond Python": (b"seed = " + b"9" * 5000, "invalid TOML: Exceeds the limit"),
    "endless epochs": (b"epochs = 1000000000000", "--epochs must be at most 1000000, not 1000000000000"),
    "infinity": (b"lr = inf", "--lr must be at most 1000, not inf"),
    "nested lists": (b"dim = " + b"[" * 100_000, "invalid TOML"),
    "nested tables": (b"dim = " + b"{a=" * 5000 + b"1" + b"}" * 5000, "invalid TOML"),
    "a file without end": (b"#" * (5 << 20), "larger than 4 MiB"),
    "a string without end": (b'objective = "' + b"x" * (1 << 20) + b'"', "unknown objective 'xxx"),
    "Latin-1": (b"# caf\xe9", "not UTF-8 text; save it as UTF-8"),
    "UTF-16": ("dim = 3".encode("utf-16"), "not UTF-8 text"),
    "a NUL": (b"dim = 3\0", "invalid TOML"),
    "an escape": (b'"\\u001b[2J" = 3', r"unknown setting '\x1b[2J'"),
    "a key twice": (b"dim = 3\ndim = 4", "invalid TOML: Cannot overwrite a value"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be_are_refused(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content, said = SETTINGS[name]
    Path("text").write_bytes(TEXT)
    Path("c.toml").write_bytes(content)
    line = refusal(["train", "text", "--output", "run", "--config", "c.toml"], 2, capfd)
    assert said in line
    assert len(line) < 2100


def test_settings_from_windows_are_read(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("text").write_bytes(TEXT)
    Path("c.toml").write_bytes(b"\xef\xbb\xbfmin_count = 1\r\ndim = 3\r\nepochs = 1\r\n")
    assert run(["train", "text", "--output", "run", "--config", "c.toml"]) == 0
    assert WordVectors.load("run").dim == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
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
def test_wrong_usage_is_told_in_plain_words(
    arguments: list[str], said: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("text").write_bytes(TEXT)
    line = refusal(arguments, 2, capfd)
    assert said in line
    assert "Value error" not in line
    assert "Input should" not in line


@pytest.mark.parametrize("output", ["x" * 300, "/dev/null", "v.txt", "/proc/nowhere"])
def test_an_output_that_cannot_be_is_refused(output: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("text").write_bytes(TEXT)
    line = refusal(["train", "text", "-o", output], 1, capfd)
    assert output in line
    assert "the result" not in line


# Sizes. A process of its own, with a limit on its memory, since this one has taken much already.

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
    """Words, distinct words and words too long; memory may grow by so much over what the libraries take."""
    command = [sys.executable, "-c", MEASURE, *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *facts, grown = map(int, done.stdout.split())
    assert grown < megabytes
    return facts


def written(path: Path, *blocks: bytes, times: int = 1) -> Path:
    """A file of each block so many times over, with the text behind it; compressed as its name says."""
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
def test_bombs_are_read_in_bounded_memory(suffix: str, folder: Path) -> None:
    """64 MB out of each file of less than 1 MB; and a word that is too long is counted as one."""
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
def test_large_bombs_are_read_in_bounded_memory(suffix: str, folder: Path) -> None:
    """4 GB, half of it one line without a space, half of it empty lines."""
    bomb = written(folder / f"bomb{suffix}", b"x" * (1 << 20), b"\n" * (1 << 20), times=2048)
    assert indexed_within(160, bomb) == [len(TEXT.split()), 5, 1]


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_one_word_too_many(folder: Path) -> None:
    line = written(folder / "line.txt", b"x" * (1 << 20), times=1024)
    assert indexed_within(160, line) == [len(TEXT.split()), 5, 1]


@pytest.mark.slow
def test_a_folder_of_100_000_files(folder: Path) -> None:
    (folder / "texts").mkdir()
    for number in range(100_000):
        (folder / "texts" / f"{number}.txt").write_bytes(b"the cat sat on the mat\n")
    assert indexed_within(300, folder / "texts") == [600_000, 5, 0]


def test_a_stream_without_end_ends_with_the_disk(folder: Path) -> None:
    """Standard input is copied to a file; its limit here stands for the size of the disk."""
    command = [sys.executable, "-m", "word2vec", "train", "-", *TRAIN]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50 << 20, 50 << 20))

    with subprocess.Popen(["yes", "the cat sat"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as endless:
        done = subprocess.run(command, stdin=endless.stdout, capture_output=True, text=True, preexec_fn=limit)
        endless.kill()
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("word2vec: ")
    assert "File too large; free some space" in line
    assert [path.name for path in Path("cache").iterdir()] == []
    assert not Path("run").exists()
