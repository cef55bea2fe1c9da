"""Train a text classifier of torch: minibatches, early stopping by validation accuracy, and the test."""

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from word2vec.errors import TrainingError

TEST_BATCH = 100
"""Number of texts that are classified at a time."""
POOL = 20
"""Number of batches whose texts are drawn at random before they are divided by length."""


@dataclass(frozen=True)
class Schedule:
    """How a classifier is trained."""

    epochs: int
    batch_size: int
    lr: float
    """Learning rate of Adam."""


@dataclass(frozen=True)
class Examples:
    """Encoded texts with their classes."""

    texts: tuple[Tensor, ...]
    """(T,) word ids of each text; all above 0."""
    classes: Tensor
    """(N,) the class of each text."""

    def batches(self, rows: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the texts (B, T), padded with 0, and the classes (B,) of each batch of rows."""
        for batch in rows:
            padded = pad_sequence([self.texts[row] for row in batch.tolist()], batch_first=True)
            yield padded.to(self.classes.device), self.classes[batch.to(self.classes.device)]

    def random_batches(self, size: int) -> list[Tensor]:
        """Return random batches of rows, in each of which texts have similar lengths, so that little is padding."""
        lengths = torch.tensor([len(text) for text in self.texts])  # (N,)
        pools = torch.split(torch.randperm(len(lengths)), POOL * size)
        batches = [batch for pool in pools for batch in torch.split(pool[lengths[pool].argsort()], size)]
        return [batches[place] for place in torch.randperm(len(batches)).tolist()]

    def subset(self, rows: NDArray[np.intp]) -> "Examples":
        """Return some of the examples."""
        return Examples(tuple(self.texts[row] for row in rows.tolist()), self.classes[torch.from_numpy(rows)])


def encode(texts: Sequence[Sequence[str]], ids: dict[str, int]) -> tuple[Tensor, ...]:
    """Return the word ids of texts; words without an id become 1."""
    return tuple(torch.tensor([ids.get(word, 1) for word in text]) for text in texts)


def predict(model: nn.Module, examples: Examples) -> NDArray[np.int64]:
    """Return the predicted class of each text, (N,)."""
    model.eval()
    batches = torch.split(torch.arange(len(examples.texts)), TEST_BATCH)
    with torch.inference_mode():
        outputs = [model(texts) for texts, _ in examples.batches(batches)]
    scores = torch.cat(outputs)  # (N, 1) for two classes, else (N, classes)
    predicted = (scores[:, 0] > 0).long() if scores.shape[1] == 1 else scores.argmax(dim=1)
    return predicted.cpu().numpy()


def accuracy(model: nn.Module, examples: Examples) -> float:
    """Return the fraction of texts that a model classifies correctly."""
    return float((predict(model, examples) == examples.classes.cpu().numpy()).mean())


def train(
    model: nn.Module, training: Examples, validation: Examples, schedule: Schedule, bar: "tqdm[Any]"
) -> tuple[float, float]:
    """Train a model, and restore the state after the epoch in which it was best on validation texts.

    Two classes need one output, the log-odds of the second class, and several classes one output each.

    Returns:
        The validation accuracy of that state, and the seconds of training and validation.

    Raises:
        TrainingError: Training diverged: the loss became infinite or NaN.
    """
    start = time.perf_counter()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=schedule.lr)
    binary, several = nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss()
    best, state, loss = -1.0, model.state_dict(), torch.zeros(())
    for _ in range(schedule.epochs):
        model.train()
        for texts, classes in training.batches(training.random_batches(schedule.batch_size)):
            outputs = model(texts)  # (B, 1) or (B, classes)
            loss = binary(outputs[:, 0], classes.float()) if outputs.shape[1] == 1 else several(outputs, classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if not torch.isfinite(loss):
            raise TrainingError(f"classifier: training diverged, the loss is {loss.item():.3g}; lower --lr")
        reached = accuracy(model, validation)
        bar.update()
        bar.set_postfix_str(f"validation accuracy {reached:.1%}")
        if reached >= best:  # of equal epochs the last, since validation texts may be few
            best, state = reached, copy.deepcopy(model.state_dict())
    seconds = time.perf_counter() - start
    model.load_state_dict(state)
    return best, seconds
