"""The notebooks run from top to bottom."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all notebooks and test processes: extracting the corpus pydocs is slow."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder  # a worker's folder is in the session's
    monkeypatch.setenv("WORD2VEC_CACHE", str(folder / "notebook-cache"))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread for torch and BLAS: on busy cores, several would spend most of their time waiting for each other."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    if (ROOT / "runs/demo/vectors.safetensors").exists():  # written by `make demo`; otherwise notebook 1 trains it
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs/demo").symlink_to(ROOT / "runs/demo")
    (tmp_path / "evaluation").symlink_to(ROOT / "evaluation")  # scripts and results that notebook 4 uses
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.read(path, as_version=4)
    if any("to_gensim" in cell.source for cell in notebook.cells):
        pytest.importorskip("gensim")  # it has no wheels for Python 3.14
    # raises at the first cell that fails
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path / "notebooks")}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    assert any("<table" in output.get("data", {}).get("text/html", "") for output in outputs)


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_nearest_words",
        "02_training_and_objectives",
        "03_document_classifiers",
        "04_items_and_graphs",
    ]
