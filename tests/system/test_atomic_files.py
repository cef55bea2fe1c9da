"""Files are replaced in one step or not at all."""

import errno
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from word2vec.errors import Word2VecError
from word2vec.system import atomic_files
from word2vec.system.atomic_files import atomic_folder, atomic_path, atomic_paths, locked, new_folder, temporary_folder


def full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_target_is_replaced_only_after_the_block(tmp_path: Path) -> None:
    target = tmp_path / "config.toml"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent.parent == tmp_path  # the same disk, so that the move is a single step
    assert target.read_text() == "new"
    assert names(tmp_path) == ["config.toml"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_failing_block_changes_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    target = tmp_path / "config.toml"
    target.write_text("old")
    with pytest.raises(interruption), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise interruption
    assert target.read_text() == "old"
    assert names(tmp_path) == ["config.toml"]


def test_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "config.toml"
    target.write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    message = r"^cannot write .*config\.toml: No space left on device"
    with pytest.raises(Word2VecError, match=message), atomic_path(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["config.toml"]


def test_files_are_replaced_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old")
    second.write_text("old")
    flush, flushed = os.fsync, []

    def full_at_the_second(descriptor: int) -> None:
        flushed.append(descriptor)
        (flush if len(flushed) == 1 else full_disk)(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_the_second)
    with pytest.raises(Word2VecError), atomic_paths(first, second) as temporaries:
        assert [temporary.write_text("new") for temporary in temporaries] == [3, 3]
    assert len(flushed) == 2
    assert (first.read_text(), second.read_text()) == ("old", "old")
    assert names(tmp_path) == ["first", "second"]


def test_files_are_replaced_in_the_given_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    replace = Path.replace

    def note(self: Path, target: Path) -> Path:
        moved.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", note)
    with atomic_paths(tmp_path / "z", tmp_path / "a"):
        pass
    assert moved == ["z", "a"]


def test_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_path(tmp_path / "target") as temporary:
        temporary.unlink()  # like safetensors, which replaces the file by one of its own
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_files_of_a_killed_process_are_deleted_and_those_of_a_running_one_kept(tmp_path: Path) -> None:
    program = """if True:
        import os, sys, time
        from pathlib import Path
        from word2vec.system.atomic_files import atomic_path
        with atomic_path(Path(sys.argv[1])) as path:
            path.write_text("half")
            print("writing", flush=True)
            time.sleep(60)
    """
    target = tmp_path / "target"
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(target)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [writer.stdout.readline() for writer in writers if writer.stdout] == ["writing\n"] * 2
    writers[0].kill()
    writers[0].communicate()
    assert len(names(tmp_path)) == 2
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert len(names(tmp_path)) == 2  # that of the running process and that of this one
    assert len(names(tmp_path)) == 2
    writers[1].kill()
    writers[1].communicate()
    with atomic_path(target):
        pass
    assert names(tmp_path) == ["target"]


def test_folder_is_locked_until_its_process_ends(tmp_path: Path) -> None:
    program = """if True:
        import sys, time
        from pathlib import Path
        from word2vec.system.atomic_files import locked
        with locked(Path(sys.argv[1])):
            print("locked", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(Word2VecError, match="another process writes to this folder"), locked(tmp_path):
            pass
        other.kill()
    with locked(tmp_path):
        pass
    assert names(tmp_path) == []


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_path(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(Word2VecError, match="not a regular file"), atomic_path(tmp_path / name):
            pass
    assert names(tmp_path) == ["folder", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(Word2VecError, match=r"the folder .*nowhere does not exist; create it first"), atomic_path(path):
        pass


def test_new_folders_are_removed_if_the_block_fails(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match="stop"), new_folder(tmp_path / "runs" / "today" / "first"):  # noqa: PT012
        assert (tmp_path / "runs" / "today" / "first").is_dir()
        raise ValueError("stop")
    assert names(tmp_path) == ["runs"]
    assert names(tmp_path / "runs") == []


def test_folder_with_files_is_kept_if_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), new_folder(tmp_path / "run"):  # noqa: PT012
        (tmp_path / "run" / "metrics.jsonl").touch()
        raise ValueError("stop")
    assert names(tmp_path / "run") == ["metrics.jsonl"]


def test_file_in_place_of_the_new_folder(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with (
        pytest.raises(Word2VecError, match=r"cannot create the folder .*run: File exists"),
        new_folder(tmp_path / "run"),
    ):
        pass


def make_old(path: Path) -> None:
    for each in (*path.rglob("*"), path):
        os.utime(each, (0, 0))


def test_temporary_folders_of_another_host_are_kept_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some network file systems, a host does not see the locks of another one."""
    monkeypatch.setattr(socket, "gethostname", lambda: "node-1.cluster")
    with temporary_folder(tmp_path, "tmp-") as work:
        here = work.name
    monkeypatch.setattr(socket, "gethostname", lambda: "node-2.cluster")
    with temporary_folder(tmp_path, "tmp-") as work:
        there = work.name
    assert here.split("-")[2] == there.split("-")[2] == str(os.getpid())
    unknown = "tmp-k3f_x0a1"  # as earlier versions named them
    for name in (here, there, unknown):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokens.npy").touch()
    with temporary_folder(tmp_path, "tmp-") as work:
        assert names(tmp_path) == sorted([here, unknown, work.name])
    os.utime(tmp_path / here, (0, 0))  # a folder does not change while a file in it is written
    os.utime(tmp_path / unknown, (0, 0))
    with temporary_folder(tmp_path, "tmp-") as work:
        assert names(tmp_path) == sorted([here, unknown, work.name])
    make_old(tmp_path / here)
    make_old(tmp_path / unknown)
    with temporary_folder(tmp_path, "tmp-") as work:
        assert names(tmp_path) == [work.name]


def test_temporary_folders_where_locks_are_not_supported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_files, "fcntl", None)
    with temporary_folder(tmp_path, "tmp-") as work:
        left = tmp_path / work.name
    left.mkdir()
    with temporary_folder(tmp_path, "tmp-"):
        assert left.exists()
    make_old(left)
    with temporary_folder(tmp_path, "tmp-"):
        assert not left.exists()


def test_old_temporary_folder_in_use_is_kept(tmp_path: Path) -> None:
    with temporary_folder(tmp_path, "tmp-") as first:
        make_old(first)
        with temporary_folder(tmp_path, "tmp-"):
            assert first.exists()


def write_new(*paths: Path) -> None:
    with atomic_paths(*paths) as temporary:
        for path in temporary:
            path.write_text("new")


@pytest.mark.parametrize("existing", [True, False])
def test_if_one_of_several_files_cannot_be_replaced_all_are_kept(
    existing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, vectors = tmp_path / "vocab.tsv", tmp_path / "vectors.safetensors"
    vectors.write_text("old vectors")
    if existing:
        words.write_text("old words")
    replace = os.replace

    def replace_as_on_windows(source: Path, target: Path) -> None:
        if Path(target).name == vectors.name:
            raise PermissionError(errno.EACCES, "Access is denied")  # the file is mapped by another process
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_as_on_windows)
    with pytest.raises(Word2VecError, match="safetensors: Access is denied"):
        write_new(words, vectors)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "vectors.safetensors": "old vectors",
        **({"vocab.tsv": "old words"} if existing else {}),
    }


def test_an_interruption_right_after_a_temporary_folder_is_created_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path) -> None:
        assert folder.is_dir()
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_files, "_lock", interrupted)
    with pytest.raises(KeyboardInterrupt), temporary_folder(tmp_path, "tmp-"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folder_is_complete_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "parent" / r"folder\1"  # a backslash, as in paths on Windows
    with pytest.raises(Word2VecError, match=f"^cannot write {re.escape(str(target))}/file: bad$"):  # noqa: PT012, SIM117
        with atomic_folder(target) as folder:
            (folder / "file").write_text("new")
            raise Word2VecError(f"cannot write {folder / 'file'}: bad")
    assert list(tmp_path.iterdir()) == []
    target.mkdir(parents=True)
    with atomic_folder(target) as folder:
        (folder / "file").write_text("new")
        assert list(target.iterdir()) == []
    assert [path.name for path in target.iterdir()] == ["file"]
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    with pytest.raises(Word2VecError, match="it exists and is not an empty folder"), atomic_folder(target):
        pass
    assert (target / "file").read_text() == "new"
