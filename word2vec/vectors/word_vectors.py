"""WordVectors: the result of training, with lookup, nearest words and analogies.

Scores are computed in `search.py`, files are read and written by `formats/`, quality is measured by `evaluation/`, and
conversions to other libraries are in `interop.py`. Analogies follow Mikolov, Yih and Zweig (2013), "Linguistic
regularities in continuous space word representations", and Levy and Goldberg (2014), "Linguistic regularities in sparse
and explicit word representations". The answers agree with gensim's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from word2vec import formats
from word2vec.corpus.phrases import Phrases
from word2vec.errors import Word2VecError
from word2vec.models.subwords import Subwords
from word2vec.vectors import interop
from word2vec.vectors.likelihood import SoftmaxTree
from word2vec.vectors.queries import Parts, Query, split
from word2vec.vectors.search import AnalogyMethod, Neighbors, cosines, row_lengths, three_cos_mul, top_k, unit_rows
from word2vec.vectors.spelling import unknown_word
from word2vec.vectors.tables import as_table, check_shapes

if TYPE_CHECKING:
    import pandas as pd
    from gensim.models import KeyedVectors
    from torch import nn


class WordVectors:
    """Words and their vectors; row i of each table belongs to `words[i]`.

    Attributes:
        words: The vocabulary, most frequent words first if it comes from training.
        vectors: (V, D) float32, the input table. Do not modify it in place: row lengths are computed once and cached.
        counts: (V,) int64, number of occurrences of each word in the corpus, or None if unknown.
        output: (V, D) float32, the output table, or None.
        nodes: (V, D) float32, the output table of vectors trained with hierarchical softmax, or None. Its rows are the
            inner nodes of the Huffman tree of the counts, from the root on, not words; the last row is not used.
        subwords: Character n-grams that provide vectors for words outside the vocabulary, or None.
        plain: (V, D) float32, the vectors as they were trained if `vectors` are refined (see `refine`), else None.
        refinement: The arguments of `refine` that made refined vectors from the plain ones, by name, without the number
            of threads; None for other vectors, and for refined ones from files of earlier versions.
        phrases: The phrases that were joined to words of the vocabulary, such as new_york, or None.
    """

    def __init__(
        self,
        words: Sequence[str],
        vectors: ArrayLike,
        *,
        counts: ArrayLike | None = None,
        output: ArrayLike | None = None,
        subwords: Subwords | None = None,
        nodes: ArrayLike | None = None,
        plain: ArrayLike | None = None,
        refinement: dict[str, Any] | None = None,
        phrases: Phrases | None = None,
    ) -> None:
        self._set_tables(words, vectors, counts, output, subwords, nodes, plain)
        self.refinement, self.phrases = refinement, phrases
        for name, table in (
            ("vector", self.vectors),
            ("output vector", self.output),
            ("node", self.nodes),
            ("plain vector", self.plain),
        ):
            row = None if table is None else formats.first_not_finite(table)
            if row is not None:
                of_word = row if table is self.nodes else f"of {self.words[row]!r}"
                raise Word2VecError(f"the {name} {of_word} contains nan or infinity; all numbers must be finite")

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        limit: int | None = None,
        *,
        progress: bool = False,
        verify: bool = True,
    ) -> "WordVectors":
        """Load vectors from a run folder or from a file in any known format, see `formats.FORMATS`.

        Args:
            path: Path of the run folder or file.
            limit: Maximum number of rows to read, from the start. The remaining rows are not checked, except that the
                vocabulary of a run folder must be the one that its vectors were written with.
            progress: Whether to show a progress bar on stderr if reading takes long.
            verify: Whether to read all numbers of a run folder, safetensors or npz file and compare them with their
                checksums. Without it, they are mapped and read when they are used; they may be damaged or not finite.

        Raises:
            FormatError: The path cannot be read; the message names the line or row.
        """
        return cls.from_table(formats.read(path, limit, progress=progress, verify=verify))

    @classmethod
    def from_table(cls, table: formats.Table) -> "WordVectors":
        """Return the vectors of a table that a function of `formats` has read and checked."""
        loaded = cls.__new__(cls)  # subtle: not __init__, which would scan for nan again
        loaded._set_tables(
            table.words, table.vectors, table.counts, table.output, table.subwords, table.nodes, table.plain
        )
        loaded.refinement, loaded.phrases = table.refinement, table.phrases
        return loaded

    def save(self, path: str | PathLike[str], format: str | None = None, *, progress: bool = False) -> None:  # noqa: A002
        """Save the vectors; an existing file is replaced only after the new one is completely on disk.

        Args:
            path: Path of the file, or of the folder for a run. Only the formats run, safetensors, npz and fasttext keep
                counts, the output table and n-grams; all but fasttext keep nodes, phrases, and the plain vectors and
                settings of refined ones.
            format: A name in `formats.FORMATS`; by default the file extension decides. The extension .bin means
                fasttext for vectors with n-grams, and word2vec-binary for others.
            progress: Whether to show a progress bar on stderr if writing takes long.

        Raises:
            Word2VecError: The format is unknown, or the path cannot be written.
        """
        table = formats.Table(
            self.words,
            self.vectors,
            self.counts,
            self.output,
            self.subwords,
            self.nodes,
            self.plain,
            self.refinement,
            self.phrases,
        )
        formats.write(path, table, format, progress=progress)

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return int(self.vectors.shape[1])

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """The vectors scaled to length one, (V, D); rows of zeros stay zero. Computed on first use and cached."""
        return unit_rows(self.vectors, self._lengths)

    @cached_property
    def _lengths(self) -> NDArray[np.float64]:
        """The lengths of the vectors, (V,), 1 for rows of zeros; a search needs only these, which is cheaper."""
        return row_lengths(self.vectors)

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def __repr__(self) -> str:
        extras = {
            "counts": self.counts,
            "output table": self.output,
            "nodes": self.nodes,
            "n-grams": self.subwords,
            "plain vectors": self.plain,
            "phrases": self.phrases,
        }
        present = "".join(f", with {name}" for name, extra in extras.items() if extra is not None)
        first = ", ".join(map(repr, self.words[:3])) + (", ..." if len(self) > 3 else "")
        return f"WordVectors({len(self)} words [{first}], {self.dim} dimensions{present})"

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the vectors for `np.asarray`; read-only unless copied."""
        table = self.vectors.view()
        table.flags.writeable = False
        return np.array(table, dtype, copy=copy)

    def __getitem__(self, words: str | Iterable[str]) -> NDArray[np.float32]:
        """Return a copy of the vector of one word, (D,), or of several words, (N, D).

        For a word outside the vocabulary, the vector is computed from its n-grams, if the model has them.

        Raises:
            UnknownWordError: A word has no vector.
        """
        return self._vector(words) if isinstance(words, str) else self._stack(words)

    def index(self, word: str) -> int:
        """Return the row of a word.

        Raises:
            UnknownWordError: The word has no vector; the message suggests another case or similar spellings.
        """
        if not isinstance(word, str):
            kind = type(word).__name__
            raise Word2VecError(f"a word must be a string, not {kind}; to search with a vector, use nearest_to")
        row = self._rows.get(word)
        if row is None:
            raise unknown_word(word, self.words, self._rows)
        return row

    def from_ngrams(self, words: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors, (D,) each, of those words outside the vocabulary that get one from their n-grams.

        The result is empty if the model has no n-grams.
        """
        unknown = [word for word in dict.fromkeys(words) if word not in self._rows]
        if self.subwords is None:
            return {}
        vectors, found = self.subwords.vectors(unknown)
        return {word: vector for word, vector, has in zip(unknown, vectors, found.tolist(), strict=True) if has}

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of the vectors of two words, 0 if one of them is all zeros.

        Raises:
            UnknownWordError: A word has no vector.
        """
        left, right = self._directions([a, b])[0]  # (D,) each
        return float(left @ right)

    def nearest(
        self,
        positive: Query,
        negative: Query = (),
        n: int = 10,
        restrict: int | None = None,
        *,
        refined: bool | None = None,
    ) -> Neighbors:
        """Return the words closest to the sum of the positive words minus the negative words.

        The vectors of words are scaled to length one before they are added; arrays are added as they are.

        The neighbors of refined vectors are more alike in spelling. So if the vectors are refined, words of the
        vocabulary, without negative words, are compared by their plain vectors; all other queries use the refined ones.

        Args:
            positive: A word, an array (D,), or a list of them; each may be a pair with a weight, as in ("king", 0.5).
            negative: A word, an array or a list of them to subtract; to subtract with a weight, put a pair with a
                negative weight into `positive`.
            n: Maximum number of words to return. Words of the question are never returned.
            restrict: Return only words among this many most frequent words; None for all.
            refined: Whether to use the refined vectors of refined word vectors, or the plain ones; None decides by the
                query, as described above.

        Returns:
            Words and cosines, highest first; ties in the order of the vocabulary. Notebooks display it as a table.

        Raises:
            UnknownWordError: A word has no vector.
            Word2VecError: No word is given, a part of the query is neither a word nor a vector, or `n` or `restrict` is
                below 1.
        """
        plus, minus = split(positive, self.dim), split(negative, self.dim)  # subtle: once, they may be iterators
        searched = self._searched(plus, minus, refined)
        direction, asked = searched._combine(plus, minus)
        return top_k(self.words, searched._cosines(direction, restrict), asked, n)

    def _searched(self, plus: Parts, minus: Parts, refined: bool | None) -> "WordVectors":
        """Return the vectors, refined or plain, that a query is compared with; see `nearest`."""
        if self.plain is None or refined is True:
            return self
        known = all(isinstance(item, str) and item in self._rows and weight > 0 for item, weight in plus)
        return self._unrefined if refined is False or (plus and known and not minus) else self

    def nearest_to(self, direction: ArrayLike, n: int = 10, restrict: int | None = None) -> Neighbors:
        """Return the words whose vectors have the highest cosine with a vector, such as the mean of a document.

        Args:
            direction: (D,) numbers; the length of the vector does not matter.
            n: Maximum number of words to return.
            restrict: Return only words among this many most frequent words; None for all.

        Raises:
            Word2VecError: The direction does not match the vectors, or `n` or `restrict` is below 1.
        """
        given = np.asarray(direction, dtype=np.float64)
        if given.shape != (self.dim,) or not np.isfinite(given).all():
            raise Word2VecError(f"direction must be {self.dim} finite numbers, got an array of shape {given.shape}")
        return top_k(self.words, self._cosines(given, restrict), [], n)

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, method: AnalogyMethod = "3cosadd", restrict: int | None = None
    ) -> Neighbors:
        """Return the words x that complete "a is to b as c is to x", as in: man is to king as woman is to queen.

        3CosAdd ranks by the cosine with b - a + c. 3CosMul ranks by cos(x, b) cos(x, c) / (cos(x, a) + 1e-6), with
        cosines shifted to the range 0 to 1, which keeps a single large term from dominating.

        Args:
            a: The word that is to `b`...
            b: ...as `c` is to the answer.
            c: The word whose counterpart is wanted.
            n: Maximum number of words to return. Words of the question are never returned.
            method: "3cosadd" or "3cosmul".
            restrict: Return only words among this many most frequent words; None for all.

        Returns:
            Words and scores, highest first; ties in the order of the vocabulary.

        Raises:
            UnknownWordError: A word has no vector.
            Word2VecError: The method is unknown, or `n` or `restrict` is below 1.
        """
        if method == "3cosadd":
            return self.nearest([b, c], [a], n, restrict, refined=True)
        if method != "3cosmul":
            raise Word2VecError(f"unknown analogy method {method!r}; choose 3cosadd or 3cosmul")
        directions, asked = self._directions([a, b, c])  # (3, D)
        scores = three_cos_mul(*(self._cosines(direction, restrict) for direction in directions))  # (R,)
        answers = top_k(self.words, scores, asked, n)
        answers.measure = method
        return answers

    def odd_one_out(self, words: Iterable[str]) -> str:
        """Return the word least similar to the mean of all given words; ties go to the first.

        Raises:
            UnknownWordError: A word has no vector.
            Word2VecError: Fewer than three words are given.
        """
        words = words if isinstance(words, str) else list(words)
        if isinstance(words, str) or len(words) < 3:
            raise Word2VecError(f"odd_one_out needs a list of at least three words, got {words!r}")
        unit, _ = self._directions(words)  # (N, D)
        return words[int((unit @ unit.mean(axis=0)).argmin())]

    def probability(self, center: str, context: str | Iterable[str]) -> float:
        """Return p(center | context), the probability that a word is predicted from its context.

        It is exact, and sums to 1 over the vocabulary. The input vector is the mean of the vectors of the context
        words, as in CBOW; for skip-gram, pass one context word.

        Args:
            center: A word of the vocabulary.
            context: A word, or several words.

        Raises:
            UnknownWordError: A word has no vector.
            Word2VecError: The vectors were not trained with hierarchical softmax, or there is no context word.
        """
        if self.plain is not None:  # the nodes were trained with these
            return self._unrefined.probability(center, context)
        return self._tree.probability(
            self.index(center), self._stack([context] if isinstance(context, str) else context)
        )

    def log_likelihood(
        self, sentence: Iterable[str], window: int | tuple[int, int] = 5, model: str = "skipgram"
    ) -> float:
        """Return the logarithm of the likelihood of a sentence, the sum of log p(center | context) over its words.

        With skip-gram the sum runs over all pairs of a center word and a word of its window, with CBOW over all center
        words, given their whole windows. A word without context adds nothing, so an empty sentence has 0. Words outside
        the vocabulary are left out first. This is what gensim's `Word2Vec.score` approximates. To compare sentences of
        different lengths, divide it by the number of words.

        Args:
            sentence: The words.
            window: How many words before and after a center word its window contains; a pair for different numbers.
            model: "skipgram" or "cbow", with which the vectors were trained.

        Raises:
            Word2VecError: The vectors were not trained with hierarchical softmax, the model is unknown, or the sentence
                is not a list of words.
        """
        if isinstance(sentence, str):
            raise Word2VecError(f"log_likelihood: {sentence!r} is not a list of words; split it into words")
        words = list(sentence)
        for word in words:
            if not isinstance(word, str):
                raise Word2VecError(f"log_likelihood: {word!r} is not a word; pass the words of one sentence")
        rows = [self._rows[word] for word in words if word in self._rows]
        sides = window if isinstance(window, tuple) else (window, window)
        trained = self.vectors if self.plain is None else self.plain
        return self._tree.log_likelihood(rows, trained[rows], sides, model)

    @cached_property
    def _tree(self) -> SoftmaxTree:
        """The tree of the words with its nodes."""
        if self.nodes is None or self.counts is None:
            raise Word2VecError(
                "no probabilities: the vectors have no Huffman tree; train with --objective hierarchical-softmax, and "
                "load all words"
            )
        return SoftmaxTree(self.counts, self.nodes)

    def refine(
        self,
        *,
        lengths: tuple[int, int] = (4, 6),
        buckets: int = 2_000_000,
        min_words: int = 3,
        penalty: float = 0.5,
        steps: int = 12,
        full_count: float = 20,
        prior_count: float = 30,
        prediction_weight: float = 0.5,
        output_weight: float | None = None,
        ignore_counts: bool = False,
        threads: int | None = None,
    ) -> "WordVectors":
        """Return refined vectors: each is mixed with a prediction from the n-grams of its word.

        Words outside the vocabulary get vectors as well. The formulas and their sources are in `vectors/refinement.py`.

        Args:
            lengths: Numbers of characters of the shortest and of the longest n-grams, including < and >.
            buckets: Number of hash buckets for n-grams; only buckets in use take memory.
            min_words: An n-gram takes part if at least this many words have it.
            penalty: Penalty of the squared coefficients of the regression from n-grams to vectors.
            steps: Steps of conjugate gradient that solve the regression. Fewer smooth more, as a larger penalty does.
            full_count: Words that occur at least this often have the full weight in the regression, rarer ones less.
            prior_count: Count at which a word's own vector and its prediction have equal weight.
            prediction_weight: Weight of the prediction that is added for all words.
            output_weight: Weight of the centered output table, which is added to the centered vectors at first; None is
                0.25 if there is an output table.
            ignore_counts: Whether to treat all words as frequent, for vectors without counts.
            threads: Number of threads; by default one per processor. The result does not depend on it.

        Returns:
            New word vectors, which keep the plain vectors in `plain`, the settings in `refinement`, and the counts, the
            output table and the nodes.
            Plain and refined vectors share the memory of the tables that they have in common.

        Raises:
            Word2VecError: The vectors have no counts, have n-grams already, or too few words have an n-gram in common.
        """
        from word2vec.vectors.refinement import Refinement, refine_table

        settings = Refinement(
            lengths=lengths,
            buckets=buckets,
            min_words=min_words,
            penalty=penalty,
            steps=steps,
            full_count=full_count,
            prior_count=prior_count,
            prediction_weight=prediction_weight,
            output_weight=output_weight,
        )
        if self.plain is not None:
            raise Word2VecError("the vectors are refined already; refine the plain ones, which `unrefined()` returns")
        if self.subwords is not None:
            raise Word2VecError(
                "the vectors have n-grams, which were trained with them; refinement is for vectors trained without"
            )
        if self.counts is None and not ignore_counts:
            raise Word2VecError(
                "the vectors have no counts, which decide how far a word is refined; load a run, or ignore the counts, "
                "which treats all words as frequent"
            )
        counts = None if ignore_counts else self.counts
        refined, subwords = refine_table(self.words, self.vectors, self.output, counts, settings, threads)
        used = asdict(settings) | {
            "lengths": list(lengths),  # as it is after loading
            "output_weight": settings.output_weight_for(self.output),
            "ignore_counts": ignore_counts,
        }
        return WordVectors(
            self.words,
            refined,
            counts=self.counts,
            output=self.output,
            subwords=subwords,
            nodes=self.nodes,
            plain=self.vectors,
            refinement=used,
            phrases=self.phrases,
        )

    def unrefined(self) -> "WordVectors":
        """Return the vectors as they were before `refine`; vectors that are not refined are returned as they are."""
        return self if self.plain is None else self._unrefined

    @cached_property
    def _unrefined(self) -> "WordVectors":
        plain = self.vectors if self.plain is None else self.plain
        return WordVectors.from_table(
            formats.Table(self.words, plain, self.counts, self.output, nodes=self.nodes, phrases=self.phrases)
        )

    def to_embedding(self, freeze: bool = True) -> "nn.Embedding":
        """Return a torch embedding layer with a copy of the vectors; its ids are those of `index`.

        Args:
            freeze: Whether to keep the vectors fixed (feature extraction); False makes them trainable (fine-tuning).
        """
        return interop.to_embedding(self.vectors, freeze)

    def to_frame(self, column: str | None = None) -> "pd.DataFrame":
        """Return a pandas data frame with a copy of the vectors: one row per word, one column per dimension.

        Args:
            column: Name of a first column for the words. By default they are the index, which polars, DuckDB and
                parquet files of other programs ignore.
        """
        return interop.to_frame(self.words, self.vectors, column)

    def to_gensim(self) -> "KeyedVectors":
        """Return a gensim `KeyedVectors` with a copy of the vectors and, if known, the word counts.

        Vectors with n-grams become a `FastTextKeyedVectors`, which has a row for each bucket.

        Raises:
            Word2VecError: gensim is not installed.
        """
        return interop.to_gensim(self.words, self.vectors, self.counts, self.subwords)

    def _set_tables(
        self,
        words: Sequence[str],
        vectors: ArrayLike,
        counts: ArrayLike | None,
        output: ArrayLike | None,
        subwords: Subwords | None,
        nodes: ArrayLike | None,
        plain: ArrayLike | None,
    ) -> None:
        """Set the attributes; raise Word2VecError for shapes that do not match and for words that occur twice."""
        self.words = list(words)
        self.vectors = as_table(vectors)
        self.counts = None if counts is None else np.ascontiguousarray(counts, dtype=np.int64)
        self.output = None if output is None else as_table(output)
        self.nodes = None if nodes is None else as_table(nodes)
        self.plain = None if plain is None else as_table(plain)
        self.subwords = subwords
        self._rows = {word: row for row, word in enumerate(self.words)}
        check_shapes(self.words, self._rows, self.vectors, self.counts, self.output, subwords, self.nodes, self.plain)

    def _vector(self, word: str) -> NDArray[np.float32]:
        """Return a copy of the vector of a word, (D,), computed from its n-grams if the word has no row."""
        unknown = self.subwords is not None and isinstance(word, str) and word not in self._rows
        computed = self.from_ngrams([word]).get(word) if unknown else None
        return self.vectors[self.index(word)].copy() if computed is None else computed

    def _stack(self, words: Iterable[str]) -> NDArray[np.float32]:
        """Return copies of the vectors of several words, (N, D)."""
        if self.subwords is None:
            return self.vectors[[self.index(word) for word in words]]
        return np.array([self._vector(word) for word in words], np.float32).reshape(-1, self.dim)

    def _directions(self, words: str | Iterable[str]) -> tuple[NDArray[np.float64], list[int]]:
        """Return the vectors of words scaled to length one, (N, D), and the rows of the words that have one."""
        words = [words] if isinstance(words, str) else list(words)  # a list, because an iterator can be read only once
        vectors = self._stack(words).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (N, 1)
        rows = [self._rows[word] for word in words if word in self._rows]
        return vectors / np.where(lengths == 0, 1, lengths), rows

    def _combine(self, positive: Query, negative: Query) -> tuple[NDArray[np.float64], list[int]]:
        """Return the sum of the positive parts of a query minus the negative ones, (D,), and the rows of its words."""
        plus, minus = split(positive, self.dim), split(negative, self.dim)
        if any(weight != 1 for _, weight in minus):
            raise Word2VecError('a weight in negative is ambiguous; put it into positive, as in ("king", -0.5)')
        if not plus and not minus:
            raise Word2VecError("no word given; pass at least one")
        direction, asked = np.zeros(self.dim), []  # (D,)
        for item, weight in (*plus, *((item, -weight) for item, weight in minus)):
            unit, rows = self._directions(item) if isinstance(item, str) else (item[np.newaxis], [])
            direction += weight * unit[0]
            asked += rows
        return direction, asked

    def _cosines(self, direction: NDArray[np.float64], restrict: int | None) -> NDArray[np.float32]:
        """Return the cosines of a direction (D,) of any length with the first `restrict` words, (R,)."""
        if restrict is not None and restrict < 1:
            raise Word2VecError(f"restrict must be 1 or more, got {restrict}")
        length = np.linalg.norm(direction)
        return cosines(self.vectors[:restrict], self._lengths[:restrict], direction / (length if length > 0 else 1))

    # The most used methods of gensim's KeyedVectors; `compat.gensim` has all of them, with gensim's return values.

    @property
    def vector_size(self) -> int:
        """Same as `dim`."""
        return self.dim

    @property
    def index_to_key(self) -> list[str]:
        """Same as `words`."""
        return self.words

    @property
    def key_to_index(self) -> Mapping[str, int]:
        """The row of each word, read-only. For a single word, `index` has the better error message."""
        return MappingProxyType(self._rows)

    def has_index_for(self, key: str) -> bool:
        """Same as `key in vectors`."""
        return key in self

    def get_index(self, key: str, default: int | None = None) -> int:
        """Same as `index`, but return `default` for an unknown word if it is not None."""
        return self.index(key) if default is None or key in self else default

    def get_vector(self, key: str, norm: bool = False) -> NDArray[np.float32]:
        """Same as `vectors[key]`, (D,); scaled to length one if `norm` is true."""
        return np.array(self._directions(key)[0][0], dtype=np.float32) if norm else self[key]

    def distance(self, w1: str, w2: str) -> float:
        """Return one minus `similarity`."""
        return 1 - self.similarity(w1, w2)

    def n_similarity(self, ws1: str | Iterable[str], ws2: str | Iterable[str]) -> float:
        """Return the cosine of the means of two lists of words; the vectors are averaged at their original lengths.

        Raises:
            Word2VecError: A list is empty.
        """
        lists = [[words] if isinstance(words, str) else list(words) for words in (ws1, ws2)]
        if not all(lists):
            raise Word2VecError("n_similarity needs two lists of words; one of them is empty")
        left, right = (self[words].mean(axis=0, dtype=np.float64) for words in lists)  # (D,) each
        lengths = np.linalg.norm(left) * np.linalg.norm(right)
        return float(left @ right / (lengths if lengths > 0 else 1))

    def doesnt_match(self, words: Iterable[str]) -> str:
        """Same as `odd_one_out`."""
        return self.odd_one_out(words)

    def most_similar(
        self, positive: Query = (), negative: Query = (), topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbors | NDArray[np.float32]:
        """Same as `nearest`, but `topn=0` returns an empty list, and None the cosines of all words, (V,)."""
        if topn == 0:
            return Neighbors()
        if topn is None:
            plus, minus = split(positive, self.dim), split(negative, self.dim)
            searched = self._searched(plus, minus, None)
            return searched._cosines(searched._combine(plus, minus)[0], restrict_vocab)
        return self.nearest(positive, negative, topn, restrict_vocab)

    def similar_by_word(
        self, word: str, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbors | NDArray[np.float32]:
        """Same as `most_similar` for one word."""
        return self.most_similar(word, (), topn, restrict_vocab)

    def similar_by_vector(
        self, vector: ArrayLike, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbors | NDArray[np.float32]:
        """Same as `most_similar` for one vector."""
        return self.most_similar(np.asarray(vector), (), topn, restrict_vocab)
