"""evaluation/refinement_reference.py: how close vectors come to those of a larger corpus."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec import WordVectors

script: Any = importlib.import_module("refinement_reference")
tables: Any = importlib.import_module("renderers.refinement")

STEMS = [f"{first}{second}{first}{third}o" for first in "bdfgk" for second in "aeiu" for third in "nrs"]
ENDINGS = ("able", "ness", "ment", "ling")
WORDS = [f"{stem}{ending}" for stem in STEMS for ending in ENDINGS]


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A large run; a copy of it that lacks words; and a run of the same words with noise in the vectors of rare words.

    The vector of a word is the sum of those of its stem and its ending, so that spelling predicts it.
    """
    rng = np.random.default_rng(0)
    parts = {part: rng.standard_normal(8) for part in (*STEMS, *ENDINGS)}
    table = np.array([parts[word[:5]] + parts[word[5:]] for word in WORDS])
    WordVectors(WORDS, table, counts=np.full(len(WORDS), 5000)).save(tmp_path / "large-1")
    known = np.arange(len(WORDS)) % 10 != 3
    words = [word for word, is_known in zip(WORDS, known, strict=True) if is_known]
    counts = np.where(np.arange(len(words)) < len(words) // 2, 2000, 7)
    WordVectors(words, table[known], counts=counts).save(tmp_path / "w1m-1")
    noise = rng.standard_normal((len(words), 8)) * np.where(counts < 10, 2, 0)[:, None]
    WordVectors(words, table[known] + noise, counts=counts).save(tmp_path / "w8m-1")
    return tmp_path / "large-1", tmp_path / "w1m-1", tmp_path / "w8m-1"


def test_vectors_are_compared_with_those_of_a_larger_corpus(
    runs: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "MIN_WORDS", 20)
    large, same, noisy = runs
    output = tmp_path / "r.json"
    script.main([str(same), str(noisy), "--reference", str(large), "--frequent", "20", "--output", str(output)])
    report = json.loads(output.read_text())
    found = {(m["run"], m["label"]): m["bands"] for m in report["measurements"]}

    perfect = found["w1m-1", "plain"]
    assert set(perfect) == {"5 to 9", "1,000 or more"}  # unknown words have no plain vectors
    assert all(each["correlation"] > 0.99 and each["neighbors"] > 0.9 for each in perfect.values())
    plain, refined = (found["w8m-1", label]["5 to 9"] for label in ("plain", "defaults"))
    for figure in ("correlation", "neighbors"):
        assert plain[figure] + 0.1 < refined[figure] < 1
    assert found["w8m-1", "defaults"]["unknown"]["words"] == len(WORDS) // 10
    assert found["w8m-1", "defaults"]["unknown"]["correlation"] > 0.5

    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in tables.reference(report).splitlines()[2:]]
    assert [row[2] for row in rows] == ["unknown", "5 to 9", "1,000 or more"] * 2
    assert rows[0][4] == "-"
    first = perfect["5 to 9"]
    assert (rows[1][4], rows[1][6]) == (f"{100 * first['correlation']:.1f}", f"{100 * first['neighbors']:.1f}")
    settings = [row.split("|")[1].strip() for row in tables.reference_ablations(report).splitlines()[2:]]
    assert settings == ["plain", "defaults"]


def test_bands_whose_words_are_not_expected_to_be_frequent_are_left_out(runs: tuple[Path, ...], tmp_path: Path) -> None:
    large, same, _ = runs  # the corpora differ by a factor of 5.5
    output = tmp_path / "r.json"
    script.main([str(same), "--reference", str(large), "--frequent", "100", "--output", str(output)])
    assert {band for m in json.loads(output.read_text())["measurements"] for band in m["bands"]} == {"1,000 or more"}
