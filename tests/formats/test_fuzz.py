"""Whatever the bytes, a reader returns a table or a one-line error: no crash, no hang, bounded memory."""

import bz2
import gzip
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.formats.samples import NAMES
from tests.formats.test_fasttext import first_version, model
from word2vec import formats
from word2vec.errors import FormatError, Word2VecError
from word2vec.formats import Table

MAX_SECONDS, MAX_BYTES = 5, 1 << 27  # far above what a file of some hundred bytes needs, far below a bomb
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = [None, "word2vec-text", "glove"]
# sizes for headers: some overflow, some wrap around, some are merely too large
SIZES = st.sampled_from([0, 1, 2, 3, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1, 10**12])


@contextmanager
def bounded() -> Iterator[None]:
    """Fail if the block takes too much processor time, independent of the load of the machine, or too much memory."""
    tracemalloc.start()
    started = time.process_time()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MAX_BYTES
        assert time.process_time() - started < MAX_SECONDS
    finally:
        tracemalloc.stop()


def read(path: Path, name: str | None) -> Table | str:
    """The table or the error message."""
    try:
        return formats.read(path, format=name)
    except Word2VecError as error:
        return str(error)


def attempt(path: Path, name: str | None) -> None:
    """Read a file and check that the result is a valid table or a one-line error."""
    with bounded():
        found = read(path, name)
    if isinstance(found, str):
        assert len(found.splitlines()) == 1
        return
    table = found
    assert len(table.words) == len(set(table.words)) == len(table.vectors) > 0
    assert all(table.words)
    assert np.isfinite(table.vectors).all()
    for row in (table.counts, table.output):
        assert row is None or len(row) == len(table.words)
    if table.subwords:
        with suppress(Word2VecError):  # n-gram rows are checked on lookup
            vector = table.subwords.vector("unknown")
            assert vector is None or np.isfinite(vector).all()


@pytest.fixture(scope="module", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile before time is measured."""
    folder = tmp_path_factory.mktemp("compiled")
    for name, content in (("v.txt", b"1 1\na 1\n"), ("m.bin", model())):
        (folder / name).write_bytes(content)
        formats.read(folder / name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A valid file in each format except run folders."""
    folder = tmp_path_factory.mktemp("valid")
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((3, 4), dtype=np.float32)
    table = Table(["the", "new-york", "é"], vectors, np.array([3, 2, 1]), vectors)
    for name, path in NAMES.items():
        formats.write(folder / path, table, format=name)
    found = {name: (folder / path).read_bytes() for name, path in NAMES.items() if name != "run"}
    np.savez_compressed(folder / "packed.npz", words=np.array(table.words), vectors=vectors)
    found["npz, compressed"] = (folder / "packed.npz").read_bytes()
    return found | {"fasttext": model(), "fasttext, first version": first_version(model())}


@FUZZ
@given(content=st.binary(max_size=400), name=st.sampled_from([None, *NAMES]))
def test_any_bytes(content: bytes, name: str | None, tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(content)
    attempt(tmp_path / "v", name)


@FUZZ
@given(text=st.text("0123456789.-+e na\t\r\n\u00e9inf", max_size=200), name=st.sampled_from(TEXTS))
def test_any_text(text: str, name: str | None, tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(text.encode())
    attempt(tmp_path / "v", name)


@FUZZ
@given(
    count=SIZES,
    dim=SIZES,
    rest=st.binary(max_size=100),
    name=st.sampled_from(["word2vec-text", "word2vec-binary"]),
    pack=st.sampled_from([bytes, gzip.compress, bz2.compress]),
)
def test_any_word2vec_header(
    count: int, dim: int, rest: bytes, name: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    (tmp_path / "v").write_bytes(pack(b"%d %d\n" % (count, dim) + rest))
    attempt(tmp_path / "v", name)


@pytest.mark.parametrize("name", [*list(NAMES)[1:], "npz, compressed"])  # all but run
@FUZZ
@given(data=st.data())
def test_randomly_changed_files(name: str, files: dict[str, bytes], data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "size"])):
            case "flip":
                content[place] ^= 1 << data.draw(st.integers(0, 7))
            case "cut" if place:
                del content[place : place + data.draw(st.integers(1, 30))]
            case "insert":
                content[place:place] = data.draw(st.binary(max_size=10))
            case _:  # overwrite eight bytes with a size
                content[place : place + 8] = struct.pack("<Q", data.draw(SIZES))
    (tmp_path / "v").write_bytes(content)
    attempt(tmp_path / "v", name.partition(",")[0])
    attempt(tmp_path / "v", None)


@FUZZ
@given(vocabulary=st.binary(max_size=60) | st.text("ab\t\n0123456789", max_size=60).map(str.encode))
def test_any_vocabulary(vocabulary: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    formats.write(folder, Table(["a", "b"], np.ones((2, 3), dtype=np.float32), np.array([2, 1])))
    (folder / "vocab.tsv").write_bytes(vocabulary)
    attempt(folder, None)


@FUZZ
@given(
    header=st.text('{}[]":,0123456789 FIU_adehnoprtuwm-', max_size=120),
    length=st.none() | SIZES,
    rest=st.binary(max_size=60),
)
def test_any_tensor_header(header: str, length: int | None, rest: bytes, tmp_path: Path) -> None:
    text = ("{" + header).encode()
    (tmp_path / "v").write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + rest)
    attempt(tmp_path / "v", "safetensors")


@FUZZ
@given(
    words=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True),
    seed=st.integers(0, 1000),
    dim=st.integers(2, 6),
    name=st.sampled_from(list(NAMES)),
)
def test_random_words_round_trip(words: list[str], seed: int, dim: int, name: str, tmp_path: Path) -> None:
    vectors = np.random.default_rng(seed).standard_normal((len(words), dim), dtype=np.float32)
    path = tmp_path / f"round-{NAMES[name]}"
    try:
        formats.write(path, Table(words, vectors), name)
    except FormatError:  # the format cannot store a word: whitespace, a final NUL, a lone surrogate
        return
    found = formats.read(path, format=name)
    assert found.words == words
    np.testing.assert_array_equal(found.vectors, vectors)
