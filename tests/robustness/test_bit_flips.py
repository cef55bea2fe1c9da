"""Random bits flip in every file of the cache, of a run folder and of numba's cache.

Each trial flips one bit in a fresh copy and runs the commands that read the file, in forks of a process that has
imported everything. See attacks.py for what counts as right.
"""

import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.robustness.attacks import (
    EDITED,
    RECOMPILED,
    REPORTED,
    RIGHT,
    SEED,
    Done,
    ForkServer,
    Outcomes,
    flip,
    is_reported,
    new_random,
    random_bits,
    run_program,
    shown,
    times,
)
from tests.robustness.fork_server import WOULD_COMPILE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")]

FLIPS = 100  # per file
WORKERS = 2
SETTINGS = ["--dim", 16, "--threads", 1, "--min-count", 1, "--epochs", 3]
REBUILT = "right result, index built again with a warning"
READ_FILES = "read"  # file with the names of the files of the cache that training on the first text reads
COMPILED_CODE = (".nbi", ".nbc")  # suffixes of the files of numba's cache

Trial = tuple[str, int]  # file, relative to the laboratory; bit


class Bench:
    """The copy of the laboratory that one worker damages.

    Args:
        folder: The folder to create.
        original: The laboratory: text, cache, numba's cache and runs.
        compiling: Whether code that is not in numba's cache is compiled.
    """

    def __init__(self, folder: Path, original: Path, *, compiling: bool = True) -> None:
        self.root, self._original = folder, original
        shutil.copytree(original, folder)
        self.server = ForkServer(folder / "printed", environment(folder), compiling=compiling)

    def restore(self, part: str) -> None:
        """Replace a folder by the undamaged one, and remove all results."""
        for path, original in ((self.root / part, self._original / part), (self.root / "results", None)):
            shutil.rmtree(path, ignore_errors=True)
            if original is not None:
                shutil.copytree(original, path)
        (self.root / "results").mkdir()

    def train(self) -> Done:
        """Train on the text, which was indexed before."""
        return self.server.run("train", self._original / "text", "--output", self.root / "results/run", *SETTINGS)

    def changed(self, folder: str, apart_from: str) -> list[str]:
        """The files that were changed, created or deleted in a folder."""
        before, now = (contents(root / folder) for root in (self._original, self.root))
        return [
            name for name in before.keys() | now.keys()
            if not name.startswith(apart_from) and before.get(name) != now.get(name)
        ]  # fmt: skip


def environment(folder: Path) -> dict[str, str]:
    return {"WORD2VEC_CACHE": str(folder / "cache"), "NUMBA_CACHE_DIR": str(folder / "numba")}


def contents(folder: Path) -> dict[str, bytes]:
    """The content of each file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_text(path: Path, words: Sequence[str], sentences: int) -> Path:
    draw = random.Random(0)
    path.write_text("\n".join(" ".join(draw.choices(words, k=8)) for _ in range(sentences)) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with two indexes, numba's cache, a finished and an unfinished run, and a run with few words."""
    lab = tmp_path_factory.mktemp("lab") / "original"
    lab.mkdir()
    text = write_text(lab / "text", [f"word{number}" for number in range(60)], 1500)
    few = write_text(lab / "few", list("abcdefgh"), 200)
    server = ForkServer(lab.parent / "printed", environment(lab))
    for source, run in ((text, "finished"), (few, "few_words")):
        done = server.run("train", source, "--output", lab / "runs" / run, *SETTINGS)
        assert done.code == 0, done.stderr
        if run == "finished":
            (lab / READ_FILES).write_text("".join(f"{name}\n" for name in contents(lab / "cache")), encoding="utf-8")
    train = ["train", text, "--output", lab / "runs/unfinished", *SETTINGS]
    assert server.run(*train, dies_at=("checkpoint.safetensors", 2)).code == -9
    server.close()
    return lab


@contextmanager
def benches(lab: Path, *, compiling: bool = True) -> Iterator[list[Bench]]:
    found = [Bench(lab.parent / f"bench{number}", lab, compiling=compiling) for number in range(WORKERS)]
    try:
        yield found
    finally:
        for bench in found:
            bench.server.close()
            shutil.rmtree(bench.root)


def attack(benches: list[Bench], trials: Sequence[Trial], one: Callable[[Bench, Trial], None]) -> None:
    """Make all trials, divided among the workers."""

    def work(number: int) -> None:
        for trial in trials[number :: len(benches)]:
            one(benches[number], trial)

    with ThreadPoolExecutor(len(benches)) as pool:
        list(pool.map(work, range(len(benches))))


def flips_in(lab: Path, part: str, *, compiled_code: bool = False) -> list[Trial]:
    """Random bits in each file of a part of the laboratory."""
    draw = new_random(part)
    files = sorted(path for path in (lab / part).rglob("*") if path.is_file())
    return [
        (str(path.relative_to(lab)), bit)
        for path in files
        if (path.suffix in COMPILED_CODE) == compiled_code
        for bit in random_bits(path, times(FLIPS), draw)
    ]


def position(trial: Trial) -> str:
    return f"byte {trial[1] // 8}, bit {trial[1] % 8} of {trial[0]}"


def test_bit_flips_in_the_cache(laboratory: Path) -> None:
    """Training on a damaged index gives the same vectors, and deletes and changes nothing else in the cache."""
    outcomes = Outcomes()
    keys = {path.name for path in (laboratory / "cache/indexes").iterdir()}
    expected = contents(laboratory / "runs/finished")

    def one(bench: Bench, trial: Trial) -> None:
        bench.restore("cache")
        flip(bench.root / trial[0], trial[1])
        done = bench.train()
        group, index = "/".join(trial[0].split("/")[1:]), "/".join(trial[0].split("/")[1:3])
        if done.code == 0:
            run = contents(bench.root / "results/run")
            damage = [name for name in ("vectors.safetensors", "vocab.tsv") if run.get(name) != expected[name]]
            damage += bench.changed("cache", apart_from=index)
            damage += {path.name for path in (bench.root / "cache/indexes").iterdir()} ^ keys
            if damage:
                outcomes.add_wrong(group, position(trial), f"exit code 0, but these files differ: {sorted(damage)}")
            else:
                warned = any("damaged" in line or "again" in line for line in done.stderr.splitlines())
                outcomes.add(group, REBUILT if warned else RIGHT)
        elif is_reported(done):
            outcomes.add(group, REPORTED)
        else:
            outcomes.add_wrong(group, position(trial), done)

    with benches(laboratory) as found:
        for bench in found:
            bench.restore("cache")
            command = ["train", laboratory / "text", "--output", bench.root / "results/warm", *SETTINGS]
            assert bench.server.run(*command, warm=True).code == 0
            bench.restore("cache")
            assert bench.train().code == 0
        read = (laboratory / READ_FILES).read_text(encoding="utf-8").splitlines()
        trials = [trial for trial in flips_in(laboratory, "cache") if trial[0].removeprefix("cache/") in read]
        attack(found, trials, one)
    outcomes.check()


def commands_that_read(file: str, root: Path, verify: list[str]) -> list[list[object]]:
    """The commands that read a file of the runs folder."""
    folder, name = root / Path(file).parent, Path(file).name
    results = root / "results"
    if name == "config.toml":
        return [["info", folder]]
    if folder.name == "unfinished":
        return [["train", "--output", folder, "--resume"]]
    if name in ("metrics.jsonl", "checkpoint.safetensors"):
        return [["report", folder, "-o", results / "report.html"], ["info", folder]][: 1 if name[0] == "m" else 2]
    words = ["a", "b"] if folder.name == "few_words" else ["word1", "word2"]
    return [["nearest", folder, *words, "--json"], ["export", folder, results / "v.bin"], ["info", folder, *verify]]


def test_bit_flips_in_a_run_folder(laboratory: Path) -> None:
    """Vectors and checkpoints are read as they were written or not at all; damaged text files cause no failure."""
    outcomes = Outcomes()
    trials = [trial for trial in flips_in(laboratory, "runs") if is_attacked(trial[0])]

    def result(bench: Bench, arguments: list[object]) -> tuple[Done, dict[str, bytes]]:
        done = bench.server.run(*arguments)
        resumed = contents(bench.root / "runs/unfinished") if arguments[0] == "train" else {}
        vectors = {name: resumed[name] for name in ("vectors.safetensors", "vocab.tsv") if name in resumed}
        return done, contents(bench.root / "results") | vectors

    def one(bench: Bench, trial: Trial) -> None:
        for arguments in commands_that_read(trial[0], bench.root, verify):
            bench.restore("runs")
            flip(bench.root / trial[0], trial[1])
            done, files = result(bench, arguments)
            usual, usual_files = undamaged[bench.root.name, trial[0], arguments[0]]
            group = f"{trial[0]}, {arguments[0]}"
            if (done.code, done.stdout, files) == (0, usual.stdout, usual_files):
                outcomes.add(group, RIGHT)
            elif is_reported(done):
                outcomes.add(group, REPORTED)
            elif done.code == 0 and trial[0].endswith(("config.toml", "metrics.jsonl")) and arguments[0] != "train":
                outcomes.add(group, EDITED)
            else:
                outcomes.add_wrong(group, f"{position(trial)}, then {shown(arguments)}", done)

    with benches(laboratory) as found:
        verify = ["--verify"] if "--verify" in found[0].server.run("info", "--help").stdout else []
        undamaged = {}
        for bench in found:
            for file in sorted({file for file, _ in trials}):
                for arguments in commands_that_read(file, bench.root, verify):
                    bench.restore("runs")
                    undamaged[bench.root.name, file, arguments[0]] = usual = result(bench, arguments)
                    assert usual[0].code == 0, (arguments, usual[0])
        attack(found, trials, one)
    outcomes.check()


def is_attacked(file: str) -> bool:
    """Whether a file of the runs folder is worth an attack: each kind of file once, in the state that matters."""
    run, name = Path(file).parent.name, Path(file).name
    return run == {"checkpoint.safetensors": "unfinished", "metrics.jsonl": "few_words"}.get(name, "finished") or (
        (run, name) == ("unfinished", "metrics.jsonl")
    )


def test_bit_flips_in_compiled_code(laboratory: Path) -> None:
    """Damaged compiled code is never run.

    A process that has to compile ends at that point, because compiling takes seconds; the last trial compiles.
    """
    outcomes = Outcomes()
    expected = contents(laboratory / "runs/finished")

    def judge(bench: Bench, group: str, what: str, done: Done) -> None:
        run = contents(bench.root / "results/run") if done.code == 0 else {}
        same = all(run.get(name) == expected[name] for name in ("vectors.safetensors", "vocab.tsv"))
        if done.code == WOULD_COMPILE:
            outcomes.add(group, RECOMPILED)
        elif done.code == 0 and same:
            outcomes.add(group, RIGHT)
        else:
            outcomes.add_wrong(group, what, done)

    def one(bench: Bench, trial: Trial) -> None:
        bench.restore(Path(trial[0]).parts[0])
        shutil.rmtree(bench.root / "cache/indexes", ignore_errors=True)  # indexing is compiled, too
        flip(bench.root / trial[0], trial[1])
        judge(bench, Path(trial[0]).name, position(trial), bench.train())

    trials = [trial for part in ("numba", "cache") for trial in flips_in(laboratory, part, compiled_code=True)]
    assert trials
    with benches(laboratory, compiling=False) as found:
        for bench in found:
            assert bench.train().code == 0, "the kernels are not cached"
        attack(found, trials, one)
    with benches(laboratory) as found:
        for file in sorted({file for file, _ in trials}):
            flip(found[0].root / file, new_random(file).randrange(8 * (laboratory / file).stat().st_size))
        for moment in ("all files damaged", "the same again"):
            shutil.rmtree(found[0].root / "results", ignore_errors=True)
            command = ["train", laboratory / "text", "--output", found[0].root / "results/run", *SETTINGS]
            done = run_program(command, environment(found[0].root))
            judge(found[0], moment, f"one bit in each file of numba's cache, seed {SEED}", done)
    outcomes.check()
