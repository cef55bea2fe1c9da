"""How the processes that train one model share the corpus."""

from pathlib import Path

import pytest

from word2vec.config import TrainConfig
from word2vec.corpus.index import IndexedCorpus
from word2vec.training.distributed import ProcessGroup
from word2vec.training.source import CorpusSource


def test_one_process_of_each_machine_verifies_the_index(topics_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others only map it, so each of them reads no more than it trains."""
    config = TrainConfig(corpus=(str(topics_file),))
    first = CorpusSource().open(config, None, ProcessGroup(), False)
    read: list[str] = []
    monkeypatch.setattr(IndexedCorpus, "_blocks", lambda _, name, *__: read.append(name) or iter(()))
    second = CorpusSource().open(config, None, ProcessGroup(local_rank=1, local_size=2), False)
    assert read == []
    assert (second.fingerprint, second.tokens.tolist()) == (first.fingerprint, first.tokens.tolist())
