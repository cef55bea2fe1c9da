"""A cache that is damaged, hostile, or shared by users and hosts."""

import io
import json
import logging
import multiprocessing
import os
import random
import shutil
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from word2vec.corpus.index import IndexedCorpus, IndexFacts, write_facts
from word2vec.corpus.index_writer import file_checksum
from word2vec.corpus.indexing import index_corpus
from word2vec.errors import CorpusError

KEY = "0123456789abcdef" * 2
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these users nor permissions")

FILES = ("index.json", "tokens.npy", "offsets.npy", "vocab.tsv")


@pytest.fixture
def indexes(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "indexes"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def memo_of(indexes: Path) -> Path:
    (memo,) = indexes.glob("seen-*")
    return memo


def flip(path: Path, position: int) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[position // 8] ^= 1 << position % 8
    path.write_bytes(data)


# Damaged memos of files seen before.


@pytest.mark.parametrize("text", ["", "{victim}", "../../victim", ".", KEY.upper(), KEY + "\n", KEY[:-1], "é"])
def test_damaged_memo_is_never_used_as_a_path(text: str, topics_file: Path, indexes: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "thesis.txt").write_text("years of work")
    other = tmp_path / "other.txt"
    other.write_text("another corpus of some words")
    kept = index_corpus([other], cache=indexes.parent)
    memo_of(indexes).unlink()
    folder = index_corpus([topics_file]).folder
    memo_of(indexes).write_text(text.format(victim=victim), encoding="latin-1")
    shutil.rmtree(folder)
    assert index_corpus([topics_file]).folder == folder
    assert content(victim) == {"thesis.txt": b"years of work"}
    assert IndexedCorpus(kept.folder).facts.words == 5


def test_link_in_place_of_a_memo_is_replaced_and_not_followed(topics_file: Path, indexes: Path, tmp_path: Path) -> None:
    index_corpus([topics_file], cache=indexes.parent)
    memo, victim = memo_of(indexes), tmp_path / "thesis.txt"
    good = memo.read_bytes()
    victim.write_text("years of work")
    memo.unlink()
    memo.symlink_to(victim)
    index_corpus([topics_file], cache=indexes.parent)
    assert victim.read_text() == "years of work"
    assert not memo.is_symlink()
    assert memo.read_bytes() == good


def test_any_bit_flip_in_a_memo_is_noticed(topics_file: Path, indexes: Path) -> None:
    folder = index_corpus([topics_file]).folder
    memo = memo_of(indexes)
    whole = memo.read_bytes()
    for position in range(8 * len(whole)):
        flip(memo, position)
        assert index_corpus([topics_file]).folder == folder
        assert memo.read_bytes() == whole  # written again


# Damaged indexes.


@pytest.mark.parametrize("name", FILES)
def test_any_bit_flip_in_an_index_is_noticed(name: str, topics_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = index_corpus([topics_file]).folder
    whole = content(folder)
    draw = random.Random(name)
    start = draw.sample(range(8 * min(128, len(whole[name]))), 15)
    for position in [*start, *draw.sample(range(8 * len(whole[name])), 15)]:
        flip(folder / name, position)
        caplog.clear()
        corpus = index_corpus([topics_file])
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert f"{folder}: the corpus index is incomplete or corrupt" in record.getMessage()
        assert corpus.folder == folder
        assert content(folder) == whole


def with_new_checksums(folder: Path, change: Callable[[Path], None]) -> None:
    """Change an index as an attacker or a defective program would, with checksums that match."""
    change(folder)
    facts = json.loads((folder / "index.json").read_bytes())
    facts.pop("checksum")
    for name in FILES[1:]:
        facts["checksums"][name] = file_checksum(folder / name)
    write_facts(folder, IndexFacts(**facts))


def change_array(name: str, position: int, value: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        array = np.load(folder / name)
        array[position] = value
        np.save(folder / name, array)

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_array("tokens.npy", 100, -1),
        change_array("tokens.npy", -1, 18),  # there are 18 words, 0 to 17
        change_array("tokens.npy", 0, 2**31 - 1),
        change_array("offsets.npy", 0, 1),
        change_array("offsets.npy", 7, 0),
        change_array("offsets.npy", 7, 2**40),
        change_array("offsets.npy", -1, 6001),
        change_array("offsets.npy", -1, 5999),
    ],
)
def test_ids_and_offsets_outside_the_corpus_are_rejected(change: Callable[[Path], None], topics_file: Path) -> None:
    folder = index_corpus([topics_file]).folder
    with_new_checksums(folder, lambda _: None)
    IndexedCorpus(folder)
    with_new_checksums(folder, change)
    with pytest.raises(CorpusError, match="the corpus index is incomplete or corrupt"):
        IndexedCorpus(folder)


def test_links_in_place_of_an_index_are_not_followed_when_it_is_replaced(topics_file: Path, tmp_path: Path) -> None:
    folder = index_corpus([topics_file]).folder
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "thesis.txt").write_text("years of work")
    shutil.rmtree(folder)
    folder.symlink_to(victim)
    assert index_corpus([topics_file]).facts.words == 6000
    assert not folder.is_symlink()
    assert content(victim) == {"thesis.txt": b"years of work"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_an_index_is_on_disk_before_it_gets_its_name(
    topics_file: Path, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noting_fsync(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noting_rename(self: Path, target: Path) -> Path:
        events.append("rename")
        return rename(self, target)

    index_corpus([topics_file])
    shutil.rmtree(next(path for path in indexes.iterdir() if path.is_dir()))
    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "rename", noting_rename)
    index_corpus([topics_file])
    before = events[: events.index("rename")]
    assert set(FILES) < set(before)
    assert before[-1] not in FILES  # the folder
    assert events[-1] == "indexes"


# Shared by users.


def test_index_has_the_usual_permissions(topics_file: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").touch()
    corpus = index_corpus([topics_file])
    assert corpus.folder.stat().st_mode == (tmp_path / "plain").stat().st_mode
    for path in [*corpus.folder.iterdir(), *corpus.folder.parent.glob("seen-*")]:
        assert path.stat().st_mode == (tmp_path / "plain" / "file").stat().st_mode, path


@pytest.fixture
def shared(topics_file: Path) -> Iterator[Path]:
    """A folder that all users can enter (the parents of tmp_path belong to the tester alone), with a text."""
    if os.geteuid():
        pytest.skip("only root can act as two users")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    shutil.copy(topics_file, folder / "text")
    (folder / "cache").mkdir()
    yield folder
    shutil.rmtree(folder)


def index_and_send(user: int, cache: Path, text: Path, other: Path, result: Connection) -> None:
    """Index a text as a user; sends its number of words, None after an error, and all messages."""
    index_corpus([text], cache=other)  # loads modules that only the first user can read
    warnings.simplefilter("error")
    logging.getLogger("word2vec").addHandler(logging.StreamHandler(messages := io.StringIO()))
    os.environ["WORD2VEC_CACHE"] = str(cache)
    os.umask(0o022)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    try:
        result.send((len(index_corpus([text]).tokens), messages.getvalue()))
    except CorpusError as error:
        result.send((None, f"{messages.getvalue()}{error}\n"))


def index_as(user: int, cache: Path, text: Path) -> tuple[int | None, str]:
    """The number of words, None after an error, and the messages of a process of a user."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["word2vec.corpus.indexing"])
    receiver, sender = context.Pipe(duplex=False)
    other = Path(tempfile.mkdtemp(dir=cache.parent))
    process = context.Process(target=index_and_send, args=(user, cache, text, other, sender))
    process.start()
    sender.close()
    found: tuple[int | None, str] = receiver.recv()
    process.join()
    assert process.exitcode == 0
    return found


@pytest.mark.parametrize(
    "mode", [pytest.param(0o755, marks=pytest.mark.slow), pytest.param(0o777, marks=pytest.mark.slow), 0o1777]
)
def test_index_of_another_user_can_be_used(mode: int, shared: Path) -> None:
    cache = shared / "cache"
    os.chown(cache, 1001, 1001)
    cache.chmod(mode)
    for user in (1001, 1002):
        assert index_as(user, cache, shared / "text") == (6000, "")


def test_cache_that_another_user_may_not_write(shared: Path) -> None:
    cache = shared / "cache"
    words, messages = index_as(1002, cache, shared / "text")
    assert words is None
    assert messages.startswith(f"{cache}/indexes: the corpus index cannot be written: Permission denied; ")
    assert "WORD2VEC_CACHE" in messages
    assert "disk space" not in messages
    assert messages.count("\n") == 1


def test_index_that_another_user_may_not_read(shared: Path) -> None:
    cache = shared / "cache"
    cache.chmod(0o777)
    assert index_as(1001, cache, shared / "text") == (6000, "")
    (folder,) = (path for path in (cache / "indexes").iterdir() if path.is_dir())
    folder.chmod(0o700)
    words, messages = index_as(1002, cache, shared / "text")
    assert words is None
    assert messages.startswith(f"{folder}: the corpus index cannot be read: Permission denied; ")
    assert "WORD2VEC_CACHE" in messages
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_damaged_index_that_another_user_may_not_replace(shared: Path) -> None:
    cache = shared / "cache"
    cache.chmod(0o777)
    assert index_as(1001, cache, shared / "text") == (6000, "")
    (folder,) = (path for path in (cache / "indexes").iterdir() if path.is_dir())
    (cache / "indexes").chmod(0o1777)
    flip(folder / "tokens.npy", 5000)
    words, messages = index_as(1002, cache, shared / "text")
    assert words is None
    assert "the corpus index is incomplete or corrupt" in messages
    assert "cannot be written: " in messages
    assert "disk space" not in messages
    assert index_as(1001, cache, shared / "text")[0] == 6000
    assert index_as(1002, cache, shared / "text") == (6000, "")
