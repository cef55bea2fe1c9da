"""Word vectors: what training gives, and what can be asked of it.

A question is one product of the table and a direction, divided by the lengths of the rows, so that no second table is
needed. Reading and writing files is left to `formats/`, measuring quality to `evaluation.py`, the forms of other
libraries to `interfaces.py`. Analogies follow Mikolov, Yih and Zweig (2013), "Linguistic regularities in continuous
space word representations", and Levy and Goldberg (2014), "Linguistic regularities in sparse and explicit word
representations". Answers agree with gensim's.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from word2vec import formats
from word2vec.errors import Word2VecError
from word2vec.models.subwords import Subwords
from word2vec.vectors import gensim_names, interop
from word2vec.vectors.search import Neighbors, best
from word2vec.vectors.spelling import unknown_word

if TYPE_CHECKING:
    import pandas as pd
    from gensim.models import KeyedVectors
    from torch import nn

AnalogyMethod = Literal["3cosadd", "3cosmul"]

_TINY = 1e-6  # keeps the quotient of 3CosMul finite; gensim's value, Levy and Goldberg (2014) took 1e-3
_BLOCK_ROWS = 2048  # rows scaled at a time, so that their copies in float64 stay in the processor's cache
_HEADROOM = 2.0**-9  # times a direction: keeps its products with rows near float32's end finite, exactly so


class WordVectors:
    """Words and their vectors, one row each; the order of the words is the order of the rows.

    Attributes:
        words: the words, most frequent first where training made them.
        vectors: (V, D) float32, the input table. Not to be changed in place, since lengths are computed from it once.
        counts: (V,) int64, how often each word stood in the corpus, or None where that is not known.
        context: (V, D) float32, the output table, or None.
        subwords: the n-grams that give words without a row a vector, as fastText's models have them, or None.
    """

    def __init__(
        self,
        words: Sequence[str],
        vectors: ArrayLike,
        *,
        counts: ArrayLike | None = None,
        context: ArrayLike | None = None,
        subwords: Subwords | None = None,
    ) -> None:
        self.words = list(words)
        self.vectors = _table(vectors)
        self.counts = None if counts is None else np.ascontiguousarray(counts, dtype=np.int64)
        self.context = None if context is None else _table(context)
        self.subwords = subwords
        self._rows = {word: row for row, word in enumerate(self.words)}
        self._check()

    def _check(self) -> None:
        """Refuses tables that do not fit together, words that occur twice and numbers that are none."""
        if self.vectors.ndim != 2 or 0 in self.vectors.shape:
            raise Word2VecError(f"the vectors have the shape {self.vectors.shape}; it has to be (words, dimensions)")
        if len(self.words) != len(self.vectors):
            raise Word2VecError(f"{len(self.words)} words but {len(self.vectors)} vectors; give one vector a word")
        if self.counts is not None and self.counts.shape != (len(self.words),):
            raise Word2VecError(f"the counts have the shape {self.counts.shape}; give one count a word")
        if self.context is not None and self.context.shape != self.vectors.shape:
            raise Word2VecError(f"the context table is {self.context.shape} but the vectors are {self.vectors.shape}")
        if len(self._rows) < len(self.words):
            twice = next(word for row, word in enumerate(self.words) if self._rows[word] != row)
            raise Word2VecError(f"the word {twice!r} occurs twice; give each word one vector")
        row = formats.first_not_finite(self.vectors)
        if row is not None:
            raise Word2VecError(f"the vector of {self.words[row]!r} holds nan or infinity; train it again")

    @classmethod
    def load(cls, path: str | PathLike[str], limit: int | None = None, *, progress: bool = False) -> "WordVectors":
        """Reads vectors from a run folder or a file in any known format; see `formats.FORMATS`.

        Args:
            path: where they are.
            limit: how many rows to read from the start; of the rest is asked only whether a run folder's words are
                those that its vectors were written with.
            progress: draw a bar on stderr, if it takes long.

        Raises:
            FormatError: the path cannot be read; says which line or row is wrong.
        """
        table = formats.read(path, limit, progress=progress)
        return cls(table.words, table.vectors, counts=table.counts, context=table.context, subwords=table.subwords)

    def save(self, path: str | PathLike[str], format: str | None = None, *, progress: bool = False) -> None:  # noqa: A002
        """Writes the vectors; what stood at the path is replaced only when all is on the disk.

        Args:
            path: the file, or the folder for a run. Only run, safetensors and npz keep counts and context.
            format: a name in `formats.FORMATS`; by default the ending of the path decides.
            progress: draw a bar on stderr, if it takes long.

        Raises:
            Word2VecError: the format is not known, or the path cannot be written.
        """
        table = formats.Table(self.words, self.vectors, self.counts, self.context, self.subwords)
        formats.write(path, table, format, progress=progress)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(self.vectors.shape[1])

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """The vectors scaled to length one, (V, D); rows of zeros stay so. Computed once and kept."""
        unit = np.empty_like(self.vectors)  # (V, D)
        for start in range(0, len(unit), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            unit[block] = self.vectors[block].astype(np.float64) / self._lengths[block, np.newaxis]
        return unit

    @cached_property
    def _lengths(self) -> NDArray[np.float64]:
        """The lengths of the vectors, (V,), 1 for rows of zeros: all that a question needs of `unit`, in less time."""
        lengths = np.empty(len(self))  # (V,)
        for start in range(0, len(self), _BLOCK_ROWS):
            # subtle: in float32 the squares of very long or very short vectors would overflow or vanish
            rows = self.vectors[start : start + _BLOCK_ROWS].astype(np.float64)  # (B, D)
            lengths[start : start + len(rows)] = np.sqrt(np.einsum("bd,bd->b", rows, rows))
        lengths[lengths == 0] = 1
        return lengths

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def __repr__(self) -> str:
        extras = [name for name in ("counts", "context") if getattr(self, name) is not None]
        first = ", ".join(map(repr, self.words[:3])) + (", ..." if len(self) > 3 else "")
        return f"WordVectors({len(self)} words [{first}], {self.dim} dimensions{', with '.join(['', *extras])})"

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """The vectors as `np.asarray` asks for them; read-only where they are not copied."""
        table = self.vectors.view()
        table.flags.writeable = False
        return np.array(table, dtype, copy=copy)

    def __getitem__(self, words: str | Sequence[str]) -> NDArray[np.float32]:
        """A copy of the vector of one word, (D,), or of several, (N, D); n-grams give unknown words theirs.

        Raises:
            UnknownWordError: a word has no vector.
        """
        return self._vector(words) if isinstance(words, str) else self._table_of(words)

    def index(self, word: str) -> int:
        """The row of a word.

        Raises:
            UnknownWordError: the word has no vector; names another case form or the nearest spellings.
        """
        if not isinstance(word, str):
            kind = type(word).__name__
            raise Word2VecError(f"a word is a string, not {kind}; ask nearest_to for what is near a vector of your own")
        row = self._rows.get(word)
        if row is None:
            raise unknown_word(word, self.words, self._rows)
        return row

    def similarity(self, a: str, b: str) -> float:
        """The cosine of the vectors of two words, 0 where one is all zeros.

        Raises:
            UnknownWordError: a word has no vector.
        """
        left, right = self._directions([a, b])[0]  # (D,) each
        return float(left @ right)

    def nearest(
        self,
        positive: str | Sequence[str],
        negative: str | Sequence[str] = (),
        n: int = 10,
        restrict: int | None = None,
    ) -> Neighbors:
        """The words whose vectors point most nearly the way of those asked for.

        The direction is the mean of the unit vectors, the negative ones turned round.

        Args:
            positive: a word or several.
            negative: words to be unlike.
            n: how many answers, at most. The words asked for are never among them.
            restrict: answers come from the first so many words, the most frequent ones.

        Returns:
            Words and cosines, the highest first; equal ones in the order of the vocabulary. A list, which a notebook
            shows as a table.

        Raises:
            UnknownWordError: a word has no vector.
            Word2VecError: no word is given, or `n` or `restrict` is below 1.
        """
        (plus, plus_rows), (minus, minus_rows) = self._directions(positive), self._directions(negative)  # (N, D) each
        if not len(plus) and not len(minus):
            raise Word2VecError("no word is given; name one or more")
        return self._near(plus.sum(axis=0) - minus.sum(axis=0), plus_rows + minus_rows, n, restrict)

    def nearest_to(self, direction: ArrayLike, n: int = 10, restrict: int | None = None) -> Neighbors:
        """The words whose vectors point most nearly a given way, such as the mean of a document's vectors.

        Args:
            direction: (D,) numbers; how long the vector is does not matter.
            n: how many answers, at most.
            restrict: answers come from the first so many words, the most frequent ones.

        Raises:
            Word2VecError: the direction does not fit the vectors, or `n` or `restrict` is below 1.
        """
        given = np.asarray(direction, dtype=np.float64)
        if given.shape != (self.dim,) or not np.isfinite(given).all():
            raise Word2VecError(
                f"a direction is a list of {self.dim} finite numbers; this one has the shape {given.shape}"
            )
        return self._near(given, [], n, restrict)

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, method: AnalogyMethod = "3cosadd", restrict: int | None = None
    ) -> Neighbors:
        """The words that are to `c` as `b` is to `a`: man is to king as woman is to ?

        3CosAdd takes the cosine with b - a + c. 3CosMul takes cos(x, b) cos(x, c) / (cos(x, a) + 1e-6), the cosines
        moved to 0..1, which keeps one large term from deciding alone.

        Args:
            a: the word that `b` belongs to.
            b: what it has.
            c: the word whose counterpart is sought.
            n: how many answers, at most. The words asked for are never among them.
            method: "3cosadd" or "3cosmul".
            restrict: answers come from the first so many words, the most frequent ones.

        Returns:
            Words and scores, the highest first; equal ones in the order of the vocabulary.

        Raises:
            UnknownWordError: a word has no vector.
            Word2VecError: the method is not known, or `n` or `restrict` is below 1.
        """
        if method == "3cosadd":
            return self.nearest([b, c], [a], n, restrict)
        if method != "3cosmul":
            raise Word2VecError(f"there is no analogy method {method!r}; choose 3cosadd or 3cosmul")
        directions, asked = self._directions([a, b, c])  # (3, D)
        to_a, to_b, to_c = ((1 + self._scores(direction, restrict)) / 2 for direction in directions)  # (R,) each
        found = best(self.words, to_b * to_c / (to_a + _TINY), asked, n)
        found.measure = method
        return found

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word that is least like the mean of all; of equals, the one named first.

        Raises:
            UnknownWordError: a word has no vector.
            Word2VecError: fewer than three words, among which none can be odd.
        """
        if isinstance(words, str) or len(words) < 3:
            raise Word2VecError(f"the odd one out needs a list of three words or more, not {words!r}")
        unit, _ = self._directions(words)  # (N, D)
        return words[int((unit @ unit.mean(axis=0)).argmin())]

    def to_embedding(self, freeze: bool = True) -> "nn.Embedding":
        """A torch layer with a copy of the vectors; `index` gives the ids it takes.

        Args:
            freeze: keep the vectors as they are (feature extraction); False trains them on (fine-tuning).
        """
        return interop.to_embedding(self, freeze)

    def to_frame(self) -> "pd.DataFrame":
        """A data frame with a copy of the vectors: a row a word, a column a dimension."""
        return interop.to_frame(self)

    def to_gensim(self) -> "KeyedVectors":
        """A KeyedVectors of gensim with a copy of the vectors, and with the counts where they are known.

        Raises:
            Word2VecError: gensim is not installed.
        """
        return interop.to_gensim(self)

    # What gensim's users type.
    vector_size = property(gensim_names.vector_size)
    index_to_key = property(gensim_names.index_to_key)
    key_to_index = property(gensim_names.key_to_index)
    has_index_for = gensim_names.has_index_for
    get_index = gensim_names.get_index
    get_vector = gensim_names.get_vector
    distance = gensim_names.distance
    n_similarity = gensim_names.n_similarity
    doesnt_match = gensim_names.doesnt_match
    most_similar = gensim_names.most_similar
    similar_by_word = gensim_names.similar_by_word
    similar_by_vector = gensim_names.similar_by_vector

    def _vector(self, word: str) -> NDArray[np.float32]:
        """A copy of the row of a word, (D,), or what its n-grams give if it has none."""
        made = None if self.subwords is None or word in self._rows else self.subwords.vector(word)
        return self.vectors[self.index(word)].copy() if made is None else made

    def _table_of(self, words: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of words, (N, D), copied."""
        if self.subwords is None:
            return self.vectors[[self.index(word) for word in words]]
        return np.array([self._vector(word) for word in words], np.float32).reshape(-1, self.dim)

    def _directions(self, words: str | Sequence[str]) -> tuple[NDArray[np.float64], list[int]]:
        """The vectors of words scaled to length one, (N, D), and the rows of those words that have one."""
        words = [words] if isinstance(words, str) else words
        vectors = self._table_of(words).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (N, 1)
        rows = [self._rows[word] for word in words if word in self._rows]
        return vectors / np.where(lengths == 0, 1, lengths), rows

    def _near(self, direction: NDArray[np.float64], asked: list[int], n: int, restrict: int | None) -> Neighbors:
        length = np.linalg.norm(direction)
        return best(self.words, self._scores(direction / (length if length > 0 else 1), restrict), asked, n)

    def _scores(self, direction: NDArray[np.float64], restrict: int | None) -> NDArray[np.float32]:
        """The cosines of a direction of length one, (D,), with the first words, (R,)."""
        if restrict is not None and restrict < 1:
            raise Word2VecError(f"restrict is {restrict}; it has to be 1 or more")
        scores: NDArray[np.float32] = self.vectors[:restrict] @ (direction * _HEADROOM).astype(np.float32)
        return np.divide(scores, self._lengths[:restrict] * _HEADROOM, out=scores, casting="same_kind")


def _table(numbers: ArrayLike) -> NDArray[np.float32]:
    """A table of float32 whose rows are each in one piece; not copied if it is one, even with padding between rows."""
    table = np.asarray(numbers, dtype=np.float32)
    whole_rows = table.ndim == 2 and table.strides[1] == table.itemsize and table.strides[0] > 0
    return table if whole_rows else np.ascontiguousarray(table)
