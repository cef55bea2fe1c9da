"""Files of other programs are recognized, and the message says how to convert them; nothing in them is run."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.formats.samples import read_error, write_bytes


class Exploding:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ["object", "dict", "array"])
def test_pickles_are_recognized_and_not_loaded(kind: str, protocol: int, tmp_path: Path) -> None:
    values = {"object": Exploding(tmp_path / "proof"), "dict": {"vectors": 1}, "array": np.ones((2, 3))}
    path = write_bytes(tmp_path / "v.model", pickle.dumps(values[kind], protocol))
    message = read_error(path)
    if protocol > 1:  # one byte is too little to recognize the others, which gensim does not write
        assert "a Python pickle" in message
        assert "save_word2vec_format(" in message
    assert not (tmp_path / "proof").exists()


def test_models_of_gensim_are_recognized(tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models")
    model = models.Word2Vec([["a", "b"]] * 5, vector_size=4, min_count=1)
    model.save(str(tmp_path / "a.model"))
    model.wv.save(str(tmp_path / "a.kv"))
    np.save(tmp_path / "a.npy", model.wv.vectors)
    for name in ("a.model", "a.kv", "a.npy"):
        assert "save_word2vec_format(" in read_error(tmp_path / name)


def test_archives_are_recognized(tmp_path: Path) -> None:
    torch.save(torch.nn.Embedding(2, 3).state_dict(), tmp_path / "v.pt")
    assert "a PyTorch file" in read_error(tmp_path / "v.pt")
    with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
        for dim in (50, 100):
            archive.writestr(f"glove.6B.{dim}d.txt", "the 1 2\n")
    assert "a zip archive of glove.6B.50d.txt, glove.6B.100d.txt; extract it" in read_error(tmp_path / "glove.zip")
    np.savez(tmp_path / "v.npz", rows=np.ones((2, 3)))
    assert "the array 'words' or 'vectors' is missing" in read_error(tmp_path / "v.npz")


@pytest.mark.parametrize(("start", "what"), [(b"\x89HDF\r\n\x1a\n", "an HDF5 file"), (b"PAR1", "a parquet file")])
def test_tables_are_recognized(start: bytes, what: str, tmp_path: Path) -> None:
    assert f"{what}; write its words and vectors to a text file" in read_error(
        write_bytes(tmp_path / "v", start + bytes(100))
    )


def test_folders_of_other_programs_are_recognized(tmp_path: Path) -> None:
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        write_bytes(tmp_path / name, b"{}")
    assert "a model of model2vec or sentence-transformers" in read_error(tmp_path)
