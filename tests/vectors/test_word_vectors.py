"""WordVectors: lookup and search, compared with gensim; saving and loading; error messages."""

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from word2vec.errors import FormatError, UnknownWordError, Word2VecError
from word2vec.models.subwords import Subwords
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

V, D = 997, 24
WORDS = [f"w{row}" for row in range(V)]


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    lengths = rng.uniform(0.1, 9, (V, 1))
    return WordVectors(
        WORDS,
        rng.standard_normal((V, D)) * lengths,
        counts=np.arange(V, 0, -1),
        output=rng.standard_normal((V, D)),
    )


@pytest.fixture(scope="module")
def gensim(vectors: WordVectors) -> "KeyedVectors":
    keyed_vectors = pytest.importorskip("gensim.models").KeyedVectors(D)
    keyed_vectors.add_vectors(vectors.words, vectors.vectors)
    return keyed_vectors


def assert_same_answers(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], rtol=1e-5, atol=1e-6)


def one_line(caught: pytest.ExceptionInfo[BaseException]) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lookup(vectors: WordVectors) -> None:
    assert len(vectors) == V
    assert vectors.dim == D
    assert "w3" in vectors
    assert "king" not in vectors
    assert 3 not in vectors
    assert vectors.index("w3") == 3
    assert list(vectors) == WORDS
    assert vectors["w3"].shape == (D,)
    np.testing.assert_array_equal(vectors["w3"], vectors.vectors[3])
    np.testing.assert_array_equal(vectors[["w5", "w3"]], vectors.vectors[[5, 3]])
    assert vectors[[]].shape == (0, D)
    assert vectors.vectors.dtype == np.float32
    assert vectors.output is not None
    assert vectors.output.dtype == np.float32
    assert vectors.counts is not None
    assert vectors.counts.dtype == np.int64


def test_lookup_returns_copies(vectors: WordVectors) -> None:
    before = vectors.vectors.copy()
    for returned in (vectors["w3"], vectors[["w3"]]):
        returned += 1
    np.testing.assert_array_equal(vectors.vectors, before)


def test_arguments_are_not_modified() -> None:
    words, table, output = ["a", "b", "c"], np.eye(3, 4, dtype=np.float32) * 3, np.ones((3, 4), dtype=np.float32)
    found = WordVectors(words, table, output=output)
    found.nearest("a", "b")
    found.analogy("a", "b", "c", method="3cosmul")
    assert words == ["a", "b", "c"]
    np.testing.assert_array_equal(table, np.eye(3, 4) * 3)
    np.testing.assert_array_equal(output, np.ones((3, 4)))
    words.append("d")
    assert found.words == ["a", "b", "c"]


def test_tables_with_padded_rows_are_not_copied() -> None:
    padded = np.arange(48, dtype=np.float32).reshape(3, 16)
    found = WordVectors(["a", "b", "c"], padded[:, :10], output=padded[:, :10])
    assert np.shares_memory(found.vectors, padded)
    assert np.shares_memory(found.output, padded)
    assert found.unit.flags.c_contiguous
    columns = WordVectors(["a", "b", "c"], np.asfortranarray(padded))
    assert columns.vectors.flags.c_contiguous
    np.testing.assert_array_equal(columns.vectors, padded)


def test_repr(vectors: WordVectors) -> None:
    assert (
        repr(vectors) == "WordVectors(997 words ['w0', 'w1', 'w2', ...], 24 dimensions, with counts, with output table)"
    )
    assert repr(WordVectors(["a"], [[1, 2]])) == "WordVectors(1 words ['a'], 2 dimensions)"


def test_unit_rows_have_length_one_and_zero_rows_stay_zero() -> None:
    rows = np.array([[3, 4], [0, 0], [1e-30, 0], [3e38, 3e38], [0, -1e-45]], dtype=np.float32)
    unit = WordVectors(list("abcde"), rows).unit
    half = np.sqrt(0.5)
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0], [1, 0], [half, half], [0, -1]], rtol=1e-6)
    assert unit.dtype == np.float32


def test_unit_is_cached_and_does_not_depend_on_the_block_size(
    vectors: WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = vectors.unit
    assert vectors.unit is whole
    monkeypatch.setattr("word2vec.vectors.search._BLOCK_ROWS", 100)
    np.testing.assert_array_equal(WordVectors(WORDS, vectors.vectors).unit, whole)


def test_similarity_is_the_cosine(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    for a, b in (("w0", "w1"), ("w5", "w5"), ("w900", "w3")):
        assert vectors.similarity(a, b) == pytest.approx(float(gensim.similarity(a, b)), abs=1e-6)
    assert isinstance(vectors.similarity("w0", "w1"), float)
    assert WordVectors(["a", "zero"], [[1, 2], [0, 0]]).similarity("a", "zero") == 0


@pytest.mark.parametrize("restrict", [None, 1, 50, V, 5000])
@pytest.mark.parametrize("n", [1, 10, 2000])
@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        (["w0"], []),
        (["w7", "w980", "w7"], []),
        (["w1", "w2"], ["w3"]),
        (["w990", "w2"], ["w3", "w4", "w5"]),
        ([], ["w6"]),
    ],
)
def test_nearest_agrees_with_gensim(
    vectors: WordVectors,
    gensim: "KeyedVectors",
    positive: list[str],
    negative: list[str],
    n: int,
    restrict: int | None,
) -> None:
    expected = gensim.most_similar(positive, negative, topn=n, restrict_vocab=restrict)
    assert_same_answers(vectors.nearest(positive, negative, n, restrict), expected)
    assert_same_answers(vectors.most_similar(positive, negative, topn=n, restrict_vocab=restrict), expected)


def test_nearest_accepts_a_single_word(vectors: WordVectors) -> None:
    assert vectors.nearest("w3", "w4") == vectors.nearest(["w3"], ["w4"])
    assert len(vectors.nearest("w3")) == 10
    assert vectors.most_similar("w3") == vectors.nearest("w3")
    word, score = vectors.nearest("w3")[0]
    assert (type(word), type(score)) == (str, float)


def test_ties_keep_the_order_of_the_vocabulary() -> None:
    rows = [[1, 0], [0, 1], [1, 1], [2, 2], [0, 5], [3, 3], [-1, 0]]
    found = WordVectors(list("abcdefg"), rows)
    for n, expected in enumerate(["c", "cd", "cdf", "cdfb", "cdfbe", "cdfbeg", "cdfbeg"], start=1):
        assert "".join(word for word, _ in found.nearest("a", n=n)) == expected
    everywhere = WordVectors([str(row) for row in range(500)], np.ones((500, 3)))
    assert [word for word, _ in everywhere.nearest("7", n=9)] == [str(row) for row in range(10) if row != 7]


def test_nearest_to_agrees_with_gensim(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    for direction in (vectors["w5"], vectors[["w1", "w2"]].mean(axis=0), 1e-30 * vectors["w3"], [1.0] * D):
        expected = gensim.similar_by_vector(np.asarray(direction, dtype=np.float32), topn=7, restrict_vocab=300)
        assert_same_answers(vectors.nearest_to(direction, n=7, restrict=300), expected)
    assert vectors.nearest_to(vectors["w5"], n=1)[0][0] == "w5"  # the question has no words, so none is excluded


@pytest.mark.parametrize("direction", [[1.0] * (D + 1), [[1.0] * D], [np.nan] * D, 3.0])
def test_invalid_directions_are_rejected(vectors: WordVectors, direction: object) -> None:
    with pytest.raises(Word2VecError, match="must be 24 finite numbers") as caught:
        vectors.nearest_to(direction)
    one_line(caught)


def test_extreme_lengths_do_not_overflow_or_underflow() -> None:
    maximum = float(np.finfo(np.float32).max)
    rows = [[maximum] * 400, [1e-35] * 400, [0] * 400, [maximum, -maximum] * 200, [-maximum] * 400]
    found = WordVectors(list("abcde"), rows)
    answers = dict(found.nearest("a"))
    assert answers == pytest.approx({"b": 1, "c": 0, "d": 0, "e": -1}, abs=1e-6)
    assert dict(found.nearest_to([maximum] * 400))["a"] == pytest.approx(1)
    assert found.similarity("a", "e") == pytest.approx(-1)


def test_zero_direction_has_zero_cosines() -> None:
    found = WordVectors(["a", "b", "c"], [[1, 0], [0, 1], [1, 1]])
    assert found.nearest("a", "a") == [("b", 0.0), ("c", 0.0)]


@pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")  # in gensim's own 3CosMul
@pytest.mark.parametrize("restrict", [None, 100])
def test_analogy_agrees_with_gensim(vectors: WordVectors, gensim: "KeyedVectors", restrict: int | None) -> None:
    for a, b, c in (("w0", "w1", "w2"), ("w500", "w3", "w900"), ("w4", "w4", "w5")):
        expected = gensim.most_similar([b, c], [a], topn=12, restrict_vocab=restrict)
        assert_same_answers(vectors.analogy(a, b, c, n=12, restrict=restrict), expected)
        every_word = gensim.most_similar_cosmul([b, c], [a], topn=V)
        kept = [(word, score) for word, score in every_word if restrict is None or int(word[1:]) < restrict][:12]
        assert_same_answers(vectors.analogy(a, b, c, n=12, method="3cosmul", restrict=restrict), kept)


def test_analogy_completes_a_is_to_b_as_c_is_to_x() -> None:
    table = {"man": [1, 0, 0], "king": [1, 0, 1], "woman": [0, 1, 0], "queen": [0, 1, 1], "apple": [-1, -1, 0]}
    found = WordVectors(list(table), list(table.values()))
    assert found.analogy("man", "king", "woman", n=1)[0][0] == "queen"
    assert found.analogy("man", "king", "woman", n=1, method="3cosmul")[0][0] == "queen"


def test_results_name_their_score(vectors: WordVectors) -> None:
    assert vectors.nearest("w1").measure == vectors.nearest_to(vectors["w1"]).measure == "cosine"
    assert vectors.analogy("w1", "w2", "w3").measure == "cosine"
    assert vectors.analogy("w1", "w2", "w3", method="3cosmul").measure == "3cosmul"


def test_odd_one_out_agrees_with_gensim(vectors: WordVectors, gensim: "KeyedVectors") -> None:
    rng = np.random.default_rng(3)
    for size in (3, 4, 9):
        for _ in range(20):
            words = [str(word) for word in rng.choice(WORDS, size, replace=False)]
            assert vectors.odd_one_out(words) == gensim.doesnt_match(words)
            assert vectors.doesnt_match(words) == gensim.doesnt_match(words)


@pytest.mark.parametrize("words", [[], ["w1"], ["w1", "w2"], "w1 w2 w3"])
def test_odd_one_out_of_fewer_than_three_words_is_rejected(vectors: WordVectors, words: list[str] | str) -> None:
    with pytest.raises(Word2VecError, match="at least three words") as caught:
        vectors.odd_one_out(words)
    one_line(caught)


def test_invalid_arguments_are_rejected(vectors: WordVectors) -> None:
    for n in (0, -1):
        with pytest.raises(Word2VecError, match=f"n must be 1 or more, got {n}"):
            vectors.nearest("w1", n=n)
        with pytest.raises(Word2VecError, match=f"restrict must be 1 or more, got {n}"):
            vectors.nearest("w1", restrict=n)
        with pytest.raises(Word2VecError, match=f"restrict must be 1 or more, got {n}"):
            vectors.analogy("w1", "w2", "w3", method="3cosmul", restrict=n)
    with pytest.raises(Word2VecError, match="no word given"):
        vectors.nearest([])
    with pytest.raises(Word2VecError, match="unknown analogy method 'cosine'; choose 3cosadd or 3cosmul"):
        vectors.analogy("w1", "w2", "w3", method="cosine")


def test_unknown_words_raise_with_suggestions() -> None:
    words = ["the", "king", "kings", "Paris", "USA", "kingdom", "thinking", "ring", "naïve", "queen"]
    found = WordVectors(words, np.ones((len(words), 2)))
    for word, expected in (
        ("kimg", "'kimg' has no vector; similar spellings: king, kings"),
        ("jueen", "'jueen' has no vector; similar spellings: queen"),
        ("qeen", "'qeen' has no vector; similar spellings: queen"),
        ("naive", "'naive' has no vector; similar spellings: naïve"),
        ("King", "'King' has no vector, but 'king' does; words are case-sensitive"),
        ("paris", "'paris' has no vector, but 'Paris' does; words are case-sensitive"),
        ("usa", "'usa' has no vector, but 'USA' does; words are case-sensitive"),
        ("xylophone", "'xylophone' has no vector, and no known word has a similar spelling"),
        ("", "'' has no vector, and no known word has a similar spelling"),
    ):
        with pytest.raises(UnknownWordError) as caught:
            found.index(word)
        assert one_line(caught) == expected
    asks = (
        lambda: found["kimg"],
        lambda: found[["the", "kimg"]],
        lambda: found.similarity("the", "kimg"),
        lambda: found.nearest("kimg"),
        lambda: found.nearest("the", ["kimg"]),
        lambda: found.analogy("the", "king", "kimg"),
        lambda: found.analogy("the", "king", "kimg", method="3cosmul"),
        lambda: found.odd_one_out(["the", "king", "kimg"]),
    )
    for ask in asks:
        with pytest.raises(KeyError, match="similar spellings: king, kings"):
            ask()


@pytest.mark.parametrize(
    ("words", "table", "keywords", "expected"),
    [
        ([], np.ones((0, 3)), {}, "got (0, 3)"),
        (["a"], np.ones((1, 0)), {}, "got (1, 0)"),
        (["a"], np.ones(3), {}, "got (3,)"),
        (["a"], np.ones((2, 3)), {}, "1 words but 2 vectors"),
        (["a", "b"], np.ones((2, 3)), {"counts": [1]}, "counts have the shape (1,)"),
        (
            ["a", "b"],
            np.ones((2, 3)),
            {"output": np.ones((2, 4))},
            "the output table is (2, 4) but the vectors are (2, 3)",
        ),
        (["a", "b", "b", "a"], np.ones((4, 3)), {}, "the word 'a' occurs more than once"),
        (["a", "b", "c", "b"], np.ones((4, 3)), {}, "the word 'b' occurs more than once"),
        (["a", "b"], [[1, 2], [np.nan, 3]], {}, "the vector of 'b' contains nan or infinity"),
        (["a", "b"], [[1, -np.inf], [2, 3]], {}, "the vector of 'a' contains nan or infinity"),
        (["a", "b"], np.eye(2), {"output": [[1, 2], [np.inf, 3]]}, "the output vector of 'b' contains nan or infinity"),
    ],
)
def test_invalid_tables_are_rejected(
    words: list[str], table: np.ndarray, keywords: dict[str, np.ndarray], expected: str
) -> None:
    with pytest.raises(Word2VecError) as caught:
        WordVectors(words, table, **keywords)
    assert expected in one_line(caught)


def test_save_and_load(vectors: WordVectors, tmp_path: Path) -> None:
    for name, format_name in (("run", None), ("v.txt", None), ("v.bin", None), ("v", "word2vec-binary")):
        vectors.save(tmp_path / "new" / name if name == "run" else tmp_path / name, format_name)
        found = WordVectors.load(tmp_path / "new" / name if name == "run" else str(tmp_path / name))
        assert found.words == WORDS
        np.testing.assert_array_equal(found.vectors, vectors.vectors)
        assert found.nearest("w1") == vectors.nearest("w1")
    run = WordVectors.load(tmp_path / "new" / "run", limit=5)
    assert run.words == WORDS[:5]
    np.testing.assert_array_equal(run.counts, np.arange(V, V - 5, -1))
    np.testing.assert_array_equal(run.output, vectors.output[:5])
    with pytest.raises(FormatError):
        WordVectors.load(tmp_path / "nowhere")


def test_each_table_is_scanned_for_nan_once(
    vectors: WordVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned = []
    for module in ("word2vec.formats", "word2vec.formats.table"):
        monkeypatch.setattr(f"{module}.first_not_finite", lambda table: scanned.append(table.shape))
    vectors.save(tmp_path / "run")
    scanned.clear()
    WordVectors.load(tmp_path / "run", limit=5)
    assert scanned == [(5, D), (5, D)]  # the vectors and the output table
    scanned.clear()
    WordVectors(["a"], [[1, 2]], output=[[3, 4]])
    assert scanned == [(1, 2), (1, 2)]


@pytest.fixture(scope="module")
def million() -> WordVectors:
    rng = np.random.default_rng(5)
    letters = rng.integers(ord("a"), ord("z") + 1, (1_000_000, 8), dtype=np.uint8)
    words = [b.decode() + str(row % 10) for row, b in enumerate(letters.view("S8").ravel().tolist())]
    unique = list(dict.fromkeys(words))
    return WordVectors(unique, rng.standard_normal((len(unique), 4), dtype=np.float32))


def test_search_among_a_million_words_takes_bounded_memory(million: WordVectors) -> None:
    bytes_of_table = million.vectors.nbytes
    tracemalloc.start()
    try:
        answers = million.nearest(million.words[:3], million.words[3], n=5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(answers) == 5
    assert peak < 2 * bytes_of_table  # a few arrays with one score per word, but no second table
    assert "unit" not in vars(million)  # the lengths of the rows are enough


def test_spelling_suggestions_among_a_million_words_are_fast(million: WordVectors) -> None:
    started = time.perf_counter()
    with pytest.raises(UnknownWordError):
        million.index(million.words[999][:-1] + "x")
    assert time.perf_counter() - started < 1.5


def test_import_is_light() -> None:
    code = "import sys, word2vec.vectors; print(sorted({'torch', 'pandas', 'scipy', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_iterators_are_read_once(vectors: WordVectors) -> None:
    words = ["w5", "w3", "w900"]
    assert vectors.nearest(map(str, words)) == vectors.nearest(words)
    assert vectors.nearest(["w1"], (word for word in words)) == vectors.nearest(["w1"], words)
    assert vectors.most_similar(positive=iter(words)) == vectors.nearest(words)
    assert vectors.odd_one_out(iter(words)) == vectors.doesnt_match(iter(words)) == vectors.odd_one_out(words)
    assert vectors.n_similarity(iter(words), iter(["w1"])) == vectors.n_similarity(words, ["w1"])
    np.testing.assert_array_equal(vectors[iter(words)], vectors[words])


def test_tables_of_ngrams_must_match_the_vectors() -> None:
    rows = np.ones((5, 3), np.float32)
    for subwords in (Subwords(rows[:, :2], 3, 4), Subwords(rows, 3, 4, word_rows=rows)):
        with pytest.raises(Word2VecError, match=r"rows.* are \(5, [23]\) but the vectors are \(2, 3\)"):
            WordVectors(["a", "b"], rows[:2], subwords=subwords)
    found = WordVectors(["a", "b"], rows[:2], subwords=Subwords(rows, 3, 4))
    assert "with n-grams" in repr(found)
    assert list(found.from_ngrams(["a", "cde", "x", "cde"])) == ["cde", "x"]
    with pytest.raises(Word2VecError, match="a word must be a string"):
        found[[5]]  # type: ignore[list-item]
