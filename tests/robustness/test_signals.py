"""Ctrl-C, SIGTERM and SIGHUP at random times, from the start of the process on, in every command.

A signal either comes too late, and the result is right, or the command ends with one line and exit code 128 + signal.
Interrupted trainings are resumed, and interrupted again, until they finish with the same bytes as one that was never
interrupted. See attacks.py for the seed and the number of attacks.
"""

import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.robustness.attacks import (
    NOT_STARTED,
    PACKAGE,
    REPORTED,
    RIGHT,
    Done,
    Outcomes,
    is_reported,
    new_random,
    run_program,
    shown,
    temporary_files,
    times,
)
from tests.robustness.test_faults import many_words
from word2vec.corpus import pydocs

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")]

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
WORKERS = 2
TIMEOUT = 120  # seconds
TRAIN = ["--dim", 32, "--threads", 1, "--epochs", 6, "--checkpoint-every", 0.001]
HERE = "HERE"  # in arguments and environment variables, the folder of the attack


@dataclass(frozen=True)
class Target:
    """A command under attack.

    Attributes:
        name: What the counts are listed under.
        signals: How many signals are sent.
        arguments: The command.
        environment: Its environment variables, in addition to the usual ones.
        vectors: The run folder that it writes, if its result must be the same bytes each time.
        files: The other files that it writes, complete or not at all, the same bytes each time.
        prints: Whether it prints the same each time.
        fails: Whether it ends with exit code 1 if it is not interrupted.
        again: Arguments to add when it is repeated after a signal, in the same folder; None to start afresh.
    """

    name: str
    signals: int
    arguments: tuple[object, ...]
    environment: Mapping[str, object] = field(default_factory=dict)
    vectors: str | None = None
    files: tuple[str, ...] = ()
    prints: bool = False
    fails: bool = False
    again: tuple[object, ...] | None = None


@pytest.fixture(autouse=True)
def signals_are_not_ignored() -> Iterator[None]:
    """A process inherits ignored signals, and the tests may run under nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS[1:]}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def slow_proxy() -> Iterator[str]:
    """A proxy on this machine that answers each download with a few bytes, slowly, and then closes the connection."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                self.send_response(200)
                self.end_headers()
                for _ in range(5):
                    self.wfile.write(bytes(1000))
                    time.sleep(0.05)
            except OSError:
                pass  # the client was interrupted

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def targets(tmp_path: Path, slow_proxy: str, monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    """All commands, on a text of 200,000 words; the run folder `run` is ready for those that ask questions."""
    text, cache = many_words(tmp_path / "text", 200_000, 3000), tmp_path / "cache"
    run, small, elsewhere = tmp_path / "run", tmp_path / "small", tmp_path / "elsewhere"
    few_words = many_words(tmp_path / "few_words", 5000, 50)  # a report draws a map of the words, which takes time
    for source, folder in ((text, run), (few_words, small)):
        done = run_program(["train", source, "--output", folder, *TRAIN], {})
        assert done.code == 0, done.stderr
    sentences = ["array mean monday random time and more"] * 2000  # the real corpus takes a minute
    monkeypatch.setattr(pydocs, "package_sentences", lambda _: sentences)
    pydocs.pydocs()
    elsewhere.mkdir()
    (elsewhere / "word2vec").symlink_to(PACKAGE)  # outside the source checkout, which would get the download
    train = ("train", text, "--output", f"{HERE}/run", *TRAIN)
    new_cache = {"WORD2VEC_CACHE": f"{HERE}/cache"}
    proxy = {"http_proxy": slow_proxy, "no_proxy": "", "PYTHONPATH": elsewhere} | new_cache
    assert cache.is_dir()
    return [
        Target("train", 40, train, vectors="run", again=("--resume",)),
        Target("train, not indexed", 15, train, new_cache, vectors="run", again=("--resume",)),
        Target("train, not compiled", 6, train, {"NUMBA_CACHE_DIR": f"{HERE}/numba"}, vectors="run"),
        Target("train --resume", 30, (*train, "--resume"), vectors="run", again=()),
        Target("evaluate", 16, ("evaluate", run, "--json"), prints=True),
        Target("nearest", 16, ("nearest", run, "w1", "w2", "--json"), prints=True),
        Target("analogy", 14, ("analogy", run, "w1", "w2", "w3", "--json"), prints=True),
        Target("export", 18, ("export", run, f"{HERE}/v.txt"), files=("v.txt",)),
        Target("info", 12, ("info", run), prints=True),
        Target("report", 8, ("report", small, "-o", f"{HERE}/r.html"), files=("r.html",)),
        Target("demo", 15, ("demo", "-o", f"{HERE}/run"), again=()),
        Target("download", 10, ("download", "text8"), proxy, fails=True),
    ]


def start(target: Target, folder: Path, more: tuple[object, ...]) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    place = [str(each).replace(HERE, str(folder)) for each in (*target.arguments, *more)]
    added = {name: str(value).replace(HERE, str(folder)) for name, value in target.environment.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "word2vec", *place],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **added},
        cwd=folder,
    )


def send(process: subprocess.Popen[str], number: signal.Signals, after: float) -> tuple[Done, bool | None]:
    """Send a signal to a process some seconds after its start.

    Returns:
        How it ended, and whether it had installed its handlers when the signal came; None if it ended before.
    """
    with process:
        try:
            stdout, stderr = process.communicate(timeout=after)
            return Done(process.returncode, stdout, stderr), None
        except subprocess.TimeoutExpired:
            started = handles(process.pid, signal.SIGTERM)
            process.send_signal(number)
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            stderr += f"\nstill running {TIMEOUT} seconds after the signal"
        return Done(process.returncode, stdout, stderr), started


def handles(process: int, number: int) -> bool:
    """Return whether a process has a handler for a signal."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return True  # it has ended
    return any(int(line.split()[1], 16) >> (number - 1) & 1 for line in lines if line.startswith("SigCgt:"))


def results(target: Target, folder: Path) -> dict[str, bytes]:
    """The files that have to be the same in each run, if they exist."""
    names = [*target.files, *(f"{target.vectors}/{name}" for name in ("vectors.safetensors", "vocab.tsv"))]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def ended_before_start(done: Done, number: int) -> bool:
    """Whether the interpreter was ended before it ran a line of the program, which nobody can do anything about."""
    codes = (-number, 128 + number, 1)  # 1: Python could not import a module that it loads at its start
    return done.code in codes and str(PACKAGE) not in done.stderr and "word2vec" not in done.stderr


class Attacker:
    """Interrupts commands, and judges how they end."""

    def __init__(self, folder: Path, outcomes: Outcomes) -> None:
        self._folder, self._outcomes = folder, outcomes
        self._usual: dict[str, tuple[float, Done, dict[str, bytes]]] = {}

    def measure(self, target: Target) -> None:
        """Run a command undisturbed: how long it takes, what it prints and what it writes."""
        folder = self._folder / "undisturbed"
        shutil.rmtree(folder, ignore_errors=True)
        begin = time.monotonic()
        process = start(target, folder, ())
        with process:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        assert process.returncode == target.fails, (target.name, stderr)
        done = Done(process.returncode, stdout, stderr)
        self._usual[target.name] = time.monotonic() - begin, done, results(target, folder)

    def attack(self, target: Target) -> None:
        """Send all signals to a command."""
        draw, folder = new_random(target.name), self._folder / target.name.replace(" ", "_")
        seconds = self._usual[target.name][0]
        more: tuple[object, ...] = ()
        for _ in range(times(target.signals)):
            number, after, begin = draw.choice(SIGNALS), draw.uniform(0, seconds), time.monotonic()
            done, started = send(start(target, folder, more), number, after)
            if started is None:  # it is faster than it was
                seconds = time.monotonic() - begin
            attack = f"{number.name} after {after:.3f} of {seconds:.3f} s: {shown((*target.arguments, *more))}"
            self._judge(target, folder, number, done, started, attack)
            if target.again is None or done.code == 0:
                shutil.rmtree(folder)
                more = ()
            else:
                more = target.again
        if folder.exists():  # the last one was interrupted
            process = start(target, folder, more)
            self._judge(target, folder, None, *send(process, signal.SIGTERM, TIMEOUT), f"the last {target.name}")
            shutil.rmtree(folder)

    def _judge(
        self, target: Target, folder: Path, number: int | None, done: Done, started: bool | None, attack: str
    ) -> None:
        _, usual, files = self._usual[target.name]
        left = temporary_files(folder)
        found = results(target, folder)
        partial = [name for name in target.files if name in found and found[name] != files[name]]
        finished = done.code == target.fails and (not target.fails or is_reported(done))
        if partial or (left and done.code != -9):
            self._outcomes.add_wrong(target.name, attack, f"exit code {done.code}, left behind: {partial + left}")
        elif finished and (not target.prints or done.stdout == usual.stdout) and (target.fails or found == files):
            self._outcomes.add(target.name, RIGHT)
        elif number is not None and is_reported(done, (128 + number,)):
            self._outcomes.add(target.name, REPORTED)
        elif number is not None and started is False and ended_before_start(done, number):
            self._outcomes.add(target.name, NOT_STARTED)
        else:
            self._outcomes.add_wrong(target.name, attack, done)


def test_signals_at_random_times(targets: list[Target], tmp_path: Path) -> None:
    outcomes = Outcomes()
    attacker = Attacker(tmp_path, outcomes)
    for target in targets:
        attacker.measure(target)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(attacker.attack, targets))
    outcomes.check()
