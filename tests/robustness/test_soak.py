"""A long test: training is interrupted and resumed again and again; memory use and results stay the same.

The test watches the memory in use. The memory that a process has taken from the system is more, because the allocator
keeps freed memory for later, and it grows in a few steps: when the tables of a training fit into none of the free
gaps, they are placed behind everything else.

The test takes WORD2VEC_SOAK_MINUTES minutes, one by default.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.robustness.test_faults import many_words

MINUTES = float(os.environ.get("WORD2VEC_SOAK_MINUTES", "1"))

PROGRAM = """if True:
    import ctypes, gc, json, os, random, shutil, signal, sys, threading, time
    from pathlib import Path
    import word2vec

    text, folder, minutes = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    config = word2vec.TrainConfig(corpus=(text,), epochs=12, threads=1, checkpoint_every=0.005)
    draw = random.Random(0)
    allocator = ctypes.CDLL(None)

    def losses(run):
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return [line["loss"] for line in lines if line["kind"] == "epoch"]

    def memory():
        # of this process alone, without mapped files
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))

    def memory_in_use():
        # of a forked copy that returns its free memory to the system, so this process stays as a user has it
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            gc.collect()
            allocator.malloc_trim(0)
            os.write(writer, str(memory()).encode())
            os._exit(0)
        os.close(writer)
        with open(reader) as answer:
            found = int(answer.read())
        os.waitpid(child, 0)
        return found

    word2vec.train(config, folder / "whole")
    expected = (folder / "whole/vectors.safetensors").read_bytes()
    resumes = runs = 0
    taken, used = [], []
    end = time.monotonic() + 60 * minutes
    signal.signal(signal.SIGTERM, lambda *_: None)  # for a signal that arrives between two trainings
    while time.monotonic() < end:
        timer = threading.Timer(draw.uniform(0.1, 1.0), os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        try:
            word2vec.train(config, folder / "run", resume=True)
        except word2vec.TrainingInterrupted:
            resumes += 1
        else:
            runs += 1
            assert losses(folder / "run") == losses(folder / "whole")
            assert (folder / "run/vectors.safetensors").read_bytes() == expected
            shutil.rmtree(folder / "run")
        finally:
            timer.cancel()
            timer.join()
        taken.append(memory())
        used.append(memory_in_use())
    print(json.dumps({"resumes": resumes, "runs": runs, "taken": taken, "used": used}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_and_loss_stay_the_same_however_often_training_is_resumed(tmp_path: Path) -> None:
    text = many_words(tmp_path / "text")
    command = [sys.executable, "-c", PROGRAM, str(text), str(tmp_path), str(MINUTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # the first quarter includes one-time allocations; a leak would continue after it
    taken, used = ([float(np.median(part)) for part in np.array_split(found[name], 4)] for name in ("taken", "used"))
    report = f"{found['resumes']} resumes, {found['runs']} complete runs, kB by quarters: {used} in use, {taken} taken"
    print(report)  # noqa: T201
    assert found["resumes"] > 5, report
    assert found["runs"] > 0, report
    # 1 % is 50 kB per training in a test of one minute, 1.5 kB per training in a test of half an hour
    assert used[-1] <= 1.01 * used[1], report
    assert taken[-1] <= 1.1 * taken[1], report  # allows two steps of two tables each
