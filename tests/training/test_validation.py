"""The validation loss: computed as defined, on fixed examples of held-out sentences that training never sees."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.training.topics import metrics_lines, small
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.losses import LOSSES, as_objective, make_objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset
from word2vec.training import EpochResult, train, validation
from word2vec.training.validation import Validation, validation_words

WORDS = 30


def make_dataset(**settings: Any) -> SkipGramDataset:
    draw = np.random.default_rng(0)
    tokens = draw.integers(0, WORDS, 2000).astype(np.int32)
    vocabulary = Vocabulary([f"w{i:02}" for i in range(WORDS)], np.arange(WORDS, 0, -1) * 10)
    sampling = SamplingSettings(**{"window": 2, "negatives": 3, "subsample": 0.0} | settings)
    return SkipGramDataset(tokens, np.arange(0, 2001, 20), vocabulary, sampling, batch_size=64)


def trained_model() -> SkipGram:
    model = SkipGram(WORDS, 8, torch.Generator().manual_seed(1))
    with torch.no_grad():
        model.output.normal_(generator=torch.Generator().manual_seed(2))
    return model


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_the_mean_over_all_examples(name: str) -> None:
    objective = make_objective(name, num_labels=WORDS)
    objective.reduction = "sum"
    dataset, model = make_dataset(negatives=3 if objective.targets == "noise" else 0), trained_model()
    total, count = 0.0, 0
    for batch in dataset:
        x = model.input[batch.context]
        if objective.targets == "batch":
            log_q = dataset.pair_frequency.log()[batch.center] if objective.needs_log_q else None
            loss, _ = objective.fortraining(x, model.output[batch.center], ids=batch.center, log_q=log_q)
            total += float(loss.sum().detach())
        elif objective.targets == "tree":
            for row, word in zip(x, batch.center.tolist(), strict=True):
                path = slice(*dataset.tree.starts[word : word + 2])
                signs, nodes = torch.from_numpy(dataset.tree.signs[path]), torch.from_numpy(dataset.tree.nodes[path])
                total += float(nn.functional.softplus(-signs * (model.output[nodes] @ row)).sum().detach())
        else:
            targets = torch.cat([batch.center[:, None], batch.negatives], dim=1)
            s = torch.einsum("bd,btd->bt", x, model.output[targets])
            extra = {"log_q": dataset.noise.log()[targets]} if objective.needs_log_q else {}
            total += float(objective(s[:, 0], s[:, 1:], **extra).sum().detach())
        count += len(batch.center)
    scored = Validation(dataset, objective)
    assert scored.examples == count
    assert scored.loss(model) == pytest.approx(total / count, rel=1e-5)


def test_the_examples_are_fixed() -> None:
    objective = make_objective("negative-sampling", num_labels=WORDS)
    objective.reduction = "sum"
    first, model = Validation(make_dataset(), objective), trained_model()
    assert first.loss(model) == first.loss(model) == Validation(make_dataset(), objective).loss(model)


def test_the_number_of_examples_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MAX_EXAMPLES", 500)
    objective = make_objective("negative-sampling", num_labels=WORDS)
    objective.reduction = "sum"
    assert 250 <= Validation(make_dataset(), objective).examples <= 500
    assert validation_words(6) * 6 == pytest.approx(2 * 500, abs=6)
    monkeypatch.setattr(validation, "MAX_ROWS", 400)
    assert 50 <= Validation(make_dataset(), objective).examples <= 100  # of 4 rows each


@pytest.mark.parametrize("engine", ["plain", "autograd", "fused"])
def test_held_out_sentences_are_never_trained(engine: str, tmp_path: Path) -> None:
    # the words of a held-out sentence occur nowhere else: with uniform noise only over other words, nothing may move
    lines = [f"a{i} b{i} a{i} b{i}" for i in range(200)]
    (tmp_path / "corpus.txt").write_text("\n".join(lines))
    config = small(tmp_path / "corpus.txt", engine=engine, epochs=2, min_count=1, validation=0.1)
    vectors = train(config)
    start = SkipGram(len(vectors), config.dim, torch.Generator().manual_seed(config.seed)).input.detach().numpy()
    moved = np.any(vectors.vectors != start, axis=1)
    untouched = {word[1:] for word, has_moved in zip(vectors.words, moved, strict=True) if not has_moved}
    assert len(untouched) == 20  # 0.1 of 200 sentences


def test_the_loss_is_that_of_held_out_sentences(tmp_path: Path) -> None:
    # the words of a held-out sentence occur nowhere else: what was not trained has the loss of an untrained model
    lines = [f"a{i} b{i} a{i} b{i}" for i in range(200)]
    (tmp_path / "corpus.txt").write_text("\n".join(lines))
    seen: list[EpochResult] = []
    settings = {"epochs": 20, "min_count": 1, "validation": 0.1, "noise_exponent": 1.0}
    train(small(tmp_path / "corpus.txt", **settings), callbacks=[lambda result: seen.append(result)])
    untrained = 6 * np.log(2)  # of one true word and five noise words
    assert seen[-1].training_loss < 0.8 * untrained
    assert seen[-1].validation_loss is not None
    assert seen[-1].validation_loss > 0.95 * untrained


def test_dropout_is_off_while_the_loss_is_measured() -> None:
    class Dropout(nn.Module):
        def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
            return nn.functional.dropout(negative, 0.5, self.training).amax(dim=1) - positive

    objective, model = as_objective(Dropout()), trained_model()
    scored = Validation(make_dataset(), objective)
    assert scored.loss(model) == scored.loss(model)
    assert objective.training


def test_a_requested_loss_without_held_out_sentences_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"dim": 4, "epochs": 1, "min_count": 1}
    train([["a", "b", "c", "d"] * 25], validation=0.5, **settings)
    assert "--validation 0.5: no validation loss, because there are too few sentences" in caplog.text
    caplog.clear()
    train([["a", "b", "c", "d"] * 25], **settings)
    assert not caplog.text


def test_each_epoch_has_a_validation_loss(topics_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "word2vec")
    train(replace(small(topics_file), validation=None), tmp_path / "run")
    lines = [line for line in metrics_lines(tmp_path / "run") if line["kind"] == "epoch"]
    losses = [line["validation_loss"] for line in lines]
    assert len(losses) == 5
    assert losses[-1] < losses[0]
    assert {line["held_out_words"] for line in lines} == {60}
    assert [line["words"] for line in lines] == [5940 * epoch for epoch in range(1, 6)]
    assert f"epoch 5/5: validation loss {losses[-1]:.4f}, training loss {lines[-1]['loss']:.4f}" in caplog.text


def test_validation_0_trains_everything(topics_file: Path, tmp_path: Path) -> None:
    train(small(topics_file, validation=0), tmp_path / "run")
    last = metrics_lines(tmp_path / "run")[-1]
    assert last["words"] == 30_000
    assert "validation_loss" not in last


def test_engine_and_seed_cannot_change_the_examples(topics_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure, model = Validation.loss, trained_model()  # one model for all, since trained ones differ
    monkeypatch.setattr(Validation, "loss", lambda self, _: measure(self, model))
    losses: list[float | None] = []
    for engine, seed in (("plain", 1), ("fused", 2), ("autograd", 3)):
        config = small(topics_file, engine=engine, seed=seed, epochs=1, validation=0.05)
        train(config, callbacks=[lambda result: losses.append(result.validation_loss)])
    assert losses == [losses[0]] * 3
    train(
        small(topics_file, epochs=1, validation=0.1), callbacks=[lambda result: losses.append(result.validation_loss)]
    )
    assert losses[3] != losses[0]
