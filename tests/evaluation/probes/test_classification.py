"""The classification probe: networks, logistic regression, cross-validation."""

from typing import Literal

import numpy as np
import pytest
import torch
from tqdm import tqdm

from word2vec.errors import ConfigError, TrainingError, Word2VecError
from word2vec.evaluation.probes import LabeledTexts, NetworkSettings, probe_classifier
from word2vec.evaluation.probes.classifier_training import Examples, Schedule, train
from word2vec.evaluation.probes.convolution import TextConvolution
from word2vec.evaluation.probes.word_average import WordAverage
from word2vec.vectors.word_vectors import WordVectors

WORDS = [f"w{number}" for number in range(600)]
GROUP = np.arange(600) % 3
FAST = NetworkSettings(epochs=12, batch_size=10, lr=0.05, dropout=0.1, word_dropout=0.1)


def vectors() -> WordVectors:
    """Vectors of words in three groups, which texts are about; the groups are directions."""
    return WordVectors(WORDS, np.eye(3)[GROUP] + 0.1 * np.random.default_rng(0).normal(size=(600, 3)))


def task(classes: int, number: int, seed: int) -> LabeledTexts:
    """Texts of three words of a group; most words occur in few texts, so only vectors tell what they have in common."""
    draw = np.random.default_rng(seed)
    labels = [place % classes for place in range(number)]
    texts = tuple(tuple(f"w{word}" for word in 3 * draw.integers(0, 200, 3) + label) for label in labels)
    return LabeledTexts("groups", texts, tuple(f"class {label}" for label in labels))


@pytest.mark.parametrize("model", ["mean", "cnn", "logistic"])
@pytest.mark.parametrize("classes", [2, 3])
def test_vectors_help_where_words_are_rare(model: Literal["mean", "cnn", "logistic"], classes: int) -> None:
    result = probe_classifier(
        vectors(), task(classes, 12 * classes, 1), task(classes, 90, 2), model=model, settings=FAST, seeds=2
    )
    means = {each.init: result.mean(each)[0] for each in result.scores}
    assert list(means) == ["frozen", *(["fine-tuned"] if model != "logistic" else []), "random"]
    assert min(means[init] for init in means if init != "random") > 0.9
    assert means["random"] < 0.85
    assert result.majority == pytest.approx(1 / classes)
    assert (result.texts, result.tests, result.folds) == (12 * classes, 90, None)
    assert result.covered == 1
    assert result.classes == tuple(f"class {label}" for label in range(classes))


def test_cross_validation_repeats_with_the_seed_and_trains_on_the_other_folds() -> None:
    settings = NetworkSettings(epochs=2, batch_size=10, lr=0.01)
    results = [
        probe_classifier(vectors(), task(2, 40, 1), settings=settings, inits=("random",), seeds=2, folds=4)
        for _ in range(2)
    ]
    assert results[0].scores[0].test == results[1].scores[0].test
    assert (results[0].folds, results[0].tests) == (4, 40)
    # a text that occurs twice, in different folds, with different labels, is classified wrongly by a memory of texts
    texts = tuple((word, word) for word in WORDS[:20]) * 2
    opposed = LabeledTexts("opposed", texts, ("a",) * 20 + ("b",) * 20)
    found = probe_classifier(vectors(), opposed, model="logistic", inits=("random",), seeds=1, folds=20)
    assert found.scores[0].test[0] < 0.5


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(ConfigError, match="--model logistic"):
        probe_classifier(vectors(), task(2, 20, 1), task(2, 20, 2), model="logistic", inits=("fine-tuned",))
    model, examples = torch.nn.Linear(3, 1), Examples((torch.ones(3),) * 9, torch.arange(9) % 2)
    torch.nn.init.constant_(model.weight, torch.inf)
    with pytest.raises(TrainingError, match=r"diverged.*lower --lr"):
        train(model, examples, examples, Schedule(epochs=1, batch_size=4, lr=0.1), tqdm(disable=True))
    other = WordVectors(["x", "y"], np.eye(2))
    with pytest.raises(Word2VecError, match="has a vector"):
        probe_classifier(other, task(2, 20, 1), task(2, 20, 2), settings=FAST)


@pytest.mark.parametrize("network", [WordAverage, TextConvolution])
def test_padding_does_not_change_outputs(network: type[WordAverage | TextConvolution]) -> None:
    torch.manual_seed(0)
    table = torch.randn(9, 4)
    table[0] = 0
    model = network(table, 2, freeze=False, dropout=0.5, word_dropout=0.5).eval()
    text = torch.tensor([[3, 4, 8]])
    torch.testing.assert_close(model(text), model(torch.nn.functional.pad(text, (0, 5))))
    expected = model.linear(table[[3, 4, 8]].mean(dim=0)) if network is WordAverage else model(text)[0]
    torch.testing.assert_close(model(text)[0], expected)
    model.train()
    assert not torch.equal(model(text), model(text))  # dropout


def test_batches_have_every_text_once_and_little_padding() -> None:
    lengths = torch.randint(1, 50, (500,), generator=torch.Generator().manual_seed(0)).tolist()
    examples = Examples(
        tuple(torch.full((length,), number + 1) for number, length in enumerate(lengths)), torch.arange(500)
    )
    batches = list(examples.batches(examples.random_batches(20)))
    assert sorted(torch.cat([classes for _, classes in batches]).tolist()) == list(range(500))
    for texts, classes in batches:
        assert torch.equal(texts[:, 0], classes + 1)
    assert sum(texts.numel() for texts, _ in batches) < 1.2 * sum(lengths)
