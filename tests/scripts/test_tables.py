"""evaluation/tables.py and renderers/: the tables of the documentation are those of the JSON files in results/."""

import importlib
from pathlib import Path
from typing import Any, cast

import pytest

compare, distributed, kernels, objectives = (
    cast("Any", importlib.import_module(f"renderers.{name}"))
    for name in ("compare", "distributed", "kernels", "objectives")
)
tables: Any = importlib.import_module("tables")


def cells(table: str) -> list[list[str]]:
    """The rows of a table without its header."""
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def measured(label: str, round_number: int, **figures: float) -> dict[str, Any]:
    return {"label": label, "round": round_number, "seed": round_number, "figures": figures}


# ---- the documentation


def test_no_table_in_the_documentation_is_stale(capsys: pytest.CaptureFixture[str]) -> None:
    code = tables.main(["--check"])
    assert code == 0, f"run `make tables`: {capsys.readouterr().err}"


def test_the_readme_has_the_headline_and_every_table_is_used() -> None:
    texts = [path.read_text() for pattern in tables.FILES for path in tables.ROOT.glob(pattern)]
    used = {match[0] for text in texts for match in tables.MARKER.findall(text)}
    assert used == set(tables.TABLES)
    assert "<!-- table: headline -->" in (tables.ROOT / "README.md").read_text()


EXPECTED = {
    "headline": "word2vec-fused | 7.15 | 19.0 | 22.0 | 66.1 | 31.3 | 37.6",
    "training": "word2vec-fused | 7,148,332 (6,616,716 to 7,557,154) "
    "| 19.0 | 11.8 | 22.0 | 11.3 | 695 | 66.1 | 31.3 | 37.6",
    "dimensions": "word2vec-fused | 1,394,822 | 12.1 | 12.1 | 23.6 | 6.51 | 908",
    "peers": "word2vec-fused | 7,148,332 | 362,654 | 19.0 | 66.1 | 31.3 | 37.6",
    "presets": "word2vec-fused, `--preset quality` | 3 | 31.3 "
    "| 68.4 (67.6 to 70.3) | 33.3 (32.5 to 34.3) | 44.3 (43.4 to 44.4)",
    "models": "word2vec-fused, `--model cbow` | 5 | 8,036,109 (7,939,687 to 8,226,553) | 6.11 | 10.5 | 685 "
    "| 64.5 (63.7 to 65.7) | 30.0 (29.3 to 32.0) | 31.9 (31.5 to 32.3) | 20.0 (19.4 to 21.0) | 37.0 (36.0 to 37.8)",
    "indexing": "word2vec-fused | 0.72 | 5.39 | 1.26 | 237",
    "processors": "AMD EPYC, AVX-512 | 7.15 | 0.36 | 19.0",
    "drift": "anchored | 20,000 | 150 | 98.0 | 96.7 | 0.379 | 0.013",
    "sharing": "1 | 4.0 | 0.0 | 512 | 1.0 | 0.0",
    "nearest-neighbors": "`search`, exact | - | 1.000 | 34.49 | 0",
    "large-text": "17 | 220,035 | 3.9 | 3.6 | 253 | 0.08 | 8.49 | 415",
    "objectives": "negative-sampling | 0.025 | 3 | 67.6 (67.2 to 67.9) | 31.0 (30.8 to 31.2) | 37.5 (37.3 to 37.6)",
    "objective-speeds": "negative-sampling | 9.1 (7.9 to 10.3)",
    "learning-rates": "negative-sampling | 0.00625: 51.4 / 26.3 / 19.3 | 0.0125: 62.9 / 29.6 / 30.6 "
    "| 0.025: 67.5 / 30.8 / 37.3 | 0.05: 67.2 / 29.8 / 38.1",
    "in-batch": "no | 1 | 0.025 | 55.0 | 25.4 | 18.3 | 0.13",
    "noise": "negative-sampling | 0.75 | 0.025 | 5 "
    "| 67.6 (67.2 to 67.9) | 31.0 (30.4 to 31.3) | 37.1 (36.2 to 37.9) | wiki8",
    "combination": "quality | plain | 68.7 (68.5 to 69.1) | 33.0 (32.3 to 33.0) | 43.7 (43.6 to 44.4) "
    "| 41.0 (37.8 to 41.6) | 45.5 (44.9 to 46.1)",
    "combination-settings": "300 | 0 | 69.6 (69.5 to 69.6) | 34.9 (34.9 to 34.9) | 63.4 (63.3 to 63.9) "
    "| 47.3 (46.5 to 47.6) | 70.6 (69.9 to 70.9)",
    "recommendation": "pydocs: popularity | 4.2 | 1.3 | 9.7 | - | -",
    "scaling": "vocabulary | 10,000: 5.3, 30,000: 4.4, 100,000: 3.6, 300,000: 2.9, 1,000,000: 2.0",
    "distributed": "1 | - | 8 | - | 66.9 (66.7 to 67.2) | 31.2 (30.6 to 31.5) | 37.3 (36.5 to 37.8) | - | - | -",
    "refinement": "plain | 68.7 (68.5 to 69.1) | 33.0 (32.3 to 33.0) | 43.7 (43.6 to 44.4) "
    "| 41.0 (37.8 to 41.6) | 45.5 (44.9 to 46.1)",
    "refinement-settings": "plain | 68.7 | 33.0 | 43.7 | 41.0 | 45.5 | 49.3 | 47.8",
    "refinement-sizes": "Wikipedia, 1 M | plain | 48.2 (47.0 to 49.5) | 24.3 (23.6 to 24.4) "
    "| 5.1 (5.1 to 5.1) | 6.5 (6.0 to 7.6) | 4.8 (4.6 to 5.0)",
    "refinement-size-settings": "plain | 25.7 / 26.3 | 43.2 / 42.1 | 49.3 / 47.8 | 58.4 / 57.7 | 44.1 / 43.5",
    "refinement-unknown": "Wikipedia, 1 M | WordSim-353 | 73 of 353 | 4.9 | 23.3 | 34.8 | 37.7",
    "refinement-reference": "1 M | 70 M | unknown | 460 | - | 17.3 | - | 3.6",
    "refinement-reference-settings": "plain | 41.2 / 18.0 | 61.0 / 40.1 | 68.5 / 51.3",
    "refinement-chosen": "quality-1 | 4-6 | 1 | 69.1 | 34.1 | 59.4 | 41.3 | 67.1",
    "refinement-spelling": "over 1,000 | 11 | 29",
    "refinement-neighbors": "king (over 1,000) | kings, canute, theudebert, chlothar, tryggvason "
    "| kingu, kingpin, kings, kingly, dukedom",
    "averaging-cost": "100,000 | 100 | 2 | 41 | 0.06",
    "projection": "wiki8, 100d: 10 MB | 1,000,000 | 32.4 | 32.4 | 259.6 | 259.6",
    "deepwalk": "10 % | 36.0 | 35.5 ± 0.4 | 20.5 ± 0.5 | 20",
    "deepwalk-speed": "word2vec-fused | 856,356 (591,031 to 1,449,093) | 6.96 "
    "| 11.6 (6.8 to 16.7) | 38.8 (38.5 to 38.9)",
    "sessions": "popularity | 19.7 | 5.5 | 8.8",
    "session-settings": "chosen settings | 47.3 (47.2 to 47.5) | 23.5 (23.3 to 23.7) "
    "| 52.3 (52.0 to 52.5) | 25.2 (25.1 to 25.4)",
}
"""The first row of every table."""


@pytest.mark.parametrize("name", tables.TABLES)
def test_first_row_of_every_table(name: str) -> None:
    assert " | ".join(cells(tables.render(name))[0]) == EXPECTED[name]


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_table_names_its_command_and_hardware(name: str) -> None:
    sources = [line for line in tables.render(name).splitlines() if line.startswith("- ")]
    assert sources
    for line in sources:
        assert line.startswith(("- `python evaluation/", "- `word2vec train"))
        assert "2 cores" in line
        assert any(words in line for words in ("AVX-512", "AVX2", "instruction set not recorded"))
        assert "; 2026" in line


def test_speed_is_given_for_both_kinds_of_machine() -> None:
    processors = tables.render("processors")
    assert "AVX-512  " in processors
    assert "Zen 3, AVX2, busy host" in processors


def test_two_processes_are_compared_in_sixteen_pairs() -> None:
    row = next(row for row in cells(tables.render("distributed")) if row[:2] == ["2", "1,000,000"])
    assert row[3] == "1.72 (1.46 to 1.99)"


def test_objectives_include_the_in_batch_softmax_with_its_defaults() -> None:
    assert cells(tables.render("objectives"))[-1] == ["in-batch-softmax", "0.05", "1", "66.2", "30.4", "36.7"]


# ---- the renderers


def test_training_table() -> None:
    rounds = [
        measured("ours", 1, words_per_second=1000, training_seconds=2, wall_seconds=4, peak_mb=300, wordsim353=0.66),
        measured("gensim", 1, words_per_second=100, training_seconds=20, wall_seconds=25, peak_mb=150),
        measured("ours", 2, words_per_second=3000, training_seconds=1, wall_seconds=3, peak_mb=310, wordsim353=0.68),
        measured("gensim", 2, words_per_second=600, training_seconds=3, wall_seconds=8, peak_mb=152),
        measured("ours", 3, words_per_second=2000, training_seconds=1, wall_seconds=3, peak_mb=305, wordsim353=0.64),
    ]
    ours, gensim = cells(compare.training_table(rounds))
    assert ours == ["ours", "2,000 (1,000 to 3,000)", "7.50", "1.0", "3.0", "4.46", "305", "66.0"]
    assert gensim[2] == "1.00"
    assert cells(compare.training_table(rounds, {"ours": "word2vec-fused"}))[0][0] == "word2vec-fused"


def test_indexing_table_compares_with_gensim() -> None:
    rounds = [measured("ours (indexing)", 1, indexing_seconds=2.0, wall_seconds=3, peak_mb=100)]
    rounds.append(measured("gensim (indexing)", 1, indexing_seconds=6.5, wall_seconds=8, peak_mb=100))
    assert [row[2] for row in cells(compare.indexing_table(rounds))] == ["3.25", "1.00"]


def test_objective_rows_are_means_over_the_seeds() -> None:
    run = {"objective": "warp", "lr": 0.002}
    one = run | {"seed": 1, "wordsim353": 0.5, "simlex999": 0.3, "analogies": 0.1}
    two = run | {"seed": 2, "wordsim353": 0.7, "simlex999": 0.3, "analogies": None}
    expected = ["warp", "0.002", "2", "60.0 (50.0 to 70.0)", "30.0 (30.0 to 30.0)", "10.0"]
    assert objectives.objective_rows([one, two]) == [expected]


def test_diverged_trainings_are_named() -> None:
    report = {"measurements": [{"programs": 1, "seed": 1, "wordsim353": None, "simlex999": None, "analogies": None}]}
    assert cells(kernels.staleness(report)) == [["1", "1", "diverged", "diverged", "diverged"]]


def test_projection_is_bound_by_the_network_only_beyond_an_eighth_of_a_round() -> None:
    fast = distributed.projected_speed(nodes=8, words=1e6, sent=1e7, network=1e9)
    assert fast == pytest.approx(8e6 / (1e6 / 4.4e6 + 0.02))
    slow = distributed.projected_speed(nodes=8, words=1e6, sent=1e9, network=1e9)
    assert slow == pytest.approx(8e6 / (1e6 / 4.4e6 + 2 + 2 * 7 / 8 - 1e6 / 8 / 4.4e6))


# ---- Markdown files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("README.md", "evaluation/README.md", "docs/a.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("# Title\n\n<!-- table: scaling -->\nold\n<!-- /table -->\n\nText\n")
    return tmp_path


def test_check_names_every_stale_table_and_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tables.main(["--check"], root) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["README.md", "docs/a.md", "evaluation/README.md"]
    assert all("table 'scaling' is stale; run `make tables`" in line for line in lines)
    assert "old" in (root / "README.md").read_text()


def test_tables_are_replaced_and_the_text_around_them_is_kept(root: Path) -> None:
    assert tables.main([], root) == 0
    assert tables.main(["--check"], root) == 0
    text = (root / "docs/a.md").read_text()
    assert text.startswith("# Title\n\n<!-- table: scaling -->\n\n| setting ")
    assert text.endswith("\n\n<!-- /table -->\n\nText\n")
    assert "old" not in text
    before = (root / "README.md").stat().st_mtime_ns
    assert tables.main([], root) == 0
    assert (root / "README.md").stat().st_mtime_ns == before  # nothing changed, nothing is written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- table: unheard-of -->\n<!-- /table -->\n", "unknown table 'unheard-of'; the tables are headline,"),
        ("<!-- table: scaling -->\n", "add the missing one"),
        ("<!-- table: scaling -->\n<!-- table: noise -->\n<!-- /table -->\n<!-- /table -->\n", "no closing marker"),
    ],
)
def test_wrong_markers_are_reported_and_the_file_is_kept(
    text: str, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "README.md").write_text(text)
    assert tables.main([], root) == 1
    assert message in capsys.readouterr().err.splitlines()[0]
    assert (root / "README.md").read_text() == text
