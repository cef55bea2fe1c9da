"""AveragingEngine: several processes train one model; an engine that wraps the engine of this process.

rounds.py averages the tables, and process_group.py communicates. This module combines them behind the interface of an
engine, so that the training loop treats several processes like one.
"""

import logging
from collections.abc import Generator
from contextlib import closing

from word2vec.engines.base import Engine, Pause, Progress
from word2vec.sampling.shards import Shard
from word2vec.training.distributed.process_group import ProcessGroup
from word2vec.training.distributed.rounds import Rounds

logger = logging.getLogger("word2vec")


class AveragingEngine(Engine):
    """Trains in rounds, between which the tables of all processes are averaged.

    Reports and shards are those of all processes. If a process requests a pause, all processes pause at the end of the
    round.

    Args:
        engine: The engine of this process.
        group: The processes.
        sync_every: Corpus words per process between two averagings; None for the default of the engine.
    """

    def __init__(self, engine: Engine, group: ProcessGroup, sync_every: int | None = None) -> None:
        self.rounds = Rounds(group, engine.model, engine.dataset, engine.threads, sync_every or engine.sync_every)
        super().__init__(
            engine.model, engine.objective, engine.dataset, engine.learning_rate, threads=self.rounds.threads
        )
        self._engine, self._group = engine, group
        engine.learning_rate = self._learning_rate_of_rank
        self._request = Pause.NONE
        self._may_pause = False  # whether all processes are at the end of a round, with equal tables

    def epoch(self, number: int, shards: list[Shard] | None = None) -> Generator[Progress]:
        """Train one pass over the corpus; see `Engine.epoch`. `shards` are those of all processes."""
        self._group.wait()  # rank 0 may still be evaluating or writing
        self._request = Pause.NONE
        rounds = self.rounds
        mine = rounds.begin(shards)
        if not rounds.left:
            yield rounds.done  # training stopped after the last round of the epoch
        while rounds.left or not rounds.together:
            rounds.split_off(mine)
            with closing(self._engine.epoch(number, mine)) as reports:
                for report in reports:
                    yield rounds.progress_at(report)
            mine = self._engine.state()
            rounds.end(mine, self._request)
            if rounds.together:
                self._may_pause = True
                yield rounds.done
                self._may_pause = False
                if rounds.pause is not Pause.NONE:
                    self._request = Pause.NONE
                    self._group.wait()  # for rank 0 to write the checkpoint
        cost = f"{rounds.bytes_sent:,} bytes per process, {rounds.seconds:,.1f} s"
        logger.info("%d processes averaged %d times so far: %s", self._group.size, rounds.averaged, cost)

    def state(self) -> list[Shard]:
        """Return the shards of all processes; all of them must call this after `agree` has returned a pause."""
        shards = [shard.to_dict() for shard in self._engine.state()]
        return [Shard.from_dict(shard) for rank in self._group.gather(shards) for shard in rank]

    def agree(self, request: Pause) -> Pause:
        """Request a pause from all processes; returns the pause that all of them make now."""
        self._request = max(self._request, request)
        return self.rounds.pause if self._may_pause else Pause.NONE

    def _learning_rate_of_rank(self, epoch: int, words: int) -> float:
        """Return the learning rate when this process has read `words` of an epoch."""
        return self.learning_rate(epoch, self.rounds.words_at(words))
