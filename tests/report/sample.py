"""A small run folder with a log, settings, and words that look like markup."""

from pathlib import Path

import numpy as np
import tomli_w

from tests.report.test_history import TWO_EPOCHS
from word2vec.vectors.word_vectors import WordVectors

HOSTILE = [
    "</script><script>window.hacked=1</script>",
    "<img/src=x/onerror=window.hacked=1>",
    "<!--",
    "<b>bold</b>",
    "&lt;",
    "%{x}",
    "\"'`${1}",
    "{{7*7}}",
    "__proto__",
    "constructor",
    "-",
    "größe",
    "日本語",
]
WORDS = ["king", "queen", "man", "woman", "duke", *HOSTILE, *(f"word{i}" for i in range(300))]
"""King, queen, man and woman form an analogy; the other vectors are random."""


def sample_vectors() -> WordVectors:
    """Vectors of integers with maximum 127, which quantization to 8 bits leaves unchanged."""
    rows = np.random.default_rng(0).integers(-126, 127, size=(len(WORDS), 20))
    rows[:, 0] = 127
    royal, male, female = 127 * np.eye(20, dtype=np.int64)[1:4]
    rows[:5] = [royal + male, royal + female, male, female, royal + male + female // 3]
    return WordVectors(WORDS, rows, counts=range(2 * len(WORDS), len(WORDS), -1))


def write_sample_run(run: Path) -> WordVectors:
    vectors = sample_vectors()
    vectors.save(run, format="run")
    log = [line.replace('"mine"', '"<i>mine</i>"') for line in TWO_EPOCHS]
    for place, loss in ((1, 2.4), (3, 2.1)):
        log[place] = log[place].replace('"kind"', f'"validation_loss": {loss}, "held_out_words": 10, "kind"')
    (run / "metrics.jsonl").write_text("\n".join(log) + "\n")
    settings = {"corpus": ["</title><script>window.hacked=1</script>"], "epochs": 2, "odd<b>": 'a"<script>'}
    (run / "config.toml").write_text(tomli_w.dumps(settings))
    return vectors
