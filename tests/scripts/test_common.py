"""evaluation/common.py: the report header, the scorer, statistics and Markdown."""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from word2vec import WordVectors
from word2vec.system import instruction_set

common: Any = importlib.import_module("common")


def measured(label: str, round_number: int, **figures: float) -> dict[str, Any]:
    return {"label": label, "round": round_number, "seed": round_number, "figures": figures}


ROUNDS = [
    measured("ours", 1, words_per_second=1000),
    measured("gensim", 1, words_per_second=100),
    measured("ours", 2, words_per_second=3000),
    measured("gensim", 2, words_per_second=600),
    measured("ours", 3, words_per_second=2000),
]


def test_report_header_has_what_every_table_names() -> None:
    header = common.report_header("compare.py", ["text8"])
    assert header["command"] == "python evaluation/compare.py text8"
    assert header.keys() == {"date", "command", "commit", "hardware", "versions"}
    assert header["hardware"].keys() >= {"cpu", "instruction_set", "cores", "memory_gb"}
    assert "numpy" in header["versions"]


def test_command_hides_the_paths_of_this_machine() -> None:
    arguments = ["/home/somebody/text8", "--output=/home/somebody/a b.json", "--systems", "ours"]
    expected = "python evaluation/compare.py text8 '--output=a b.json' --systems ours"
    assert common.command_line("compare.py", arguments) == expected


def test_header_works_without_git_and_without_nvidia_smi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert (common.commit(), common.gpu_name()) == ("unknown", "unknown")
    assert common.hardware("cuda")["gpu"] == "unknown"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ({"flags": "sse2 avx avx2 avx512f"}, "AVX-512"),
        ({"flags": "sse2 avx avx2"}, "AVX2"),
        ({"Features": "fp asimd"}, "NEON"),
    ],
)
def test_widest_instruction_set_is_reported(cpuinfo: dict[str, str], expected: str) -> None:
    assert common.instruction_set(cpuinfo) == expected


def test_architecture_replaces_an_unknown_instruction_set() -> None:
    assert common.instruction_set({}) == common.platform.machine()


def test_restricted_instructions_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in common.RESTRICTING:
        monkeypatch.delenv(name, raising=False)
    assert common.used_instruction_set("own") == "own"
    monkeypatch.setenv("WORD2VEC_INSTRUCTION_SET", "native")
    assert common.used_instruction_set("own") == f"{instruction_set.in_use().name} (the processor has own)"
    assert common.used_instruction_set(instruction_set.in_use().name) == instruction_set.in_use().name


def test_scores_are_fractions_and_none_if_undefined() -> None:
    names = (*common.SCORES, *common.ANALOGY_KINDS)
    words = ["tiger", "cat", "man", "woman", "king", "queen", "boy", "girl", "he", "she"]
    scores = common.score_vectors(WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 5))))
    assert list(scores) == list(names)
    assert -1 <= scores["wordsim353"] <= 1
    assert 0 <= scores["analogies"] <= 1
    assert common.score_vectors(WordVectors(["unheard", "of"], np.eye(2))) == dict.fromkeys(names)


def test_json_is_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "results" / "report.json"
    common.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        common.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def test_settings_are_parsed_as_numbers_where_they_are_numbers() -> None:
    assert [common.setting(text) for text in ("dim=4", "lr=.5", "engine=fused")] == [
        ("dim", 4),
        ("lr", 0.5),
        ("engine", "fused"),
    ]


def test_lists_and_positive_numbers_are_checked() -> None:
    assert common.comma_separated(["a", "b"])("a, b,") == ["a", "b"]
    assert common.positive("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="'c' is not one of a, b"):
        common.comma_separated(["a", "b"])("a,c")
    for wrong in ("0", "-1", "1.5"):
        with pytest.raises(argparse.ArgumentTypeError, match="not a whole number"):
            common.positive(wrong)


def test_median_uses_the_rounds_that_have_the_figure() -> None:
    assert common.median(ROUNDS, "ours", "words_per_second") == 2000
    assert common.median(ROUNDS, "gensim", "words_per_second") == 350
    assert common.median(ROUNDS, "gensim", "wordsim353") is None
    assert common.median(ROUNDS, "fasttext", "words_per_second") is None


def test_ratios_are_taken_within_rounds() -> None:
    # 10 and 5 in the two rounds that have both; the ratio of the medians would be 5.7
    assert common.paired_ratio(ROUNDS, "ours", "gensim", "words_per_second") == 7.5
    assert common.paired_ratio(ROUNDS, "ours", "tutorial", "words_per_second") is None


def test_markdown_table_is_padded_and_drops_empty_columns() -> None:
    rows = [["ours", "-", "1.0", "-"], ["gensim", "-", "12.0", "7"]]
    assert common.markdown_table(["system", "never measured", "s", "MB"], rows) == (
        "| system |    s | MB |\n| ------ | ---: | -: |\n| ours   |  1.0 |  - |\n| gensim | 12.0 |  7 |"
    )


def test_ranges_are_shown_for_several_values_only() -> None:
    assert common.with_range([]) == "-"
    assert common.with_range([0.5], 1, 100) == "50.0"
    assert common.with_range([3000, 1000, 2000]) == "2,000 (1,000 to 3,000)"
    assert [common.times(ratio) for ratio in (None, 0.667, 19.02)] == ["-", "0.67", "19.0"]


def test_undefined_scores_are_left_out_of_the_averages() -> None:
    one, two = dict.fromkeys(common.SCORES, 0.5), dict.fromkeys(common.SCORES)
    assert common.score_cells([one, two]) == ["50.0"] * 3
    assert common.score_cells([two]) == ["-"] * 3
