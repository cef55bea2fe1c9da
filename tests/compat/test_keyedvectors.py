"""KeyedVectors compared with gensim's class on the same random vectors; files; messages."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import word2vec
from word2vec.compat.gensim.errors import ArgumentError, EmptyListError, ShortFileError
from word2vec.compat.gensim.models.keyedvectors import KeyedVectors
from word2vec.errors import FormatError, UnknownWordError, Word2VecError
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors as Reference

V, D = 80, 6
WORDS = [f"w{row}" for row in range(V)]


def table() -> np.ndarray:
    rng = np.random.default_rng(2)
    return (rng.standard_normal((V, D)) * rng.uniform(0.3, 4, (V, 1))).astype(np.float32)


def filled(kind: Any) -> Any:
    keyed = kind(D)
    keyed.add_vectors(WORDS, table())
    for row, word in enumerate(WORDS):
        keyed.set_vecattr(word, "count", V - row)
    return keyed


@pytest.fixture(scope="module")
def ours() -> KeyedVectors:
    return filled(KeyedVectors)


@pytest.fixture(scope="module")
def theirs() -> "Reference":
    return filled(pytest.importorskip("gensim.models").KeyedVectors)


VECTOR = table()[11] * 2
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("most_similar", ("w1",), {}),
    ("most_similar", (17,), {"topn": 4}),
    ("most_similar", ([np.int64(17), "w2"], [5]), {"topn": 4}),
    ("most_similar", (VECTOR,), {"topn": 4}),
    ("most_similar", (np.stack([VECTOR, VECTOR + 1]), "w9"), {"topn": 4}),
    ("most_similar", ([("w1", 0.5), (VECTOR, -0.2), "w8"], [("w3", -2.0), 4]), {"topn": 5}),
    ("most_similar", (), {"negative": ["w6"]}),
    ("most_similar", ("w1",), {"topn": None}),
    ("most_similar", ("w1",), {"topn": 0}),
    ("most_similar", ("w1",), {"topn": np.uint8(0)}),
    ("most_similar", ("w1",), {"topn": 500}),
    ("most_similar", ("w1",), {"restrict_vocab": 5}),
    ("most_similar", ("w1",), {"restrict_vocab": 5, "topn": None}),
    ("most_similar", ("w21",), {"clip_start": 20, "clip_end": 40, "topn": 6}),
    ("most_similar", ("w1",), {"clip_start": 70}),
    ("most_similar", ("w1",), {"clip_start": 30, "clip_end": 33, "topn": None}),
    ("most_similar_cosmul", ("w1",), {}),
    ("most_similar_cosmul", (["w1", "w2"], ["w3"]), {"topn": 5}),
    ("most_similar_cosmul", (["w1", "w2", "w4"], ["w3", "w9"]), {"topn": 5}),
    ("most_similar_cosmul", (["w1", "w2"],), {"topn": None}),
    ("most_similar_cosmul", ("w1",), {"topn": 0}),
    ("similar_by_key", ("w4",), {"topn": 3, "restrict_vocab": 9}),
    ("similar_by_word", ("w4",), {"topn": None}),
    ("similar_by_vector", (VECTOR,), {"topn": 3}),
    ("get_mean_vector", (["w1", "w2", 3, VECTOR],), {}),
    ("get_mean_vector", (["w1", "unknown", "w2"], [1, 5, -2]), {}),
    ("get_mean_vector", (["w1", "w2"], np.array([0.5, 2])), {"pre_normalize": False}),
    ("get_mean_vector", (["w1", "w2"],), {"pre_normalize": False, "post_normalize": True}),
    ("similarity", ("w1", "w2"), {}),
    ("similarity", (1, "w2"), {}),
    ("distance", ("w1", "w2"), {}),
    ("distances", ("w1",), {}),
    ("distances", ("w1", ["w5", 7]), {}),
    ("distances", (VECTOR, ("w5",)), {}),
    ("n_similarity", (["w1", "w2"], ["w3"]), {}),
    ("rank", ("w1", "w30"), {}),
    ("closer_than", ("w1", "w30"), {}),
    ("most_similar_to_given", ("w1", ["w2", "w3", "w4"]), {}),
    ("doesnt_match", (["w1", "w2", "w3", "w4"],), {}),
    ("rank_by_centrality", (["w1", "w2", "w3", "w4"],), {}),
    ("rank_by_centrality", (["w1", "w2", "w3"], False), {}),
    ("relative_cosine_similarity", ("w1", "w2", 5), {}),
    ("get_vector", ("w7",), {"norm": True}),
    ("get_vector", (7,), {}),
    ("get_normed_vectors", (), {}),
    ("get_index", ("w9",), {}),
    ("get_index", ("unknown", -1), {}),
    ("has_index_for", (79,), {}),
    ("has_index_for", (80,), {}),
    ("get_vecattr", ("w3", "count"), {}),
    ("__getitem__", (["w1", 5],), {}),
    ("__contains__", ("w80",), {}),
]


@pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")  # in gensim's own 3CosMul
@pytest.mark.parametrize(("name", "arguments", "keywords"), CALLS)
def test_results_agree_with_gensim(
    ours: KeyedVectors, theirs: "Reference", name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    found, expected = (getattr(keyed, name)(*arguments, **keywords) for keyed in (ours, theirs))
    if not isinstance(expected, list) or not expected or not isinstance(expected[0], tuple):
        assert isinstance(found, list) == isinstance(expected, list)
        if isinstance(expected, list | str):
            assert found == expected
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        return
    for column in zip(zip(*found, strict=True), zip(*expected, strict=True), strict=True):
        if isinstance(column[1][0], str):
            assert column[0] == column[1]
        else:
            np.testing.assert_allclose(*column, rtol=1e-4, atol=1e-6)


def test_cosmul_searches_the_restricted_vocabulary(ours: KeyedVectors) -> None:
    found = ours.most_similar_cosmul(["w1", "w2"], ["w3"], topn=90, restrict_vocab=20)
    assert {word for word, _ in found} == set(WORDS[:20]) - {"w1", "w2", "w3"}


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda keyed: keyed["unknown"], KeyError),
        (lambda keyed: keyed.most_similar("unknown"), UnknownWordError),
        (lambda keyed: keyed.most_similar(80), KeyError),
        (lambda keyed: keyed.most_similar([]), ValueError),
        (lambda keyed: keyed.most_similar([np.ones(D + 1)]), ArgumentError),
        (lambda keyed: keyed.most_similar([None]), ArgumentError),
        (lambda keyed: keyed.most_similar_cosmul([], ["w1"]), ValueError),
        (lambda keyed: keyed.most_similar_cosmul([("w1", 2.0)]), ArgumentError),
        (lambda keyed: keyed.get_mean_vector(["w1"], [1, 2]), ValueError),
        (lambda keyed: keyed.get_mean_vector(["unknown"], ignore_missing=False), KeyError),
        (lambda keyed: keyed.n_similarity([], ["w1"]), ZeroDivisionError),
        (lambda keyed: keyed.rank_by_centrality(["unknown"]), ValueError),
        (lambda keyed: keyed.add_vectors(["a", "b"], np.ones((1, D))), ArgumentError),
        (lambda keyed: keyed.save_word2vec_format("x", append=True), ArgumentError),
        (lambda keyed: KeyedVectors(3).save("x"), ArgumentError),
    ],
)
def test_errors_are_one_line_and_of_gensims_class(ours: KeyedVectors, ask: Any, kind: type[Exception]) -> None:
    with pytest.raises(Word2VecError) as caught:
        ask(ours)
    assert isinstance(caught.value, kind)
    assert "\n" not in str(caught.value)


def test_vectors_cannot_be_modified_by_mistake(ours: KeyedVectors) -> None:
    vector = ours["w1"]
    with pytest.raises(ValueError, match="read-only"):
        vector += 1
    assert ours.vectors.flags.writeable


def test_added_and_replaced_vectors_are_found(ours: KeyedVectors) -> None:
    keyed = filled(KeyedVectors)
    assert keyed.most_similar("w1")  # lengths are cached
    keyed["new"] = keyed["w1"] * 5
    assert keyed.most_similar("w1", topn=1)[0] == ("new", pytest.approx(1))
    keyed["w2"] = -keyed["w1"]
    assert keyed.similarity("w1", "w2") == -1
    keyed["w3"] = keyed["w1"] * 9
    assert dict(keyed.most_similar("w1", topn=2)) == pytest.approx({"new": 1, "w3": 1})
    assert len(keyed) == V + 1
    assert keyed.get_vecattr("new", "count") == 0
    keyed.add_vectors(["w1", "a", "a"], np.ones((3, D)), {"count": np.array([7, 8, 9])})
    assert keyed.get_vecattr("a", "count") == 8
    assert keyed.get_vecattr("w1", "count") == V - 1
    assert len(keyed) == V + 2
    keyed.vectors[0] = keyed.vectors[1]
    keyed.fill_norms(force=True)
    assert keyed.similarity("w0", "w1") == 1


def test_add_vector_fills_allocated_rows_and_then_warns() -> None:
    keyed = KeyedVectors(2, count=2)
    assert [keyed.add_vector(key, [1, row]) for row, key in enumerate(["a", "b"])] == [0, 1]
    with pytest.warns(UserWarning, match="copies the table each time"):
        assert keyed.add_vector("c", [5, 5]) == 2
    assert keyed.index_to_key == ["a", "b", "c"]
    assert keyed.vectors.tolist() == [[1, 0], [1, 1], [5, 5]]


def test_attributes_keep_their_type() -> None:
    keyed = filled(KeyedVectors)
    keyed.set_vecattr("w1", "tag", "noun")
    assert keyed.get_vecattr("w1", "tag") == "noun"
    with pytest.raises(TypeError, match="'count' has the type int64"):
        keyed.set_vecattr("w1", "count", "many")
    keyed.expandos["count"][:] = np.arange(V)
    keyed.sort_by_descending_frequency()
    assert keyed.index_to_key[:2] == ["w79", "w78"]
    np.testing.assert_array_equal(keyed["w5"], table()[5])


def test_integer_keys_take_precedence_over_rows(tmp_path: Path) -> None:
    keyed = KeyedVectors(2)
    keyed.add_vectors([7, 1, 0], [[1, 0], [0, 1], [1, 1]])
    assert keyed[1].tolist() == [0, 1]
    assert keyed[2].tolist() == [1, 1]  # no such key, so a row
    assert [key for key, _ in keyed.most_similar(7)] == [0, 1]
    keyed.save(tmp_path / "ints.kv")
    assert KeyedVectors.load(tmp_path / "ints.kv").index_to_key == [7, 1, 0]


def test_word_movers_distance(ours: KeyedVectors) -> None:
    left, right = ["w1", "w2", "w2", "unknown"], ["w3", "w4"]
    one = ours.wmdistance(left, right)
    assert one == pytest.approx(ours.wmdistance(right, left))
    assert ours.wmdistance(left, left) == pytest.approx(0, abs=1e-9)
    assert ours.wmdistance(["unknown"], right) == float("inf")
    # two words to one: everything moves there
    unit = {word: ours.get_vector(word, norm=True).astype(float) for word in ("w1", "w2", "w3")}
    expected = sum(weight * np.linalg.norm(unit[word] - unit["w3"]) for word, weight in (("w1", 1 / 3), ("w2", 2 / 3)))
    assert ours.wmdistance(["w1", "w2", "w2"], ["w3"]) == pytest.approx(expected, rel=1e-6)
    # two to two with weights of a half: the better of the two assignments
    unit["w4"] = ours.get_vector("w4", norm=True).astype(float)
    cost = {(a, b): np.linalg.norm(unit[a] - unit[b]) / 2 for a in ("w1", "w2") for b in ("w3", "w4")}
    best = min(cost["w1", "w3"] + cost["w2", "w4"], cost["w1", "w4"] + cost["w2", "w3"])
    assert ours.wmdistance(["w1", "w2"], ["w3", "w4"]) == pytest.approx(best, rel=1e-6)


def test_conversion_shares_the_vectors() -> None:
    vectors = WordVectors(WORDS, table(), counts=np.arange(V, 0, -1))
    keyed = KeyedVectors.from_vectors(vectors)
    assert keyed.vectors is vectors.vectors
    assert keyed.to_vectors().nearest("w1") == vectors.nearest("w1") == keyed.most_similar("w1")
    assert keyed.get_vecattr("w2", "count") == V - 2


# files


def test_saved_vectors_load_here_and_in_the_package(ours: KeyedVectors, tmp_path: Path) -> None:
    path = tmp_path / "vectors.kv"  # any extension
    ours.save(str(path), sep_limit=0)
    loaded = KeyedVectors.load(str(path), mmap="r")
    np.testing.assert_array_equal(loaded.vectors, ours.vectors)
    assert loaded.get_vecattr("w3", "count") == V - 3
    assert word2vec.load(path).nearest("w1") == ours.most_similar("w1")
    assert path.read_bytes()[8:9] == b"{"  # safetensors


def test_attributes_are_saved_and_lost_ones_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyed = filled(KeyedVectors)
    keyed.set_vecattr("w1", "weight", 0.5)
    keyed.set_vecattr("w1", "tag", "noun")
    with caplog.at_level(logging.WARNING, "word2vec"):
        keyed.save(tmp_path / "a.kv")
    assert "not saved: tag" in caplog.text
    loaded = KeyedVectors.load(tmp_path / "a.kv")
    assert loaded.get_vecattr("w1", "weight") == 0.5
    assert set(loaded.expandos) == {"count", "weight"}


@pytest.mark.parametrize("binary", [False, True])
def test_word2vec_files_are_those_of_gensim(
    ours: KeyedVectors, theirs: "Reference", tmp_path: Path, binary: bool
) -> None:
    ours.save_word2vec_format(tmp_path / "ours", tmp_path / "ours.vocab", binary=binary, prefix="x_")
    theirs.save_word2vec_format(str(tmp_path / "theirs"), str(tmp_path / "theirs.vocab"), binary=binary, prefix="x_")
    assert (tmp_path / "ours.vocab").read_bytes() == (tmp_path / "theirs.vocab").read_bytes()
    if binary:
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    for kind in (KeyedVectors, type(theirs)):
        for name in ("ours", "theirs"):
            found = kind.load_word2vec_format(
                str(tmp_path / name), str(tmp_path / f"{name}.vocab"), binary=binary, limit=9
            )
            assert found.index_to_key == [f"x_w{row}" for row in range(9)]
            np.testing.assert_array_equal(found.vectors, table()[:9])
            assert found.get_vecattr("x_w3", "count") == V - 3
    half = KeyedVectors.load_word2vec_format(tmp_path / "ours", binary=binary, datatype=np.float16)
    assert half.vectors.dtype == np.float16
    assert half.get_vecattr("x_w0", "count") == V  # by rank, as in gensim
    assert [word for word, _ in half.most_similar("x_w1", topn=3)] == [
        f"x_{word}" for word, _ in ours.most_similar("w1", topn=3)
    ]


def test_files_without_counts_or_header(ours: KeyedVectors, tmp_path: Path) -> None:
    keyed = KeyedVectors(D)
    keyed.add_vectors(WORDS, table())
    with pytest.raises(ArgumentError, match="no attribute 'count'"):
        keyed.save_word2vec_format(tmp_path / "x", tmp_path / "x.vocab")
    with pytest.raises(ArgumentError, match="needs its header"):
        keyed.save_word2vec_format(tmp_path / "x", binary=True, write_header=False)
    keyed.save_word2vec_format(tmp_path / "x", write_header=False)
    found = KeyedVectors.load_word2vec_format(tmp_path / "x", no_header=True)
    np.testing.assert_array_equal(found.vectors, table())
    (tmp_path / "bad.vocab").write_text("w0 many\n")
    with pytest.raises(FormatError, match="line 1: expected a word and its count"):
        KeyedVectors.load_word2vec_format(tmp_path / "x", tmp_path / "bad.vocab", no_header=True)


@pytest.mark.parametrize("binary", [False, True])
def test_words_that_are_not_utf8(tmp_path: Path, binary: bool) -> None:
    path = tmp_path / "v"
    row = np.ones(2, "<f4").tobytes() if binary else b"1 1\n"
    path.write_bytes(b"2 2\nna\xefve " + row + "\ufffd ".encode() + row)
    with pytest.raises(UnicodeDecodeError):
        KeyedVectors.load_word2vec_format(path, binary=binary)
    replaced = KeyedVectors.load_word2vec_format(path, binary=binary, unicode_errors="replace")
    assert replaced.index_to_key == ["na\ufffdve", "\ufffd"]
    ignored = KeyedVectors.load_word2vec_format(path, binary=binary, unicode_errors="ignore")
    assert ignored.index_to_key == ["nave", "\ufffd"]  # a word of a replacement character is valid
    with pytest.raises(ArgumentError, match="convert the file to UTF-8"):
        KeyedVectors.load_word2vec_format(path, binary=binary, encoding="latin-1")


def test_short_and_missing_files(tmp_path: Path) -> None:
    path = tmp_path / "v"
    path.write_text("3 2\na 1 2\nb 3 4\n")
    with pytest.raises(ShortFileError, match="truncated") as caught:
        KeyedVectors.load_word2vec_format(path)
    assert isinstance(caught.value, EOFError)
    with pytest.raises(FormatError, match="No such file"):
        KeyedVectors.load_word2vec_format(tmp_path / "nothing")
    path.write_text("1 2\na 1 nan\n")
    with pytest.raises(FormatError, match="nan or infinity"):
        KeyedVectors.load_word2vec_format(path)


def test_a_file_of_gensim_is_refused(theirs: "Reference", tmp_path: Path) -> None:
    theirs.save(str(tmp_path / "gensim.kv"))
    with pytest.raises(FormatError, match=r"not opened because it can run code; .*save_word2vec_format"):
        KeyedVectors.load(tmp_path / "gensim.kv")


def test_damaged_settings_are_one_line(ours: KeyedVectors, tmp_path: Path) -> None:
    ours.save(tmp_path / "a")
    content = (tmp_path / "a").read_bytes()
    assert content.count(b'{\\"integer_keys') == 1
    (tmp_path / "a").write_bytes(content.replace(b'{\\"integer_keys', b'[\\"integer_keys'))
    with pytest.raises(FormatError, match="settings of the model are damaged"):
        KeyedVectors.load(tmp_path / "a")


# evaluation

MIXED = ["Paris", "paris", "PARIS", "berlin", "Rome", "king", "King", "queen"]


def mixed(kind: Any) -> Any:
    keyed = kind(3)
    keyed.add_vectors(MIXED, np.random.default_rng(4).standard_normal((len(MIXED), 3)).astype(np.float32))
    return keyed


@pytest.fixture
def pair_file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text(
        "# comment\nword1\tword2\tscore\nparis\tberlin\t8\nROME\tPARIS\t6.5\nking\tqueen\t9\nking\tberlin\t1\n"
        "Rome\tunknown\t3\nQueen\tPaRis\t2\n"
    )
    return path


@pytest.mark.parametrize("dummy4unknown", [False, True])
@pytest.mark.parametrize("case_insensitive", [False, True])
@pytest.mark.parametrize("restrict_vocab", [300_000, 6])
def test_word_pairs_agree_with_gensim(
    pair_file: Path, case_insensitive: bool, dummy4unknown: bool, restrict_vocab: int
) -> None:
    gensim = pytest.importorskip("gensim.models")
    if not case_insensitive and not dummy4unknown:
        pair_file.write_text(pair_file.read_text().replace("ROME\tPARIS", "Rome\tPARIS").replace("queen\t9", "Rome\t9"))
    keywords = {
        "case_insensitive": case_insensitive, "dummy4unknown": dummy4unknown, "restrict_vocab": restrict_vocab
    }  # fmt: skip
    found = mixed(KeyedVectors).evaluate_word_pairs(pair_file, **keywords)
    expected = mixed(gensim.KeyedVectors).evaluate_word_pairs(str(pair_file), **keywords)
    for (statistic, p_value), reference in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose([statistic, p_value], list(reference), rtol=1e-4)
    assert found[2] == pytest.approx(expected[2])


def test_word_pairs_without_a_usable_pair(pair_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ArgumentError, match="no pair can be scored"), caplog.at_level(logging.WARNING, "word2vec"):
        mixed(KeyedVectors).evaluate_word_pairs(pair_file, delimiter=",")
    assert "7 lines are not two words and a score" in caplog.text
    with pytest.raises(FormatError, match="cannot be read"):
        mixed(KeyedVectors).evaluate_word_pairs("nowhere.tsv")


@pytest.mark.parametrize("dummy4unknown", [False, True])
@pytest.mark.parametrize("case_insensitive", [False, True])
@pytest.mark.parametrize("restrict_vocab", [300_000, 7])
def test_analogies_agree_with_gensim(
    tmp_path: Path, case_insensitive: bool, dummy4unknown: bool, restrict_vocab: int
) -> None:
    gensim = pytest.importorskip("gensim.models")
    path = tmp_path / "questions.txt"
    names = ["paris", "berlin", "Rome", "king", "queen", "unknown"]
    rng = np.random.default_rng(6)
    lines = [" ".join(rng.choice(names, 4, replace=False)) for _ in range(60)]
    path.write_text("\n".join([": capitals", *lines[:30], ": gram1", *lines[30:]]) + "\n")
    keywords = {
        "case_insensitive": case_insensitive, "dummy4unknown": dummy4unknown, "restrict_vocab": restrict_vocab
    }  # fmt: skip
    found = mixed(KeyedVectors).evaluate_word_analogies(path, **keywords)
    expected = mixed(gensim.KeyedVectors).evaluate_word_analogies(str(path), **keywords)
    assert found[0] == pytest.approx(expected[0])
    for section, reference in zip(found[1], expected[1], strict=True):
        assert section["section"] == reference["section"]
        assert section["correct"] == reference["correct"]
        assert sorted(section["incorrect"]) == sorted(reference["incorrect"])
    with pytest.raises(ArgumentError, match="unknown similarity_function"):
        mixed(KeyedVectors).evaluate_word_analogies(path, similarity_function="closest")


def test_queries_do_not_import_torch_or_gensim() -> None:
    code = (
        "import sys; from word2vec.compat.gensim.models import KeyedVectors, Word2Vec; k = KeyedVectors(2); "
        "k['a'] = k['b'] = __import__('numpy').ones(2); k.most_similar('a'); "
        "print(sorted({'torch', 'gensim', 'scipy', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_empty_lists_have_an_error_of_their_own() -> None:
    assert issubclass(EmptyListError, Word2VecError)
