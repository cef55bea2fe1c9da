"""Five tutorial-style scripts run with gensim and, after changing nothing but the imports, with this package.

Each prints one JSON document of facts that do not depend on random numbers, and the two must agree.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gensim")

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
IMPORT = re.compile(r"^from gensim\.models", re.MULTILINE)


def facts(code: str) -> Any:
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_runs_after_changing_the_import(script: Path) -> None:
    code = script.read_text(encoding="utf-8")
    changed = IMPORT.sub("from word2vec.compat.gensim.models", code)
    assert len(IMPORT.findall(code)) == len(IMPORT.findall(code.replace("word2vec.compat", ""))) >= 1
    assert facts(changed) == facts(code)
