"""Association tests: hand-computed figures, exact and sampled p-values, and files that cannot be read."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import word2vec
from tests.cli.conftest import CommandLine
from tests.evaluation.samples import random_vectors
from word2vec.errors import FormatError
from word2vec.evaluation import weat
from word2vec.evaluation.weat import WeatTest, evaluate_weat, read_weat
from word2vec.vectors.word_vectors import WordVectors

X, Y, A, B = ([f"{letter}{number}" for number in range(5)] for letter in "xyab")
TEXT = f"""# an example
: first
target ex: {" ".join(X)}
target why: {", ".join(Y)}
attribute a: {" ".join(A)}
attribute b: {" ".join(B)}
"""
TEST = WeatTest("first", (("ex", tuple(X)), ("why", tuple(Y))), (("a", tuple(A)), ("b", tuple(B))))


def test_a_file_of_tests_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bias.txt"
    path.write_text(TEXT + TEXT.replace(": first\n", ":\n"), encoding="utf-8-sig")
    first, second = read_weat(path)
    assert first == TEST
    assert second.name == "bias"


def test_effect_size_and_exact_p_value_agree_with_the_definition() -> None:
    vectors = random_vectors([*X, *Y, *A, *B], dim=4)
    unit = {word: row / np.linalg.norm(row) for word, row in zip(vectors.words, vectors.vectors, strict=True)}

    def association(word: str) -> float:
        return float(np.mean([unit[word] @ unit[a] for a in A]) - np.mean([unit[word] @ unit[b] for b in B]))

    values = {word: association(word) for word in (*X, *Y)}
    sums = [sum(values[word] for word in chosen) for chosen in combinations([*X, *Y], 5)]
    expected = (np.mean([values[w] for w in X]) - np.mean([values[w] for w in Y])) / np.std(
        list(values.values()), ddof=1
    )
    result = evaluate_weat(vectors, TEST)
    assert result.effect_size == pytest.approx(expected, abs=1e-6)
    assert (result.partitions, result.exact) == (252, True)
    assert result.p_value == np.mean([each >= sum(values[word] for word in X) - 1e-9 for each in sums])
    assert result.ci_low < result.effect_size < result.ci_high
    assert (result.words, result.words_total, result.oov, result.note) == (20, 20, (), "")


def biased_vectors(words: list[str]) -> WordVectors:
    """Words whose first letter is x or a point one way, and the others another."""
    rows = random_vectors(words, dim=8).vectors * 0.3
    rows[:, 0] += [2 if word[0] in "xa" else -2 for word in words]
    return WordVectors(words, rows)


def test_a_strong_bias_has_the_largest_effect_and_the_smallest_p_value() -> None:
    result = evaluate_weat(biased_vectors([*X, *Y, *A, *B]), TEST)
    assert result.effect_size > 1.8
    assert result.p_value == 1 / 252
    swapped = WeatTest("swapped", TEST.targets[::-1], TEST.attributes)
    assert evaluate_weat(biased_vectors([*X, *Y, *A, *B]), swapped).effect_size == pytest.approx(-result.effect_size)


def test_many_partitions_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = random_vectors([*X, *Y, *A, *B], dim=4, seed=6)
    exact = evaluate_weat(vectors, TEST).p_value
    assert 0.1 < exact < 0.4
    monkeypatch.setattr(weat, "MAX_EXACT", 251)
    monkeypatch.setattr(weat, "SAMPLES", 20_000)
    monkeypatch.setattr(weat, "BLOCK_CELLS", 10 * 999)  # blocks of different sizes
    result = evaluate_weat(vectors, TEST)
    assert (result.partitions, result.exact) == (20_000, False)
    assert result.p_value == pytest.approx(exact, abs=0.02)  # five standard errors
    assert result.p_value == evaluate_weat(vectors, TEST).p_value


def test_unknown_words_are_left_out_and_reported() -> None:
    result = evaluate_weat(biased_vectors([*X[1:], *Y, *A, *B[:4]]), TEST)
    assert result.oov == ("x0", "b4")
    assert (result.words, result.words_total, result.partitions) == (18, 20, 126)
    assert result.effect_size > 1.8
    few = evaluate_weat(biased_vectors([*X, *Y[:3], *A, *B]), TEST)
    assert np.isnan([few.effect_size, few.p_value, few.ci_low]).all()
    assert few.note == "only 3 of 5 words of 'why' have a vector; a test needs 4"


def test_equal_associations_are_undefined() -> None:
    result = evaluate_weat(WordVectors([*X, *Y, *A, *B], np.ones((20, 2))), TEST)
    assert np.isnan(result.effect_size)
    assert "same association" in result.note


def test_command_line(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "bias.txt").write_text(TEXT)
    biased_vectors([*X, *Y[:4], *A, *B]).save(tmp_path / "v.txt")
    out, _ = cli.output("evaluate", tmp_path / "v.txt", "--weat", tmp_path / "bias.txt", "--json")
    (result,) = json.loads(out)
    assert (result["kind"], result["targets"], result["oov"]) == ("weat", ["ex", "why"], ["y4"])
    assert result["effect_size"] > 1.8
    out, _ = cli.output("evaluate", tmp_path / "v.txt", "--weat", tmp_path / "bias.txt")
    assert "19 of 20 words" in out
    assert "126 partitions" in out
    assert "wordsim353" not in out
    frame = word2vec.to_frame([evaluate_weat(word2vec.WordVectors.load(tmp_path / "v.txt"), TEST)])
    assert frame.loc[0, ["used", "total", "oov"]].tolist() == [19, 20, 1]
    assert frame.loc[0, "p_value"] == 1 / 126


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (TEXT, "", "contains no tests"),
        (": first\n", "", "line 2: expected `: name` of a test, or a list"),
        ("target ex:", "target ex", "line 3: expected"),
        ("target ex:", "targets ex:", "line 3: expected"),
        ("target why:", "attribute why:", "line 2: the test 'first' has 1 target lists; write two of each"),
        (" x4", "", "the target lists must have equal sizes; 'ex' has 4 words and 'why' has 5"),
        ("a0 a1", "", "the list 'a' has 3 words; a test needs 4 or more"),
        ("b4", "a4", "'a4' is in both attribute lists"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, old: str, new: str, reason: str) -> None:
    (tmp_path / "bias.txt").write_text(TEXT.replace(old, new))
    with pytest.raises(FormatError) as caught:
        read_weat(tmp_path / "bias.txt")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
