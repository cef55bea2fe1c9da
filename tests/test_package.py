"""What is public, what the wheel contains, and that importing is fast."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import word2vec

ROOT = Path(__file__).parent.parent


def test_public_names_are_sorted_exist_and_have_docstrings() -> None:
    assert sorted(word2vec.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)) == word2vec.__all__
    for name in word2vec.__all__:
        assert getattr(word2vec, name).__doc__
    assert set(dir(word2vec)) == {*word2vec.__all__, "__version__"}


def test_importing_is_fast() -> None:
    code = "import sys, word2vec; assert not {'torch', 'numpy', 'numba', 'pandas'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_can_run_code_from_a_file() -> None:
    # no pickle in any form: a file from somebody else is read as data
    for source in (ROOT / "word2vec").rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        for danger in (
            "import pickle",
            "allow_pickle=True",
            r"torch\.load\(",
            r"(?<![.\w])eval\(",
            r"exec\(",
            "joblib",
        ):
            assert not re.search(danger, text), f"{source.name} has {danger}"


def test_the_wheel_contains_the_package_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"word2vec"}
    sets = {"wordsim353.csv", "simlex999.csv", "questions-words.txt"}
    assert {f"word2vec/questions/{name}" for name in sets} <= set(names)
    assert "word2vec/py.typed" in names
    page = {path.name for path in (ROOT / "word2vec" / "report").iterdir() if path.suffix in (".html", ".css", ".js")}
    assert len(page) == 6
    assert {f"word2vec/report/{name}" for name in page} <= set(names)


def test_configured_modules_exist() -> None:
    # a setting for a module that was renamed would silently apply to nothing
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    modules = [name for entry in tools["mypy"]["overrides"] for name in entry["module"] if name.startswith("word2vec")]
    files = [f"{name.replace('.', '/')}.py" for name in modules] + tools["pyright"]["ignore"]
    assert [name for name in files if not (ROOT / name).is_file()] == []
    patterns = tools["ruff"]["lint"]["per-file-ignores"]
    assert [pattern for pattern in patterns if not list(ROOT.glob(pattern))] == []
