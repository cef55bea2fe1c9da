"""Every kind of source, every kind of file, and blocks that cut no word."""

import bz2
import gzip
import lzma
import os
import random
import re
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from word2vec.corpus import named
from word2vec.corpus import reader as corpus
from word2vec.corpus.reader import MAX_WORD_BYTES, NOT_TEXT, STDIN, ReadReport, read_blocks, resolve
from word2vec.errors import CorpusError
from word2vec.system.cache import cache_folder

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
TEXT = "Der Öltank läuft über.\nzweite Zeile\n".encode()


def written(path: Path, data: bytes = b"some words\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read(path: Path, *, lowercase: bool = False, report: ReadReport | None = None) -> bytes:
    """All of a file's text, without the newline that ends every file."""
    text = b"".join(read_blocks(path, report or ReadReport(), lowercase=lowercase))
    assert text.endswith(b"\n")
    return text[:-1]


def words(text: bytes) -> list[bytes]:
    """The plain definition of a word: a run of bytes above the space, not too long."""
    return [word for word in re.split(rb"[\x00-\x20]+", text) if 0 < len(word) <= MAX_WORD_BYTES]


def message(source: Callable[[], object]) -> str:
    """The one line with which something fails."""
    with pytest.raises(CorpusError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Sources.


def test_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt")
    assert resolve([path]) == resolve([str(path)]) == resolve(str(path)) == [path]


def test_folder_is_read_recursively_without_hidden_files(tmp_path: Path) -> None:
    for name in ["b.txt", "a/z.txt", "a/c/d.txt", ".hidden", "a/.hidden", ".git/e.txt", "a/.cache/f.txt"]:
        written(tmp_path / "texts" / name)
    (tmp_path / "texts" / "empty").mkdir()
    found = [str(file.relative_to(tmp_path / "texts")) for file in resolve([tmp_path / "texts"])]
    assert found == ["a/c/d.txt", "a/z.txt", "b.txt"]


def test_loop_of_links_ends(tmp_path: Path) -> None:
    path = written(tmp_path / "texts" / "a.txt")
    (tmp_path / "texts" / "loop").symlink_to(tmp_path / "texts")
    (tmp_path / "texts" / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "texts" / "b.txt").symlink_to(written(tmp_path / "elsewhere.txt"))
    assert resolve([tmp_path / "texts"]) == [path, tmp_path / "texts" / "b.txt"]


def test_glob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["b.txt", "a.txt", "c.md", "d/e.txt", "d.txt/not-a-file"]:
        written(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert resolve([tmp_path / "*.txt"]) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert resolve(["[bd]*.txt"]) == [Path("b.txt")]
    assert resolve(["**/*.txt"]) == [Path("a.txt"), Path("b.txt"), Path("d/e.txt")]


def test_glob_over_a_loop_of_links_names_each_file_once(tmp_path: Path) -> None:
    path = written(tmp_path / "texts" / "z.txt")
    (tmp_path / "texts" / "loop").symlink_to(tmp_path / "texts")
    assert resolve([tmp_path / "texts" / "**"]) == [path]


def test_file_whose_name_looks_like_a_glob(tmp_path: Path) -> None:
    path = written(tmp_path / "a[1].txt")
    written(tmp_path / "a1.txt")
    assert resolve([path]) == [path]


def test_several_sources_keep_their_order(tmp_path: Path) -> None:
    b, a, c = written(tmp_path / "b.txt"), written(tmp_path / "folder" / "a.txt"), written(tmp_path / "c.txt")
    assert resolve([b, tmp_path / "folder", str(tmp_path / "c*")]) == [b, a, c]
    assert resolve([b, b]) == [b, b]


def test_home_is_found_and_a_tilde_in_a_name_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "a.txt")
    written(tmp_path / "~backup.txt")
    assert resolve(["~/a.txt"]) == [tmp_path / "a.txt"]
    assert resolve(["~backup.txt"]) == [Path("~backup.txt")]


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert resolve([tmp_path / "pipe"]) == [tmp_path / "pipe"]


def test_named_corpus_gives_way_to_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = written(tmp_path / "made.txt")
    monkeypatch.setitem(named.NAMED_CORPORA, "text8", lambda: made)
    monkeypatch.chdir(tmp_path)
    assert resolve(["text8"]) == [made]
    written(tmp_path / "text8")
    assert resolve(["text8"]) == [Path("text8")]


def test_corpora_that_have_names() -> None:
    assert sorted(named.NAMED_CORPORA) == ["pydocs", "text8"]


def test_standard_input_stands_alone(tmp_path: Path) -> None:
    assert resolve(["-"]) == resolve([STDIN]) == [STDIN]
    assert "standard input ('-') cannot be combined" in message(lambda: resolve(["-", written(tmp_path / "a.txt")]))


def test_nothing_given() -> None:
    assert message(lambda: resolve([])).startswith("no corpus given: name a text file")


def test_missing_file_names_it_and_the_named_corpora(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.txt"
    expected = f"{path}: no such file, folder or corpus (named corpora: text8, pydocs)"
    assert message(lambda: resolve([path])) == expected
    assert message(lambda: resolve([written(tmp_path / "a.txt"), path])) == expected


def test_folder_without_files(tmp_path: Path) -> None:
    written(tmp_path / "texts" / ".hidden")
    assert message(lambda: resolve([tmp_path / "texts"])) == f"{tmp_path / 'texts'}: the folder holds no files"


def test_folder_that_may_not_be_read_is_not_left_out_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "open" / "a.txt")
    secret = written(tmp_path / "secret" / "b.txt").parent
    scandir = os.scandir

    def refusing(path: str) -> object:  # permissions would not stop a test that runs as root
        if Path(path) == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert message(lambda: resolve([tmp_path])) == f"{secret}: cannot be read: Permission denied"


def test_name_that_is_too_long() -> None:
    assert message(lambda: resolve(["the text itself " * 100])).endswith(": cannot be read: File name too long")


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"  # what conftest.py sets
    monkeypatch.delenv("WORD2VEC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().name == "word2vec"
    assert cache_folder().is_relative_to(tmp_path)


# Compressed files.


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_file_is_known_by_its_content(tmp_path: Path, suffix: str) -> None:
    data = COMPRESS[suffix](TEXT)
    for name in ["text" + suffix, "text.txt", "no-suffix"]:
        assert read(written(tmp_path / name, data)) == TEXT


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_file_of_several_members(tmp_path: Path, suffix: str) -> None:
    members = [b"one ", b"", b"two\n", b"three"]
    path = written(tmp_path / "text", b"".join(map(COMPRESS[suffix], members)))
    assert read(path) == b"one two\nthree"


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_file_of_many_blocks(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "BLOCK_BYTES", 1000)
    draw = random.Random(0)
    text = b" ".join(b"%d" % draw.randrange(10**6) for _ in range(50_000))
    assert read(written(tmp_path / "text", COMPRESS[suffix](text))) == text


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_file_of_nothing(tmp_path: Path, suffix: str) -> None:
    assert read(written(tmp_path / f"text{suffix}", COMPRESS[suffix](b""))) == b""


def test_highly_compressed_file_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 1 << 26
    path = written(tmp_path / "newlines", zstandard.compress(b"\n" * size))
    assert path.stat().st_size > 1000
    monkeypatch.setattr("word2vec.system.compression.ZSTD_BYTES", 100)
    monkeypatch.setattr(corpus, "BLOCK_BYTES", 1 << 16)
    tracemalloc.start()
    try:
        assert sum(map(len, read_blocks(path, ReadReport()))) == size + 1
        assert tracemalloc.get_traced_memory()[1] < size // 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_name_says_compressed_but_the_content_is_not(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"text{suffix}", TEXT)
    expected = f"{path}: the name ends in {suffix} but the content is not; rename it or fetch it again"
    assert message(lambda: read(path)) == expected


@pytest.mark.parametrize("suffix", COMPRESS)
def test_file_that_is_cut_off_is_never_taken_for_a_whole_one(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(0)
    data = COMPRESS[suffix](bytes(draw.choices(b"abcdefgh \n", k=100_000)))
    for size in [8, 12, len(data) // 3, len(data) // 2, len(data) - 5, len(data) - 1]:
        path = written(tmp_path / "text", data[:size])
        assert message(partial(read, path)).startswith(f"{path}: the compressed file is damaged or cut off (")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damaged_file(tmp_path: Path, suffix: str) -> None:
    draw = random.Random(0)
    data = bytearray(COMPRESS[suffix](bytes(draw.choices(b"abcdefgh \n", k=100_000))))
    middle = len(data) // 2
    data[middle : middle + 200] = b"\x55" * 200
    path = written(tmp_path / "text", bytes(data))
    assert message(lambda: read(path)).startswith(f"{path}: the compressed file is damaged or cut off (")


@pytest.mark.parametrize("suffix", [".bz2", ".xz"])
def test_garbage_after_the_end_is_no_text(tmp_path: Path, suffix: str) -> None:
    assert read(written(tmp_path / "text", COMPRESS[suffix](TEXT) + b"garbage")) == TEXT


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_garbage_after_the_end_is_refused(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / "text", COMPRESS[suffix](TEXT) + b"garbage")
    assert message(lambda: read(path)).startswith(f"{path}: the compressed file is damaged or cut off (")


def test_progress_counts_the_bytes_on_disk(tmp_path: Path) -> None:
    for name, data in [("plain", TEXT * 10_000), ("packed", gzip.compress(TEXT * 10_000))]:
        steps: list[int] = []
        for _ in read_blocks(written(tmp_path / name, data), ReadReport(), advance=steps.append):
            pass
        assert sum(steps) == len(data)


def test_files_are_closed_even_if_reading_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real_open = Path.open

    def noting(self: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(real_open(self, *args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(Path, "open", noting)
    monkeypatch.setattr(corpus, "BLOCK_BYTES", 1)
    monkeypatch.setattr(corpus, "BINARY_PROBE_BYTES", 1)
    for suffix, compress in COMPRESS.items():
        blocks: Iterator[bytes] = read_blocks(written(tmp_path / f"text{suffix}", compress(TEXT)), ReadReport())
        next(blocks)
        blocks.close()  # type: ignore[attr-defined]
    assert [file.closed for file in opened[1::2]] == [True] * len(COMPRESS)  # between them those that wrote


# Files that are odd or no text.


def test_empty_file(tmp_path: Path) -> None:
    assert list(read_blocks(written(tmp_path / "empty.gz", b""), ReadReport())) == [b"\n"]


def test_missing_file_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    assert message(lambda: read(path)) == f"{path}: cannot be read: No such file or directory"
    assert message(lambda: read(tmp_path)) == f"{tmp_path}: cannot be read: Is a directory"


def test_byte_order_mark_is_dropped_at_the_start_only(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    assert read(written(tmp_path / "a", mark + b"word" + mark)) == b"word" + mark
    assert read(written(tmp_path / "b", mark)) == b""
    assert read(written(tmp_path / "c", gzip.compress(mark + b"word"))) == b"word"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path / "text", TEXT.decode().encode(encoding))
    expected = f"{path}: holds NUL bytes, so it is a binary file or UTF-16; convert it to UTF-8 text (iconv -f UTF-16)"
    assert message(lambda: read(path)) == expected


def test_binary_file_is_refused_even_if_compressed_or_without_any_white_space(tmp_path: Path) -> None:
    for name, data in [("packed", gzip.compress(b"\x7fELF\0\0")), ("zeros", bytes(5 << 20))]:
        path = written(tmp_path / name, data)
        assert "holds NUL bytes" in message(partial(read, path))


@pytest.mark.parametrize("magic", NOT_TEXT)
def test_archives_are_refused_with_the_way_to_read_them(tmp_path: Path, magic: bytes) -> None:
    what, advice = NOT_TEXT[magic]
    for name, data in [("plain", magic + TEXT), ("packed", gzip.compress(magic + bytes(100)))]:
        path = written(tmp_path / name, data)
        assert message(partial(read, path)) == f"{path}: is {what}, no text; {advice}"
    read(written(tmp_path / "later", TEXT + magic))  # it is where it stands that tells


ENCODED = {
    "French in Latin-1": ("Où est l'été passé à la forêt d'où venait le garçon naïf ?\n" * 20, "latin-1"),
    "German in Latin-1": ("Die Straße führt über die Brücke zu den schönen Häusern.\n" * 20, "latin-1"),
    "a short file": ("кошка\n" * 8, "koi8-r"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_few_odd_bytes_are_let_pass(tmp_path: Path, name: str) -> None:
    text, encoding = ENCODED[name]
    report = ReadReport()
    assert b"\xef\xbf\xbd" in read(written(tmp_path / "text", text.encode(encoding)), report=report)
    assert report.undecodable_bytes > 0


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "shift-jis", "gb2312", "big5", "euc-jp"])
def test_text_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    text = "кошка сидит на ковре\n" if encoding in ("cp1251", "koi8-r") else "一 二 三 中 文 人 日 本\n"
    path = written(tmp_path / "text", text.encode(encoding) * 50)
    assert " of its beginning is something else; convert it first (iconv -f " in message(lambda: read(path))
    assert read(written(tmp_path / "utf8", text.encode() * 50)) == text.encode() * 50


def test_undecodable_bytes_are_replaced_and_counted(tmp_path: Path) -> None:
    cases = [
        (b"caf\xe9 ol\xe9", "caf\ufffd ol\ufffd", 2),
        (b"\xff\xfe\xfd", "\ufffd\ufffd\ufffd", 3),
        (b"\xe2\x82 x", "\ufffd x", 1),  # a cut character is one
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", 3),  # a surrogate, not allowed in UTF-8
        ("real \ufffd kept".encode(), "real \ufffd kept", 0),
        ("\ufffd".encode() + b"\x80" + "\ufffd".encode(), "\ufffd\ufffd\ufffd", 1),
        (b"\xf0" + "\ufffd".encode(), "\ufffd\ufffd", 1),
    ]
    for number, (data, expected, count) in enumerate(cases):
        for lowercase in (False, True):
            report = ReadReport()
            assert read(written(tmp_path / str(number), data), lowercase=lowercase, report=report) == expected.encode()
            assert report.undecodable_bytes == count


def test_undecodable_bytes_of_all_files_are_added(tmp_path: Path) -> None:
    report = ReadReport()
    read(written(tmp_path / "a", b"\xff"), report=report)
    read(written(tmp_path / "b", b"\xff \xff"), report=report)
    assert report.undecodable_bytes == 3


def test_lower_case_is_unicode(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "ÄÖ İstanbul ΟΔΟΣ STRASSE ẞ Ǆ".encode())
    assert read(path, lowercase=True).decode() == "äö i̇stanbul οδος strasse ß ǆ"
    assert read(path) == path.read_bytes()
    assert read(written(tmp_path / "b", b"ASCII Only\r\n"), lowercase=True) == b"ascii only\r\n"


# Blocks.


def small_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(corpus, "BLOCK_BYTES", size)
    monkeypatch.setattr(corpus, "BINARY_PROBE_BYTES", size)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1023])
def test_blocks_end_between_words_and_lose_nothing(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(size)
    characters = ["a", "B", "é", "€", "😀", "\ufffd", " ", " ", "\n", "\t", "\r\n", "\x0b", "\x1f"]
    for number in range(20):
        text = "".join(draw.choices(characters, k=300)).encode()
        path = written(tmp_path / str(number), text)
        with monkeypatch.context() as patched:
            small_blocks(patched, size)
            blocks = list(read_blocks(path, report := ReadReport()))
        assert b"".join(blocks) == text + b"\n"
        # each block stands for itself: its words are those of the text
        assert [word for block in blocks for word in words(block)] == words(text)
        assert report.undecodable_bytes == 0


@pytest.mark.parametrize("size", [1, 7, 100, 1500])
def test_undecodable_bytes_are_counted_across_blocks(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(size)
    pieces = [b"a", "é".encode(), "€".encode(), b"\xff", b"\xe2\x82", b"\x80", "\ufffd".encode(), b" ", b"\n"]
    data = b"text " * 2000 + b"".join(draw.choices(pieces, k=2000))  # it begins as text, else it were refused
    expected = data.decode(errors="replace")
    small_blocks(monkeypatch, size)
    assert read(written(tmp_path / "text", data), report=(report := ReadReport())) == expected.encode()
    assert report.undecodable_bytes == expected.count("\ufffd") - data.count("\ufffd".encode()) > 0


@pytest.mark.parametrize("separator", [b" ", b"\n", b"\t", b"\r", b"\x0b", b"\x0c", b"\x1f", b"\x01"])
def test_line_parted_by_any_white_space_keeps_its_words(
    tmp_path: Path, separator: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = separator.join(b"word%d" % number for number in range(2000))
    path = written(tmp_path / "text", text)
    small_blocks(monkeypatch, 3000)
    assert b"".join(read_blocks(path, ReadReport())) == text + b"\n"


@pytest.mark.parametrize("size", [10, 1500, 4096])
def test_over_long_word_is_dropped_and_its_neighbors_are_kept(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "text", b"before " + b"y" * 20_000 + b" after\n" + b"z" * 3000)
    small_blocks(monkeypatch, size)
    found = re.split(rb"[\x00-\x20]+", read(path))
    assert [word for word in found if len(word) <= MAX_WORD_BYTES] == [b"before", b"after"]
    assert len(found) == 4  # each long word is still one, so that it is counted once


@pytest.mark.parametrize("character", ["é", "語", "😀"])
def test_over_long_word_is_never_cut_inside_a_character(
    tmp_path: Path, character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text without spaces is decodable, wherever a block ends."""
    path = written(tmp_path / "text", (character * 3000 + " end").encode())
    for size in range(2000, 2006):
        with monkeypatch.context() as patched:
            small_blocks(patched, size)
            assert words(read(path, report=(report := ReadReport()))) == [b"end"]
        assert report.undecodable_bytes == 0


def test_line_without_a_space_is_read_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "text", b"x" * (8 << 20) + b" end")
    monkeypatch.setattr(corpus, "BLOCK_BYTES", 1 << 16)
    tracemalloc.start()
    try:
        blocks = list(read_blocks(path, ReadReport()))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert words(b"".join(blocks)) == [b"end"]


def test_block_is_never_much_larger_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(0)
    text = b" ".join(b"w" * draw.randrange(1, 2 * MAX_WORD_BYTES) for _ in range(300))
    monkeypatch.setattr(corpus, "BLOCK_BYTES", 5000)
    monkeypatch.setattr(corpus, "BINARY_PROBE_BYTES", 100)
    blocks = list(read_blocks(written(tmp_path / "text", text), ReadReport()))
    assert max(map(len, blocks)) <= 5000 + MAX_WORD_BYTES + 5
    assert words(b"".join(blocks)) == words(text)
