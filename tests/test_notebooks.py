"""The notebooks run from top to bottom, as a reader would run them."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (ROOT / "runs/demo/vectors.safetensors").exists():  # of `make demo`; else the notebook trains its own
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs/demo").symlink_to(ROOT / "runs/demo")
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.read(path, as_version=4)
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
    ]
