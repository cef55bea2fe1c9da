"""Settings: limits, sources, and help texts."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

import word2vec
from word2vec.config import (
    OTHER_NAMES,
    PRESETS,
    SETTINGS,
    TrainConfig,
    make_config,
    preset,
    read_config,
    read_toml,
    suggest_setting,
)
from word2vec.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 0}, "--dim must be at least 1, not 0"),
        ({"dim": 1.5}, "--dim must be a whole number, not 1.5"),
        ({"dim": True}, "--dim must be a whole number, not True"),
        ({"window": -1}, "--window must be at least 1, not -1"),
        ({"negatives": 0}, "--negatives must be at least 1, not 0"),
        ({"epochs": 0}, "--epochs must be at least 1, not 0"),
        ({"lr": 0.0}, "--lr must be above 0, not 0"),
        ({"epochs": 2_000_000}, "--epochs must be at most 1000000, not 2000000"),
        ({"seed": 2**70}, "--seed must be between -2^63 and 2^63"),
        ({"engine": "fast"}, "--engine must be one of auto, plain, autograd, fused, not 'fast'"),
        ({"lr": float("nan")}, "--lr must be above 0, not nan"),
        ({"lr": 1000.0000001}, "--lr must be at most 1000, not 1000.0000001"),
        ({"lr": 0.1, "min_lr": 0.10000001}, "--min-lr 0.10000001 is above --lr 0.1"),
        ({"subsample": 2}, "--subsample must be at most 1, not 2"),
        ({"subsample": "no"}, "--subsample must be a number, not 'no'"),
        ({"max_vocab": 1}, "--max-vocab must be at least 2, not 1"),
        ({"phrases": -1}, "--phrases must be at least 0, not -1"),
        ({"phrase_threshold": 5.0}, "--phrase-threshold applies to phrases; add --phrases 1"),
        ({"phrases": 1, "phrase_threshold": 0.0}, "--phrase-threshold must be above 0, not 0"),
        ({"phrases": 1, "phrase_scoring": "npmi", "phrase_threshold": 10.0}, "--phrase-threshold must be at least -1"),
        ({"phrases": 1, "phrase_scoring": "pmi"}, "--phrase-scoring must be one of original, npmi"),
        ({"phrases": 1, "phrase_delimiter": "a b"}, "--phrase-delimiter must be visible characters without white"),
        ({"device": "gpu"}, "--device must be one of auto, cpu, cuda, not 'gpu'"),
        ({"lowercase": 1}, "--lowercase must be true or false, not 1"),
        ({"corpus": [["a", "b"]]}, "CORPUS must be a list of paths, not [['a', 'b']]"),
        ({"window_mode": "wide"}, "--window-mode must be one of shrink, fixed, full, left, right, not 'wide'"),
        ({"lr": 0.01, "min_lr": 0.02}, "--min-lr 0.02 is above --lr 0.01"),
        ({"subwords": "6-3"}, "--subwords must be MIN-MAX with 1 <= MIN <= MAX <= 100, such as 3-6, not '6-3'"),
        ({"subwords": "x"}, "--subwords must be MIN-MAX with 1 <= MIN <= MAX <= 100, such as 3-6, not 'x'"),
        ({"subwords": "0-3"}, "--subwords must be MIN-MAX"),
        ({"subwords": "\u0663-6"}, "--subwords must be MIN-MAX"),  # a digit of another script
        ({"subwords": 3}, "--subwords must be a string, not 3"),
        ({"buckets": 0}, "--buckets must be at least 1, not 0"),
        ({"model": "glove"}, "--model must be one of skipgram, cbow, not 'glove'"),
        ({"refine": True, "subwords": "3-6"}, "--refine (also part of --preset best) applies"),
        ({"position_weights": True}, "--position-weights applies to the words of a window; add --model cbow"),
        (
            {"position_weights": True, "model": "cbow", "window_mode": "full"},
            "--position-weights needs windows of limited size; choose another --window-mode than full",
        ),
    ],
)
def test_invalid_settings_are_reported_by_their_option(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_single_path_is_a_corpus() -> None:
    assert TrainConfig(corpus="a.txt").corpus == ("a.txt",)  # type: ignore[arg-type]


def test_a_corpus_in_place_of_its_path_is_not_printed() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(corpus=[["word"] * 1000] * 1000)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def test_integers_are_accepted_for_floats() -> None:
    config = TrainConfig(subsample=0, lr=1)
    assert (config.subsample, config.lr) == (0.0, 1.0)
    assert isinstance(config.subsample, float)


def test_every_field_has_help_that_fits_a_line() -> None:
    assert list(SETTINGS) == [field.name for field in fields(TrainConfig)]
    for _, setting in SETTINGS.values():
        assert setting.help.endswith(".")
        assert len(setting.help) < 110


def test_config_survives_a_file(tmp_path: Path) -> None:
    config = TrainConfig(corpus=("a.txt", "b"), dim=7, lr=0.5, lowercase=True, pairs=("x.csv",), max_vocab=10)
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(config.as_dict()), encoding="utf-8")
    assert make_config(read_config(path)) == config


def test_later_sources_take_precedence_and_none_is_ignored() -> None:
    config = make_config({"dim": 5, "window": 3}, {"dim": 6, "window": None})
    assert (config.dim, config.window) == (6, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("dimm = 5", "unknown setting 'dimm'; did you mean 'dim'?"),
        ("zzzzz = 5", "unknown setting 'zzzzz'; settings are corpus, start_from"),
        ("dim = ", "invalid TOML"),
        ("[train]\ndim = 5", "unknown setting 'train'"),
    ],
)
def test_invalid_files_are_reported_by_name(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_unknown_keys_are_read_where_they_are_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("dim = 5\nfrom_the_future = [1]\n", encoding="utf-8")
    assert read_toml(path) == {"dim": 5, "from_the_future": [1]}
    with pytest.raises(ConfigError, match="unknown setting 'from_the_future'"):
        read_config(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize("name", PRESETS)
def test_given_settings_override_a_preset(name: str) -> None:
    values = preset(name)
    assert values  # an empty preset would make this test trivial
    config = make_config(values, {"dim": 7, "epochs": None})
    assert config == TrainConfig(**(values | {"dim": 7}))


def test_unknown_preset() -> None:
    with pytest.raises(ConfigError, match="--preset must be one of quality, best, not 'fast'"):
        preset("fast")
    with pytest.raises(
        ConfigError, match="--preset best combines several runs, which only `word2vec train CORPUS` can"
    ):
        preset("best")


def test_numpy_scalars_are_accepted() -> None:
    settings = {
        "dim": np.int64(50),
        "epochs": np.uint8(3),
        "threads": np.int32(2),
        "lr": np.float32(0.025),
        "subsample": np.float64(1e-4),
        "min_lr": np.int64(0),
        "lowercase": np.True_,
        "engine": np.str_("plain"),
    }
    config = make_config(settings)
    for name, value in settings.items():
        found = getattr(config, name)
        assert found == value
        assert type(found) is (float if name == "min_lr" else type(value.item()))
    assert "dim = 50" in tomli_w.dumps(config.as_dict())


@pytest.mark.parametrize(
    "settings",
    [{"dim": np.float64(50)}, {"dim": np.True_}, {"dim": np.array(50)}, {"lr": np.str_("1")}, {"lr": np.longdouble(1)},
     {"epochs": np.timedelta64(3, "ns")}, {"lowercase": np.int64(1)}],
)  # fmt: skip
def test_other_numpy_values_are_rejected(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        make_config(settings)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vector_size", "did you mean 'dim'?"),
        ("minCount", "did you mean 'min_count'?"),
        ("dimm", "did you mean 'dim'?"),
        ("zzz", "settings are corpus, start_from, freeze"),
    ],
)
def test_unknown_settings_are_answered_with_the_one_that_was_meant(name: str, message: str) -> None:
    assert message in suggest_setting(name)
    with pytest.raises(ConfigError, match=f"unknown setting '{name}'; {re.escape(message)}"):
        word2vec.train("text", **{name: 1})


def test_names_of_other_programs_lead_to_settings() -> None:
    assert set(OTHER_NAMES.values()) <= set(SETTINGS)
    assert not set(OTHER_NAMES) & set(SETTINGS)


def test_no_phrases_override_the_settings_of_a_file() -> None:
    """Runs without phrases have the same settings as those of earlier versions, so both can be resumed."""
    saved = {"phrases": 2, "connector_words": "english", "phrase_scoring": "npmi"}
    assert make_config(saved, {"phrases": 0}) == TrainConfig()
    assert not any("phrase" in name or "connector" in name for name in TrainConfig().as_dict())
