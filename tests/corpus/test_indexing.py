"""What indexing writes, when an index is built again, and what is left when something goes wrong."""

import bz2
import errno
import gzip
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
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zstandard
from tqdm import tqdm

from word2vec.corpus import content_key, index_writer, indexing, word_counts
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.errors import CorpusError

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
    """The one-line message of a failure."""
    with pytest.raises(CorpusError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def folders(indexes: Path) -> list[str]:
    """The folders in the cache, without the memos of files seen before."""
    assert not any(indexes.parent.glob("stdin-*"))
    return sorted(path.name for path in indexes.iterdir() if not path.name.startswith("seen-"))


def fail(*_: object, **__: object) -> None:
    raise AssertionError("must not be called")


# The content of an index.


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
def test_array_file_equals_what_numpy_saves(tmp_path: Path, size: int) -> None:
    array = np.arange(size)
    with index_writer.npy_file(tmp_path / "written.npy", array.dtype) as file:
        file.write(array.data)
    np.save(tmp_path / "saved.npy", array)
    assert (tmp_path / "written.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


@pytest.mark.parametrize("lowercase", [False, True])
def test_random_text_is_restored_from_its_index(
    tmp_path: Path, lowercase: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "COPY_TOKENS", 7)
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


def test_sentence_ends_with_its_file(tmp_path: Path) -> None:
    for name, content in [("a", "one two"), ("b", "three\nfour "), ("c", ""), ("d", "five")]:
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / name).write_text(content)
    assert decoded(index_corpus([tmp_path / "texts"])) == [["one", "two"], ["three"], ["four"], ["five"]]


def test_long_line_is_split_into_sentences(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a b " * 1250)
    assert index_corpus([path]).offsets.tolist() == [0, 1000, 2000, 2500]


def test_invalid_bytes_are_replaced_and_too_long_words_ignored(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"caf\xe9 ol\xe9 " + b"x" * (MAX_WORD_BYTES + 1))
    (tmp_path / "b").write_bytes(b"\xff plain")
    corpus = index_corpus([tmp_path / "a", tmp_path / "b"])
    assert decoded(corpus) == [["caf\ufffd", "ol\ufffd"], ["\ufffd", "plain"]]
    assert (corpus.facts.undecodable_bytes, corpus.facts.long_words) == (3, 1)


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

    monkeypatch.setattr(indexing, "tqdm", noting)
    index_corpus([text, text], progress=True)
    assert [(bar.n, bar.total) for bar in bars] == [(2 * len(TEXT), 2 * len(TEXT))]


# When an index is built again.


def test_second_call_does_not_read_the_text(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index_corpus([text])
    monkeypatch.setattr(indexing, "build_index", fail)
    monkeypatch.setattr(content_key, "_digest", fail)
    monkeypatch.setattr(content_key, "_load_kernels", fail)
    second = index_corpus([str(text)])
    assert second.folder == first.folder
    assert decoded(second) == SENTENCES


def test_same_content_shares_an_index(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index_corpus([text])
    monkeypatch.setattr(indexing, "build_index", fail)
    os.utime(text, ns=(1, 1))
    assert index_corpus([text]).folder == first.folder
    copied = shutil.copy(text, tmp_path / "another name.md")
    assert index_corpus([copied]).folder == first.folder


def test_changed_content_is_indexed_again(text: Path) -> None:
    before = index_corpus([text])
    text.write_text(TEXT + " really")
    after = index_corpus([text])
    assert after.fingerprint != before.fingerprint
    assert decoded(after)[-1] == ["the", "end", "really"]
    assert decoded(before) == SENTENCES


def test_changed_content_with_the_old_modification_time_is_detected(text: Path) -> None:
    state = text.stat()
    index_corpus([text])
    text.write_text(TEXT.replace("mat", "hat"))
    os.utime(text, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (text.stat().st_size, text.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    assert decoded(index_corpus([text]))[1] == ["on", "the", "hat"]


def test_changed_content_is_detected_on_windows(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, st_ctime is the creation time, which no change of the file changes."""
    file_states = content_key.file_states

    def without_status_change(files: list[Path]) -> list[content_key.FileState]:
        return [(path, size, modified, 0) for path, size, modified, _ in file_states(files)]

    for module in (content_key, indexing):
        monkeypatch.setattr(module, "file_states", without_status_change)
    monkeypatch.setattr(content_key, "TRUSTS_STATUS_CHANGE", False)
    state = text.stat()
    index_corpus([text])
    text.write_text(TEXT.replace("mat", "hat"))
    os.utime(text, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert decoded(index_corpus([text]))[1] == ["on", "the", "hat"]
    assert list(indexes.glob("seen-*")) == []


def test_lowercase_text_has_a_separate_index(text: Path) -> None:
    plain, lower = index_corpus([text]), index_corpus([text], lowercase=True)
    assert plain.fingerprint != lower.fingerprint
    assert decoded(plain)[0] == ["the", "Cat", "sat"]
    assert decoded(lower)[0] == ["the", "cat", "sat"]
    assert lower.facts.lowercase


def test_order_and_boundaries_of_files_matter(tmp_path: Path) -> None:
    for name, content in [("ab", "a\nb"), ("a", "a"), ("b", "b")]:
        (tmp_path / name).write_text(content)
    sources = [["ab"], ["a", "b"], ["b", "a"], ["a", "b", "b"]]
    found = {index_corpus([tmp_path / name for name in names]).fingerprint for names in sources}
    assert len(found) == len(sources)


def test_cache_folder_can_be_chosen(text: Path, tmp_path: Path) -> None:
    corpus = index_corpus([text], cache=tmp_path / "mine")
    assert corpus.folder.parent == tmp_path / "mine" / "indexes"
    assert not (tmp_path / "cache").exists()


def test_index_in_a_read_only_cache(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = index_corpus([text]).folder
    for memo in folder.parent.glob("seen-*"):
        memo.unlink()

    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", read_only)
    assert index_corpus([text]).folder == folder


# Standard input and pipes.


def set_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_standard_input(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_standard_input(monkeypatch, TEXT.encode())
    corpus = index_corpus(["-"])
    assert decoded(corpus) == SENTENCES
    assert folders(indexes) == [corpus.fingerprint]
    monkeypatch.setattr(indexing, "build_index", fail)
    assert index_corpus([text]).folder == corpus.folder  # the same text


@pytest.mark.parametrize("kind", COMPRESS)
def test_compressed_standard_input(kind: str, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = COMPRESS[kind](TEXT.encode())
    set_standard_input(monkeypatch, data)
    assert decoded(index_corpus(["-"])) == SENTENCES
    set_standard_input(monkeypatch, data[:-3])
    error = message(lambda: index_corpus(["-"]))
    assert error.startswith("standard input: the compressed file is damaged or truncated (")
    assert len(folders(indexes)) == 1


@pytest.mark.parametrize(("data", "error"), [(b"", "contains no words"), (b"\xff\xfea\0", "contains NUL bytes")])
def test_errors_name_standard_input(data: bytes, error: str, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_standard_input(monkeypatch, data)
    assert message(lambda: index_corpus(["-"])).startswith(f"standard input: {error}")
    assert folders(indexes) == []


def test_standard_input_of_a_real_process(tmp_path: Path) -> None:
    program = "from word2vec.corpus.indexing import index_corpus; print(index_corpus(['-']).tokens.tolist(), end='')"
    done = subprocess.run([sys.executable, "-c", program], input=TEXT.encode(), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"[0, 1, 5, 4, 0, 3, 0, 2]", b"")


def test_pipes_are_read_once(tmp_path: Path, indexes: Path) -> None:
    """A process substitution such as <(zcat text.gz) can be read only once."""
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


# Invalid input, and failures of the machine.


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n ", b"x" * (MAX_WORD_BYTES + 1), b"\xef\xbb\xbf"])
def test_text_without_words(tmp_path: Path, content: bytes, indexes: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    assert message(lambda: index_corpus([path])).startswith(f"{path}: contains no words; ")
    assert message(lambda: index_corpus([path, path, path])).startswith(f"{path} and 2 more: contains no words; ")
    assert folders(indexes) == []


def test_missing_and_binary_files_leave_nothing_behind(tmp_path: Path, text: Path, indexes: Path) -> None:
    assert "no such file" in message(lambda: index_corpus([tmp_path / "nowhere"]))
    assert not indexes.exists()
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0\0")
    assert "contains NUL bytes" in message(lambda: index_corpus([text, tmp_path / "binary"]))
    assert folders(indexes) == []


def test_file_that_vanishes(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "resolve", lambda sources: [text.with_name("gone")])
    error = f"{text.with_name('gone')}: cannot be read: No such file or directory"
    assert message(lambda: index_corpus([text])) == error


def test_corpus_that_changes_while_it_is_encoded(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_index = indexing._write_index

    def changing(*args: Any) -> None:
        write_index(*args)
        with text.open("a") as file:
            file.write(" more")

    monkeypatch.setattr(indexing, "_write_index", changing)
    assert message(lambda: index_corpus([text])).startswith("the corpus changed while it was being read; start again")
    assert folders(indexes) == []


def test_corpus_that_changes_while_it_is_hashed(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest_of = content_key._digest

    def changing(file: Path) -> bytes:
        digest = digest_of(file)
        text.write_text(TEXT.replace("mat", "hat"))
        return digest

    monkeypatch.setattr(content_key, "_digest", changing)
    assert message(lambda: index_corpus([text])).startswith("the corpus changed while it was being read; start again")
    assert not indexes.exists()  # above all no memo that maps this file to the other content


def test_changed_text_is_detected_before_the_index_gets_its_name(
    text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a process that is killed between the two leaves no wrong index."""
    seen: list[list[str]] = []
    check_unchanged = content_key.check_unchanged

    def noting(*args: Any) -> None:
        seen.append([path.name for path in indexes.glob("[!s]*")] if indexes.exists() else [])
        check_unchanged(*args)

    for module in (content_key, indexing):
        monkeypatch.setattr(module, "check_unchanged", noting)
    index_corpus([text])
    assert [[name[:4] for name in names] for names in seen] == [[], ["tmp-"]]


def test_full_disk(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(indexing, "write_vocabulary", full)
    error = message(lambda: index_corpus([text]))
    assert error.startswith(
        f"{indexes}: the corpus index cannot be written: No space left on device; free some disk space"
    )
    assert folders(indexes) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Make writing more than `size` bytes to a file fail, as on a full disk (Python ignores the signal)."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("source", ["file", "-"])
def test_full_disk_while_indexing_or_spooling(
    source: str, text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_corpus([text], cache=text.parent / "other")  # compiled code is cached in files too, so load it first
    path = text.with_name("large")
    path.write_text("a b " * 100_000)
    set_standard_input(monkeypatch, path.read_bytes())
    with files_of_at_most(300_000):
        error = message(lambda: index_corpus([path if source == "file" else "-"]))
    what = f"{indexes}: the corpus index" if source == "file" else f"{indexes.parent}: the copy of standard input"
    assert error.startswith(f"{what} cannot be written: File too large; free some disk space")
    assert source == "-" or folders(indexes) == []
    assert not list(indexes.parent.glob("stdin-*"))
    assert index_corpus([path]).facts.words == 200_000  # it works again when there is space


def test_cache_that_cannot_be_created(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD2VEC_CACHE", str(text))
    error = "cannot be written: "
    assert error in message(lambda: index_corpus([text]))
    set_standard_input(monkeypatch, TEXT.encode())
    assert error in message(lambda: index_corpus(["-"]))


@pytest.mark.parametrize("step", ["_write_ids", "_renumber", "write_vocabulary"])  # the last one runs in a thread
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_interruption_leaves_nothing_behind(
    text: Path, indexes: Path, interruption: type[BaseException], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise interruption

    monkeypatch.setattr(indexing, step, interrupted)
    set_standard_input(monkeypatch, TEXT.encode())
    for source in (text, "-"):
        with pytest.raises(interruption):
            index_corpus([source])
        assert folders(indexes) == []


def test_error_of_the_compiled_pass_is_raised(text: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a thread, and the thread that preloads it ignores errors, which the first use raises again."""

    def failing(*_: object) -> None:
        raise MemoryError("no room for more words")

    monkeypatch.setattr(word_counts.WordTable, "encode", failing)
    with pytest.raises(MemoryError, match="no room for more words"):
        index_corpus([text])
    assert folders(indexes) == []


def test_killed_process_leaves_no_index(text: Path, indexes: Path) -> None:
    program = """if True:
        import os, signal, sys
        from word2vec.corpus import indexing
        indexing._put_in_place = lambda work, folder: os.kill(os.getpid(), signal.SIGKILL)
        indexing.index_corpus([sys.argv[1]])
    """
    killed = subprocess.run([sys.executable, "-c", program, str(text)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = folders(indexes)
    assert left.startswith("tmp-")  # complete except for its name
    assert (indexes / left / "index" / "index.json").exists()
    corpus = index_corpus([text])
    assert corpus.fingerprint != left
    assert decoded(corpus) == SENTENCES


def test_two_processes_index_the_same_text_at_once(text: Path, indexes: Path) -> None:
    """Both build an index before either gives it its name."""
    program = """if True:
        import sys
        from word2vec.corpus import indexing
        put_in_place = indexing._put_in_place
        def waiting(work, folder):
            print("ready", flush=True)
            sys.stdin.readline()
            put_in_place(work, folder)
        indexing._put_in_place = waiting
        print(indexing.index_corpus([sys.argv[1]]).tokens.tolist(), flush=True)
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
    assert len(made) == 1  # the second process keeps the index of the first


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def overwrite(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY\1\0garbage" * 20)


def change_the_count(path: Path) -> None:
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"words": facts["words"] + 1}))


def other_fields(path: Path) -> None:
    path.write_text(json.dumps({"version": 0}))


DAMAGES = [
    *((name, damage) for name in ("index.json", "tokens.npy", "offsets.npy") for damage in (empty, overwrite)),
    *((name, damage) for name in ("tokens.npy", "offsets.npy", "vocab.tsv") for damage in (Path.unlink, truncate)),
    ("index.json", Path.unlink),
    ("index.json", change_the_count),
    ("index.json", other_fields),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damaged_index_is_built_again(text: Path, indexes: Path, name: str, damage: Callable[[Path], object]) -> None:
    folder = index_corpus([text]).folder
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    damage(folder / name)
    assert message(lambda: IndexedCorpus(folder)).startswith(f"{folder}: the corpus index is incomplete or corrupt; ")
    corpus = index_corpus([text])
    assert corpus.folder == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert folders(indexes) == [folder.name]


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
        from word2vec.corpus.indexing import index_corpus
        corpus = index_corpus([sys.argv[1]])
        # not getrusage, which includes the process that this one was forked from
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
