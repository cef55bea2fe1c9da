"""Training on several processes, started by torchrun on a tiny corpus whose right answer is known."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import topic_text
from tests.training.distributed.test_rounds import on_ranks
from tests.training.test_checkpoint import lines
from tests.training.test_loop import margin, small
from word2vec.errors import ConfigError, CorpusError
from word2vec.training.checkpoint import Checkpoint, read_checkpoint
from word2vec.training.distributed.process_group import ProcessGroup, join_process_group
from word2vec.training.loop import train
from word2vec.training.setup import _refuse_different_ranks
from word2vec.vectors.word_vectors import WordVectors

ROOT = Path(__file__).parents[3]
SETTINGS = [
    "--dim=16", "--epochs=5", "--subsample=0", "--lr=0.1", "--threads=1", "--batch-size=64", "--sync-every=250",
]  # fmt: skip
STANDALONE = ("--standalone", "--max-restarts=0")


def torchrun(*arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return finished(started(*arguments), seconds)


def started(*arguments: str, prefix: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-m", "torch.distributed.run", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finished(process: subprocess.Popen[str], seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def ours(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The error lines of the command; torchrun writes others."""
    return [line.removeprefix("word2vec: ") for line in done.stderr.splitlines() if line.startswith("word2vec: ")]


def words_of_epochs(run: Path) -> list[int]:
    return [line["words"] for line in lines(run) if line["kind"] == "epoch"]


def ranks(number: int, *options: str) -> list[str]:
    return [f"--nproc-per-node={number}", str(ROOT / "tests/training/distributed/ranks.py"), *options]


def test_two_ranks_learn_and_one_speaks(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["-m", "word2vec", "train", str(topics_file), "--output", str(run), *SETTINGS]
    done = torchrun(*STANDALONE, "--nproc-per-node=2", *arguments)
    assert done.returncode == 0, done.stderr
    # as one process with half the words would not: seeds 1 to 3 gave 0.60 to 0.71
    assert margin(WordVectors.load(run)) > 0.5
    assert words_of_epochs(run) == [6_000, 12_000, 18_000, 24_000, 30_000]
    assert done.stderr.count("corpus of 6,000 words") == done.stderr.count("epoch 5/5") == 1
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoint.safetensors", "config.toml", "metrics.jsonl", "vectors.safetensors", "vocab.tsv",
    ]  # fmt: skip
    saved = read_checkpoint(run)
    assert (saved.finished, saved.log.words) == (True, 30_000)
    words, rates = ([line[name] for line in lines(run)] for name in ("words", "lr"))
    assert words == sorted(words)
    assert rates == sorted(rates, reverse=True)


def test_one_rank_is_a_process_like_any_other(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, sync_every=250), tmp_path / "plain")
    done = torchrun(*STANDALONE, *ranks(1), "train", str(topics_file), "--output", str(tmp_path / "run"), *SETTINGS)
    assert done.returncode == 0, done.stderr
    for name in ("vectors.safetensors", "vocab.tsv", "config.toml"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert lines(tmp_path / "run") == lines(tmp_path / "plain")


def test_a_rank_that_dies_ends_all_and_the_restart_goes_on(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", str(topics_file), "--output", str(run), *SETTINGS]
    dying = ranks(2, "--checkpoints", "--die", "1", "36")  # where the second epoch is half done
    done = torchrun(*STANDALONE, *dying, *command)
    assert done.returncode == 1
    (line,) = ours(done)
    assert line.startswith("another rank ended, fell silent or was 40 s behind: start again with --resume")
    saved = read_checkpoint(run)
    assert 0 < saved.log.words < 12_000
    assert len(saved.shards) == 2
    # what it has learnt is not lost, and not overwritten
    done = torchrun(*STANDALONE, *ranks(2), *command)
    assert len(ours(done)) == 1
    assert "holds the checkpoint of an unfinished run (epoch 2 of 5): add --resume to go on" in ours(done)[0]
    # one process goes on where two were
    train(small(topics_file), run, resume=True)
    assert margin(WordVectors.load(run)) > 0.5
    assert words_of_epochs(run) == [6_000, 12_000, 18_000, 24_000, 30_000]


@pytest.mark.slow
def test_torchrun_starts_a_run_again_where_it_was(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", str(topics_file), "--output", str(run), *SETTINGS]
    dying = ranks(2, "--checkpoints", "--die", "1", "36")
    done = torchrun("--standalone", "--max-restarts=1", *dying, *command)
    assert done.returncode == 0, done.stderr
    assert "going on after" in done.stderr
    assert margin(WordVectors.load(run)) > 0.5
    assert words_of_epochs(run) == [6_000, 12_000, 18_000, 24_000, 30_000]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 3), (3, 1)])
@pytest.mark.parametrize("engine", ["autograd", "fused"])
def test_other_numbers_of_ranks_go_on(before: int, after: int, engine: str, topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", str(topics_file), "--output", str(run), *SETTINGS, f"--engine={engine}", "--resume"]
    # one rank alone notes its words only where an epoch begins and ends, and for a checkpoint
    torchrun(*STANDALONE, *ranks(before, "--checkpoints", "--die", "0", "6"), *command)
    saved = read_checkpoint(run)
    assert 0 < saved.log.words < 30_000
    assert not saved.finished
    done = torchrun(*STANDALONE, *ranks(after), *command)
    assert done.returncode == 0, done.stderr
    assert margin(WordVectors.load(run)) > 0.5
    assert words_of_epochs(run) == [6_000, 12_000, 18_000, 24_000, 30_000]


@pytest.mark.slow
def test_the_same_ranks_give_the_same_bytes(topics_file: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        command = ["train", str(topics_file), "--output", str(tmp_path / name), *SETTINGS]
        assert torchrun(*STANDALONE, *ranks(3), *command).returncode == 0
    assert (tmp_path / "a/vectors.safetensors").read_bytes() == (tmp_path / "b/vectors.safetensors").read_bytes()


@pytest.mark.slow
def test_a_fault_of_one_rank_is_told_once(topics_file: Path, tmp_path: Path) -> None:
    (tmp_path / "text0").write_text(topic_text())
    command = ["train", str(tmp_path / "text{rank}"), "--output", str(tmp_path / "run"), *SETTINGS]
    done = torchrun(*STANDALONE, *ranks(3), *command)
    assert done.returncode == 1
    (line,) = ours(done)
    assert line.startswith(f"rank 1: {tmp_path}/text1") or line.startswith(f"rank 2: {tmp_path}/text2")
    done = torchrun(*STANDALONE, *ranks(2), "train", str(topics_file), "--output", str(tmp_path / "run"), "--dim=0")
    assert ours(done) == ["--dim must be at least 1, not 0"]


def test_different_settings_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"^--dim is 10 on rank 0 and 11 on rank 2: give all ranks the same value$"):
        compared([{"dim": 10}, {"dim": 10}, {"dim": 11}])
    compared([{"dim": 10, "threads": 1, "corpus": ["a"]}, {"dim": 10, "threads": 2, "corpus": ["b"]}])


def test_different_texts_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"^rank 1 has another corpus than rank 0"):
        compared([{}, {}], corpora=["a", "b"])


def test_different_engines_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^rank 0 trains with GpuEngine and rank 1 with FusedEngine"):
        compared([{}, {}], engines=["GpuEngine", "FusedEngine"])


def compared(settings: list[dict[str, Any]], corpora: Sequence[str] = "aaa", engines: Sequence[str] = "eee") -> None:
    def compare(group: ProcessGroup) -> None:
        start = Checkpoint(settings[group.rank], corpora[group.rank], "vocabulary", engines[group.rank])
        _refuse_different_ranks(start, group)

    on_ranks(len(settings), compare)


def test_standard_input_is_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word2vec.training.loop.join_process_group", lambda device: _Two())
    with pytest.raises(ConfigError, match=r"^several processes cannot share standard input: save the text to a file"):
        train(small(Path("-")))


class _Two:
    def __enter__(self) -> ProcessGroup:
        return ProcessGroup(0, 2)

    def __exit__(self, *details: object) -> None:
        pass


def test_a_process_alone_joins_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with join_process_group("auto") as alone:
        assert (alone.size, alone.first, alone.group, alone.restarted) == (1, True, None, False)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    with join_process_group("auto") as alone:
        assert alone.restarted


# Several machines


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_two_agents_that_share_no_cache(topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    meeting = ["--nnodes=2", "--rdzv-backend=c10d", f"--rdzv-endpoint=localhost:{free_port()}", "--rdzv-id=1"]
    command = [*meeting, *ranks(2), "train", str(topics_file), "--output", str(run), *SETTINGS]
    agents = [started(*command, WORD2VEC_CACHE=str(tmp_path / f"cache{number}")) for number in range(2)]
    for agent in agents:
        done = finished(agent, 180)
        assert done.returncode == 0, done.stderr
    assert margin(WordVectors.load(run)) > 0.5
    assert words_of_epochs(run) == [6_000, 12_000, 18_000, 24_000, 30_000]
    assert [path.name for path in tmp_path.glob("cache?")] != []
    assert json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["words"] == 30_000


@pytest.fixture
def hosts() -> Iterator[list[str]]:
    """Two network namespaces, joined by a cable: 10.77.0.1 and 10.77.0.2."""
    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("network namespaces take root and the command ip")
    names = [f"word2vec-{os.getpid()}-{number}" for number in range(2)]
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "w2v", "netns", names[0], "type", "veth", "peer", "name", "w2v", "netns", names[1])
        for number, name in enumerate(names):
            ip("-n", name, "address", "add", f"10.77.0.{number + 1}/24", "dev", "w2v")
            for device in ("w2v", "lo"):
                ip("-n", name, "link", "set", device, "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def on_hosts(hosts: Sequence[str], *command: str) -> Iterator[list[subprocess.Popen[str]]]:
    """An agent of torchrun on each host; they meet at the first."""
    agents = [
        started(
            *("--nnodes=2", "--rdzv-backend=c10d", "--rdzv-endpoint=10.77.0.1:29400", "--rdzv-id=1"),
            # the hosts have one name between them, so that it cannot tell which of them is meant
            *(f"--rdzv-conf=is_host={int(number == 0)}", f"--local-addr=10.77.0.{number + 1}", *command),
            prefix=("ip", "netns", "exec", host),
            GLOO_SOCKET_IFNAME="w2v",
        )
        for number, host in enumerate(hosts)
    ]
    try:
        yield agents
    finally:
        for agent in agents:
            agent.terminate()
            try:
                agent.communicate(timeout=40)
            except subprocess.TimeoutExpired:  # it waits for a host that is cut off
                agent.kill()
                agent.communicate()


@pytest.mark.slow
def test_two_hosts_learn(hosts: list[str], topics_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [*ranks(1), "train", str(topics_file), "--output", str(run), *SETTINGS]
    with on_hosts(hosts, *command) as agents:
        for agent in agents:
            done = finished(agent, 180)
            assert done.returncode == 0, done.stderr
    assert margin(WordVectors.load(run)) > 0.5
    assert words_of_epochs(run) == [6_000, 12_000, 18_000, 24_000, 30_000]


@pytest.mark.slow
def test_a_host_that_is_cut_off_ends_the_run_within_a_minute(
    hosts: list[str], topics_file: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    slow = ranks(1, "--checkpoints", "--slow", "0.2")
    with on_hosts(hosts, *slow, "train", str(topics_file), "--output", str(run), *SETTINGS) as agents:
        deadline = time.monotonic() + 120
        while not (run / "checkpoint.safetensors").exists():
            assert time.monotonic() < deadline
            assert agents[0].poll() is None
            time.sleep(0.1)
        ip("-n", hosts[1], "link", "set", "w2v", "down")
        cut = time.monotonic()
        first = finished(agents[0], 120)
        seconds = time.monotonic() - cut
    assert first.returncode == 1
    assert [line.partition(":")[0] for line in ours(first)] == ["another rank ended, fell silent or was 40 s behind"]
    assert seconds < 60
    # whole, and enough to go on alone
    saved = read_checkpoint(run)
    assert 0 < saved.log.words < 30_000
    train(small(topics_file), run, resume=True)
    assert margin(WordVectors.load(run)) > 0.5
