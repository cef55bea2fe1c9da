"""evaluation/compare.py with its neighbors: scripts, so they are loaded from their folder and not imported by name."""

import importlib
import io
import json
import lzma
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

sys.path.append(str(Path(__file__).parents[2] / "evaluation"))
compare: Any = importlib.import_module("compare")
peers: Any = importlib.import_module("peers")
summary: Any = importlib.import_module("summary")
tutorial: Any = importlib.import_module("tutorial")

TRAINER = """
import json, pathlib, sys
run = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
run.mkdir()
lines = [{"words": 600, "elapsed_seconds": 0.5}, {"words": 1200, "elapsed_seconds": 2.0}]
run.joinpath("metrics.jsonl").write_text("".join(json.dumps(line) + chr(10) for line in lines))
"""


def measured(label: str, round_number: int, **figures: float) -> Any:
    return summary.Measurement(label, round_number, round_number, figures)


@pytest.fixture
def rounds() -> list[Any]:
    return [
        measured("ours", 1, words_per_second=1000, training_seconds=2, wall_seconds=4, peak_mb=300, wordsim353=0.66),
        measured("gensim", 1, words_per_second=100, training_seconds=20, wall_seconds=25, peak_mb=150),
        measured("ours", 2, words_per_second=3000, training_seconds=1, wall_seconds=3, peak_mb=310, wordsim353=0.68),
        measured("gensim", 2, words_per_second=600, training_seconds=3, wall_seconds=8, peak_mb=152),
        measured("ours", 3, words_per_second=2000, training_seconds=1, wall_seconds=3, peak_mb=305, wordsim353=0.64),
    ]


def test_median_takes_the_rounds_that_have_the_figure(rounds: list[Any]) -> None:
    assert summary.median(rounds, "ours", "words_per_second") == 2000
    assert summary.median(rounds, "gensim", "words_per_second") == 350
    assert summary.median(rounds, "gensim", "wordsim353") is None
    assert summary.median(rounds, "fasttext", "words_per_second") is None


def test_ratios_are_taken_within_rounds(rounds: list[Any]) -> None:
    # 10 and 5 in the two rounds that have both; the ratio of the medians would be 5.7
    assert summary.paired_ratio(rounds, "ours", "gensim", "words_per_second") == 7.5
    assert summary.paired_ratio(rounds, "ours", "tutorial", "words_per_second") is None


def test_markdown_table_is_padded_and_leaves_out_what_nobody_measured() -> None:
    rows = [["ours", "-", "1.0", "-"], ["gensim", "-", "12.0", "7"]]
    assert summary.markdown_table(["system", "never measured", "s", "MB"], rows) == (
        "| system |    s | MB |\n| ------ | ---: | -: |\n| ours   |  1.0 |  - |\n| gensim | 12.0 |  7 |"
    )


def test_training_table(rounds: list[Any]) -> None:
    _, _, ours, gensim = summary.training_table(rounds).splitlines()
    cells = [cell.strip() for cell in ours.strip("|").split("|")]
    assert cells == ["ours", "2,000 (1,000 to 3,000)", "7.50", "1.0", "3.0", "4.46", "305", "66.0"]
    assert [cell.strip() for cell in gensim.strip("|").split("|")][2] == "1.00"


def test_indexing_table_says_how_many_times_as_fast() -> None:
    rounds = [measured("ours (indexing)", 1, indexing_seconds=2.0, wall_seconds=3, peak_mb=100)]
    rounds.append(measured("gensim (indexing)", 1, indexing_seconds=6.5, wall_seconds=8, peak_mb=100))
    _, _, ours, gensim = summary.indexing_table(rounds).splitlines()
    assert [cell.strip() for cell in ours.strip("|").split("|")][2] == "3.25"
    assert [cell.strip() for cell in gensim.strip("|").split("|")][2] == "1.00"


def test_notes_warn_of_a_busy_machine() -> None:
    quiet = measured("tutorial", 1, words_per_second=10, steps=60, vocabulary=68000, other_cores=0.05)
    busy = measured("gensim", 1, words_per_second=10, vocabulary_seconds=6.5, other_cores=0.7)
    assert "60 steps" in summary.notes([quiet])[-1]
    assert "6.5 s" in summary.notes([busy])[-2]
    assert "0.7 cores" in summary.notes([quiet, busy])[-1]


def test_the_first_words_are_cut_at_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "BLOCK_BYTES", 7)
    text = b" one two\nthree  four five extraordinary\nsix"
    words = text.split()
    for limit in range(1, 9):
        cut = b"".join(peers.first_words(io.BytesIO(text), limit))
        assert cut.split() == words[:limit]
        assert cut.strip() == text[: len(cut.rstrip())].strip()  # the line breaks are as they were


def test_words_are_counted_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes(b" one two\nthree  four five extraordinary\nsix")
    for block in (1, 2, 5, 1000):
        monkeypatch.setattr(peers, "BLOCK_BYTES", block)
        assert peers.count_words(tmp_path / "text") == 7


def test_a_compressed_corpus_is_unpacked_and_cut(tmp_path: Path) -> None:
    source = tmp_path / "corpus.xz"
    source.write_bytes(lzma.compress(b"to be or not to be"))
    options = compare.parse_arguments([str(source), "--words", "4"])
    job = compare.first_job(options, tmp_path)
    assert peers.prepare(job) == {"words": 4, "full_words": 6}
    assert Path(job.full).read_text() == "to be or not to be"
    assert Path(job.text).read_text().split() == ["to", "be", "or", "not"]


def test_a_plain_corpus_is_used_where_it_lies(tmp_path: Path) -> None:
    job = compare.first_job(compare.parse_arguments([str(tmp_path / "corpus")]), tmp_path)
    assert job.full == job.text == str(tmp_path / "corpus")


def test_the_plan_alternates_and_expands_objectives() -> None:
    labels = [task.label for task in compare.plan(["gensim", "ours", "indexing"], ["warp", "ranknet"])]
    assert labels == ["gensim", "ours, warp", "ours, ranknet", "ours (indexing)", "gensim (indexing)"]
    assert [task.label for task in compare.plan(["ours"], [])] == ["ours"]


def test_the_training_command_keeps_the_contract(tmp_path: Path) -> None:
    options = compare.parse_arguments([str(tmp_path / "corpus"), "--epochs", "2", "--threads", "3", "--subsample", "0"])
    job = compare.first_job(options, tmp_path)
    task = compare.Task("ours, warp", "ours", "warp")
    command = compare.training_command(job, task, engine="", device="cpu")
    assert command[1:5] == ["-m", "word2vec", "train", str(tmp_path / "corpus")]
    given = dict(zip(command[5::2], command[6::2], strict=True))
    assert given["--objective"] == "warp"
    assert given["--epochs"] == "2"
    assert given["--threads"] == "3"
    assert given["--subsample"] == "0.0"
    assert given["--device"] == "cpu"
    assert "--engine" not in given
    assert "--engine" in compare.training_command(job, task, engine="fused", device="cpu")
    (preset,) = compare.SYSTEMS["preset"]
    of_preset = compare.training_command(job, preset, engine="", device="cpu")
    assert of_preset[of_preset.index("--preset") + 1] == "quality"
    assert "--dim" not in of_preset  # it would win over the preset's
    assert "--min-count" in of_preset


def test_nothing_is_compiled_before_a_training_is_measured(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}
    monkeypatch.setattr(compare, "run_process", lambda command, log, environment: given.update(environment) or {})
    monkeypatch.setattr(compare, "trained", lambda run: {"training_seconds": 2.0, "raw_words": 600.0})
    options = compare.parse_arguments([str(corpus)])
    job = compare.first_job(options, tmp_path)
    assert compare.measure(compare.SYSTEMS["ours"][0], job, 600, options, tmp_path)["words_per_second"] == 300
    caches = [Path(given[name]) for name in ("NUMBA_CACHE_DIR", "TRITON_CACHE_DIR", "WORD2VEC_CACHE")]
    assert len(set(caches)) == 3
    assert all(cache.parent == tmp_path and not cache.exists() for cache in caches)


def test_a_child_is_measured_by_its_own_memory(tmp_path: Path) -> None:
    # a child starts with the peak of its parent, here pytest with torch in it, so it has to go beyond that
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    size = own + 50_000_000
    figures = compare.run_process([sys.executable, "-c", f"b'x' * {size}"], tmp_path / "log", dict(os.environ))
    assert size < figures["peak_mb"] * 1e6 < size + 50_000_000
    assert figures["wall_seconds"] > 0
    assert figures["other_cores"] >= 0


def test_a_failed_child_is_named_with_its_last_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "print('no such device'); raise SystemExit(3)"]
    with pytest.raises(compare.ComparisonError, match="exit code 3"):
        compare.run_process(command, tmp_path / "log", dict(os.environ))
    assert "no such device" in capsys.readouterr().err


def test_a_machine_without_git_or_the_drivers_tool_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert (compare.commit(), compare.gpu_name()) == ("unknown", "unknown")
    assert compare.hardware("cuda")["gpu"] == "unknown"


def test_the_command_is_shown_without_paths_of_this_machine() -> None:
    shown = compare.shown_command(["/home/somebody/text8", "--output=/home/somebody/a b.json", "--systems", "ours"])
    assert shown == "python evaluation/compare.py text8 '--output=a b.json' --systems ours"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.txt"], "nowhere.txt: no such file"),
        (["CORPUS", "--systems", "gensim"], "gensim is not installed"),
    ],
)
def test_what_is_missing_is_said_at_once(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    corpus = tmp_path / "corpus"
    corpus.write_text("to be or not to be")
    monkeypatch.setattr(compare, "find_spec", lambda name: None)
    monkeypatch.setattr(compare, "run_process", lambda *_: pytest.fail("a process was started"))
    output = tmp_path / "out.json"
    code = compare.main([str(corpus) if each == "CORPUS" else each for each in arguments] + ["--output", str(output)])
    assert code == 1
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_unknown_systems_and_wrong_numbers_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, message in ((["--systems", "ours,glove"], "'glove' is not one of"), (["--rounds", "0"], "'0' is not")):
        with pytest.raises(SystemExit, match="2"):
            compare.parse_arguments(wrong)
        assert message in capsys.readouterr().err


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus"
    path.write_text("to be or not to be " * 100)
    return path


def test_a_comparison_from_end_to_end(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fake(job: Any, *_: object, **__: object) -> list[str]:
        return [sys.executable, "-c", TRAINER, "--output", job.output]

    monkeypatch.setattr(compare, "training_command", fake)
    output = tmp_path / "results" / "out.json"
    arguments = [str(corpus), "--systems", "ours", "--rounds", "2", "--epochs", "2", "--output", str(output)]
    assert compare.main(arguments) == 0
    report = json.loads(output.read_text())
    assert report["corpus"]["words"] == report["corpus"]["words_used"] == 600
    assert [each["seed"] for each in report["measurements"]] == [1, 2]
    assert all(each["figures"]["training_seconds"] == 2.0 for each in report["measurements"])
    assert all(each["figures"]["words_per_second"] == 600 for each in report["measurements"])
    assert {"date", "command", "commit", "hardware", "versions"} <= report.keys()
    assert str(tmp_path) not in output.read_text()
    shown = capsys.readouterr().out
    assert "| ours   | 600 (600 to 600) |" in shown
    assert "indexing" not in shown


def test_what_was_measured_before_a_failure_is_kept(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails_in_round_two(job: Any, *_: object, **__: object) -> list[str]:
        program = TRAINER if job.seed == 1 else "raise SystemExit(9)"
        return [sys.executable, "-c", program, "--output", job.output]

    monkeypatch.setattr(compare, "training_command", fails_in_round_two)
    output = tmp_path / "out.json"
    assert compare.main([str(corpus), "--systems", "ours", "--output", str(output)]) == 1
    assert "ours, round 2: exit code 9" in capsys.readouterr().err
    assert len(json.loads(output.read_text())["measurements"]) == 1


@pytest.mark.slow
def test_the_peers_run_on_a_small_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gensim")
    pytest.importorskip("fasttext")
    words = np.random.default_rng(0).zipf(1.2, 40_000).clip(max=2000)
    (tmp_path / "corpus").write_text(" ".join(f"w{word}" for word in words))
    systems = "gensim,fasttext,tutorial,indexing"
    arguments = [str(tmp_path / "corpus"), "--systems", systems, "--rounds", "1", "--epochs", "1"]
    assert compare.main([*arguments, "--quality", "--output", str(tmp_path / "out.json")]) == 0
    figures = {
        each["label"]: each["figures"] for each in json.loads((tmp_path / "out.json").read_text())["measurements"]
    }
    assert list(figures) == ["gensim", "fasttext", "tutorial", "ours (indexing)", "gensim (indexing)"]
    assert all(figures[label]["words_per_second"] > 0 for label in ("gensim", "fasttext", "tutorial"))
    assert all(figures[label]["indexing_seconds"] > 0 for label in ("ours (indexing)", "gensim (indexing)"))
    assert capsys.readouterr().out.count("| gensim") == 2


# ---- the tutorial pipeline


def test_tutorial_vocabulary_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("b a b c\na b d d")
    vocabulary = tutorial.read_vocabulary(path, 2)
    assert vocabulary == {"b": 3, "a": 2, "d": 2}
    assert next(iter(vocabulary)) == "b"
    ids = tutorial.encode(path, vocabulary)
    assert [list(vocabulary)[index] for index in ids.tolist()] == ["b", "a", "b", "a", "b", "d", "d"]
    assert ids.dtype == torch.int64


def test_tutorial_items_never_leave_the_text() -> None:
    ids = torch.tensor([4, 0, 3, 1, 2, 0, 1])
    items = tutorial.SkipGramItems(ids, torch.ones(5), window=2, negatives=3)
    found = [(center.item(), context.tolist()) for center, context, _ in (items[i] for i in range(len(items)))]
    assert found == [(3, [4, 0, 1, 2]), (1, [0, 3, 2, 0]), (2, [3, 1, 0, 1])]
    assert items[0][2].shape == (12,)
    assert len(tutorial.SkipGramItems(ids[:4], torch.ones(5), window=2, negatives=3)) == 0


def test_tutorial_negatives_follow_counts_to_three_quarters() -> None:
    torch.manual_seed(0)
    counts = (10_000 / torch.arange(1, 41)).long()
    items = tutorial.SkipGramItems(torch.arange(40).repeat(10), counts, window=5, negatives=5)
    drawn = torch.cat([items[i % len(items)][2] for i in range(1000)])
    observed = torch.bincount(drawn, minlength=40).numpy()

    def p_value(exponent: float) -> float:
        share = counts.double().numpy() ** exponent
        return float(chisquare(observed, observed.sum() * share / share.sum()).pvalue)

    assert p_value(0.75) > 0.01
    assert p_value(0.70) < 1e-6  # the test can tell one exponent from another


def test_tutorial_loss_is_that_of_a_plain_loop() -> None:
    torch.manual_seed(0)
    model = tutorial.TutorialSkipGram(7, 4)
    torch.nn.init.normal_(model.output.weight)
    torch.nn.init.normal_(model.input.weight)
    center, context, negatives = torch.randint(7, (3,)), torch.randint(7, (3, 4)), torch.randint(7, (3, 8))
    x, y = model.input.weight.detach().double().numpy(), model.output.weight.detach().double().numpy()
    total = 0.0
    for row in range(3):
        for word in context[row]:
            total += np.log1p(np.exp(-x[center[row]] @ y[word]))
        for word in negatives[row]:
            total += np.log1p(np.exp(x[center[row]] @ y[word]))
    assert model(center, context, negatives).item() == pytest.approx(total / 3, rel=1e-5)


def test_tutorial_learns() -> None:
    torch.manual_seed(0)
    # two sets of words that never meet, so that a context word can be told from noise
    ids = torch.cat([torch.randint(0, 10, (800,)), torch.randint(10, 20, (800,))])
    items = tutorial.SkipGramItems(ids, torch.ones(20), window=2, negatives=2)
    losses = list(tutorial.steps(tutorial.TutorialSkipGram(20, 8), items, batch_size=32, learning_rate=0.05))
    assert len(losses) == len(items) // 32
    assert losses[0] == pytest.approx(12 * np.log(2), rel=1e-5)  # all scores are zero at first
    assert np.mean(losses[-10:]) < 0.85 * losses[0]


def test_tutorial_times_the_steps_after_the_warm_up() -> None:
    def batches(count: int) -> Iterator[float]:
        yield from map(float, range(count))

    timing = tutorial.time_steps(batches(10), batch_size=4, warm_up=3, timed=5)
    assert (timing.steps, timing.words, timing.loss) == (5, 20, 7.0)
    short = tutorial.time_steps(batches(5), batch_size=4, warm_up=3, timed=5)
    assert (short.steps, short.words, short.loss) == (2, 8, 4.0)
    with pytest.raises(ValueError, match="fewer than 4 batches of 4 words"):
        tutorial.time_steps(batches(3), batch_size=4, warm_up=3, timed=5)
