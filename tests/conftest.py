"""Fixtures shared by all tests, and a tiny corpus whose correct result is known."""

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
"""Words occur only beside words of their own topic, so the words of a topic must get similar vectors."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own cache folder, so that no test reads or writes the user's cache."""
    monkeypatch.setenv("WORD2VEC_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def default_ctrl_c() -> Iterator[None]:
    """Restore the default handler of Ctrl-C, which a shell disables for processes in its background."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler if before is signal.SIG_IGN else before)
    yield
    signal.signal(signal.SIGINT, before)


def topic_text(sentences: int = 1000, seed: int = 0) -> str:
    """Sentences of six words, each from one topic."""
    draw = random.Random(seed)
    topics = list(TOPICS.values())
    return "\n".join(" ".join(draw.choices(draw.choice(topics), k=6)) for _ in range(sentences)) + "\n"


@pytest.fixture
def topics_file(tmp_path: Path) -> Path:
    """A corpus of three topics in 1,000 sentences, 6,000 words."""
    path = tmp_path / "topics.txt"
    path.write_text(topic_text(), encoding="utf-8")
    return path
