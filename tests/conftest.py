"""Fixtures shared by the tests: a tiny corpus whose right answer is known."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

TOPICS = {
    "animals": ["cat", "dog", "horse", "sheep", "cow", "goat"],
    "colors": ["red", "green", "blue", "yellow", "white", "black"],
    "numbers": ["one", "two", "three", "four", "five", "six"],
}
"""Words of a topic only ever stand beside words of their own topic, so a topic's words must end up close together."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("WORD2VEC_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts what runs in its background with Ctrl-C ignored; the tests of Ctrl-C want it heard."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler if before is signal.SIG_IGN else before)
    yield
    signal.signal(signal.SIGINT, before)


def topic_text(sentences: int = 1000, seed: int = 0) -> str:
    """Sentences of six words, each of one topic."""
    draw = random.Random(seed)
    topics = list(TOPICS.values())
    return "\n".join(" ".join(draw.choices(draw.choice(topics), k=6)) for _ in range(sentences)) + "\n"


@pytest.fixture
def topics_file(tmp_path: Path) -> Path:
    """A corpus of three topics."""
    path = tmp_path / "topics.txt"
    path.write_text(topic_text(), encoding="utf-8")
    return path
