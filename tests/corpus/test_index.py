"""The indexed corpus: what is in it, when it is made anew, and what is left when something goes wrong."""

import bz2
import errno
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zstandard
from tqdm import tqdm

from word2vec.corpus import index as tokens
from word2vec.corpus import word_counts as counting
from word2vec.corpus.index import IndexedCorpus, index_corpus
from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.errors import CorpusError, Word2VecError

TEXT = "the Cat sat\non the mat\n\nthe end"
SENTENCES = [["the", "Cat", "sat"], ["on", "the", "mat"], ["the", "end"]]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}
REAL_CORPORA = os.environ.get("WORD2VEC_DATA")
needs_real_corpora = pytest.mark.skipif(REAL_CORPORA is None, reason="WORD2VEC_DATA names no folder with real corpora")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def indexes(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "indexes"


def decoded(corpus: IndexedCorpus) -> list[list[str]]:
    """The sentences as words."""
    words = corpus.vocabulary().words
    return [[words[id_] for id_ in corpus.tokens[start:end]] for start, end in pairwise(corpus.offsets.tolist())]


def message(source: Callable[[], object]) -> str:
    """The one line with which something fails."""
    with pytest.raises(CorpusError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def folders(indexes: Path) -> list[str]:
    """What lies in the cache besides the notes of which files were seen."""
    assert not any(indexes.parent.glob("stdin-*"))
    return sorted(path.name for path in indexes.iterdir() if not path.name.startswith("seen-"))


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("called, and should not have been")


# What is in an index.


def test_sentences_counts_and_order(text: Path) -> None:
    corpus = index_corpus([text])
    assert decoded(corpus) == SENTENCES
    vocabulary = corpus.vocabulary()
    assert vocabulary.words == ["the", "Cat", "end", "mat", "on", "sat"]  # by count, then by code point
    assert vocabulary.counts.tolist() == [3, 1, 1, 1, 1, 1]
    facts = corpus.facts
    assert (facts.words, facts.sentences, facts.distinct_words, facts.lowercase) == (8, 3, 6, False)
    assert corpus.warnings == []


def test_files_of_an_index(text: Path) -> None:
    corpus = index_corpus([text])
    assert sorted(path.name for path in corpus.folder.iterdir()) == [
        "index.json", "offsets.npy", "tokens.npy", "vocab.tsv",
    ]  # fmt: skip
    assert (corpus.tokens.dtype, corpus.offsets.dtype) == (np.dtype(np.int32), np.dtype(np.int64))
    assert isinstance(corpus.tokens, np.memmap)
    assert not corpus.tokens.flags.writeable
    assert corpus.offsets.tolist() == [0, 3, 6, 8]
    assert (corpus.folder / "vocab.tsv").read_text() == "the\t3\nCat\t1\nend\t1\nmat\t1\non\t1\nsat\t1\n"
    assert corpus.fingerprint == corpus.folder.name


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_array_file_is_what_numpy_saves(tmp_path: Path, size: int) -> None:
    array = np.arange(size)
    with tokens._npy_file(tmp_path / "ours.npy", array.dtype) as file:
        file.write(array.data)
    np.save(tmp_path / "theirs.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


@pytest.mark.parametrize("lowercase", [False, True])
def test_random_text_comes_back(tmp_path: Path, lowercase: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "COPY_TOKENS", 7)
    monkeypatch.setattr(tokens, "COPY_BYTES", 100)
    draw = random.Random(0)
    letters = "abAB01éÉΣß語\uffee😀\u2028\u00a0"
    sentences = [["".join(draw.choices(letters, k=draw.randrange(1, 3))) for _ in range(draw.randrange(1, 30))]
                 for _ in range(200)]  # fmt: skip
    path = tmp_path / "text"
    path.write_text("\n".join(map(" ".join, sentences)), encoding="utf-8")
    expected = [[word.lower() if lowercase else word for word in sentence] for sentence in sentences]
    corpus = index_corpus([path], lowercase=lowercase)
    assert decoded(corpus) == expected
    counts = Counter(word for sentence in expected for word in sentence)
    order = sorted(counts, key=lambda word: (-counts[word], word))
    vocabulary = corpus.vocabulary()
    assert vocabulary.words == order
    assert vocabulary.counts.tolist() == [counts[word] for word in order]


def test_vocabulary_is_a_prefix_of_all_words(tmp_path: Path) -> None:
    draw = random.Random(0)
    path = tmp_path / "text"
    path.write_text(" ".join(str(int(draw.paretovariate(0.7))) for _ in range(5000)))
    corpus = index_corpus([path])
    everything = corpus.vocabulary()
    for min_count in (1, 2, 3, 50):
        for max_size in (None, 2, 10, 10**6):
            expected = everything.prefix(min_count, max_size)
            found = corpus.vocabulary(min_count, max_size)
            assert found.words == expected.words
            assert found.counts.tolist() == expected.counts.tolist()
    top = everything.counts[0]
    assert message(lambda: corpus.vocabulary(6000)).startswith(
        f"the vocabulary has 0 words after min_count 6000 (the most frequent word, {everything.words[0]!r}, has {top})"
    )


def test_sentence_never_runs_into_the_next_file(tmp_path: Path) -> None:
    for name, content in [("a", "one two"), ("b", "three\nfour "), ("c", ""), ("d", "five")]:
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / name).write_text(content)
    assert decoded(index_corpus([tmp_path / "texts"])) == [["one", "two"], ["three"], ["four"], ["five"]]


def test_line_of_many_words_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a b " * 1250)
    assert index_corpus([path]).offsets.tolist() == [0, 1000, 2000, 2500]


def test_warnings_tell_what_was_replaced_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"caf\xe9 ol\xe9 " + b"x" * (MAX_WORD_BYTES + 1))
    (tmp_path / "b").write_bytes(b"\xff plain")
    corpus = index_corpus([tmp_path / "a", tmp_path / "b"])
    assert decoded(corpus) == [["caf\ufffd", "ol\ufffd"], ["\ufffd", "plain"]]
    assert corpus.warnings == [
        "3 sequences of bytes were not UTF-8 and were replaced by U+FFFD",
        "1 words over 1,024 bytes were left out",
    ]


def test_progress_goes_to_stderr(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index_corpus([text], lowercase=True)
    assert capsys.readouterr() == ("", "")
    index_corpus([text], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "indexing" in err


def test_progress_reaches_its_end(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[Any] = []

    def noting(**settings: Any) -> Any:
        bars.append(tqdm(**settings))
        return bars[-1]

    monkeypatch.setattr(tokens, "tqdm", noting)
    index_corpus([text, text], progress=True)
    assert [(bar.n, bar.total) for bar in bars] == [(2 * len(TEXT), 2 * len(TEXT))]


# When an index is made anew.


def test_second_call_does_not_read_the_text(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index_corpus([text])
    monkeypatch.setattr(tokens, "_build", refuse)
    monkeypatch.setattr(tokens, "_digest", refuse)
    monkeypatch.setattr(tokens, "_load_counting", refuse)
    second = index_corpus([str(text)])
    assert second.folder == first.folder
    assert decoded(second) == SENTENCES


def test_same_content_needs_no_second_index(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index_corpus([text])
    monkeypatch.setattr(tokens, "_build", refuse)
    os.utime(text, ns=(1, 1))
    assert index_corpus([text]).folder == first.folder
    copied = shutil.copy(text, tmp_path / "another name.md")
    assert index_corpus([copied]).folder == first.folder


def test_changed_content_is_indexed_anew(text: Path) -> None:
    before = index_corpus([text])
    text.write_text(TEXT + " really")
    after = index_corpus([text])
    assert after.fingerprint != before.fingerprint
    assert decoded(after)[-1] == ["the", "end", "really"]
    assert decoded(before) == SENTENCES


def test_changed_content_is_seen_behind_an_old_date(text: Path) -> None:
    state = text.stat()
    index_corpus([text])
    text.write_text(TEXT.replace("mat", "hat"))
    os.utime(text, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (text.stat().st_size, text.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    assert decoded(index_corpus([text]))[1] == ["on", "the", "hat"]


def test_all_of_a_file_counts_for_the_name_of_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "HASH_BYTES", 7)
    path = tmp_path / "text"
    for content in (b"1234567", b"1234567 ", b"1234567 8901234", b"7654321 8901234", b"1234567 8904321"):
        path.write_bytes(content)
        assert tokens._digest(path) == hashlib.sha256(content).digest()


def test_lower_case_is_another_index(text: Path) -> None:
    plain, lower = index_corpus([text]), index_corpus([text], lowercase=True)
    assert plain.fingerprint != lower.fingerprint
    assert decoded(plain)[0] == ["the", "Cat", "sat"]
    assert decoded(lower)[0] == ["the", "cat", "sat"]
    assert lower.facts.lowercase


def test_order_and_borders_of_files_matter(tmp_path: Path) -> None:
    for name, content in [("ab", "a\nb"), ("a", "a"), ("b", "b")]:
        (tmp_path / name).write_text(content)
    sources = [["ab"], ["a", "b"], ["b", "a"], ["a", "b", "b"]]
    found = {index_corpus([tmp_path / name for name in names]).fingerprint for names in sources}
    assert len(found) == len(sources)


def test_cache_folder_can_be_chosen(text: Path, tmp_path: Path) -> None:
    corpus = index_corpus([text], cache=tmp_path / "mine")
    assert corpus.folder.parent == tmp_path / "mine" / "indexes"
    assert not (tmp_path / "cache").exists()


def test_index_in_a_cache_that_may_only_be_read(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = index_corpus([text]).folder
    for note in folder.parent.glob("seen-*"):
        note.unlink()

    @contextmanager
    def read_only(target: Path) -> Iterator[Path]:
        raise Word2VecError(f"cannot write {target}: Read-only file system")
        yield

    monkeypatch.setattr(tokens, "atomic_path", read_only)
    assert index_corpus([text]).folder == folder


# Standard input and pipes.


def set_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_standard_input(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_standard_input(monkeypatch, TEXT.encode())
    corpus = index_corpus(["-"])
    assert decoded(corpus) == SENTENCES
    assert folders(indexes) == [corpus.fingerprint]
    monkeypatch.setattr(tokens, "_build", refuse)
    assert index_corpus([text]).folder == corpus.folder  # the same text


@pytest.mark.parametrize("kind", COMPRESS)
def test_standard_input_may_be_compressed(kind: str, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = COMPRESS[kind](TEXT.encode())
    set_standard_input(monkeypatch, data)
    assert decoded(index_corpus(["-"])) == SENTENCES
    set_standard_input(monkeypatch, data[:-3])
    said = message(lambda: index_corpus(["-"]))
    assert said.startswith("standard input: the compressed file is damaged or cut off (")
    assert len(folders(indexes)) == 1


@pytest.mark.parametrize(("data", "said"), [(b"", "holds no words"), (b"\xff\xfea\0", "holds NUL bytes")])
def test_errors_say_standard_input(data: bytes, said: str, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_standard_input(monkeypatch, data)
    assert message(lambda: index_corpus(["-"])).startswith(f"standard input: {said}")
    assert folders(indexes) == []


def test_standard_input_of_a_real_process(tmp_path: Path) -> None:
    program = "from word2vec.corpus.index import index_corpus; print(index_corpus(['-']).tokens.tolist(), end='')"
    done = subprocess.run([sys.executable, "-c", program], input=TEXT.encode(), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"[0, 1, 5, 4, 0, 3, 0, 2]", b"")


def test_pipes_are_read_once(tmp_path: Path, indexes: Path) -> None:
    """What a shell makes of <(zcat text.gz) can be read only once."""
    pipes = [tmp_path / "one", tmp_path / "two"]
    for pipe in pipes:
        os.mkfifo(pipe)
    writers = [threading.Thread(target=pipe.write_text, args=(f"words of {pipe.name}",), daemon=True) for pipe in pipes]
    for writer in writers:
        writer.start()
    corpus = index_corpus(pipes)
    for writer in writers:
        writer.join()
    assert decoded(corpus) == [["words", "of", "one"], ["words", "of", "two"]]
    assert folders(indexes) == [corpus.fingerprint]


# What a user can do wrong, and what can go wrong.


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n ", b"x" * (MAX_WORD_BYTES + 1), b"\xef\xbb\xbf"])
def test_text_without_words(tmp_path: Path, content: bytes, indexes: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    advice = "holds no words; give it text, words parted by spaces"
    assert message(lambda: index_corpus([path])) == f"{path}: {advice}"
    assert message(lambda: index_corpus([path, path, path])) == f"{path} and 2 more: {advice}"
    assert folders(indexes) == []


def test_missing_and_binary_files_leave_nothing(tmp_path: Path, text: Path, indexes: Path) -> None:
    assert "no such file" in message(lambda: index_corpus([tmp_path / "nowhere"]))
    assert not indexes.exists()
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0\0")
    assert "holds NUL bytes" in message(lambda: index_corpus([text, tmp_path / "binary"]))
    assert folders(indexes) == []


def test_file_that_vanishes(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "resolve", lambda sources: [text.with_name("gone")])
    said = f"{text.with_name('gone')}: cannot be read: No such file or directory"
    assert message(lambda: index_corpus([text])) == said


def test_corpus_that_changes_while_it_is_encoded(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_index = tokens._write_index

    def changing(*args: Any) -> None:
        write_index(*args)
        with text.open("a") as file:
            file.write(" more")

    monkeypatch.setattr(tokens, "_write_index", changing)
    assert message(lambda: index_corpus([text])).startswith("the corpus changed while it was read: start again")
    assert folders(indexes) == []


def test_corpus_that_changes_while_it_is_hashed(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest_of = tokens._digest

    def changing(file: Path) -> bytes:
        digest = digest_of(file)
        text.write_text(TEXT.replace("mat", "hat"))
        return digest

    monkeypatch.setattr(tokens, "_digest", changing)
    assert message(lambda: index_corpus([text])).startswith("the corpus changed while it was read: start again")
    assert not indexes.exists()  # above all no note that this file has the other content


def test_no_moment_shows_an_index_of_changed_text(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check comes before the index gets its name, so a process that dies between leaves no wrong index."""
    seen: list[list[str]] = []
    refuse_changed = tokens._refuse_changed

    def noting(*args: Any) -> None:
        seen.append([path.name for path in indexes.glob("[!s]*")] if indexes.exists() else [])
        refuse_changed(*args)

    monkeypatch.setattr(tokens, "_refuse_changed", noting)
    index_corpus([text])
    assert [[name[:4] for name in names] for names in seen] == [[], ["tmp-"]]


def test_full_disk(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tokens, "_write_vocabulary", full)
    said = f"{indexes}: the indexed corpus cannot be written: No space left on device; "
    assert message(lambda: index_corpus([text])) == said + "free some space or set WORD2VEC_CACHE to another folder"
    assert folders(indexes) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more than `size` bytes to a file fails, as on a full disk (Python ignores the signal)."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("source", ["file", "-"])
def test_file_system_that_refuses(source: str, text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_corpus([text], cache=text.parent / "other")  # the compiled code has its own files to write
    path = text.with_name("large")
    path.write_text("a b " * 100_000)
    set_standard_input(monkeypatch, path.read_bytes())
    with files_of_at_most(300_000):
        said = message(lambda: index_corpus([path if source == "file" else "-"]))
    folder = indexes if source == "file" else indexes.parent
    assert said.startswith(f"{folder}: the indexed corpus cannot be written: File too large; free some space")
    assert source == "-" or folders(indexes) == []
    assert not list(indexes.parent.glob("stdin-*"))
    assert index_corpus([path]).facts.words == 200_000  # and it works when there is room again


def test_cache_that_cannot_be_made(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD2VEC_CACHE", str(text))
    said = "the indexed corpus cannot be written: "
    assert said in message(lambda: index_corpus([text]))
    set_standard_input(monkeypatch, TEXT.encode())
    assert said in message(lambda: index_corpus(["-"]))


@pytest.mark.parametrize("step", ["read_blocks", "_renumber", "_write_vocabulary"])  # the last in a thread of its own
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_interruption_leaves_nothing(
    text: Path, indexes: Path, interruption: type[BaseException], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise interruption

    monkeypatch.setattr(tokens, step, interrupted)
    set_standard_input(monkeypatch, TEXT.encode())
    for source in (text, "-"):
        with pytest.raises(interruption):
            index_corpus([source])
        assert folders(indexes) == []


def test_failure_of_the_compiled_pass_comes_through(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a thread; and the thread that loads it leaves it to its use to fail."""

    def failing(*_: object) -> None:
        raise MemoryError("no room for more words")

    monkeypatch.setattr(counting.WordTable, "encode", failing)
    with pytest.raises(MemoryError, match="no room for more words"):
        index_corpus([text])
    assert folders(indexes) == []


def test_killed_process_leaves_no_index(text: Path, indexes: Path) -> None:
    program = """if True:
        import os, signal, sys
        from word2vec.corpus import index as tokens
        tokens._put_in_place = lambda work, folder: os.kill(os.getpid(), signal.SIGKILL)
        tokens.index_corpus([sys.argv[1]])
    """
    killed = subprocess.run([sys.executable, "-c", program, str(text)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = folders(indexes)
    assert left.startswith("tmp-")  # whole, but for its name
    assert (indexes / left / "index.json").exists()
    corpus = index_corpus([text])
    assert corpus.fingerprint != left
    assert decoded(corpus) == SENTENCES


def test_two_processes_index_the_same_text_at_once(text: Path, indexes: Path) -> None:
    """Both wait for each other before their index gets its name."""
    program = """if True:
        import sys
        from word2vec.corpus import index as tokens
        put_in_place = tokens._put_in_place
        def waiting(work, folder):
            print("ready", flush=True)
            sys.stdin.readline()
            put_in_place(work, folder)
        tokens._put_in_place = waiting
        print(tokens.index_corpus([sys.argv[1]]).tokens.tolist(), flush=True)
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(text)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    assert [name[:4] for name in folders(indexes)] == ["tmp-", "tmp-"]
    made = set()
    for process in processes:
        assert process.communicate("go\n", timeout=60) == ("[0, 1, 5, 4, 0, 3, 0, 2]\n", "")
        assert process.returncode == 0
        (name,) = (name for name in folders(indexes) if not name.startswith("tmp-"))
        made.add((indexes / name).stat().st_ino)
    assert folders(indexes) == [index_corpus([text]).fingerprint]
    assert len(made) == 1  # the second leaves the index of the first where it is


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def scribble(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY\1\0garbage" * 20)


def miscount(path: Path) -> None:
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"words": facts["words"] + 1}))


def other_fields(path: Path) -> None:
    path.write_text(json.dumps({"version": 0}))


DAMAGES = [
    *((name, damage) for name in ("index.json", "tokens.npy", "offsets.npy") for damage in (empty, scribble)),
    *((name, damage) for name in ("tokens.npy", "offsets.npy", "vocab.tsv") for damage in (Path.unlink, cut)),
    ("index.json", Path.unlink),
    ("index.json", miscount),
    ("index.json", other_fields),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damaged_index_is_made_anew(text: Path, indexes: Path, name: str, damage: Callable[[Path], object]) -> None:
    folder = index_corpus([text]).folder
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    damage(folder / name)
    assert message(lambda: IndexedCorpus(folder)) == (
        f"{folder}: holds no whole index of a corpus; remove the folder and start again"
    )
    corpus = index_corpus([text])
    assert corpus.folder == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert folders(indexes) == [folder.name]


def test_folder_without_an_index(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert message(partial(IndexedCorpus, folder)).startswith(f"{folder}: holds no whole index")


# Real text.


@needs_real_corpora
def test_start_of_text8() -> None:
    corpus = index_corpus([Path(str(REAL_CORPORA)) / "text8_prefix.xz"])
    assert corpus.facts.words == corpus.vocabulary().total == 1_171_946
    assert corpus.warnings == []


@pytest.mark.slow
@needs_real_corpora
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_wiki8_in_bounded_memory() -> None:
    program = """if True:
        import sys
        from pathlib import Path
        from word2vec.corpus.index import index_corpus
        corpus = index_corpus([sys.argv[1]])
        # not getrusage, which counts the process that this one was forked from
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        print(len(corpus.tokens), len(corpus.vocabulary(5)), peak)
    """
    path = Path(str(REAL_CORPORA)) / "wiki8.xz"
    shown = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    ).stdout
    words, vocabulary, kilobytes = map(int, shown.split())
    assert (words, vocabulary) == (16_940_117, 67_891)
    assert kilobytes < 1e6
