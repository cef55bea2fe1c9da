"""Training of language models: division of the text, learning rate, the best state."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tqdm import tqdm

from word2vec.errors import TrainingError
from word2vec.evaluation.probes import language_model_training
from word2vec.evaluation.probes.language_model import LanguageModel
from word2vec.evaluation.probes.language_model_training import Schedule, batches, cross_entropy, train, write_text

CYCLE = torch.arange(2000).remainder(6)


def small(freeze: bool = False) -> LanguageModel:
    torch.manual_seed(1)
    return LanguageModel(torch.randn(6, 8), freeze=freeze, cell="gru", layers=1, hidden=16, dropout=0.1)


def schedule(lr: float = 0.01, epochs: int = 2) -> Schedule:
    return Schedule(epochs=epochs, batch_size=4, bptt=8, lr=lr, clip=1.0)


def no_bar() -> "tqdm[None]":
    return tqdm(disable=True)


def test_each_word_is_predicted_once_from_the_word_before_it() -> None:
    text = torch.arange(100)
    steps = list(batches(text, columns=3, bptt=10))
    assert [tuple(inputs.shape) for inputs, _ in steps] == [(10, 3)] * 3 + [(3, 3)]
    for inputs, targets in steps:
        assert torch.equal(inputs + 1, targets)
    targets = torch.cat([targets for _, targets in steps])  # (33, 3)
    assert targets.t().flatten().tolist() == list(range(1, 100))


def test_training_learns_saves_and_loads_the_best_state(tmp_path: Path) -> None:
    model, best = small(freeze=True), tmp_path / "best.safetensors"
    table = model.embedding.weight.clone()
    before = cross_entropy(model, CYCLE[:200])
    loss, seconds = train(model, CYCLE, CYCLE[:200], schedule(), best, no_bar())
    assert loss < 0.5 * before
    assert seconds > 0
    assert cross_entropy(model, CYCLE[:200]) == pytest.approx(loss, abs=1e-6)
    assert torch.equal(model.embedding.weight, table)
    saved = load_file(best)
    assert all(torch.equal(saved[name], value) for name, value in model.state_dict().items())
    assert write_text(model, list("abcdef"), 1, 4, unknown=0).startswith("b c d e")


def test_learning_rate_is_halved_when_validation_does_not_improve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([3.0, 2.0, 2.5, 2.0, 1.0, 1.5, 1.2, 1.1])  # four validations per epoch
    used: list[float] = []
    step = torch.optim.Adam.step

    def recorded(self: torch.optim.Adam) -> None:
        used.append(self.param_groups[0]["lr"])
        step(self)

    monkeypatch.setattr(language_model_training, "cross_entropy", lambda *_: next(losses))
    monkeypatch.setattr(torch.optim.Adam, "step", recorded)
    model = small()
    assert train(model, CYCLE, CYCLE, schedule(0.08), tmp_path / "best.safetensors", no_bar())[0] == 1.0
    assert list(dict.fromkeys(used)) == [0.08, 0.04, 0.02, 0.01, 0.005]


def test_divergence_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"diverged.*lower --lr"):
        train(small(), CYCLE, CYCLE, schedule(lr=1e30), tmp_path / "best.safetensors", no_bar())
