"""PairVectors: ranking targets for inputs, saving and loading."""

from pathlib import Path

import numpy as np
import pytest

import word2vec
from word2vec import PairVectors, WordVectors
from word2vec.errors import FormatError, UnknownWordError, Word2VecError


@pytest.fixture
def vectors() -> PairVectors:
    """Two users, three items; `a` is the name of a user and of an item."""
    users = WordVectors(["a", "7"], [[1.0, 0.0], [0.0, 2.0]], counts=[3, 1])
    return PairVectors(users, WordVectors(["a", "b", "c"], [[1.0, 5.0], [3.0, 1.0], [2.0, -1.0]], counts=[2, 1, 1]))


def test_targets_are_ranked_by_inner_product(vectors: PairVectors) -> None:
    answer = vectors.nearest("a")
    assert list(answer) == [("b", 3.0), ("c", 2.0), ("a", 1.0)]
    assert answer.measure == "inner product"
    assert vectors.nearest(7, n=1) == [("a", 10.0)]  # numbers are names
    assert vectors.score(7, "b") == 2.0
    assert vectors.inputs.nearest("a", n=1)[0][0] == "7"


def test_excluded_targets_are_not_returned(vectors: PairVectors) -> None:
    assert [name for name, _ in vectors.nearest("a", exclude=["b", "unknown"])] == ["c", "a"]
    assert vectors.nearest("a", exclude=["a", "b", "c"]) == []
    with pytest.raises(Word2VecError, match=r"use \['b'\]"):
        vectors.nearest("a", exclude="b")


def test_many_inputs_are_answered_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    users, items = ([f"{side}{number}" for number in range(size)] for side, size in (("u", 50), ("i", 30)))
    vectors = PairVectors(WordVectors(users, draw.normal(size=(50, 4))), WordVectors(items, draw.normal(size=(30, 4))))
    expected = [vectors.nearest(user, n=5) for user in users]
    monkeypatch.setattr("word2vec.vectors.pair_vectors.BLOCK_SCORES", 100)
    found = vectors.recommend(users, n=5, exclude={"u3": [expected[3][0][0]]})
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if number == 3:
            assert [name for name, _ in one][:4] == [name for name, _ in other][1:]
        else:
            assert [name for name, _ in one] == [name for name, _ in other]


def test_unknown_inputs_are_reported(vectors: PairVectors) -> None:
    with pytest.raises(UnknownWordError, match="'b' has no vector"):
        vectors.nearest("b")  # it is an item


def test_tables_must_have_the_same_dimensions() -> None:
    with pytest.raises(Word2VecError, match="2 dimensions and targets 3"):
        PairVectors(WordVectors(["a"], np.ones((1, 2))), WordVectors(["a"], np.ones((1, 3))))


def test_a_run_folder_keeps_everything(vectors: PairVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"vectors.safetensors", "vocab.tsv", "targets.tsv"}
    for loaded in (word2vec.load(tmp_path / "run"), PairVectors.load(tmp_path / "run")):
        assert isinstance(loaded, PairVectors)
        for side in ("inputs", "targets"):
            one, other = getattr(loaded, side), getattr(vectors, side)
            assert one.words == other.words
            np.testing.assert_array_equal(one.vectors, other.vectors)
            np.testing.assert_array_equal(one.counts, other.counts)


def test_each_kind_of_run_says_how_to_load_it(vectors: PairVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "pairs")
    with pytest.raises(FormatError, match=r"trained on pairs.*word2vec.load"):
        WordVectors.load(tmp_path / "pairs")
    vectors.targets.save(tmp_path / "words", format="run")
    with pytest.raises(FormatError, match="not trained on pairs"):
        PairVectors.load(tmp_path / "words")
    assert isinstance(word2vec.load(tmp_path / "words"), WordVectors)
    with pytest.raises(Word2VecError, match=r"vectors\.inputs or vectors\.targets"):
        vectors.save(tmp_path / "t.npz", format="npz")


def test_word_vectors_may_replace_pair_vectors_in_a_folder(vectors: PairVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "run")
    vectors.inputs.save(tmp_path / "run", format="run")
    assert isinstance(word2vec.load(tmp_path / "run"), WordVectors)


def test_files_of_different_runs_are_rejected(vectors: PairVectors, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name, content in {"vocab.tsv": "a\t3\n8\t1\n", "targets.tsv": "a\t2\nb\t1\nd\t1\n"}.items():
        vectors.save(run)
        (run / name).write_text(content)
        with pytest.raises(FormatError, match=f"{name} is not the one"):
            PairVectors.load(run)
        (run / name).write_text(content[4:])
        with pytest.raises(FormatError, match=f"{name} has . words"):
            PairVectors.load(run)
        (run / name).unlink()
        with pytest.raises(FormatError, match=f"{name} is missing"):
            PairVectors.load(run)


def test_damaged_numbers_are_found(vectors: PairVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "run")
    path = tmp_path / "run" / "vectors.safetensors"
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FormatError, match="checksum mismatch in 'output'"):
        PairVectors.load(tmp_path / "run")


def test_numbers_must_be_finite(vectors: PairVectors, tmp_path: Path) -> None:
    vectors.targets.vectors[1, 0] = np.nan
    with pytest.raises(FormatError, match="'b' contains nan"):
        vectors.save(tmp_path / "run")
    assert not (tmp_path / "run").exists()
