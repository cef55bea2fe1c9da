"""fastText's models: against the real fastText, and damaged ones refused in one line."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats.fasttexts import finite
from tests.formats.samples import complaint, toy
from word2vec import formats
from word2vec.errors import UnknownWordError, Word2VecError
from word2vec.vectors.word_vectors import WordVectors

UNKNOWN = ["catdog", "qwertyuiop", "naïveté", "日本語テキスト", "🙂x", "a", "</s", "x" * 500]


def model(
    words: tuple[bytes, ...] = (b"a", b"</s>", b"caf\xc3\xa9"),
    *,
    labels: int = 0,
    rows: int | None = None,
    **settings: int,
) -> bytes:
    """A small model as fastText writes it."""
    given = {"magic": 793712314, "version": 12, "dim": 3, "model": 2, "bucket": 5, "minn": 2, "maxn": 3}
    given |= {
        "count": len(words),
        "pruned": -1,
        "compressed": 0,
        "columns": 3,
        "entries": len(words) + labels,
        **settings,
    }
    head = struct.pack("<ii", given["magic"], given["version"])
    head += struct.pack("<12id", given["dim"], 5, 5, 1, 5, 1, 2, given["model"], given["bucket"], given["minn"],
                        given["maxn"], 100, 1e-4)  # fmt: skip
    head += struct.pack("<iiiqq", given["entries"], given["count"], labels, 1000, given["pruned"])
    for row, word in enumerate(words):
        head += word + b"\0" + struct.pack("<qb", 10 - row, 0)
    for row in range(labels):
        head += b"__label__%d\0" % row + struct.pack("<qb", 1, 1)
    rows = len(words) + given["bucket"] if rows is None else rows
    head += struct.pack("<?qq", given["compressed"], rows, given["columns"])
    table = np.arange(rows * given["columns"], dtype="<f4").tobytes()
    return head + table + struct.pack("<?qq", False, len(words), 3) + bytes(12 * len(words))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in ("cat", "dog", "naïve", "東京", "🙂") for b in ("", "s", "ish", "é")]
    path = tmp_path_factory.mktemp("fasttext") / "corpus.txt"
    path.write_text("\n".join(" ".join(rng.choice(words, 8)) for _ in range(300)), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["n-grams", "no n-grams", "classifier", "classifier with n-grams"])
def theirs(request: pytest.FixtureRequest, corpus: Path) -> Any:
    fasttext = pytest.importorskip("fasttext")
    # no training: this version stops with NaN now and then, and the first, random tables do as well
    settings = {"dim": 7, "minCount": 1, "bucket": 100, "epoch": 0, "thread": 1, "verbose": 0}
    if "classifier" in request.param:
        labelled = corpus.with_name("labelled.txt")
        lines = corpus.read_text(encoding="utf-8").splitlines()
        labelled.write_text("\n".join(f"__label__{row % 2} {line}" for row, line in enumerate(lines)), encoding="utf-8")
        longest = 4 if "with" in request.param else 0
        settings |= {"minn": min(2, longest), "maxn": longest, "wordNgrams": 2}
        return finite(lambda: fasttext.train_supervised(str(labelled), **settings))
    settings["maxn"] = 0 if request.param == "no n-grams" else 5
    return finite(lambda: fasttext.train_unsupervised(str(corpus), **settings))


@pytest.mark.parametrize("name", ["model.bin", "model.bin.gz"])
def test_every_vector_is_fasttexts_own_to_the_bit(theirs: Any, name: str, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "model.bin"
    theirs.save_model(str(path))
    if name.endswith(".gz"):
        path = toy(tmp_path / name, gzip.compress(path.read_bytes()))
    ours = WordVectors.load(path)
    words, counts = theirs.get_words(include_freq=True)
    assert ours.words == words
    np.testing.assert_array_equal(ours.counts, counts)
    for word in words:
        np.testing.assert_array_equal(ours[word], theirs.get_word_vector(word))
    for word in UNKNOWN:
        expected = theirs.get_word_vector(word)
        if expected.any():
            np.testing.assert_array_equal(ours[word], expected)
        else:
            with pytest.raises(UnknownWordError):
                ours[word]
    assert (ours.subwords is None) == (not theirs.get_word_vector("catdog").any())


def test_a_limit_takes_the_first_words_and_all_ngrams(tmp_path: Path) -> None:
    path = toy(tmp_path / "m.bin", model())
    whole, first = formats.read(path), formats.read(path, limit=2)
    assert whole.words == ["a", "</s>", "café"]
    assert first.words == whole.words[:2]
    np.testing.assert_array_equal(first.vectors, whole.vectors[:2])
    assert whole.counts is not None
    assert whole.counts.tolist() == [10, 9, 8]
    assert first.subwords is not None
    assert first.subwords.buckets.shape == (5, 3)
    assert first.subwords.buckets[0].tolist() == [9, 10, 11]


def test_labels_are_left_out(tmp_path: Path) -> None:
    assert formats.read(toy(tmp_path / "m.bin", model(labels=2))).words == ["a", "</s>", "café"]


def test_words_without_ngrams_are_their_rows(tmp_path: Path) -> None:
    table = formats.read(toy(tmp_path / "m.bin", model(maxn=0)))
    assert table.subwords is None
    assert table.vectors.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_old_classifiers_have_no_ngrams(tmp_path: Path) -> None:
    assert formats.read(toy(tmp_path / "m.bin", model(version=11, model=3))).subwords is None
    assert formats.read(toy(tmp_path / "m.bin", model(version=11))).subwords is not None


def test_that_ngrams_get_lost_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    WordVectors.load(toy(tmp_path / "m.bin", model())).save(tmp_path / "v.txt")
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'v.txt'}: the n-grams are not kept; words without a row will have no vector there"
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (model(version=13), "has version 13 of fastText's format; (11, 12) are read"),
        (model(dim=0), "has 0 dimensions"),
        (model(bucket=-1, rows=8), "-1 buckets"),
        (model(bucket=0, rows=8), "0 buckets, n-grams of 3"),
        (model(maxn=101), "n-grams of 101"),
        (model(pruned=0), "is a pruned model (.ftz), which is not read; use the .bin it was made from"),
        (model(compressed=1), "is a compressed model (.ftz), which is not read; use the .bin it was made from"),
        (model(count=0, entries=0), "a dictionary of 0 words and 0 labels does not fit the file"),
        (model(count=2**31 - 1, entries=2**31 - 1), "a dictionary of 2147483647 words and 0 labels does not fit the"),
        (model(entries=2), "a dictionary of 3 words and 0 labels does not fit the file"),
        (model(count=4, entries=4), "is out of place"),
        (model((b"a", b"", b"b")), "entry 2 of the dictionary: b'' is out of place"),
        (model(dim=4), "a table of 8 rows of 3 numbers does not fit 3 words, 5 buckets and 4 dimensions"),
        (model(rows=7), "a table of 7 rows of 3 numbers does not fit 3 words, 5 buckets and 3 dimensions"),
        (model(bucket=2**31 - 1, rows=8), "does not fit 3 words, 2147483647 buckets"),
        (model()[:4], "ends in the midst of its settings"),
        (model()[:50], "ends in the midst of its settings"),
        (model()[:92], "a dictionary of 3 words and 0 labels does not fit the file"),
        (model((b"a" * 40, b"b", b"c"))[:147], "entry 2 of 3 of the dictionary has no end; it is cut off"),
        (model()[:200], "promises 8 rows of 3 numbers for words and n-grams, 96 bytes, but at most"),
        (model((b"a", b"a\xff", b"b"))[:-149] + b"\0\0\xc0\x7f" * 24, "nan or infinity"),
    ],
)
def test_damaged_models_are_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(toy(tmp_path / "m.bin", content))


def test_a_word_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.formats.fasttext.BLOCK", 1000)
    path = toy(tmp_path / "m.bin", model((b"a" * 70_000, b"b")))
    assert "entry 1 of 2 of the dictionary has no end" in complaint(path)


def test_ngrams_that_are_no_numbers_are_told_when_asked_for(tmp_path: Path) -> None:
    content = model((b"</s>",), maxn=2).replace(struct.pack("<f", 3), struct.pack("<f", np.inf))
    vectors = WordVectors.load(toy(tmp_path / "m.bin", content))
    with pytest.raises(Word2VecError, match=r"the n-grams of '\w' hold nan or infinity; the model is damaged"):
        vectors[[chr(ord("b") + letter) for letter in range(24)]]  # one of them meets the bucket


def test_words_that_are_not_utf8_are_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = formats.read(toy(tmp_path / "m.bin", model((b"a", b"caf\xe9", b"caf\xe8"))))
    assert table.words == ["a", "caf\ufffd"]
    assert (len(table.vectors), table.counts.tolist()) == (2, [10, 9])  # type: ignore[union-attr]
    assert ["words that are not UTF-8: 2" in caplog.text, "words that came before: 1" in caplog.text] == [True, True]
