"""Faults that happen in practice: killed processes, full disks, corpora that change, folders in use.

Commands run in processes that are forked from one that has imported everything, so a process costs a fraction of a
second and can be killed at a chosen moment.
"""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import topic_text
from word2vec.cli import run as run_command
from word2vec.corpus import content_key, encoding, reader
from word2vec.corpus.index import IndexedCorpus
from word2vec.corpus.indexing import index_corpus
from word2vec.errors import CorpusError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE, VOCABULARY_FILE
from word2vec.system.atomic_files import TEMPORARY
from word2vec.training.checkpoint import read_checkpoint
from word2vec.vectors.word_vectors import WordVectors

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these signals nor these limits")

LOADED = ["word2vec.training.loop", "word2vec.engines.cpu.engine", "word2vec.corpus.word_counts", "word2vec.formats"]


def work(arguments: list[str], cache: str, stderr: str, max_file: int | None, killed_at: str | None) -> None:
    """Run a command in this process, with its stderr in a file.

    Args:
        arguments: The command and its arguments.
        cache: The cache folder.
        stderr: The file for stderr.
        max_file: The size in bytes above which writing a file fails.
        killed_at: The name of a file; the process is killed when it would be put in place.
    """
    os.setpgid(0, 0)
    os.environ["WORD2VEC_CACHE"] = cache
    with open(stderr, "ab", buffering=0) as file:  # noqa: PTH123
        os.dup2(file.fileno(), 2)
    if max_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file, max_file))
    if killed_at is not None:
        replace = os.replace

        def dying(source: Path, target: Path) -> None:
            if Path(target).name == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)

        os.replace = dying
    os._exit(run_command(arguments))


class Lab:
    """A folder with a cache, and the commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.stderr = folder, folder / "cache", folder / "stderr0"
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(LOADED)

    def start(self, *arguments: object, max_file: int | None = None, killed_at: str | None = None) -> BaseProcess:
        self.stderr = self.folder / f"stderr{int(self.stderr.name.removeprefix('stderr')) + 1}"  # one file per process
        values = ([str(each) for each in arguments], str(self.cache), str(self.stderr), max_file, killed_at)
        process = self._context.Process(target=work, args=values)
        process.start()
        return process

    def run(self, *arguments: object, max_file: int | None = None) -> int:
        process = self.start(*arguments, max_file=max_file)
        process.join(120)
        assert process.exitcode is not None
        return process.exitcode

    def killed(self, seconds: float, *arguments: object) -> bool:
        """Return whether the process was still running after this many seconds and was killed; if not, it succeeded."""
        process = self.start(*arguments)
        process.join(seconds)
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), self.stderr.read_text()
        return process.exitcode != 0

    def killed_before_replacing(self, name: str, *arguments: object) -> None:
        process = self.start(*arguments, killed_at=name)
        process.join(120)
        assert process.exitcode == -signal.SIGKILL, self.stderr.read_text()

    def message(self) -> str:
        return self.stderr.read_text().splitlines()[-1]

    def temporary_files(self) -> list[str]:
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                if path.name.startswith(("tmp-", "stdin-", ".download-", TEMPORARY))]  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def many_words(path: Path, words: int = 400_000, distinct: int = 15_000) -> Path:
    """Write a text whose tables take some time to save: 6 MB each with 100 dimensions."""
    drawn = np.random.default_rng(0).zipf(1.2, words) % distinct
    path.write_text("\n".join(" ".join(f"w{word}" for word in drawn[i : i + 20]) for i in range(0, words, 20)))
    return path


def assert_files_are_complete(lab: Lab, run: Path) -> None:
    """Check that every file a reader can find is complete."""
    if (run / "vectors.safetensors").exists():
        WordVectors.load(run)
    if (run / CHECKPOINT_FILE).exists():
        read_checkpoint(run)
    for index in (lab.cache / "indexes").glob("*"):
        if not index.name.startswith(("seen-", "tmp-", TEMPORARY)):
            IndexedCorpus(index)
    assert len(lab.temporary_files()) <= 3  # the last process may have been writing three files


KILLS = [1, pytest.param(30, marks=pytest.mark.slow)]


@pytest.mark.parametrize("kills", KILLS)
def test_training_killed_at_any_moment_is_resumed(kills: int, lab: Lab) -> None:
    draw = random.Random(kills)
    text, run = many_words(lab.folder / "text"), lab.folder / "run"
    often = ["--threads", 1, "--checkpoint-every", 0.001, "--epochs", 3]
    assert lab.run("train", text, "--output", lab.folder / "whole", *often) == 0
    done = rounds = 0
    while done < kills:
        rounds += 1
        done += lab.killed(draw.uniform(0.1, 2.5), "train", text, "--output", run, "--resume", *often)
        assert_files_are_complete(lab, run)
        if (run / "vectors.safetensors").exists() and done < kills:
            shutil.rmtree(run)  # it finished: start again
            shutil.rmtree(lab.cache)
    assert lab.run("train", text, "--output", run, "--resume", *often) == 0
    for name in ("vectors.safetensors", "vocab.tsv"):
        assert (run / name).read_bytes() == (lab.folder / "whole" / name).read_bytes()
    assert lab.temporary_files() == []
    print(f"{done} kills in {rounds} rounds")  # noqa: T201


ONE_THREAD = ["--dim", 16, "--threads", 1]


def other_words(path: Path) -> Path:
    """Write a text with the same number of words, all different from those of the topics."""
    path.write_text(topic_text().translate(str.maketrans("aeiou", "eioua")))
    return path


def assert_rejected(lab: Lab, run: Path, remedy: str) -> None:
    """Check that no reader combines new words with old vectors, also if it reads only the first rows."""
    for arguments in (
        ["info", run],
        ["nearest", run / VECTORS_FILE, "cat"],
        ["export", run, lab.folder / "v.bin", "--limit", 2],
    ):
        assert lab.run(*arguments) == 1
        (message,) = lab.stderr.read_text().splitlines()
        assert message.startswith(f"word2vec: {run}: ")
        assert "vocab.tsv" in message
        assert remedy in message


@pytest.mark.parametrize("epochs", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("checkpoint", [pytest.param(True, marks=pytest.mark.slow), False])
def test_training_killed_between_words_and_vectors_is_reported_and_resumed(
    checkpoint: bool, epochs: int, lab: Lab
) -> None:
    text, other, run, whole = (
        lab.folder / "text",
        other_words(lab.folder / "other"),
        lab.folder / "run",
        lab.folder / "whole",
    )
    text.write_text(topic_text())
    assert lab.run("train", other, "--output", run, *ONE_THREAD) == 0
    if not checkpoint:
        (run / CHECKPOINT_FILE).unlink()
    settings = [*ONE_THREAD, "--epochs", epochs]
    lab.killed_before_replacing(VECTORS_FILE, "train", text, "--output", run, *settings, "--overwrite")
    assert_rejected(lab, run, "--resume")
    assert lab.run("train", text, "--output", run, *settings) == 1  # what was learned is not discarded
    assert f"an unfinished run (epoch {epochs} of {epochs})" in lab.message()
    assert "--resume" in lab.message()
    assert lab.run("train", "--output", run, "--resume") == 0
    assert lab.run("train", text, "--output", whole, *settings) == 0
    for name in (VECTORS_FILE, VOCABULARY_FILE, "config.toml"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()
    assert read_checkpoint(run).finished
    assert lab.temporary_files() == []


def test_export_killed_between_words_and_vectors_is_reported_and_undone(lab: Lab) -> None:
    text, other, run = lab.folder / "text", lab.folder / "other", lab.folder / "run"
    text.write_text(topic_text())
    for corpus_file, folder in ((text, run), (other_words(lab.folder / "words"), other)):
        assert lab.run("train", corpus_file, "--output", folder, *ONE_THREAD) == 0
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert lab.run("export", other, run) == 2  # a run with a checkpoint; Python's `save` may still write there
    (run / CHECKPOINT_FILE).rename(lab.folder / CHECKPOINT_FILE)
    lab.killed_before_replacing(VECTORS_FILE, "export", other, run)
    (lab.folder / CHECKPOINT_FILE).rename(run / CHECKPOINT_FILE)
    assert_rejected(lab, run, "--resume")
    assert lab.run("train", "--output", run, "--resume") == 0
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    (run / CHECKPOINT_FILE).unlink()
    lab.killed_before_replacing(VECTORS_FILE, "export", other, run)
    assert_rejected(lab, run, "restore the original file, or train again")


@pytest.mark.parametrize("kills", [1, pytest.param(15, marks=pytest.mark.slow)])
def test_indexing_killed_at_any_moment_starts_again(kills: int, lab: Lab) -> None:
    draw = random.Random(kills)
    text, run = many_words(lab.folder / "text", words=1_500_000), lab.folder / "run"
    train = ["train", text, "--output", run, "--dim", 4, "--epochs", 1]
    done = 0
    while done < kills:
        done += lab.killed(draw.uniform(0.05, 0.8), *train)
        assert_files_are_complete(lab, run)
        if not any((lab.cache / "indexes").glob("tmp-*")):  # indexing was complete
            shutil.rmtree(lab.cache, ignore_errors=True)
            shutil.rmtree(run, ignore_errors=True)
    assert lab.run(*train, "--resume") == 0
    assert lab.temporary_files() == []


@pytest.mark.parametrize("kills", [2, pytest.param(15, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["out.bin", pytest.param("out.txt", marks=pytest.mark.slow)])
def test_export_killed_at_any_moment_keeps_the_old_file(name: str, kills: int, lab: Lab) -> None:
    draw = random.Random(kills)
    vectors = WordVectors([f"w{number}" for number in range(20_000)], np.random.default_rng(0).random((20_000, 100)))
    vectors.save(lab.folder / "run")
    (lab.folder / "whole").mkdir()
    vectors.save(lab.folder / "whole" / name)
    whole = (lab.folder / "whole" / name).read_bytes()
    target = lab.folder / name
    target.write_bytes(b"1 1\nbefore 1\n")
    done = 0
    while done < kills:
        done += lab.killed(draw.uniform(0.05, 0.6), "export", lab.folder / "run", target)
        assert target.read_bytes() in (whole, b"1 1\nbefore 1\n")
    assert lab.run("export", lab.folder / "run", target) == 0
    assert target.read_bytes() == whole
    assert lab.temporary_files() == []


# Signals before anything is learned


def test_sigterm_while_indexing_leaves_nothing_behind(lab: Lab) -> None:
    text = many_words(lab.folder / "text", words=100_000)
    text.write_bytes(10 * text.read_bytes())
    command = [sys.executable, "-m", "word2vec", "train", str(text), "--output", str(lab.folder / "run")]
    environment = {**os.environ, "WORD2VEC_CACHE": str(lab.cache)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while process.poll() is None and not any((lab.cache / "indexes").glob("tmp-*")):
            time.sleep(0.001)
        process.terminate()
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (143, "word2vec: terminated\n")
    assert lab.temporary_files() == []
    assert not (lab.folder / "run").exists()


# Folders that are in use or read-only


def test_two_trainings_with_the_same_output(lab: Lab) -> None:
    text, run = lab.folder / "text", lab.folder / "run"
    text.write_text(topic_text())
    first = lab.start("train", text, "--output", run, "--epochs", 1_000_000, "--dim", 4)
    while not (run / "metrics.jsonl").exists():
        assert first.is_alive()
        time.sleep(0.01)
    for more in ([], ["--resume"]):
        assert lab.run("train", text, "--output", run, "--dim", 4, *more) == 1
        assert lab.message() == (
            f"word2vec: {run}: another process writes to this folder; wait for it or use another folder"
        )
    assert first.is_alive()
    first.kill()
    first.join()
    (run / CHECKPOINT_FILE).unlink(missing_ok=True)
    assert lab.run("train", text, "--output", run, "--dim", 4) == 0  # the lock was released with its process


def test_cache_shared_by_concurrent_processes(lab: Lab) -> None:
    text = many_words(lab.folder / "text", words=100_000)
    runs = [lab.folder / f"run{number}" for number in range(3)]
    settings = ["--epochs", 1, "--dim", 16, "--threads", 1]
    processes = [lab.start("train", text, "--output", run, *settings) for run in runs]
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0], lab.stderr.read_text()
    assert len({(run / "vectors.safetensors").read_bytes() for run in runs}) == 1
    indexes = [path for path in (lab.cache / "indexes").iterdir() if not path.name.startswith("seen-")]
    assert len(indexes) == 1
    assert lab.temporary_files() == []


def test_read_only_output_folder(lab: Lab) -> None:
    text, run = lab.folder / "text", lab.folder / "folder" / "run"
    text.write_text(topic_text())
    run.mkdir(parents=True)
    with read_only(run.parent):
        assert lab.run("train", text, "--output", run) == 1
        assert lab.message().startswith(f"word2vec: {run}: ")
        assert "writ" in lab.message()
        assert lab.run("train", text, "--output", run.parent / "new") == 1
        assert lab.message().startswith(f"word2vec: cannot create the folder {run.parent / 'new'}: ")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder read-only; for root, who ignores permissions, by mounting it read-only."""
    if os.getuid():
        folder.chmod(0o555)
        (folder / "run").chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    for options in ([], ["-o", "remount,ro,bind"]):
        if subprocess.run(["mount", *(options or ["--bind"]), str(folder), str(folder)], check=False).returncode:
            pytest.skip("nothing can be mounted here")
    yield
    subprocess.run(["umount", "-l", str(folder)], check=True)


# Full disks


@pytest.mark.parametrize("overwrite", [False, True])
def test_full_disk_while_saving(overwrite: bool, lab: Lab) -> None:
    text, run = many_words(lab.folder / "text"), lab.folder / "run"
    settings = ["--epochs", 2, "--dim", 100, "--threads", 1]
    if overwrite:
        assert lab.run("train", text, "--output", run, *settings, "--seed", 5) == 0
    else:
        index_corpus([text], cache=lab.cache)
    before = {path.name: path.read_bytes() for path in run.glob("*") if path.name != "metrics.jsonl"}
    again = ["--overwrite"] if overwrite else []
    assert lab.run("train", text, "--output", run, *settings, *again, max_file=5_000_000) == 1
    lines = lab.stderr.read_text().splitlines()
    assert any(line.startswith(f"cannot write {run / CHECKPOINT_FILE}: File too large") for line in lines)
    assert lines[-1].startswith(f"word2vec: cannot write {run / 'vocab.tsv'} and {run / 'vectors.safetensors'}: ")
    assert {path.name: path.read_bytes() for path in run.glob("*") if path.name != "metrics.jsonl"} == before
    assert lab.temporary_files() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 10 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(disk)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems can be mounted by root only")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_disk_that_fills_up_during_training(lab: Lab, small_disk: Path) -> None:
    text, run = many_words(lab.folder / "text"), small_disk / "run"
    assert lab.run("train", text, "--output", run, "--dim", 16, "--epochs", 1) == 0
    before = (run / "vectors.safetensors").read_bytes()
    assert lab.run("train", text, "--output", run, "--dim", 100, "--epochs", 2, "--overwrite") == 1
    assert "No space left on device" in lab.message()
    assert (run / "vectors.safetensors").read_bytes() == before
    assert lab.temporary_files() == []


@pytest.mark.slow
@pytest.mark.parametrize("where", ["limit", "nowhere"])
def test_compiled_code_that_cannot_be_cached(where: str, lab: Lab) -> None:
    # in a process of its own, because nothing may be compiled yet
    text = lab.folder / "text"
    text.write_text(topic_text(200))
    program = """if True:
        import resource, sys
        if sys.argv[1] == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))
        else:
            from numba.core import caching
            caching.CacheImpl._locator_classes = []
        from word2vec.cli import run
        sys.exit(run(sys.argv[2:]))
    """
    command = ["train", str(text), "--output", str(lab.folder / "run"), "--dim", "4", "--epochs", "1"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(lab.folder / "numba")}
    arguments = [sys.executable, "-c", program, where, *command]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "cannot be cached" in done.stderr
    assert len(WordVectors.load(lab.folder / "run")) == 18


# Corpora that change while they are read


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write(" more" * 1000)


def truncate(path: Path) -> None:
    os.truncate(path, 3000)


@pytest.mark.parametrize("change", [append, truncate, Path.unlink], ids=["grows", "shrinks", "vanishes"])
@pytest.mark.parametrize("moment", ["hashed", "encoded"])
def test_corpus_that_changes_while_it_is_read(
    change: Any, moment: str, topics_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    read_blocks, digest = encoding.read_blocks, content_key._digest
    changed: list[Path] = []

    def change_once(path: Path) -> None:
        if not changed:
            changed.append(path)
            change(path)

    def blocks(path: Path, *arguments: Any, **options: Any) -> Iterator[bytes]:
        for number, block in enumerate(read_blocks(path, *arguments, **options)):
            if number == 3:
                change_once(path)
            yield block

    def hashed(path: Path) -> bytes:
        found = digest(path)
        change_once(path)
        return found

    if moment == "encoded":
        monkeypatch.setattr(encoding, "read_blocks", blocks)
    else:
        monkeypatch.setattr(content_key, "_digest", hashed)
    with pytest.raises(CorpusError) as caught:
        index_corpus([topics_file])
    assert changed
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(
        f"{topics_file}: cannot be read: No such file"
        if change is Path.unlink
        else "the corpus changed while it was being read"
    )
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_dir() and path.name != "indexes"]
