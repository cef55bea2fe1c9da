"""Several processes, of one machine or of many, that train one model: torch.distributed, as torchrun starts it.

A process is a rank. Rank 0 indexes the corpus first, writes the run folder, logs and draws; all ranks train, each on
its own share of the text, and averaging.py brings their tables together. Here is what they say to each other besides.
A process that runs alone is rank 0 of 1, to which all of this costs nothing.

What ranks send are numbers and JSON, never pickles. A rank that dies closes its connections, which the others notice at
once; a host that falls silent is noticed after PATIENCE.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from word2vec.config import SETTINGS, option
from word2vec.errors import ConfigError, CorpusError, RankEndedError, RankLostError, TrainingInterrupted, Word2VecError
from word2vec.sampling.shards import Shard
from word2vec.training.checkpoint import Checkpoint
from word2vec.training.metrics import LogState

PATIENCE = timedelta(seconds=40)  # to wait for another rank's part of a round, before it counts as lost
LONG_PATIENCE = timedelta(days=1)  # to wait while rank 0 indexes, compiles, evaluates or writes
PER_RANK = frozenset({"corpus", "device", "threads", "pairs", "checkpoint_every"})  # settings that need not be the same
DTYPES = {str(dtype): dtype for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8)}

STORE_SECONDS = 5  # to wait for an answer of torchrun's store
BROADCAST_ROWS = 1 << 14  # at a time

T = TypeVar("T")

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class Ranks:
    """The processes that train one model, as seen from one of them.

    Attributes:
        rank: the number of this one.
        size: how many there are.
        local_rank: the number of this one on its machine.
        local_size: how many there are on its machine.
        restarted: whether torchrun started them anew, after one had failed.
        group: of the collective calls of training, which wait for PATIENCE; None where there is one rank.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    restarted: bool = False
    group: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this rank writes, logs and draws."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all ranks are here, however long one of them works by itself."""
        if self.size > 1:
            with _lost_told():
                dist.barrier()

    def in_turns(self, work: Callable[[], T]) -> T:
        """The result of what rank 0 does first, then one rank of each other machine, then the rest of them."""
        if self.size == 1:
            return work()
        turn = 0 if self.first else 1 if self.local_rank == 0 else 2
        results: list[T] = []
        for now in range(3):
            if now == turn:
                results.append(work())
            self.wait()
        return results[0]

    def gather(self, value: Any) -> list[Any]:
        """What each rank has to say, as JSON can hold it; all get all of it, however long one takes to say it."""
        if self.size == 1:
            return [value]
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        with _lost_told():
            lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
            dist.all_gather(lengths, torch.tensor([len(text)]))
            longest = max(int(length) for length in lengths)
            texts = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.size)]
            dist.all_gather(texts, torch.nn.functional.pad(text, (0, longest - len(text))))
        return [json.loads(bytes(each[: int(n)].tolist())) for each, n in zip(texts, lengths, strict=True)]

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all ranks, in place."""
        if self.size > 1:
            with _lost_told():
                dist.all_reduce(tensor, group=self.group)
        return tensor

    def any(self, flags: Tensor) -> Tensor:
        """Where a rank has a 1, uint8, in place."""
        if self.size > 1:
            with _lost_told():
                dist.all_reduce(flags, dist.ReduceOp.MAX, group=self.group)
        return flags

    def copy_from_first(self, *tables: Tensor) -> None:
        """Give all ranks the tables of rank 0, in place."""
        if self.size > 1:
            with _lost_told():
                for table in tables:
                    for rows in torch.split(table.detach(), BROADCAST_ROWS):
                        dist.broadcast(rows, 0)

    def checkpoint_of_first(self, found: Checkpoint | None) -> Checkpoint | None:
        """What rank 0 found in the run folder, for the other ranks may not see it."""
        if self.size == 1:
            return found
        facts = self.gather(found and vars(found) | {"shards": [_as_json(shard) for shard in found.shards]})[0]
        if facts is None:
            return None
        shards = [_from_json(shard) for shard in facts["shards"]]
        return Checkpoint(**facts | {"shards": shards, "log": LogState(*facts["log"])})

    def all_shards(self, shards: Sequence[Shard]) -> list[Shard]:
        """The shards of all ranks, for a checkpoint."""
        if self.size == 1:
            return list(shards)
        return [_from_json(shard) for rank in self.gather([_as_json(shard) for shard in shards]) for shard in rank]

    def refuse_different(self, facts: Checkpoint) -> None:
        """Make sure that all ranks are about to do the same.

        Raises:
            ConfigError: a rank has other settings than rank 0.
            CorpusError: a rank has another text.
        """
        settings = {name: value for name, value in facts.settings.items() if name not in PER_RANK}
        mine = {"settings": settings, "text": [facts.corpus, facts.vocabulary], "engine": facts.engine}
        first, *others = self.gather(mine)
        for rank, other in enumerate(others if self.first else [], start=1):  # one says it, which ends the others
            for name in SETTINGS:
                here, there = first["settings"].get(name), other["settings"].get(name)
                if here != there:
                    raise ConfigError(
                        f"{option(name)} is {here} on rank 0 and {there} on rank {rank}: give all the same"
                    )
            if other["text"] != first["text"]:
                raise CorpusError(
                    f"the text of rank {rank} is not that of rank 0 (fingerprints {other['text'][0][:8]} and "
                    f"{first['text'][0][:8]}): give all ranks the same files, in the same order"
                )
            if other["engine"] != first["engine"]:
                raise ConfigError(
                    f"rank 0 trains with {first['engine']} and rank {rank} with {other['engine']}: "
                    "set --device and --engine so that all can do the same"
                )


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """The ranks that torchrun started, while they train together; alone, where it started none.

    What ends one rank ends all. One of them says why, the first to fail or to miss another.

    Args:
        device: of the settings; on CUDA machines each rank takes the device of its local number, unless it is "cpu".

    Raises:
        RankEndedError: another rank has said why all end.
        Word2VecError: this rank cannot go on; says which it is.
    """
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield Ranks(restarted=restarts > 0)
        return
    cuda = device != "cpu" and torch.cuda.is_available()
    local_rank, local_size = (int(os.environ.get(name, default)) for name, default in LOCAL)
    if cuda:
        _take_device(local_rank, local_size)
    with _lost_told():
        torchruns, rank, size = next(rendezvous("env://"))
        # subtle: torchrun may keep its store, in which ranks that it ended have left the addresses where they were
        store = PrefixStore(f"{size} ranks, start {restarts}", torchruns)
        # subtle: of two groups one waits long, for what rank 0 does alone, and one does not, for what all do at once
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=LONG_PATIENCE)
        group = dist.new_group(backend="cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)
        assert isinstance(group, dist.ProcessGroup)  # noqa: S101 (other ranks than those of a group get a number)
    level = logger.level
    if rank:
        logger.setLevel(logging.CRITICAL)
    try:
        yield Ranks(rank, size, local_rank, local_size, restarts > 0, group)
    except TrainingInterrupted as error:
        if rank:
            raise RankEndedError("rank 0 has said that training was interrupted") from error
        raise
    except Exception as error:
        if not _first_to_fail(store):
            raise RankEndedError("another rank has ended the training; it says why") from error
        if rank and isinstance(error, Word2VecError):
            raise Word2VecError(f"rank {rank}: {error}") from error
        raise
    else:
        dist.destroy_process_group()
    finally:
        logger.setLevel(level)


LOCAL = (("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"))


def _take_device(local_rank: int, local_size: int) -> None:
    devices = torch.cuda.device_count()
    if local_size > devices:
        raise ConfigError(
            f"{local_size} ranks on a machine with {devices} CUDA devices: "
            f"start torchrun with --nproc-per-node={devices}, or train with --device cpu"
        )
    torch.cuda.set_device(local_rank)


def _first_to_fail(store: Store) -> bool:
    """Whether no other rank has failed before; also where that cannot be found out, for then nobody hears of it."""
    answers: list[int] = []

    def ask() -> None:
        with suppress(RuntimeError):
            answers.append(store.add("failed", 1))

    asking = Thread(target=ask, daemon=True)  # subtle: of a host that is cut off nothing comes back, not even an error
    asking.start()
    asking.join(STORE_SECONDS)
    return answers in ([], [1])


@contextmanager
def _lost_told() -> Iterator[None]:
    """Turn the many ways in which torch says that a rank is gone into one line."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        logger.debug("torch.distributed: %s", reason)
        raise RankLostError(
            f"another rank ended, fell silent or was {PATIENCE.seconds} s behind: start again with --resume "
            "(where ranks are that slow, a smaller --sync-every helps)"
        ) from error


def _as_json(shard: Shard) -> dict[str, Any]:
    own = {name: (str(tensor.dtype), tensor.tolist()) for name, tensor in shard.own.items()}
    return vars(shard) | {"own": own}


def _from_json(shard: dict[str, Any]) -> Shard:
    """Subtle: floats come back as they were, for JSON has enough digits of them."""
    return Shard(
        **shard
        | {
            "unread": [(first, last) for first, last in shard["unread"]],
            "stream": tuple(shard["stream"]),
            "own": {name: torch.tensor(values, dtype=DTYPES[kind]) for name, (kind, values) in shard["own"].items()},
        }
    )
