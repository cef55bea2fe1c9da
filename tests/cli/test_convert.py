"""`word2vec export` and `word2vec info`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.cli.conftest import CommandLine
from tests.training.topics import contents, small
from word2vec.models.subwords import Subwords
from word2vec.training import train
from word2vec.vectors.word_vectors import WordVectors


def test_extension_and_option_choose_the_format(vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    cli.output("export", vectors_file, tmp_path / "v.bin")
    cli.output("export", vectors_file, tmp_path / "v.other", "--format", "word2vec-binary")
    assert (tmp_path / "v.bin").read_bytes() == (tmp_path / "v.other").read_bytes()
    np.testing.assert_array_equal(WordVectors.load(tmp_path / "v.bin").vectors, WordVectors.load(vectors_file).vectors)


@pytest.mark.parametrize("name", ["word2vec-text", "word2vec-binary", "fasttext", "glove", "npz", "safetensors", "run"])
def test_export_writes_every_format(name: str, vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    out, err = cli.output("export", vectors_file, tmp_path / "out", "--format", name, "--limit", "2")
    assert (out, err) == ("", f"wrote {tmp_path / 'out'}: 2 words, 3 dimensions\n")
    found, whole = WordVectors.load(tmp_path / "out"), WordVectors.load(vectors_file)
    assert found.words == whole.words[:2]
    np.testing.assert_array_equal(found.vectors, whole.vectors[:2])


def test_export_keeps_training_runs(topics_file: Path, vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    run = tmp_path / "run"
    train(small(topics_file, epochs=1), run)
    before = contents(run)
    assert "contains a training run and its checkpoint; choose another OUT" in cli.error(
        "export", vectors_file, run, code=2
    )
    assert contents(run) == before
    for _ in range(2):  # an exported run is replaced
        cli.output("export", vectors_file, tmp_path / "exported")


def test_export_of_a_sentence_encoder(tmp_path: Path, cli: CommandLine) -> None:
    WordVectors(["the", "king"], np.ones((2, 3)), counts=[999, 1]).save(tmp_path / "run")
    out, err = cli.output("export", tmp_path / "run", tmp_path / "e", "--format", "model2vec", "--weighting", "sif")
    assert (out, err) == ("", f"wrote {tmp_path / 'e'}: 2 words, 3 dimensions\n")
    rows = load_file(tmp_path / "e" / "model.safetensors")["embeddings"]
    np.testing.assert_allclose(rows[:, 0], [0, 0.001 / 1, 0.5], rtol=1e-3)
    assert "library_name: model2vec" in (tmp_path / "e" / "README.md").read_text()
    error = cli.error("export", tmp_path / "run", tmp_path / "e", "--format", "model2vec", code=1)
    assert "it exists and is not an empty folder" in error
    error = cli.error("export", tmp_path / "run", tmp_path / "v.txt", "--weighting", "sif", code=2)
    assert "--weighting sif: applies to the formats model2vec" in error


def test_info_shows_size_and_first_words(vectors_file: Path, cli: CommandLine) -> None:
    out, _ = cli.output("info", vectors_file)
    assert "king queen man woman" in out
    assert out.splitlines()[1].split() == ["dimensions", "3"]


def test_vectors_with_ngrams(tmp_path: Path, cli: CommandLine) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((1500, 4), dtype=np.float32)
    subwords = Subwords(rows, 3, 6, buckets=2_000_000, used=np.arange(1500) * 1000)
    vectors = WordVectors(["king", "queen"], rows[:2], subwords=subwords)
    vectors.save(tmp_path / "run")
    out, _ = cli.output("info", tmp_path / "run")
    assert "n-grams      3 to 6 characters\nn-gram rows  1,500 of 2,000,000 buckets\n" in out
    assert "size         0.0 MB\n" in out
    vectors.save(tmp_path / "holes.bin")
    stat = (tmp_path / "holes.bin").stat()
    out, _ = cli.output("info", tmp_path / "holes.bin")
    on_disk = f", of which {512 * stat.st_blocks / 1e6:.1f} MB are on disk" if 512 * stat.st_blocks < 32e6 else ""
    assert f"size          32.0 MB{on_disk}\n" in out
    known = WordVectors(["king", "queen"], rows[:2], subwords=replace(subwords, buckets=1500, used=None))
    known.save(tmp_path / "m.bin")
    for arguments in (("nearest", "kings", "king"), ("analogy", "king", "queen", "kings")):
        command, *words = arguments
        out, err = cli.output(command, tmp_path / "m.bin", *words, "--json")
        assert "queen" in out or "king" in out
        assert err == "not in the vocabulary, vectors computed from n-grams: kings\n"
    pairs = tmp_path / "p.csv"
    pairs.write_text("king,queen,1\nking,kings,3\nqueen,queens,2\n")
    out, _ = cli.output("evaluate", tmp_path / "m.bin", "--pairs", pairs)
    assert "3 of 3 pairs" in out
    assert "from n-grams: kings, queens" in " ".join(out.split())


def test_info_tolerates_unknown_settings(vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    cli.output("export", vectors_file, tmp_path / "run", "--format", "run")
    (tmp_path / "run/config.toml").write_text("from_the_future = 1\n")
    out, err = cli.output("info", tmp_path / "run")
    assert "king queen" in out
    assert "unknown setting 'from_the_future'" in err


def test_info_reads_no_numbers_unless_asked_to_verify(vectors_file: Path, tmp_path: Path, cli: CommandLine) -> None:
    cli.output("export", vectors_file, tmp_path / "run", "--format", "run")
    out, _ = cli.output("info", tmp_path / "run", "--verify")
    assert "all numbers match their checksums" in out
    out, _ = cli.output("info", vectors_file, "--verify")
    assert "all numbers are finite; no checksums" in out
    path = tmp_path / "run/vectors.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\xc0\x7f")  # the last number becomes NaN
    out, _ = cli.output("info", tmp_path / "run")
    assert "king queen man woman" in out
    assert "checksum mismatch in 'input'" in cli.error("info", tmp_path / "run", "--verify", code=1)
    assert "checksum mismatch in 'input'" in cli.error("export", tmp_path / "run", tmp_path / "v.txt", code=1)
