"""Communication between the processes that train one model, started by torchrun and connected by torch.distributed.

Each process has a rank. Rank 0 indexes the corpus first, writes the run folder and logs; all ranks train, each its own
shards, and averaging.py keeps their tables together. A process that trains alone is rank 0 of 1, and every operation
here is free for it.

Ranks exchange numbers and JSON, never pickles. A process that dies closes its connections, which the others notice at
immediately; a host that stops responding is noticed after TIMEOUT.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
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

from word2vec.errors import ConfigError, RankEndedError, RankLostError, TrainingInterrupted, Word2VecError

TIMEOUT = timedelta(seconds=40)  # for another rank to finish its part of a round, before it counts as lost
LONG_TIMEOUT = timedelta(days=1)  # while rank 0 indexes, compiles, evaluates or writes
STORE_SECONDS = 5  # for an answer of torchrun's store
BROADCAST_ROWS = 1 << 14  # rows of a table sent at a time

T = TypeVar("T")

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class ProcessGroup:
    """The processes that train one model, as seen from one of them.

    Attributes:
        rank: Rank of this process.
        size: Number of processes.
        local_rank: Rank of this process on its machine.
        local_size: Number of processes on its machine.
        restarted: Whether torchrun restarted the processes after one of them failed.
        group: For the collective operations of training, which time out after TIMEOUT; None for a single process.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    restarted: bool = False
    group: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which writes and logs."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all ranks arrive here, however long one of them works alone."""
        if self.size > 1:
            with _connection_errors():
                dist.barrier()

    def in_turns(self, work: Callable[[], T]) -> T:
        """Do the same work on all ranks: first on rank 0, then on one rank of each other machine, then on the rest."""
        if self.size == 1:
            return work()
        turn = 0 if self.first else 1 if self.local_rank == 0 else 2
        results: list[T] = []
        for current in range(3):
            if current == turn:
                results.append(work())
            self.wait()
        return results[0]

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, on all ranks; each must be representable in JSON."""
        if self.size == 1:
            return [value]
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        with _connection_errors():
            lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
            dist.all_gather(lengths, torch.tensor([len(text)]))
            longest = max(int(length) for length in lengths)
            texts = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.size)]
            dist.all_gather(texts, torch.nn.functional.pad(text, (0, longest - len(text))))
        return [json.loads(bytes(each[: int(n)].tolist())) for each, n in zip(texts, lengths, strict=True)]

    def sum(self, tensor: Tensor) -> Tensor:
        """Element-wise sum over ranks, in place."""
        if self.size > 1:
            with _connection_errors():
                dist.all_reduce(tensor, group=self.group)
        return tensor

    def max(self, tensor: Tensor) -> Tensor:
        """Element-wise maximum over ranks, in place."""
        if self.size > 1:
            with _connection_errors():
                dist.all_reduce(tensor, dist.ReduceOp.MAX, group=self.group)
        return tensor

    def broadcast(self, *tables: Tensor) -> None:
        """Copy the tables of rank 0 to all ranks, in place."""
        if self.size > 1:
            with _connection_errors():
                for table in tables:
                    for rows in torch.split(table.detach(), BROADCAST_ROWS):
                        dist.broadcast(rows, 0)


@contextmanager
def join_process_group(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started; without torchrun, a group of one.

    An error on one rank ends all of them, and exactly one reports it: the first to fail or to miss another. On success
    and after an interruption, no rank leaves before rank 0 has saved its files.

    Args:
        device: The setting; on machines with CUDA each rank uses the device of its local rank, unless it is "cpu".

    Raises:
        RankEndedError: Another rank reports the error.
        Word2VecError: This rank failed; the message says which one it is.
    """
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield ProcessGroup(restarted=restarts > 0)
        return
    cuda = device != "cpu" and torch.cuda.is_available()
    local_rank, local_size = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if cuda:
        _select_device(local_rank, local_size)
    with _connection_errors():
        torchrun_store, rank, size = next(rendezvous("env://"))
        # subtle: torchrun may reuse its store, which still has the addresses of ranks that it ended
        store = PrefixStore(f"{size} ranks, start {restarts}", torchrun_store)
        # subtle: two groups, one with a long timeout for what rank 0 does alone, one for what all ranks do at once
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=LONG_TIMEOUT)
        group = dist.new_group(backend="cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)
        assert isinstance(group, dist.ProcessGroup)  # noqa: S101 (only ranks outside of a group get a number)
    processes = ProcessGroup(rank, size, local_rank, local_size, restarts > 0, group)
    level = logger.level
    if rank:
        logger.setLevel(logging.CRITICAL)
    try:
        yield processes
        processes.wait()
    except TrainingInterrupted as error:
        processes.wait()
        if rank:
            raise RankEndedError("rank 0 reports the interruption") from error
        raise
    except Exception as error:
        if not _first_to_fail(store):
            raise RankEndedError("another rank reports the error") from error
        if rank and isinstance(error, Word2VecError):
            raise Word2VecError(f"rank {rank}: {error}") from error
        raise
    else:
        dist.destroy_process_group()
    finally:
        logger.setLevel(level)


def _select_device(local_rank: int, local_size: int) -> None:
    devices = torch.cuda.device_count()
    if local_size > devices:
        raise ConfigError(
            f"{local_size} ranks on a machine with {devices} CUDA devices: "
            f"start torchrun with --nproc-per-node={devices}, or train with --device cpu"
        )
    torch.cuda.set_device(local_rank)


def _first_to_fail(store: Store) -> bool:
    """Return whether this rank is the first to fail; true if that is unknown, so that some rank reports the error."""
    answers: list[int] = []

    def ask() -> None:
        with suppress(RuntimeError):
            answers.append(store.add("failed", 1))

    asking = Thread(target=ask, daemon=True)  # subtle: a host that is cut off gets no answer, not even an error
    asking.start()
    asking.join(STORE_SECONDS)
    return answers in ([], [1])


@contextmanager
def _connection_errors() -> Iterator[None]:
    """Turn the many errors with which torch reports a lost rank into one message."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        logger.debug("torch.distributed: %s", reason)
        raise RankLostError(
            f"connection lost: another rank ended, stopped responding or was {TIMEOUT.seconds} s late; restart with "
            "--resume (if ranks are that slow, a smaller --sync-every helps)"
        ) from error
