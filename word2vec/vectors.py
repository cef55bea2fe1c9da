"""Word vectors: what training gives, and what can be asked of it.

Everything is a product of matrices of unit vectors, so the cosine of two words is the dot product of their rows.
Reading and writing files is left to `formats/`, measuring quality to `evaluation.py`. Analogies follow Mikolov, Yih
and Zweig (2013), "Linguistic regularities in continuous space word representations", and Levy and Goldberg (2014),
"Linguistic regularities in sparse and explicit word representations". Answers agree with gensim's.
"""

import difflib
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from word2vec import formats
from word2vec.errors import UnknownWordError, Word2VecError
from word2vec.subwords import Subwords

AnalogyMethod = Literal["3cosadd", "3cosmul"]

_TINY = 1e-6  # keeps the quotient of 3CosMul finite; gensim's value, Levy and Goldberg (2014) took 1e-3
_BLOCK_ROWS = 8192  # rows scaled at a time, so that their copies in float64 stay small
_SHORTLIST = 20_000  # spellings compared closely, about 0.2 s; the vocabulary's first, so the most frequent


class WordVectors:
    """Words and their vectors, one row each; the order of the words is the order of the rows.

    Attributes:
        words: the words, most frequent first where training made them.
        vectors: (V, D) float32, the input table. Not to be changed in place, since `unit` is computed from it once.
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
            limit: how many rows to read from the start; the rest is not looked at.
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
            # subtle: in float32 the squares of very long or very short vectors would overflow or vanish
            rows = self.vectors[start : start + _BLOCK_ROWS].astype(np.float64)  # (B, D)
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)  # (B, 1)
            unit[start : start + len(rows)] = rows / np.where(lengths == 0, 1, lengths)
        return unit

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
        row = self._rows.get(word)
        if row is None:
            raise UnknownWordError(_unknown(word, self._rows))
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
    ) -> list[tuple[str, float]]:
        """The words whose vectors point most nearly the way of those asked for.

        The direction is the mean of the unit vectors, the negative ones turned round.

        Args:
            positive: a word or several.
            negative: words to be unlike.
            n: how many answers, at most. The words asked for are never among them.
            restrict: answers come from the first so many words, the most frequent ones.

        Returns:
            Words and cosines, the highest first; equal ones in the order of the vocabulary.

        Raises:
            UnknownWordError: a word has no vector.
            Word2VecError: no word is given, or `n` or `restrict` is below 1.
        """
        (plus, plus_rows), (minus, minus_rows) = self._directions(positive), self._directions(negative)
        if not len(plus) and not len(minus):
            raise Word2VecError("no word is given; name one or more")
        direction = plus.sum(axis=0) - minus.sum(axis=0)  # (D,)
        length = np.linalg.norm(direction)
        scores = self._scores(direction / (length if length > 0 else 1), restrict)
        return self._best(scores, plus_rows + minus_rows, n)

    def most_similar(
        self,
        positive: str | Sequence[str] = (),
        negative: str | Sequence[str] = (),
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> list[tuple[str, float]]:
        """`nearest` under the names that gensim's users know."""
        return self.nearest(positive, negative, topn, restrict_vocab)

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, method: AnalogyMethod = "3cosadd", restrict: int | None = None
    ) -> list[tuple[str, float]]:
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
        return self._best(to_b * to_c / (to_a + _TINY), asked, n)

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

    def doesnt_match(self, words: Sequence[str]) -> str:
        """`odd_one_out` under the name that gensim's users know."""
        return self.odd_one_out(words)

    def _vector(self, word: str) -> NDArray[np.float32]:
        """A copy of the row of a word, (D,), or what its n-grams give if it has none."""
        made = None if self.subwords is None or word in self._rows else self.subwords.vector(word)
        return self.vectors[self.index(word)].copy() if made is None else made

    def _table_of(self, words: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of words, (N, D), copied."""
        if self.subwords is None:
            return self.vectors[[self.index(word) for word in words]]
        return np.array([self._vector(word) for word in words], np.float32).reshape(-1, self.dim)

    def _directions(self, words: str | Sequence[str]) -> tuple[NDArray[np.float32], list[int]]:
        """The vectors of words scaled to length one, (N, D), and the rows of those words that have one."""
        words = [words] if isinstance(words, str) else words
        vectors = self._table_of(words).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (N, 1)
        rows = [self._rows[word] for word in words if word in self._rows]
        return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32), rows

    def _scores(self, direction: NDArray[np.float32], restrict: int | None) -> NDArray[np.float32]:
        """The dot product of a direction, (D,), with the unit vectors of the first words, (R,)."""
        if restrict is not None and restrict < 1:
            raise Word2VecError(f"restrict is {restrict}; it has to be 1 or more")
        scores: NDArray[np.float32] = self.unit[:restrict] @ direction
        return scores

    def _best(self, scores: NDArray[np.floating[Any]], asked: list[int], n: int) -> list[tuple[str, float]]:
        """The `n` words with the highest scores, (R,), those asked for left out."""
        if n < 1:
            raise Word2VecError(f"n is {n}; it has to be 1 or more")
        left_out = [row for row in set(asked) if row < len(scores)]
        scores[left_out] = -np.inf
        n = min(n, len(scores) - len(left_out))
        if n == 0:
            return []
        # subtle: a partition alone would cut through equal scores at random, so take all that reach the n-th score
        reached = np.flatnonzero(scores >= np.partition(scores, -n)[-n])  # in the order of the vocabulary
        best = reached[np.argsort(-scores[reached], kind="stable")][:n]  # (n,)
        return [(self.words[row], float(scores[row])) for row in best]


def _table(numbers: ArrayLike) -> NDArray[np.float32]:
    """A table of float32 whose rows are each in one piece; not copied if it is one, even with padding between rows."""
    table = np.asarray(numbers, dtype=np.float32)
    whole_rows = table.ndim == 2 and table.strides[1] == table.itemsize and table.strides[0] > 0
    return table if whole_rows else np.ascontiguousarray(table)


def _unknown(word: str, known: dict[str, int]) -> str:
    """Says that a word has no vector, and which words may have been meant."""
    forms = (word.lower(), word.capitalize(), word.upper(), word.title())
    other = next((form for form in forms if form in known), None)
    if other is not None:
        return f"{word!r} has no vector, but {other!r} has; upper and lower case differ"
    spellings = difflib.get_close_matches(word, _shortlist(word, known), n=3)
    if not spellings:
        return f"{word!r} has no vector, and no word is spelt like it"
    return f"{word!r} has no vector; the nearest spellings are: {', '.join(spellings)}"


def _shortlist(word: str, known: dict[str, int]) -> list[str]:
    """The most frequent words of about the same length that begin or end with the same letter.

    Comparing a million words closely takes a minute; few slips of the pen change both ends of a word.
    """
    lengths = range(max(1, len(word) - 2), len(word) + 3)
    first, last = word[:1], word[-1:]
    alike = (other for other in known if len(other) in lengths and (other[0] == first or other[-1] == last))
    return list(islice(alike, _SHORTLIST))
