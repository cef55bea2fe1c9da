"""`word2vec combine`: what it writes and rejects."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine
from tests.vectors.test_refinement import WORDS
from word2vec.vectors.combination import combine
from word2vec.vectors.pair_vectors import PairVectors
from word2vec.vectors.word_vectors import WordVectors


@pytest.fixture
def members(tmp_path: Path) -> list[Path]:
    """Two run folders with words that have n-grams in common."""
    paths = [tmp_path / "first", tmp_path / "second"]
    for path, table in zip(paths, np.random.default_rng(0).standard_normal((2, len(WORDS), 6)), strict=True):
        WordVectors(WORDS, table, counts=np.arange(len(WORDS), 0, -1), output=table[::-1]).save(path)
    return paths


def test_combine_writes_a_run(members: list[Path], tmp_path: Path, cli: CommandLine) -> None:
    out, err = cli.output("combine", *members, "-o", tmp_path / "both", "--dim", 8)
    assert out == ""
    assert err == f"wrote {tmp_path / 'both'}: {len(WORDS)} words, 8 dimensions\n"
    expected = combine([WordVectors.load(path) for path in members], 8)
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "both").vectors, expected.vectors)

    cli.output("combine", *members, "-o", tmp_path / "refined", "--dim", 8, "--refine")
    refined = WordVectors.load(tmp_path / "refined")
    np.testing.assert_array_equal(refined.plain, expected.vectors)
    np.testing.assert_array_equal(refined.vectors, expected.refine().vectors)
    _, err = cli.output("combine", tmp_path / "refined", members[0], "-o", tmp_path / "again")
    assert f"{tmp_path / 'refined'}: refined; its plain vectors are combined" in err


def test_combine_rejects_what_it_cannot_combine(members: list[Path], tmp_path: Path, cli: CommandLine) -> None:
    output = "-o", tmp_path / "x"
    assert f"got only {members[0]}" in cli.error("combine", members[0], *output, code=2)
    assert "between 1 and 12" in cli.error("combine", *members, *output, "--dim", 13, code=2)
    other = WordVectors(["other"], [[1.0]])
    other.save(tmp_path / "other.txt")
    assert "no words in common" in cli.error("combine", members[0], tmp_path / "other.txt", *output, code=1)
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]  # without counts
    for path, member in zip(files, members[:2], strict=True):
        WordVectors.load(member).save(path)
    assert "--refine: the members have no counts" in cli.error("combine", *files, *output, "--refine", code=2)
    PairVectors(other, other).save(tmp_path / "pairs")
    assert "trained on pairs" in cli.error("combine", members[0], tmp_path / "pairs", *output, code=2)
    assert not (tmp_path / "x").exists()
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "checkpoint.safetensors").touch()
    assert "contains a training run" in cli.error("combine", *members, *output, code=2)
