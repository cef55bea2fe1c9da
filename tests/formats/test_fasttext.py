"""fastText models: compared with fastText itself, and errors for damaged models."""

import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats.fasttext_models import finite
from tests.formats.samples import read_error, write_bytes
from word2vec import formats
from word2vec.errors import UnknownWordError, Word2VecError
from word2vec.formats.fasttext import SETTINGS
from word2vec.vectors.word_vectors import WordVectors

OUTPUT_BYTES = 17 + 4 * 9  # of the output table of `model()` and its head
UNKNOWN = ["catdog", "qwertyuiop", "naïveté", "日本語テキスト", "🙂x", "a", "</s", "x" * 500]


def model(
    words: tuple[bytes, ...] = (b"a", b"</s>", b"caf\xc3\xa9"),
    *,
    labels: int = 0,
    rows: int | None = None,
    **settings: int,
) -> bytes:
    """The bytes of a small model as written by fastText."""
    given = {"magic": 793712314, "version": 12, "dim": 3, "model": 2, "bucket": 5, "minn": 2, "maxn": 3}
    given |= {
        "count": len(words),
        "pruned": -1,
        "compressed": 0,
        "columns": 3,
        "loss": 2,
        "tokens": 1000,
        "entries": len(words) + labels,
        **settings,
    }
    head = struct.pack("<ii", given["magic"], given["version"])
    head += struct.pack("<12id", given["dim"], 5, 5, 1, 5, 1, given["loss"], given["model"], given["bucket"],
                        given["minn"], given["maxn"], 100, 1e-4)  # fmt: skip
    head += struct.pack("<iiiqq", given["entries"], given["count"], labels, given["tokens"], given["pruned"])
    for row, word in enumerate(words):
        head += word + b"\0" + struct.pack("<qb", 10 - row, 0)
    for row in range(labels):
        head += b"__label__%d\0" % row + struct.pack("<qb", 1, 1)
    rows = len(words) + given["bucket"] if rows is None else rows
    head += struct.pack("<?qq", given["compressed"], rows, given["columns"])
    table = np.arange(rows * given["columns"], dtype="<f4").tobytes()
    return head + table + struct.pack("<?qq", False, len(words), 3) + bytes(12 * len(words))


def file_of(array: np.ndarray) -> object:
    """The file that an array is mapped from."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base


def first_version(content: bytes) -> bytes:
    """The same model as the first version of fastText wrote it: without magic number, pruned n-grams and flags."""
    dictionary, output = 8 + SETTINGS.size + 20, len(content) - OUTPUT_BYTES
    rest = content[dictionary + 8 : output]
    table = rest.rindex(struct.pack("<?qq", False, 8, 3))
    return content[8:dictionary] + rest[:table] + rest[table + 1 :] + content[output + 1 :]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in ("cat", "dog", "naïve", "東京", "🙂") for b in ("", "s", "ish", "é")]
    path = tmp_path_factory.mktemp("fasttext") / "corpus.txt"
    path.write_text("\n".join(" ".join(rng.choice(words, 8)) for _ in range(300)), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["n-grams", "no n-grams", "classifier", "classifier with n-grams"])
def fasttext_model(request: pytest.FixtureRequest, corpus: Path) -> Any:
    fasttext = pytest.importorskip("fasttext")
    # no training: this version occasionally stops with NaN, and the initial random tables serve as well
    settings = {"dim": 7, "minCount": 1, "bucket": 100, "epoch": 0, "thread": 1, "verbose": 0}
    if "classifier" in request.param:
        labeled = corpus.with_name("labeled.txt")
        lines = corpus.read_text(encoding="utf-8").splitlines()
        labeled.write_text("\n".join(f"__label__{row % 2} {line}" for row, line in enumerate(lines)), encoding="utf-8")
        longest = 4 if "with" in request.param else 0
        settings |= {"minn": min(2, longest), "maxn": longest, "wordNgrams": 2}
        return finite(lambda: fasttext.train_supervised(str(labeled), **settings))
    settings["maxn"] = 0 if request.param == "no n-grams" else 5
    return finite(lambda: fasttext.train_unsupervised(str(corpus), **settings))


@pytest.mark.parametrize("name", ["model.bin", "model.bin.gz"])
def test_vectors_equal_those_of_fasttext_exactly(fasttext_model: Any, name: str, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "model.bin"
    fasttext_model.save_model(str(path))
    if name.endswith(".gz"):
        path = write_bytes(tmp_path / name, gzip.compress(path.read_bytes()))
    loaded = WordVectors.load(path)
    words, counts = fasttext_model.get_words(include_freq=True)
    assert loaded.words == words
    np.testing.assert_array_equal(loaded.counts, counts)
    for word in words:
        np.testing.assert_array_equal(loaded[word], fasttext_model.get_word_vector(word))
    for word in UNKNOWN:
        expected = fasttext_model.get_word_vector(word)
        if expected.any():
            np.testing.assert_array_equal(loaded[word], expected)
        else:
            with pytest.raises(UnknownWordError):
                loaded[word]
    assert (loaded.subwords is None) == (not fasttext_model.get_word_vector("catdog").any())


def test_limit_keeps_the_first_words_and_all_ngrams(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "m.bin", model())
    whole, first = formats.read(path), formats.read(path, limit=2)
    assert whole.words == ["a", "</s>", "café"]
    assert first.words == whole.words[:2]
    np.testing.assert_array_equal(first.vectors, whole.vectors[:2])
    assert whole.counts is not None
    assert whole.counts.tolist() == [10, 9, 8]
    assert first.subwords is not None
    assert first.subwords.rows.shape == (5, 3)
    assert first.subwords.rows[0].tolist() == [9, 10, 11]


def test_the_words_own_rows_and_the_output_table_are_mapped(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "m.bin", model()[:-36] + np.arange(9, dtype="<f4").tobytes())
    for limit in (3, 2):
        table = formats.read(path, limit=limit)
        assert table.subwords is not None
        assert table.subwords.word_rows is not None
        assert table.output is not None
        np.testing.assert_array_equal(table.subwords.word_rows, np.arange(3 * limit).reshape(-1, 3))
        np.testing.assert_array_equal(table.output, np.arange(3 * limit).reshape(-1, 3))
        assert {type(file_of(rows)) for rows in (table.subwords.word_rows, table.output)} == {mmap.mmap}


def test_output_rows_of_labels_and_tree_nodes_are_ignored(tmp_path: Path) -> None:
    for settings in ({"model": 3}, {"loss": 1}):
        assert formats.read(write_bytes(tmp_path / "m.bin", model(**settings))).output is None


def test_labels_are_skipped(tmp_path: Path) -> None:
    assert formats.read(write_bytes(tmp_path / "m.bin", model(labels=2))).words == ["a", "</s>", "café"]


def test_vectors_without_ngrams_are_the_rows(tmp_path: Path) -> None:
    table = formats.read(write_bytes(tmp_path / "m.bin", model(maxn=0)))
    assert table.subwords is None
    assert table.vectors.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_classifiers_of_version_11_have_no_ngrams(tmp_path: Path) -> None:
    assert formats.read(write_bytes(tmp_path / "m.bin", model(version=11, model=3))).subwords is None
    assert formats.read(write_bytes(tmp_path / "m.bin", model(version=11))).subwords is not None


def test_the_first_version_is_read(tmp_path: Path) -> None:
    old = write_bytes(tmp_path / "old.bin", first_version(model()))
    new = write_bytes(tmp_path / "new.bin", model())
    expected, found = WordVectors.load(new), WordVectors.load(old)
    assert found.words == expected.words == ["a", "</s>", "café"]
    np.testing.assert_array_equal(found.counts, expected.counts)
    for word in ["a", "café", *UNKNOWN[:4]]:
        np.testing.assert_array_equal(found[word], expected[word])
    # which gave n-grams to the end of the sentence, too
    ids, _ = expected.subwords.ngrams([b"</s"]) if expected.subwords else ([], [])
    assert len(ids) > 0
    assert not np.array_equal(found["</s>"], expected["</s>"])


@pytest.mark.parametrize("position", range(12))
def test_a_file_whose_settings_are_out_of_range_is_not_a_model(position: int, tmp_path: Path) -> None:
    content = bytearray(first_version(model()))
    content[4 * position + 3] = 0xFF  # makes the number negative
    assert "unknown format" in read_error(write_bytes(tmp_path / "m.bin", bytes(content)))
    message = read_error(tmp_path / "m.bin", format="fasttext")
    assert "not a fastText model; its settings are out of range" in message


def test_empty_words_are_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_bytes(tmp_path / "m.bin", model((b"a", b"", b"b")))
    table = formats.read(path)
    assert table.words == ["a", "b"]
    assert table.counts is not None
    assert table.counts.tolist() == [10, 8]
    assert [record.getMessage() for record in caplog.records] == [f"{path}: empty words in the dictionary are ignored"]
    both = formats.read(write_bytes(tmp_path / "n.bin", model((b"a", b"x", b"b"))))
    np.testing.assert_array_equal(table.vectors, both.vectors[[0, 2]])


def test_saving_warns_that_ngrams_are_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    WordVectors.load(write_bytes(tmp_path / "m.bin", model())).save(tmp_path / "v.txt")
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'v.txt'}: n-grams are not saved; words outside the vocabulary will have no vector"
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (model(version=13), "version 13 of fastText's format is not supported, only (11, 12)"),
        (model(dim=0), ": 0 dimensions"),
        (model(bucket=-1, rows=8), "-1 buckets"),
        (model(bucket=0, rows=8), "0 buckets, n-grams of 3"),
        (model(maxn=101), "n-grams of 101"),
        (model(pruned=0), "pruned models (.ftz) are not supported; use the .bin file it was made from"),
        (model(compressed=1), "quantized models (.ftz) are not supported; use the .bin file it was made from"),
        (model(count=0, entries=0), "a dictionary of 0 words and 0 labels does not match the file"),
        (model(count=2**31 - 1, entries=2**31 - 1), "a dictionary of 2147483647 words and 0 labels does not match the"),
        (model(entries=2), "a dictionary of 3 words and 0 labels does not match the file"),
        (model(count=4, entries=4), "unexpected entry"),
        (model((b"", b"")), "all words are empty; the file is damaged"),
        (model(dim=4), "a table of 8 rows with 3 columns does not match 3 words, 5 buckets and 4 dimensions"),
        (model(rows=7), "a table of 7 rows with 3 columns does not match 3 words, 5 buckets and 3 dimensions"),
        (model(bucket=2**31 - 1, rows=8), "does not match 3 words, 2147483647 buckets"),
        (model()[:4], "ends within its settings"),
        (model()[:50], "ends within its settings"),
        (model()[:92], "a dictionary of 3 words and 0 labels does not match the file"),
        (model((b"a" * 40, b"b", b"c"))[:147], "entry 2 of 3 of the dictionary is incomplete; the file is truncated"),
        (model()[:200], "declares 8 rows with 3 dimensions for words and n-grams, 96 bytes, but at most"),
        (model((b"a", b"a\xff", b"b"))[:-149] + b"\0\0\xc0\x7f" * 24 + model()[-OUTPUT_BYTES:], "nan or infinity"),
        (model()[:-40], "ends within its settings or before its tables"),
        (model()[:-36], "declares 3 rows with 3 dimensions for the output table, 36 bytes, but at most 0 follow"),
        (model()[:-52] + model()[-44:], "an output table of 3 rows with 0 columns does not match 3 words"),
    ],
)
def test_damaged_models_are_rejected(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in read_error(write_bytes(tmp_path / "m.bin", content))


def test_unterminated_words_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.fasttext.BLOCK", 1000)
    path = write_bytes(tmp_path / "m.bin", model((b"a" * 70_000, b"b")))
    assert "entry 1 of 2 of the dictionary is incomplete" in read_error(path)


def test_nan_in_ngrams_is_reported_on_lookup(tmp_path: Path) -> None:
    content = model((b"</s>",), maxn=2).replace(struct.pack("<f", 3), struct.pack("<f", np.inf))
    vectors = WordVectors.load(write_bytes(tmp_path / "m.bin", content))
    with pytest.raises(Word2VecError, match=r"the n-grams of '\w' contain nan or infinity; the model is damaged"):
        vectors[[chr(ord("b") + letter) for letter in range(24)]]  # one of them uses the bucket


def test_invalid_utf8_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = formats.read(write_bytes(tmp_path / "m.bin", model((b"a", b"caf\xe9", b"caf\xe8"))))
    assert table.words == ["a", "caf\ufffd"]
    assert (len(table.vectors), table.counts.tolist()) == (2, [10, 9])  # type: ignore[union-attr]
    assert ["2 words are not valid UTF-8" in caplog.text, "1 duplicate words" in caplog.text] == [True, True]
