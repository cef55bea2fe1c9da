"""Everything that can be named as a corpus: files, folders, glob patterns, pipes, standard input, named corpora."""

import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from word2vec.corpus.named import NAMED_CORPORA
from word2vec.corpus.sources import RUN_FILES, STDIN, reject_files_in, resolve
from word2vec.errors import CorpusError
from word2vec.formats.run import CHECKPOINT_FILE, VECTORS_FILE, VOCABULARY_FILE


def written(path: Path, data: bytes = b"some words\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def message(source: Callable[[], object]) -> str:
    """The one-line message of a failure."""
    with pytest.raises(CorpusError) as caught:
        source()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt")
    assert resolve([path]) == resolve([str(path)]) == resolve(str(path)) == [path]


def test_folder_is_read_recursively_without_hidden_files(tmp_path: Path) -> None:
    for name in ["b.txt", "a/z.txt", "a/c/d.txt", ".hidden", "a/.hidden", ".git/e.txt", "a/.cache/f.txt"]:
        written(tmp_path / "texts" / name)
    (tmp_path / "texts" / "empty").mkdir()
    found = [str(file.relative_to(tmp_path / "texts")) for file in resolve([tmp_path / "texts"])]
    assert found == ["a/c/d.txt", "a/z.txt", "b.txt"]


def test_loop_of_links_is_not_followed(tmp_path: Path) -> None:
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


def test_glob_over_a_loop_of_links_finds_each_file_once(tmp_path: Path) -> None:
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


def test_tilde_is_the_home_folder_but_only_before_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "a.txt")
    written(tmp_path / "~backup.txt")
    assert resolve(["~/a.txt"]) == [tmp_path / "a.txt"]
    assert resolve(["~backup.txt"]) == [Path("~backup.txt")]


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert resolve([tmp_path / "pipe"]) == [tmp_path / "pipe"]


def test_file_takes_precedence_over_a_named_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = written(tmp_path / "made.txt")
    monkeypatch.setitem(NAMED_CORPORA, "text8", lambda: made)
    monkeypatch.chdir(tmp_path)
    assert resolve(["text8"]) == [made]
    written(tmp_path / "text8")
    assert resolve(["text8"]) == [Path("text8")]


def test_standard_input_cannot_be_combined(tmp_path: Path) -> None:
    assert resolve(["-"]) == resolve([STDIN]) == [STDIN]
    assert "standard input ('-') cannot be combined" in message(lambda: resolve(["-", written(tmp_path / "a.txt")]))


def test_no_source() -> None:
    assert message(lambda: resolve([])).startswith("no corpus given; pass a text file")


def test_missing_file_is_reported_with_the_named_corpora(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.txt"
    for sources in ([path], [written(tmp_path / "a.txt"), path]):
        error = message(partial(resolve, sources))
        assert error.startswith(f"{path}: no such file, folder or corpus; ")
        assert error.endswith(": text8, pydocs")


def test_folder_without_files(tmp_path: Path) -> None:
    written(tmp_path / "texts" / ".hidden")
    assert message(lambda: resolve([tmp_path / "texts"])).startswith(
        f"{tmp_path / 'texts'}: the folder contains no files"
    )


def test_unreadable_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "open" / "a.txt")
    secret = written(tmp_path / "secret" / "b.txt").parent
    scandir = os.scandir

    def refusing(path: str) -> object:  # permissions do not apply to a test that runs as root
        if Path(path) == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert message(lambda: resolve([tmp_path])) == f"{secret}: cannot be read: Permission denied"


def test_name_that_is_too_long() -> None:
    assert message(lambda: resolve(["the text itself " * 100])).endswith(": cannot be read: File name too long")


def test_device_is_rejected() -> None:
    assert message(lambda: resolve(["/dev/null"])).startswith("/dev/null: is a device or a socket, not a file; ")


def test_corpus_inside_the_output_folder_is_rejected(tmp_path: Path) -> None:
    output = tmp_path / "run"
    inside, outside = written(output / "vocab.tsv"), written(tmp_path / "text.txt")
    link = tmp_path / "link.txt"
    link.symlink_to(inside)
    reject_files_in(output, [outside, STDIN])
    for file in (inside, link):
        error = message(partial(reject_files_in, output, [outside, file]))
        assert error.startswith(f"{file}: the corpus is inside the output folder {output} ")


# Runs inside the corpus folder.


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder with texts and with runs at several stages."""
    folder = tmp_path / "texts"
    for name in ["a.txt", "b/c.txt", "b/metrics.jsonl", "b/vocab.tsv", "d/vocab.tsv", "d/config.toml"]:
        written(folder / name)
    for name in [
        "finished/vectors.safetensors", "finished/vocab.tsv", "finished/config.toml", "finished/notes.txt",
        "finished/tensorboard/events", "b/stopped/checkpoint.safetensors", "b/stopped/metrics.jsonl",
        "b/just started/metrics.jsonl", "b/just started/.word2vec-tmp-x/vectors.safetensors",
    ]:  # fmt: skip
        written(folder / name, b"\0")
    return folder


def test_names_of_the_files_of_a_run() -> None:
    assert {VECTORS_FILE, VOCABULARY_FILE, CHECKPOINT_FILE, "metrics.jsonl", "config.toml"} == RUN_FILES


@pytest.mark.parametrize("pattern", ["", "**", "**/*"])
def test_runs_in_a_folder_are_left_out(pattern: str, texts: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = [str(file.relative_to(texts)) for file in resolve([texts / pattern])]
    assert found == ["a.txt", "b/c.txt", "b/metrics.jsonl", "b/vocab.tsv", "d/config.toml", "d/vocab.tsv"]
    assert sorted(record.getMessage() for record in caplog.records) == [
        f"{texts / name}: contains a run; not read as text" for name in ("b/just started", "b/stopped", "finished")
    ]


def test_pattern_from_the_current_folder_leaves_out_runs(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(texts)
    assert resolve(["**/*.txt"]) == [Path("a.txt"), Path("b/c.txt")]
    assert resolve(["."]) == [Path(name) for name in sorted(["a.txt", "b/c.txt", "b/metrics.jsonl", "b/vocab.tsv",
                                                            "d/config.toml", "d/vocab.tsv"])]  # fmt: skip


def test_files_of_a_run_can_be_named(texts: Path) -> None:
    notes = texts / "finished" / "notes.txt"
    assert resolve([notes]) == resolve([texts / "finished" / "*.txt"]) == resolve([texts / "*" / "n*.txt"]) == [notes]
    assert resolve([texts / "finished" / "**" / "*.txt"]) == [notes]


def test_a_run_folder_is_rejected_as_a_corpus(texts: Path) -> None:
    error = message(lambda: resolve([texts / "a.txt", texts / "finished"]))
    assert error.startswith(f"{texts / 'finished'}: is a run folder, not a folder of texts")
