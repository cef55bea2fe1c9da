"""evaluation/peers.py: preparing the corpus, and the tutorial pipeline."""

import importlib
import io
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

compare: Any = importlib.import_module("compare")
peers: Any = importlib.import_module("peers")

TEXT = b" one two\nthree  four five extraordinary\nsix"


def test_first_words_end_at_a_word_and_keep_line_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "BLOCK_BYTES", 7)
    words = TEXT.split()
    for limit in range(1, 9):
        cut = b"".join(peers.first_words(io.BytesIO(TEXT), limit))
        assert cut.split() == words[:limit]
        assert cut.strip() == TEXT[: len(cut.rstrip())].strip()


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
def test_words_are_counted_across_blocks(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes(TEXT)
    monkeypatch.setattr(peers, "BLOCK_BYTES", block)
    assert peers.count_words(tmp_path / "text") == 7


def test_compressed_corpus_is_decompressed_and_cut(tmp_path: Path) -> None:
    source = tmp_path / "corpus.xz"
    source.write_bytes(lzma.compress(b"to be or not to be"))
    options = compare.parse_arguments([str(source), "--words", "4"])
    job = compare.first_job(options, tmp_path)
    assert peers.prepare(job) == {"words": 4, "full_words": 6}
    assert Path(job.full).read_text() == "to be or not to be"
    assert Path(job.text).read_text().split() == ["to", "be", "or", "not"]


def test_plain_corpus_is_not_copied(tmp_path: Path) -> None:
    job = compare.first_job(compare.parse_arguments([str(tmp_path / "corpus")]), tmp_path)
    assert job.full == job.text == str(tmp_path / "corpus")


def test_importing_the_peers_imports_nothing_large() -> None:
    # the memory and the time of every process that compare.py starts would include it
    import subprocess
    import sys

    code = "import sys, peers, compare; print(*{'torch', 'numpy', 'gensim', 'numba', 'word2vec'} & sys.modules.keys())"
    folder = Path(peers.__file__).parent
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# ---- the tutorial pipeline


def test_tutorial_vocabulary_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("b a b c\na b d d")
    vocabulary = peers.read_vocabulary(path, 2)
    assert vocabulary == {"b": 3, "a": 2, "d": 2}
    assert next(iter(vocabulary)) == "b"
    ids = peers.encode(path, vocabulary)
    assert [list(vocabulary)[index] for index in ids.tolist()] == ["b", "a", "b", "a", "b", "d", "d"]
    assert ids.dtype == torch.int64


def test_tutorial_windows_stay_inside_the_text() -> None:
    ids = torch.tensor([4, 0, 3, 1, 2, 0, 1])
    items = peers.SkipGramItems(ids, torch.ones(5), window=2, negatives=3)
    found = [(center.item(), context.tolist()) for center, context, _ in (items[i] for i in range(len(items)))]
    assert found == [(3, [4, 0, 1, 2]), (1, [0, 3, 2, 0]), (2, [3, 1, 0, 1])]
    assert items[0][2].shape == (12,)
    assert len(peers.SkipGramItems(ids[:4], torch.ones(5), window=2, negatives=3)) == 0


def test_tutorial_negatives_follow_counts_to_the_power_three_quarters() -> None:
    torch.manual_seed(0)
    counts = (10_000 / torch.arange(1, 41)).long()
    items = peers.SkipGramItems(torch.arange(40).repeat(10), counts, window=5, negatives=5)
    drawn = torch.cat([items[i % len(items)][2] for i in range(1000)])
    observed = torch.bincount(drawn, minlength=40).numpy()

    def p_value(exponent: float) -> float:
        weights = counts.double().numpy() ** exponent
        return float(chisquare(observed, observed.sum() * weights / weights.sum()).pvalue)

    assert p_value(0.75) > 0.01
    assert p_value(0.70) < 1e-6  # the test distinguishes the exponents


def test_tutorial_loss_equals_a_plain_loop() -> None:
    torch.manual_seed(0)
    tables = peers.tutorial_tables(7, 4)
    for table in tables:
        torch.nn.init.normal_(table.weight)
    center, context, negatives = torch.randint(7, (3,)), torch.randint(7, (3, 4)), torch.randint(7, (3, 8))
    x, y = (table.weight.detach().double().numpy() for table in tables)
    total = 0.0
    for row in range(3):
        for word in context[row]:
            total += np.log1p(np.exp(-x[center[row]] @ y[word]))
        for word in negatives[row]:
            total += np.log1p(np.exp(x[center[row]] @ y[word]))
    assert peers.tutorial_loss(tables, center, context, negatives).item() == pytest.approx(total / 3, rel=1e-5)


def test_tutorial_loss_decreases() -> None:
    torch.manual_seed(0)
    # two sets of words that never occur together, so that a context word differs from noise
    ids = torch.cat([torch.randint(0, 10, (800,)), torch.randint(10, 20, (800,))])
    items = peers.SkipGramItems(ids, torch.ones(20), window=2, negatives=2)
    tables = peers.tutorial_tables(20, 8)
    losses = list(peers.tutorial_steps(tables, items, batch_size=32, learning_rate=0.05))
    assert len(losses) == len(items) // 32
    assert losses[0] == pytest.approx(12 * np.log(2), rel=1e-5)  # all scores are zero at first
    assert np.mean(losses[-10:]) < 0.85 * losses[0]


def test_tutorial_times_the_steps_after_the_warm_up() -> None:
    def batches(count: int) -> Iterator[float]:
        yield from map(float, range(count))

    timing = peers.time_steps(batches(10), batch_size=4, warm_up=3, timed=5)
    assert (timing.steps, timing.words, timing.loss) == (5, 20, 7.0)
    short = peers.time_steps(batches(5), batch_size=4, warm_up=3, timed=5)
    assert (short.steps, short.words, short.loss) == (2, 8, 4.0)
    with pytest.raises(ValueError, match="fewer than 4 batches of 4 words"):
        peers.time_steps(batches(3), batch_size=4, warm_up=3, timed=5)
