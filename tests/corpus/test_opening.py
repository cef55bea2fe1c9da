"""Opening corpora from memory: every kind of source, equal to the same text in a file, and what is refused."""

import enum
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import word2vec
from word2vec.corpus import Corpus, IndexedCorpus, as_paths, index_corpus, open_corpus, save_corpus
from word2vec.corpus import sequences as sequences_module
from word2vec.corpus.memory import MemoryCorpus
from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.errors import CorpusError

SENTENCES = [["the", "cat", "sat"], ["on"], ["the", "mat", "école", "on"], ["zoo"]]
WALKS = [[12, 7, 7], [300], [7, 12, 5, 9]]


def decoded(corpus: Corpus) -> list[list[str]]:
    """The sentences of a corpus as words."""
    words = corpus.vocabulary().words
    starts = corpus.offsets.tolist()
    return [[words[id_] for id_ in corpus.tokens[start:end]] for start, end in pairwise(starts)]


def message(source: object, **settings: Any) -> str:
    """The one-line message of a source that is refused."""
    with pytest.raises(CorpusError) as caught:
        open_corpus(source, **settings)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def same(first: Corpus, second: Corpus) -> None:
    """Check that two corpora have the same ids, sentences and words."""
    np.testing.assert_array_equal(first.tokens, second.tokens)
    np.testing.assert_array_equal(first.offsets, second.offsets)
    assert first.vocabulary().words == second.vocabulary().words
    assert first.vocabulary().counts.tolist() == second.vocabulary().counts.tolist()


class Sentences:
    """An iterable class, as in gensim's tutorials."""

    def __init__(self) -> None:
        self.iterations = 0

    def __iter__(self) -> Iterator[list[str]]:
        self.iterations += 1
        yield from SENTENCES


SEQUENCE_SOURCES: dict[str, Callable[[], object]] = {
    "list": lambda: SENTENCES,
    "tuples": lambda: tuple(map(tuple, SENTENCES)),
    "generator": lambda: (sentence for sentence in SENTENCES),
    "class": Sentences,
    "deques": lambda: [deque(sentence) for sentence in SENTENCES],
    "arrays": lambda: [np.array(sentence) for sentence in SENTENCES],
    "array of lists": lambda: np.array([*SENTENCES, None], dtype=object)[:-1],
    "series in a list": lambda: [pd.Series(sentence) for sentence in SENTENCES],
    "series of lists": lambda: pd.Series(SENTENCES),
    "column of lists": lambda: (pd.DataFrame({"text": SENTENCES}), {"column": "text"}),
    "dictionaries": lambda: ([{"text": sentence, "other": 1} for sentence in SENTENCES], {"column": "text"}),
    "numpy strings": lambda: [[np.str_(token) for token in sentence] for sentence in SENTENCES],
}


@pytest.mark.parametrize("kind", SEQUENCE_SOURCES)
def test_sequences_equal_the_same_text_in_a_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("\n".join(map(" ".join, SENTENCES)), encoding="utf-8")
    made = SEQUENCE_SOURCES[kind]()
    source, settings = made if isinstance(made, tuple) and isinstance(made[-1], dict) else (made, {})
    corpus = open_corpus(source, **settings)
    same(corpus, index_corpus([path]))
    assert decoded(corpus) == SENTENCES
    assert (corpus.tokens.dtype, corpus.offsets.dtype) == (np.dtype(np.int32), np.dtype(np.int64))
    assert corpus.fingerprint == open_corpus(SENTENCES).fingerprint
    assert corpus.warnings == []


def test_iterables_are_consumed_once() -> None:
    source = Sentences()
    open_corpus(source)
    assert source.iterations == 1
    consumed = iter(SENTENCES)
    open_corpus(consumed)
    assert "a generator that was consumed before" in message(consumed)


TEXTS = ["the cat sat", "on\nthe\r\nmat ", "", "  École\u2028é\tx "]
TEXT_SENTENCES = [["the", "cat", "sat"], ["on", "the", "mat"], ["École\u2028é", "x"]]
TEXT_SOURCES: dict[str, Callable[[], object]] = {
    "list": lambda: TEXTS,
    "generator": lambda: iter(TEXTS),
    "array": lambda: np.array(TEXTS),
    "objects": lambda: np.array(TEXTS, dtype=object),
    "series": lambda: pd.Series(TEXTS, index=[3.5, 1.0, 2.0, 2.0]),
    "categories": lambda: pd.Series(TEXTS, dtype="category"),
    "index": lambda: pd.Index(TEXTS),
}


@pytest.mark.parametrize("kind", TEXT_SOURCES)
def test_texts_are_split_at_whitespace(kind: str) -> None:
    corpus = open_corpus(TEXT_SOURCES[kind](), tokenizer="whitespace")
    assert decoded(corpus) == TEXT_SENTENCES
    assert corpus.fingerprint == open_corpus(TEXT_SENTENCES).fingerprint
    assert "pass tokenizer='whitespace'" in message(TEXT_SOURCES[kind]())


def test_a_function_as_tokenizer() -> None:
    corpus = open_corpus(["a-b", "c", "b-a-New York"], tokenizer=lambda text: text.split("-"))
    assert decoded(corpus) == [["a", "b"], ["c"], ["b", "a", "New York"]]
    assert "text 0 (from 0): is the string 'a b'" in message(["a b"], tokenizer=lambda text: text)


def test_lowercase_applies_to_texts_and_tokens() -> None:
    expected = [["ας", "straße", "a"]]
    assert decoded(open_corpus(["ΑΣ Straße A"], tokenizer="whitespace", lowercase=True)) == expected
    assert decoded(open_corpus([["ΑΣ", "Straße", "A"]], lowercase=True)) == expected


INTEGER_SOURCES: dict[str, Callable[[], object]] = {
    "lists": lambda: (WALKS, {}),
    "arrays": lambda: (list(map(np.array, WALKS)), {}),
    "small arrays": lambda: ([np.array(walk, np.uint16) for walk in WALKS], {}),
    "unsigned arrays": lambda: ([np.array(walk, np.uint64) for walk in WALKS], {}),
    "arrays and lists": lambda: ([np.array(WALKS[0]), *WALKS[1:]], {}),
    "numpy integers": lambda: ([[np.int32(node) for node in walk] for walk in WALKS], {}),
    "rows": lambda: (np.array([[12, 7, 7, -1], [300, -1, -1, -1], [7, 12, 5, 9]], np.int32), {"padding": -1}),
    "padded with 0": lambda: (np.array([[12, 7, 7, 0], [300, 0, 0, 0], [7, 12, 5, 9]], np.uint16), {"padding": 0}),
    "padded lists": lambda: ([[12, 7, 7, -1], [300, -1], [7, 12, 5, 9]], {"padding": -1}),
    "strings": lambda: ([list(map(str, walk)) for walk in WALKS], {}),
}


@pytest.mark.parametrize("kind", INTEGER_SOURCES)
def test_integers_are_the_words_of_their_digits(kind: str) -> None:
    source, settings = INTEGER_SOURCES[kind]()  # type: ignore[misc]
    corpus = open_corpus(source, **settings)
    assert decoded(corpus) == [list(map(str, walk)) for walk in WALKS]
    assert corpus.vocabulary().words == ["7", "12", "300", "5", "9"]  # ties as strings: "300" before "5"
    assert corpus.fingerprint == open_corpus(WALKS).fingerprint


def test_rows_of_torch() -> None:
    torch = pytest.importorskip("torch")
    assert decoded(open_corpus(torch.tensor([[1, 2], [2, 3]]))) == [["1", "2"], ["2", "3"]]


def test_many_integers_are_counted() -> None:
    """The table grows several times, and every id is kept."""
    numbers = np.random.default_rng(0).integers(0, 2**60, 30_000)
    rows = np.random.default_rng(1).choice(numbers, (5000, 37))
    corpus = open_corpus(rows)
    words = corpus.vocabulary().words
    np.testing.assert_array_equal(np.array(list(map(int, words)))[corpus.tokens].reshape(rows.shape), rows)
    values, counts = np.unique(rows, return_counts=True)
    expected = sorted(zip((-counts).tolist(), map(str, values.tolist()), strict=True))
    assert words == [word for _, word in expected]
    assert corpus.vocabulary().counts.tolist() == [-count for count, _ in expected]


@pytest.mark.parametrize("size", [1, 3, 1 << 16])
def test_random_sequences_equal_a_file(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of a batch: empty sequences, sequences of several batches, and of more than 1,000 words."""
    monkeypatch.setattr(sequences_module, "BATCH_TOKENS", size)
    draw = random.Random(0)
    lengths = [0, 1, 2, 5, 0, 999, 1000, 1001, 0, 0, 2000, 2500, 3, 0]
    rows = [[str(int(draw.paretovariate(0.7))) for _ in range(length)] for length in lengths]
    path = tmp_path / "text"
    path.write_text("\n".join(map(" ".join, rows)))
    expected = index_corpus([path])
    same(open_corpus(rows), expected)
    same(open_corpus([list(map(int, row)) for row in rows]), expected)
    same(open_corpus(map(" ".join, rows), tokenizer="whitespace"), expected)
    assert np.diff(expected.offsets).max() == 1000


def test_wide_rows_are_cut_like_lines() -> None:
    row = np.arange(2 * 2_500).reshape(2, 2_500) % 7
    assert open_corpus(row).offsets.tolist() == [0, 1000, 2000, 2500, 3500, 4500, 5000]


def test_tokens_may_contain_spaces_and_anything_else_that_files_can_store() -> None:
    sequence = ["The Matrix", "Ben\u2028Hur", "a\u00a0b", "\x00", "😀", "#"]
    assert decoded(open_corpus([sequence])) == [sequence]


def test_string_enumerations_are_their_values() -> None:
    class Color(str, enum.Enum):  # noqa: UP042 (whose str() is not its value)
        RED = "red"
        BLUE = "blue"

    assert decoded(open_corpus([[Color.RED, Color.BLUE, "red"]])) == [["red", "blue", "red"]]


def test_what_is_ignored_is_reported() -> None:
    long, longest = "x" * (MAX_WORD_BYTES + 1), "é" * (MAX_WORD_BYTES // 2)
    corpus = open_corpus([["a", "", "b"], [""], [long, longest, "a"], ["é" * MAX_WORD_BYTES]])
    assert decoded(corpus) == [["a", "b"], [longest, "a"]]
    assert corpus.warnings == ["2 words were longer than 1,024 bytes; ignored", "2 tokens were empty; ignored"]
    texts = open_corpus([f"a b {long}", "a \ud800"], tokenizer="whitespace")
    assert decoded(texts) == [["a", "b"], ["a", "\ufffd"]]
    assert texts.warnings == [
        "1 byte sequences were not valid UTF-8; replaced by U+FFFD",
        "1 words were longer than 1,024 bytes; ignored",
    ]


def test_fingerprint_depends_on_ids_sentences_and_words() -> None:
    corpora: list[Sequence[Sequence[str]]] = [
        [["a", "b", "a"]],
        [["a", "b"], ["a"]],
        [["a"], ["b", "a"]],
        [["a", "a", "b"]],
        [["a", "c", "a"]],
        [["b", "a", "b"]],
    ]
    assert len({open_corpus(corpus).fingerprint for corpus in corpora}) == len(corpora)


def test_saved_corpus_is_the_same(tmp_path: Path) -> None:
    corpus = open_corpus([["The Matrix", "b", ""], ["b", "é", "x" * 2000]], lowercase=True)
    assert isinstance(corpus, MemoryCorpus)
    folder = tmp_path / "run" / "corpus"
    folder.parent.mkdir()
    for _ in range(2):  # the second time it is replaced
        save_corpus(corpus, folder)
        opened = IndexedCorpus(folder)
        same(opened, corpus)
        assert opened.fingerprint == corpus.fingerprint
        assert opened.warnings == corpus.warnings
        assert len(opened.warnings) == 2
        assert opened.facts.lowercase
        assert list(folder.parent.iterdir()) == [folder]
    save_corpus(open_corpus(WALKS), folder)  # type: ignore[arg-type]
    assert decoded(IndexedCorpus(folder)) == [list(map(str, walk)) for walk in WALKS]


def test_saving_into_a_folder_that_is_missing(tmp_path: Path) -> None:
    corpus = open_corpus(SENTENCES)
    assert isinstance(corpus, MemoryCorpus)
    with pytest.raises(CorpusError, match="the corpus cannot be saved: No such file or directory"):
        save_corpus(corpus, tmp_path / "nowhere" / "corpus")


REFUSED: dict[str, tuple[Callable[[], object], dict[str, Any], str]] = {
    "nothing": (lambda: None, {}, "the corpus is None; pass files"),
    "number": (lambda: 3, {}, "the corpus is 3; pass files"),
    "empty list": (list, {}, "the corpus is empty"),
    "empty generator": (lambda: iter(()), {}, "the corpus is empty"),
    "empty sequences": (lambda: [[], []], {}, "contains no words"),
    "only empty tokens": (lambda: [[""]], {}, "contains no words"),
    "only spaces": (lambda: [" ", "\n"], {"tokenizer": "whitespace"}, "contains no words"),
    "only padding": (lambda: np.full((2, 2), -1), {"padding": -1}, "contains no words"),
    "bytes": (lambda: b"a b", {}, "the corpus is bytes, not text; decode it"),
    "dictionary": (lambda: {"a": ["b"]}, {}, "the corpus is a dictionary; pass a list of its values"),
    "set": (lambda: {("a", "b")}, {}, "the corpus is a set, whose order varies"),
    "None among sequences": (lambda: [["a"], None], {}, "sequence 1 (from 0): is None, not a sequence of tokens"),
    "NaN among sequences": (lambda: [["a"], np.nan], {}, "sequence 1 (from 0): is nan, not a sequence of tokens"),
    "text among sequences": (lambda: [["a"], "b c"], {}, "sequence 1 (from 0): is the string 'b c'"),
    "bytes among sequences": (lambda: [["a"], b"b"], {}, "sequence 1 (from 0): is bytes"),
    "set among sequences": (lambda: [["a"], {"b"}], {}, "sequence 1 (from 0): is a set, whose order varies"),
    "dictionary among sequences": (lambda: [["a"], {"b": 1}], {}, "sequence 1 (from 0): is the dictionary {'b': 1}"),
    "dictionaries": (lambda: [{"b": 1, "c": 2}], {}, "choose a value of each with column=, one of: b, c"),
    "None among tokens": (lambda: [["a"], ["b", None]], {}, "sequence 1 (from 0): the token None is a missing value"),
    "NA among tokens": (lambda: [["a", pd.NA]], {}, "sequence 0 (from 0): the token <NA> is a missing value"),
    "NaN among tokens": (lambda: [["a"], ["b", np.nan]], {}, "sequence 1 (from 0): the token nan is a missing value"),
    "floats": (lambda: [[1.0, 2.0]], {}, "sequence 0 (from 0): the token 1.0 is not an integer"),
    "tokens of bytes": (lambda: [["a"], [b"b"]], {}, "sequence 1 (from 0): the token b'b' is bytes; decode"),
    "truth values": (lambda: [[1, 2], [True]], {}, "sequence 1 (from 0): the token True is a truth value"),
    "nested": (lambda: [[["a", "b"]]], {}, "sequence 0 (from 0): the token ['a', 'b'] is a sequence"),
    "objects": (lambda: [["a", 1j]], {}, "the token 1j has the type complex; convert the tokens to strings"),
    "string and integer": (lambda: [["a"], ["b", 1]], {}, "sequence 1 (from 0): the token 1 has another type"),
    "strings, then integers": (lambda: [["a"] * 9] * 9 + [[1]], {}, "sequence 9 (from 0): the token 1 has another"),
    "negative": (lambda: [[1], [2, -3]], {}, "sequence 1 (from 0): the token -3 is negative; if it marks unused"),
    "negative, other padding": (lambda: [[1], [-1, -3]], {"padding": -1}, "(from 0): the token -3 is negative"),
    "negative row": (lambda: np.array([[1, 2], [3, -1]]), {}, "row 1 (from 0): the token -1 is negative"),
    "large": (lambda: [[2**70]], {}, f"sequence 0 (from 0): the token {2**70} does not fit into 64 bits"),
    "large unsigned": (lambda: np.array([[2**64 - 1]], np.uint64), {}, "does not fit into 64 bits"),
    "largest": (lambda: np.array([[2**63 - 1]]), {}, "does not fit into 64 bits"),
    "tab": (lambda: [["a"], ["b\tc"]], {}, r"sequence 1 (from 0): the token 'b\tc' contains a tab or a line break"),
    "newline": (lambda: [["a", "b\n"]], {}, r"the token 'b\n' contains a tab or a line break"),
    "outer space": (lambda: [["a", " b"]], {}, "the token ' b' begins or ends with a space"),
    "trailing space": (lambda: [["b "]], {}, "the token 'b ' begins or ends with a space"),
    "surrogate": (lambda: [["\ud800"]], {}, "is not valid Unicode"),
    "one sequence": (lambda: np.array([1, 2, 3]), {}, "the corpus is one sequence; pass a list of sequences"),
    "float array": (lambda: np.zeros((2, 2)), {}, "the corpus is an array of float64"),
    "bool array": (lambda: np.zeros((2, 2), bool), {}, "the corpus is an array of bool"),
    "array of bytes": (lambda: np.array([b"a"]), {}, "the corpus is an array of |S1"),
    "cube": (lambda: np.zeros((2, 2, 2), int), {}, "the corpus is an array of shape (2x2x2)"),
    "scalar": (lambda: np.array(3), {}, "the corpus is an array of shape ()"),
    "ragged": (lambda: np.array([[1, 2], [3.5, 1, 2]], object), {}, "the token 3.5 is not an integer"),
    "matrices": (lambda: [np.zeros((2, 2), int)], {}, "sequence 0 (from 0): is an array of 2 dimensions"),
    "NaN among texts": (lambda: pd.Series(["a", np.nan]), {"tokenizer": "whitespace"}, "row 1 (from 0): is a missing"),
    "NA among texts": (lambda: ["a", pd.NA], {"tokenizer": "whitespace"}, "text 1 (from 0): is a missing value"),
    "list among texts": (lambda: ["a", ["b"]], {"tokenizer": "whitespace"}, "text 1 (from 0): is ['b'], not text"),
    "bytes among texts": (lambda: ["a", b"b"], {"tokenizer": "whitespace"}, "text 1 (from 0): is bytes, not text"),
    "number among texts": (lambda: ["a", 5], {"tokenizer": "whitespace"}, "text 1 (from 0): is 5, not text"),
    "tokenized twice": (lambda: [["a"]], {"tokenizer": "whitespace"}, "tokenizer= applies to texts"),
    "table": (lambda: pd.DataFrame({"a": [1], "b": [2]}), {}, "choose the column to train on with column=, one of: a"),
    "no such column": (lambda: pd.DataFrame({"a": ["x"]}), {"column": "c"}, "has no column 'c'; choose one of: a"),
    "twice": (lambda: pd.DataFrame([["x", "y"]], columns=["a", "a"]), {"column": "a"}, "has several columns 'a'"),
    "column missing later": (
        lambda: [{"a": ["x"]}, {"b": ["y"]}],
        {"column": "a"},
        "row 1 (from 0): has no column 'a'; it has: b",
    ),
    "column of lists": (lambda: [["x"]], {"column": "a"}, "row 0 (from 0): is ['x'], which has no columns"),
    "column of a column": (lambda: pd.Series(["x"]), {"column": "a"}, "is a single column"),
    "column of numbers": (lambda: pd.DataFrame({"a": [1]}), {"column": "a"}, "row 0 (from 0): is 1, not a sequence"),
    "padding of files": (lambda: Path(__file__), {"padding": 0}, "padding= applies to arrays of integers"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_with_one_clear_line(kind: str) -> None:
    source, settings, expected = REFUSED[kind]
    assert expected in message(source(), **settings)


def test_a_whole_corpus_is_not_printed() -> None:
    sentences = [["word"] * 100] * 1000
    assert len(message({"a": sentences})) < 200
    assert len(message("the quick brown fox " * 1000)) < 400
    assert len(message(["the quick brown fox " * 1000])) < 400


# Paths or data?


def test_paths_and_names_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("one two\n")
    for source, expected in [
        ("a.txt", ("a.txt",)),
        (Path("a.txt"), ("a.txt",)),
        (".", (".",)),
        ("*.txt", ("*.txt",)),
        ("text8", ("text8",)),
        ("-", ("-",)),
        (["a.txt", "b.txt"], ("a.txt", "b.txt")),
        (("a.txt", Path("missing")), ("a.txt", "missing")),
    ]:
        assert as_paths(source) == expected
        assert as_paths(source, tokenizer="whitespace") == expected
    assert isinstance(open_corpus(["a.txt", "b.txt"]), IndexedCorpus)
    assert decoded(open_corpus("*.txt", lowercase=True)) == [["one", "two"], ["one", "two"]]


def test_other_sources_are_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("one two\n")
    for source in (SENTENCES, iter(["a.txt"]), np.array(["a.txt"]), pd.Series(["a.txt"]), [["a.txt"]], None):
        assert as_paths(source) is None
    assert as_paths(["one two", "a.txt"], tokenizer="whitespace") is None
    assert as_paths(["a.txt", "one two"], tokenizer="whitespace") is None


def test_strings_that_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("one two\n")
    assert message("the cat").startswith("'the cat': no such file, folder or corpus; check the path")
    assert "pass a list of texts with tokenizer='whitespace'" in message("the cat")
    assert message(["a.txt", "b.txt"]).startswith("'b.txt': no such file, folder or corpus, but other items")
    assert "'the cat' is not a file" in message(["the cat", "sat"])
    assert "to train on texts, pass tokenizer='whitespace'" in message(["the cat", "sat"])
    assert "not a file" in message(["\0"])
    assert "not a file" in message(["x" * 5000])


def test_training_on_memory_gives_the_vectors_of_the_same_text_in_a_file(topics_file: Path) -> None:
    settings: dict[str, Any] = {"dim": 8, "epochs": 1, "threads": 1}
    expected = word2vec.train(topics_file, **settings)
    lines = topics_file.read_text(encoding="utf-8").splitlines()
    for source, tokenizer in (((line.split() for line in lines), None), (iter(lines), "whitespace")):
        vectors = word2vec.train(source, tokenizer=tokenizer, **settings)
        assert vectors.words == expected.words
        assert vectors.vectors.tobytes() == expected.vectors.tobytes()
