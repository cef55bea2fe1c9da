"""Six tutorial-style scripts run with gensim and, after changing nothing but the imports, with this package.

Each prints one JSON document of facts that do not depend on random numbers, and the two must agree. All scripts run in
one process per library, because importing it and compiling take longest.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gensim")

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
IMPORT = re.compile(r"^from gensim\.models", re.MULTILINE)
RUN_ALL = "import json, sys\nfor code in json.load(sys.stdin):\n    exec(compile(code, 'script', 'exec'), {})"


def facts(scripts: list[str]) -> list[Any]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN_ALL],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert not done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """What each script prints with this package and with gensim."""
    codes = [path.read_text(encoding="utf-8") for path in SCRIPTS]
    changed = [IMPORT.sub("from word2vec.compat.gensim.models", code) for code in codes]
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("WORD2VEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        ours, theirs = pool.map(facts, (changed, codes))
    return {path.stem: pair for path, pair in zip(SCRIPTS, zip(ours, theirs, strict=True), strict=True)}


def test_there_are_six_scripts() -> None:
    assert len(SCRIPTS) == 6
    assert all(IMPORT.search(path.read_text(encoding="utf-8")) for path in SCRIPTS)


@pytest.mark.parametrize("script", [path.stem for path in SCRIPTS])
def test_script_runs_after_changing_the_import(script: str, results: dict[str, tuple[Any, Any]]) -> None:
    ours, theirs = results[script]
    assert ours == theirs
    assert all(value is not False for name, value in ours.items() if name not in ("unknown", "known"))
