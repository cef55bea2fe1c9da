"""EmbeddingModel: the tables of a model, and how an example's input vector is gathered from them.

An engine trains every model in the same way. For each example the model gathers an input vector x from rows of its
input tables; the scores of the target rows y_k are s_k = x . y_k; and the step of x, -lr dL/dx, is scattered back to
the rows that x came from. Objectives (losses/) and targets (sampling/) do not depend on the model.

With n-grams, the vector of a word is the mean of its own row and the rows of its character n-grams (Bojanowski, Grave,
Joulin and Mikolov 2017, "Enriching word vectors with subword information"). The whole step of the word is added to each
of these rows, as in fastText, so that the word moves as far as it would without n-grams; the exact gradient would be a
fraction of it, one divided by the number of rows.

Rows can be frozen: they take part in gathering and scoring, but no engine writes to them.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from word2vec.models.ngram_index import NgramIndex
from word2vec.models.subwords import WORD_ROWS
from word2vec.sampling.datasets import Batch
from word2vec.sampling.huffman import HuffmanTree

PACK_ROWS = 4096  # rows moved at a time, a few MB
NODES = "nodes"  # name of the output table if its rows are the inner nodes of a tree


class EmbeddingModel(nn.Module, ABC):
    """The input and output tables of a model.

    Initial values are those of word2vec.c: input rows uniform in (-0.5, 0.5) / dim, output rows zero.

    Args:
        vocabulary_size: V, number of words.
        dim: D, dimensions of the vectors.
        generator: Random state for the initial values.
        targets: Number of rows of the output table, if they are not the same words as the inputs.
        ngrams: The n-grams of the words; by default words have none.
        tree: The tree whose inner nodes are the rows of the output table; by default they are words.

    Attributes:
        input: (V, D) vectors of words as inputs; with n-grams, the words' own rows.
        output: (V, D) vectors of words as prediction targets, or (targets, D). With a tree, those of its inner nodes,
            from the root on; the last row is not used and stays zero.
        ngrams: (G, D) rows of n-grams, or None.
        ngram_index: The n-grams of each word, or None.
        frozen_input: (V,) bool, rows of `input` that are not trained, or None; see `freeze`.
        frozen_output: The same for `output`.
        frozen_ngrams: The same for `ngrams`, (G,).
        lr_factor: The default learning rate of the model, relative to that of the objective.
        ngram_lr_factor: The same for words with n-grams.
    """

    lr_factor: ClassVar[float] = 1.0
    ngram_lr_factor: ClassVar[float] = 2.0  # as in fastText

    frozen_input: Tensor | None
    frozen_output: Tensor | None
    frozen_ngrams: Tensor | None

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        generator: torch.Generator | None = None,
        targets: int | None = None,
        ngrams: NgramIndex | None = None,
        tree: HuffmanTree | None = None,
    ) -> None:
        super().__init__()
        self.input = nn.Parameter(_initial_rows(vocabulary_size, dim, generator))
        self.output = nn.Parameter(torch.zeros(vocabulary_size if targets is None else targets, dim))
        self.ngram_index, self._tree = ngrams, tree
        self.ngrams = None if ngrams is None else nn.Parameter(_initial_rows(len(ngrams), dim, generator))
        if ngrams is not None:
            self.register_buffer("_starts", torch.from_numpy(ngrams.starts), persistent=False)
            self.register_buffer("_ngram_rows", torch.from_numpy(ngrams.rows), persistent=False)
        for name in ("frozen_input", "frozen_output", "frozen_ngrams"):
            self.register_buffer(name, None, persistent=False)

    def freeze(
        self,
        *,
        input: npt.NDArray[np.bool_] | None = None,  # noqa: A002
        output: npt.NDArray[np.bool_] | None = None,
        ngrams: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Freeze rows of tables: engines created afterward do not change them.

        Args:
            input: (V,) whether each row of the input table is frozen; None for none of them.
            output: The same for the output table.
            ngrams: The same for the table of n-grams, (G,).
        """
        masks = (None if rows is None else torch.from_numpy(rows) for rows in (input, output, ngrams))
        self.frozen_input, self.frozen_output, self.frozen_ngrams = masks

    @property
    def has_frozen_rows(self) -> bool:
        """Whether a row of a table is frozen."""
        return any(rows is not None for rows in (self.frozen_input, self.frozen_output, self.frozen_ngrams))

    @property
    def center_is_input(self) -> bool:
        """Whether engines that train windows gather the center word once, which then predicts its context words."""
        return self.ngrams is not None

    @abstractmethod
    def gather(self, batch: Batch) -> Tensor:
        """Return the input vectors of the examples of a batch, (B, D)."""

    @abstractmethod
    def scatter(self, batch: Batch, steps: Tensor) -> None:
        """Move the rows that the input vectors came from.

        Args:
            batch: B examples.
            steps: (B, D), the step of each input vector, -lr dL/dx.
        """

    def word_vectors(self, words: Tensor) -> Tensor:
        """Return the vectors of words, (N,) -> (N, D): rows of the input table, or means with their n-grams' rows."""
        vectors = self.input.index_select(0, words)  # (N, D)
        if self.ngrams is None:
            return vectors
        owners, rows, number = self._ngrams_of(words)
        vectors.index_add_(0, owners, self.ngrams.index_select(0, rows))
        return vectors.div_(1 + number.unsqueeze(1))

    def move_words(self, words: Tensor, steps: Tensor) -> None:
        """Move words (N,) by steps (N, D); with n-grams, each row of a word makes the whole step."""
        _move(self.input, self.frozen_input, words, steps)
        if self.ngrams is not None:
            owners, rows, _ = self._ngrams_of(words)
            _move(self.ngrams, self.frozen_ngrams, rows, steps.index_select(0, owners))

    def move_targets(self, rows: Tensor, steps: Tensor, factor: float = 1.0) -> None:
        """Move rows (N,) of the output table by steps (N, D), times a factor."""
        _move(self.output, self.frozen_output, rows, steps, factor)

    def tables(self) -> dict[str, nn.Parameter]:
        """Return all tables by the names under which files contain them."""
        inputs, outputs = "input" if self.ngrams is None else WORD_ROWS, "output" if self._tree is None else NODES
        named = {inputs: self.input, outputs: self.output}
        return named if self.ngrams is None else named | {"ngrams": self.ngrams}

    def row_frequencies(
        self, of_words: npt.NDArray[np.floating], of_targets: npt.NDArray[np.floating]
    ) -> dict[str, npt.NDArray[np.floating]]:
        """Return how often an example uses each row of each table, by the names of `tables`.

        Args:
            of_words: (V,) expected number of uses of each word in the input of an example.
            of_targets: (targets,) fraction of the examples with this target.
        """
        of_rows = of_targets if self._tree is None else self._tree.node_frequency(of_targets)
        uses = {name: of_rows if table is self.output else of_words for name, table in self.tables().items()}
        return uses if self.ngram_index is None else uses | {"ngrams": self.ngram_index.frequency(of_words)}

    @torch.no_grad()
    def pack(self) -> None:
        """Make the tables contiguous in place, without a copy of a table, after an engine has padded their rows."""
        for table in self.parameters():
            rows, (size, dim) = table.detach(), table.shape
            if not rows.is_contiguous():
                packed = rows.as_strided((size * dim,), (1,))
                for start in range(0, size, PACK_ROWS):
                    block = rows[start : start + PACK_ROWS].reshape(-1)  # a copy: source and target may overlap
                    packed[start * dim : start * dim + len(block)] = block
                table.data = packed.view(size, dim)

    def _ngrams_of(self, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return for words (N,) the positions in `words` and the n-gram rows, both (M,), and their numbers, (N,)."""
        starts, rows = self.get_buffer("_starts"), self.get_buffer("_ngram_rows")
        first, number = starts[words], starts[words + 1] - starts[words]  # (N,)
        owners = torch.repeat_interleave(torch.arange(len(words), device=words.device), number)  # (M,)
        before = number.cumsum(0) - number  # (N,) n-grams of the words before
        places = torch.arange(len(owners), device=words.device) + (first - before)[owners]  # (M,)
        return owners, rows[places].long(), number


def scores(x: Tensor, y: Tensor) -> Tensor:
    """Return the scores s_k = x . y_k: x (B, D), y (B, T, D) -> (B, T)."""
    # subtle: y @ x computes the same as matrix-vector products, which are five times slower on a CPU
    return torch.bmm(x.unsqueeze(1), y.transpose(1, 2)).squeeze(1)


def _move(table: Tensor, frozen: Tensor | None, rows: Tensor, steps: Tensor, factor: float = 1.0) -> None:
    """Add steps (N, D), times a factor, to the rows (N,) of a table that are not frozen."""
    if frozen is not None:
        moving = ~frozen[rows]
        rows, steps = rows[moving], steps[moving]
    table.index_add_(0, rows, steps, alpha=factor)


def _initial_rows(size: int, dim: int, generator: torch.Generator | None) -> Tensor:
    return torch.rand(size, dim, generator=generator).sub_(0.5).div_(dim)
