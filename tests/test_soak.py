"""A long run: training is interrupted and goes on again and again; memory stays, and nothing shows in what is learnt.

It takes as many minutes as WORD2VEC_SOAK_MINUTES says, one by default.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.test_faults import many_words

MINUTES = float(os.environ.get("WORD2VEC_SOAK_MINUTES", "1"))

PROGRAM = """if True:
    import json, os, random, shutil, signal, sys, threading, time
    from pathlib import Path
    import word2vec

    text, folder, minutes = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    config = word2vec.TrainConfig(corpus=(text,), epochs=12, threads=1, checkpoint_every=0.005)
    draw = random.Random(0)

    def losses(run):
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return [line["loss"] for line in lines if line["kind"] == "epoch"]

    def memory():
        # of this process alone: mapped files are not counted
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))

    word2vec.train(config, folder / "whole")
    expected = (folder / "whole/vectors.safetensors").read_bytes()
    resumes = runs = 0
    used = []
    end = time.monotonic() + 60 * minutes
    signal.signal(signal.SIGTERM, lambda *_: None)  # one that comes while nothing is trained
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
        used.append(memory())
    print(json.dumps({"resumes": resumes, "runs": runs, "kilobytes": used}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_and_loss_stay_the_same_however_often_a_run_goes_on(tmp_path: Path) -> None:
    text = many_words(tmp_path / "text")
    command = [sys.executable, "-c", PROGRAM, str(text), str(tmp_path), str(MINUTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # in the first quarter the allocator still takes what it will keep; a leak would go on after it
    quarters = [float(np.median(part)) for part in np.array_split(found["kilobytes"], 4)]
    report = f"{found['resumes']} resumes, {found['runs']} whole runs, memory by quarters {quarters} kB"
    print(report)  # noqa: T201
    assert found["resumes"] > 5, report
    assert found["runs"] > 0, report
    assert quarters[-1] <= 1.01 * quarters[1], report
