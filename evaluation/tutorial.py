"""The baseline: skip-gram as the usual PyTorch tutorials write it.

It is here to be timed, not to be used. What makes those tutorials slow is kept: the dataset hands out one center word
at a time, the loader stacks the items one by one, every item draws its negatives by a call of its own of
`torch.multinomial` over the whole vocabulary, the gradients of both tables are dense, Adam touches every row at every
step, the window has a fixed width, and frequent words are not subsampled. Nearly all of the time goes there.

What makes some of them wrong is not kept: contexts never wrap around the end of the text or the vocabulary, ids are
integers, the noise is counts to the power 0.75, each negative has its own log-sigmoid, and that does not overflow.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch.utils.data import DataLoader, Dataset

NOISE_EXPONENT = 0.75  # Mikolov et al. 2013, section 2.2
LEARNING_RATE = 1e-3  # Adam's default, which most tutorials leave as it is

Item = tuple[Tensor, Tensor, Tensor]


def read_vocabulary(path: Path, min_count: int) -> dict[str, int]:
    """The words of a text that occur at least `min_count` times with their counts, most frequent first."""
    counts = Counter(path.read_text(encoding="utf-8", errors="replace").split())
    return {word: count for word, count in counts.most_common() if count >= min_count}


def encode(path: Path, vocabulary: dict[str, int]) -> Tensor:
    """The ids of a text's words, (N,) int64; words outside the vocabulary are left out."""
    ids = {word: index for index, word in enumerate(vocabulary)}
    words = path.read_text(encoding="utf-8", errors="replace").split()
    return torch.tensor([ids[word] for word in words if word in ids])


class SkipGramItems(Dataset[Item]):
    """One item for each word that has a whole window around it: the word, its context and noise words.

    Args:
        ids: (N,) the text as ids.
        counts: (V,) how often each word occurs, which gives the noise distribution.
        window: how many words on each side are context.
        negatives: how many noise words are drawn for each context word.
    """

    def __init__(self, ids: Tensor, counts: Tensor, window: int, negatives: int) -> None:
        self.ids = ids
        self.noise = counts.double().pow(NOISE_EXPONENT).float()  # (V,) multinomial scales it to a sum of one itself
        self.window = window
        self.draws = 2 * window * negatives

    def __len__(self) -> int:
        return max(0, len(self.ids) - 2 * self.window)

    def __getitem__(self, index: int) -> Item:
        """Returns the center (), the context (2W,) and the noise words (2W * K,)."""
        center = index + self.window
        left, right = self.ids[index:center], self.ids[center + 1 : center + 1 + self.window]
        negatives = torch.multinomial(self.noise, self.draws, replacement=True)
        return self.ids[center], torch.cat([left, right]), negatives


class TutorialSkipGram(nn.Module):
    """Two embedding tables; the forward pass is the negative-sampling loss of a batch."""

    def __init__(self, words: int, dim: int) -> None:
        super().__init__()
        self.input = nn.Embedding(words, dim)
        self.output = nn.Embedding(words, dim)
        nn.init.uniform_(self.input.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.output.weight)

    def forward(self, center: Tensor, context: Tensor, negatives: Tensor) -> Tensor:
        """Mean over the batch of -sum log sigmoid(x . y_context) - sum log sigmoid(-x . y_noise)."""
        x = self.input(center).unsqueeze(2)  # (B, D, 1)
        positive = torch.bmm(self.output(context), x).squeeze(2)  # (B, 2W)
        negative = torch.bmm(self.output(negatives), x).squeeze(2)  # (B, 2W * K)
        loss = -logsigmoid(positive).sum(1) - logsigmoid(-negative).sum(1)  # (B,)
        return loss.mean()


def steps(
    model: TutorialSkipGram, items: SkipGramItems, batch_size: int, learning_rate: float = LEARNING_RATE
) -> Iterator[float]:
    """One pass over the text: optimize a batch, hand out its loss, and so on."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for center, context, negatives in DataLoader(items, batch_size=batch_size, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        loss = model(center, context, negatives)
        loss.backward()
        optimizer.step()
        yield loss.item()


@dataclass(frozen=True)
class Timing:
    """How long a number of steps took, the warm-up left out."""

    steps: int
    words: int
    seconds: float
    loss: float


def time_steps(batches: Iterator[float], batch_size: int, warm_up: int, timed: int) -> Timing:
    """Run `warm_up` steps (the first one also shuffles the text and fills Adam's state), then time up to `timed` more.

    Raises:
        ValueError: the text ended before a step could be timed.
    """
    for _ in range(warm_up):
        next(batches, None)
    losses: list[float] = []
    start = time.perf_counter()
    for _ in range(timed):
        loss = next(batches, None)
        if loss is None:
            break
        losses.append(loss)
    seconds = time.perf_counter() - start
    if not losses:
        raise ValueError(f"the text has fewer than {warm_up + 1} batches of {batch_size} words: take more words")
    return Timing(len(losses), len(losses) * batch_size, seconds, losses[-1])
