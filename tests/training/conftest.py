"""A corpus for tests that need no quality, only something to train."""

from pathlib import Path

import pytest

from tests.conftest import topic_text


@pytest.fixture
def short_file(tmp_path: Path) -> Path:
    """A corpus of three topics in 200 sentences, 1,200 words."""
    path = tmp_path / "short.txt"
    path.write_text(topic_text(200), encoding="utf-8")
    return path
