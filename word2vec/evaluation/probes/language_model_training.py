"""Train and test a language model: truncated back-propagation through time, validation, the best model on disk.

The text is divided into columns, which are read side by side. Each step reads the next `bptt` words of all columns; the
state is carried over to the next step, but gradients are not.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from word2vec.errors import TrainingError
from word2vec.evaluation.probes.language_model import LanguageModel, State, detached
from word2vec.system.atomic_files import atomic_path

VALIDATIONS = 4
"""Validations per epoch: with few epochs, the learning rate could never be halved at their ends only."""
TEST_COLUMNS = 16
"""Number of columns of validation and test texts; the first words of each are predicted from little context."""
MAX_LOSS = 100.0
"""Validation cross-entropy, in nats, that means divergence; guessing among all words gives some 10."""
TEMPERATURE = 0.8
"""Divides the log-probabilities when text is written; below 1, likely words become likelier."""


@dataclass(frozen=True)
class Schedule:
    """How a language model is trained."""

    epochs: int
    batch_size: int
    """Number of columns that the training text is divided into."""
    bptt: int
    """Number of words that gradients reach back."""
    lr: float
    """Learning rate of Adam, halved whenever the validation loss does not improve."""
    clip: float
    """Maximum norm of the gradients of a step."""


def batches(tokens: Tensor, columns: int, bptt: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the inputs and targets of each step, (T, B) both, with T up to `bptt`.

    Each token but the first is a target once, except that fewer than `columns` tokens at the end are left out.

    Args:
        tokens: (N,) word ids.
        columns: B, the number of columns.
        bptt: The maximum of T.
    """
    length = (len(tokens) - 1) // columns
    inputs = tokens[: length * columns].view(columns, length).t().contiguous()  # (length, B)
    targets = tokens[1 : length * columns + 1].view(columns, length).t().contiguous()
    return zip(torch.split(inputs, bptt), torch.split(targets, bptt), strict=True)


def cross_entropy(model: LanguageModel, tokens: Tensor) -> float:
    """Return the mean cross-entropy, in nats, of all tokens (N,) but the first; its exponential is the perplexity."""
    model.eval()
    state: State | None = None
    total, number = 0.0, 0
    with torch.inference_mode():
        for inputs, targets in batches(tokens, min(TEST_COLUMNS, len(tokens) - 1), 64):
            losses, state = model(inputs, targets, state)
            total += float(losses.sum())
            number += len(losses)
    return total / number


def train(
    model: LanguageModel, tokens: Tensor, validation: Tensor, schedule: Schedule, best: Path, bar: "tqdm[Any]"
) -> tuple[float, float]:
    """Train a model, and load the state in which it was best on validation text.

    Args:
        model: The model; on the device of the tokens.
        tokens: (N,) the training text.
        validation: (M,) the validation text, beginning with the word before it.
        schedule: How to train.
        best: The safetensors file to write.
        bar: A progress bar, advanced by the number of words that were read.

    Returns:
        The validation cross-entropy of the best state, in nats, and the seconds of training and validation.

    Raises:
        TrainingError: Training diverged.
    """
    start = time.perf_counter()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=schedule.lr)
    steps = math.ceil((len(tokens) - 1) // schedule.batch_size / schedule.bptt)  # of an epoch
    validated = {steps * part // VALIDATIONS for part in range(1, VALIDATIONS + 1)}
    lowest = math.inf
    for _ in range(schedule.epochs):
        state: State | None = None
        for step, (inputs, targets) in enumerate(batches(tokens, schedule.batch_size, schedule.bptt), start=1):
            model.train()
            losses, state = model(inputs, targets, None if state is None else detached(state))
            optimizer.zero_grad()
            losses.mean().backward()
            torch.nn.utils.clip_grad_norm_(trained, schedule.clip)
            optimizer.step()
            bar.update(inputs.numel())
            if step not in validated:
                continue
            loss = cross_entropy(model, validation)
            if not loss < MAX_LOSS:  # or NaN
                raise TrainingError(f"language model: training diverged, the validation loss is {loss:.3g}; lower --lr")
            bar.set_postfix_str(f"validation perplexity {math.exp(loss):.1f}")
            if loss < lowest:
                lowest = loss
                _save(model, best)
            else:
                for group in optimizer.param_groups:
                    group["lr"] /= 2
    seconds = time.perf_counter() - start
    model.load_state_dict(load_file(best, device=str(tokens.device)))
    return lowest, seconds


def write_text(model: LanguageModel, words: list[str], start: int, number: int, unknown: int) -> str:
    """Return a text of `number` words that the model writes.

    Args:
        model: The model.
        words: The vocabulary.
        start: The id of the first word.
        number: How many words to write.
        unknown: The id of the word for all others, which is not written.
    """
    model.eval()
    state: State | None = None
    ids = [start]
    with torch.inference_mode():
        for _ in range(number - 1):
            last = torch.tensor([[ids[-1]]], device=model.embedding.weight.device)  # (1, 1)
            scores, state = model.next_words(last, state)  # (1, V)
            scores[0, unknown] = -torch.inf
            ids.append(int(torch.multinomial(torch.softmax(scores[0] / TEMPERATURE, 0), 1)))
    return " ".join(words[each] for each in ids)


def _save(model: LanguageModel, path: Path) -> None:
    with atomic_path(path) as temporary:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, temporary)
