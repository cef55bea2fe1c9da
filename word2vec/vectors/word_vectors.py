"""WordVectors: the result of training, with nearest words, analogies and probabilities.

Lookup and files are in the base class, `word_table.py`. Scores are computed in `search.py`, for many queries in
`batch_search.py`, and quality is measured by `evaluation/`. Analogies follow Mikolov, Yih and Zweig (2013), "Linguistic
regularities in continuous space word representations", and Levy and Goldberg (2014), "Linguistic regularities in sparse
and explicit word representations". The answers agree with gensim's.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from word2vec import formats
from word2vec.errors import Word2VecError
from word2vec.vectors import batch_search
from word2vec.vectors.likelihood import SoftmaxTree, known_rows
from word2vec.vectors.queries import Parts, Query, split
from word2vec.vectors.search import AnalogyMethod, Neighbors, cosines, three_cos_mul, top_k
from word2vec.vectors.tables import as_directions
from word2vec.vectors.word_table import WordTable

if TYPE_CHECKING:
    from scipy import sparse


class WordVectors(WordTable):
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

    def search(
        self, queries: Iterable[str] | NDArray[Any], n: int = 10, restrict: int | None = None
    ) -> list[Neighbors]:
        """Return the nearest words of many words or vectors; much faster than a call of `nearest` for each.

        Args:
            queries: Words, or an array (Q, D) whose rows may have any length.
            n: Maximum number of words to return for each query. A word is not returned for itself.
            restrict: Return only words among this many most frequent words; None for all.

        Returns:
            For each query the words and cosines that `nearest` and `nearest_to` return, up to rounding.

        Raises:
            UnknownWordError: A word has no vector.
            Word2VecError: The queries have the wrong type or shape, or `n` or `restrict` is below 1.
        """
        if self.plain is None or isinstance(queries, np.ndarray | str):
            return self._search(queries, n, restrict)
        words = list(queries)  # of which those in the vocabulary are compared by their plain vectors, see `nearest`
        plain = iter(self._unrefined.search([word for word in words if word in self], n, restrict))
        refined = iter(self._search([word for word in words if word not in self], n, restrict))
        return [next(plain if word in self else refined) for word in words]

    def _search(self, queries: Iterable[str] | NDArray[Any], n: int, restrict: int | None) -> list[Neighbors]:
        if isinstance(queries, str):
            raise Word2VecError(
                f"search needs a list of words, not the string {queries!r}; use nearest, or [{queries!r}]"
            )
        if isinstance(queries, np.ndarray):
            directions, excluded = as_directions(queries, self.dim), np.full(len(queries), -1)
        else:
            words = list(queries)
            directions, _ = self._directions(words)
            excluded = np.array([self._rows.get(word, -1) for word in words], np.int64)
        first = self._first(restrict)
        return batch_search.search(self.words, self.vectors[first], self._lengths[first], directions, excluded, n)

    def neighbor_graph(self, n: int = 10, restrict: int | None = None) -> "sparse.csr_array":
        """Return the cosines of each word with its n nearest words, as a sparse matrix (V, V) for graph algorithms.

        Row i belongs to `words[i]`; its entries are sorted by cosine, highest first, and the word itself is not among
        them. For distances as scikit-learn and UMAP expect them, set `graph.data = 1 - graph.data`. Refined vectors are
        compared as they are; use `unrefined()` for the plain ones.

        Args:
            n: Number of neighbors of each word.
            restrict: Use only this many most frequent words; None for all.

        Raises:
            Word2VecError: `n` is not between 1 and the number of other words, or `restrict` is below 1.
        """
        first = self._first(restrict)
        return batch_search.neighbor_graph(self.vectors[first], self._lengths[first], n)

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
        rows = known_rows(sentence, self._rows)
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
        from word2vec.vectors.refinement import Refinement, refine

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
        refined = refine(self._table, settings, ignore_counts=ignore_counts, threads=threads)
        return WordVectors(**refined._asdict())

    def unrefined(self) -> "WordVectors":
        """Return the vectors as they were before `refine`; vectors that are not refined are returned as they are."""
        return self if self.plain is None else self._unrefined

    @cached_property
    def _unrefined(self) -> "WordVectors":
        plain = self.vectors if self.plain is None else self.plain
        return WordVectors.from_table(
            formats.Table(self.words, plain, self.counts, self.output, nodes=self.nodes, phrases=self.phrases)
        )

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
        first, length = self._first(restrict), np.linalg.norm(direction)
        return cosines(self.vectors[first], self._lengths[first], direction / (length if length > 0 else 1))

    def _first(self, restrict: int | None) -> slice:
        """Return the rows of the first `restrict` words."""
        if restrict is not None and restrict < 1:
            raise Word2VecError(f"restrict must be 1 or more, got {restrict}")
        return slice(restrict)

    # The most used methods of gensim's KeyedVectors; `compat.gensim` has all of them, with gensim's return values.

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
