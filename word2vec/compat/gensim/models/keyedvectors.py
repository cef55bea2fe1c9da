"""KeyedVectors: queries, evaluation and files of word vectors with gensim's names, arguments and return values.

`keyed_table.py` stores the vectors, `files.py` reads and writes them, `scoring.py` evaluates them. `from_vectors` and
`to_vectors` convert from and to a `WordVectors`, the class of this package, without a copy.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from word2vec.compat.gensim import files, scoring
from word2vec.compat.gensim.errors import ArgumentError, EmptyListError
from word2vec.compat.gensim.items import Item, Items, as_list, cosine, with_weight
from word2vec.compat.gensim.keyed_table import Key, KeyedTable, is_key
from word2vec.compat.gensim.transport import transport_cost
from word2vec.vectors.search import cos_mul, cosines, top_k
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from word2vec.models import NgramIndex

_log = logging.getLogger("word2vec")


class KeyedVectors(KeyedTable):
    """Keys and their vectors, with the interface of `gensim.models.KeyedVectors`.

    Args:
        vector_size: D, the number of dimensions.
        count: Rows to allocate for `add_vector`.
        dtype: The type of the vectors.
    """

    @classmethod
    def from_vectors(cls, words: WordVectors) -> "KeyedVectors":
        """Return the vectors of a `WordVectors`; they are shared, not copied."""
        counts = {} if words.counts is None else {"count": words.counts}
        return cls.from_content(files.Content(list(words.words), words.vectors, words.output, counts, words.subwords))

    def to_vectors(
        self, output: NDArray[np.float32] | None = None, nodes: NDArray[np.float32] | None = None
    ) -> WordVectors:
        """Return a `WordVectors` with these vectors, keys as strings, counts, and an output table if given."""
        return WordVectors(
            list(map(str, self.index_to_key)),
            self.vectors,
            counts=files.counts(self),
            output=output,
            nodes=nodes,
            subwords=self.trained_subwords(),
        )

    # queries

    def most_similar(
        self,
        positive: Items = None,
        negative: Items = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> list[tuple[Any, float]] | NDArray[np.float32]:
        """Return the keys closest to the weighted mean of the unit vectors of the query, by cosine.

        Args:
            positive: Keys, vectors or (key, weight) pairs; a single one needs no list. The default weight is 1.
            negative: The same, with the default weight -1.
            topn: Maximum number of keys; None returns the cosines of all keys, and 0 an empty list.
            clip_start: First row to search.
            clip_end: Row before which the search ends; None for the last.
            restrict_vocab: Search only this many first rows; overrides the other limits.
            indexer: An approximate index with a method `most_similar(vector, topn)`, used in place of a full search.

        Returns:
            Keys and cosines, highest first, without the keys of the query; or (R,) cosines.

        Raises:
            UnknownWordError: A key has no vector.
            ArgumentError: The query is empty.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        plus, minus = as_list(positive), as_list(negative)
        weighted = [with_weight(item, 1.0) for item in plus] + [with_weight(item, -1.0) for item in minus]
        asked = [item for item, _ in weighted]
        mean = self.get_mean_vector(
            asked, [weight for _, weight in weighted], post_normalize=True, ignore_missing=False
        )
        if indexer is not None and topn is not None:
            return indexer.most_similar(mean, topn)  # type: ignore[no-any-return]
        start, end = (0, restrict_vocab) if restrict_vocab else (clip_start, clip_end or len(self))
        near = cosines(self.vectors[start:end], self.lengths()[start:end], mean.astype(np.float64))  # (R,)
        return near if topn is None else self._top(near, asked, topn, start)

    def most_similar_cosmul(
        self,
        positive: Items = None,
        negative: Items = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> list[tuple[Any, float]] | NDArray[np.float32]:
        """Return the keys with the highest 3CosMul scores, for any number of positive and negative keys or vectors.

        The score is the product of the cosines with the positive ones, divided by the product of those with the
        negative ones plus 1e-6; cosines are first shifted to the range 0 to 1.

        Args:
            positive: Keys or vectors; a single one needs no list.
            negative: Keys or vectors.
            topn: Maximum number of keys; None returns the scores of all keys, and 0 an empty list.
            restrict_vocab: Search only this many first rows.

        Raises:
            UnknownWordError: A key has no vector.
            ArgumentError: There is no positive key.
        """
        if isinstance(topn, Integral) and topn < 1:
            return []
        plus, minus = as_list(positive), as_list(negative)
        if not plus:
            raise ArgumentError("most_similar_cosmul needs at least one positive key or vector")
        near = [self._cosines_with(item, restrict_vocab) for item in (*plus, *minus)]  # (R,) each
        scores = cos_mul(near[: len(plus)], near[len(plus) :])
        return scores if topn is None else self._top(scores, [*plus, *minus], topn)

    def similar_by_key(
        self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> list[tuple[Any, float]] | NDArray[np.float32]:
        """Return the keys closest to a key; see `most_similar`."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(
        self, word: Key, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> list[tuple[Any, float]] | NDArray[np.float32]:
        """Same as `similar_by_key`."""
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: ArrayLike, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> list[tuple[Any, float]] | NDArray[np.float32]:
        """Return the keys closest to a vector (D,); see `most_similar`."""
        return self.most_similar([np.asarray(vector)], topn=topn, restrict_vocab=restrict_vocab)

    def get_mean_vector(
        self,
        keys: Sequence[Key | NDArray[Any]] | NDArray[Any],
        weights: ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> NDArray[Any]:
        """Return the weighted mean of the vectors of several keys, (D,): their sum divided by the sum of |weight|.

        Args:
            keys: Keys or vectors.
            weights: A weight for each of them; 1 by default.
            pre_normalize: Whether to scale the vectors of keys to length one first; vectors are used as they are.
            post_normalize: Whether to scale the mean to length one.
            ignore_missing: Whether to ignore unknown keys.

        Raises:
            ArgumentError: No key is given, or there is not one weight per key.
            UnknownWordError: A key is unknown and `ignore_missing` is false.
        """
        if len(keys) == 0:
            raise ArgumentError("no key or vector given; pass at least one")
        factors = np.ones(len(keys)) if weights is None else np.asarray(weights, np.float64)
        if factors.shape != (len(keys),):
            raise ArgumentError(f"{len(keys)} keys but {len(factors)} weights; pass one weight per key")
        total, mean = 0.0, np.zeros(self.vector_size)  # (D,)
        for key, factor in zip(keys, factors, strict=True):
            if is_key(key) and ignore_missing and key not in self:
                continue
            vector = self.get_vector(key, norm=pre_normalize) if is_key(key) else np.asarray(key)
            if vector.shape != mean.shape:
                raise ArgumentError(f"expected a key or {self.vector_size} numbers, got {type(key).__name__}")
            mean += factor * vector
            total += abs(factor)
        mean /= total or 1
        length = np.linalg.norm(mean) if post_normalize else 1
        return (mean / (length or 1)).astype(np.float32 if post_normalize else self.vectors.dtype)

    def similarity(self, w1: Key, w2: Key) -> float:
        """Return the cosine of the vectors of two keys."""
        return cosine(self.get_vector(w1), self.get_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """Return one minus `similarity`."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Key | NDArray[Any], other_words: Sequence[Key] = ()) -> NDArray[Any]:
        """Return one minus the cosines of a key or vector with other keys, (N,), or with all keys, (V,)."""
        given = self.get_vector(word_or_vector) if is_key(word_or_vector) else np.asarray(word_or_vector)
        others = self[other_words] if len(other_words) else self.vectors
        return 1 - self.cosine_similarities(given, others)

    @staticmethod
    def cosine_similarities(vector_1: NDArray[Any], vectors_all: NDArray[Any]) -> NDArray[Any]:
        """Return the cosines (N,) of a vector (D,) with the rows of an array (N, D)."""
        lengths = np.linalg.norm(vectors_all, axis=1) * np.linalg.norm(vector_1)
        return np.asarray(vectors_all @ vector_1 / np.where(lengths == 0, 1, lengths))

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> float:
        """Return the cosine of the means of two lists of keys, at the original lengths of their vectors.

        Raises:
            EmptyListError: A list is empty.
        """
        if not (len(ws1) and len(ws2)):
            raise EmptyListError("n_similarity needs two lists of keys; one of them is empty")
        return cosine(*(self.get_mean_vector(keys, pre_normalize=False) for keys in (ws1, ws2)))

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Key:
        """Return the key of a list that is most similar to `key1`."""
        return keys_list[int(np.argmax([self.similarity(key1, key) for key in keys_list]))]

    def closer_than(self, key1: Key, key2: Key) -> list[Any]:
        """Return all keys that are closer to `key1` than `key2` is, in the order of the rows."""
        distances = self.distances(key1)  # (V,)
        closer = np.flatnonzero(distances < distances[self.get_index(key2)])
        return [self.index_to_key[row] for row in closer if row != self.get_index(key1)]

    def rank(self, key1: Key, key2: Key) -> int:
        """Return the rank of `key2` among the keys closest to `key1`, from 1."""
        return len(self.closer_than(key1, key2)) + 1

    def rank_by_centrality(self, words: Sequence[Key], use_norm: bool = True) -> list[tuple[float, Any]]:
        """Return the cosines of keys with the mean of all of them, and the keys, highest first.

        Raises:
            ArgumentError: None of the keys has a vector.
        """
        used = [word for word in words if word in self]
        if len(used) < len(words):
            _log.warning("%d of %d keys have no vector and are ignored", len(words) - len(used), len(words))
        if not used:
            raise ArgumentError("none of the keys has a vector; pass keys of the vocabulary")
        vectors = np.stack([self.get_vector(word, norm=use_norm) for word in used])  # (N, D)
        return sorted(
            zip(vectors @ self.get_mean_vector(vectors, post_normalize=True), used, strict=True), reverse=True
        )

    def doesnt_match(self, words: Sequence[Key]) -> Key:
        """Return the key that is least similar to the mean of all given keys."""
        return self.rank_by_centrality(words)[-1][1]  # type: ignore[no-any-return]

    def relative_cosine_similarity(self, wa: Key, wb: Key, topn: int = 10) -> float:
        """Return the cosine of two keys divided by the sum of those of the `topn` nearest keys of `wa`.

        Above 0.1, with ten keys, the two are closer than a typical neighbor (Leeuwenberg et al. 2016).
        """
        near = self.similar_by_key(wa, topn)
        if not len(near):
            raise ArgumentError(f"topn must be 1 or more, got {topn}")
        return self.similarity(wa, wb) / sum(cosine for _, cosine in near)

    def wmdistance(self, document1: Sequence[Key], document2: Sequence[Key], norm: bool = True) -> float:
        """Return the Word Mover's Distance of two documents (Kusner et al. 2015); keys without a vector are ignored.

        Args:
            document1: The keys of a document.
            document2: The keys of the other.
            norm: Whether to scale the vectors to length one first.

        Returns:
            The distance; infinity if no key of a document has a vector.
        """
        counts = [Counter(key for key in document if key in self) for document in (document1, document2)]
        if not all(counts):
            return float("inf")
        (left, right) = (np.stack([self.get_vector(key, norm) for key in count]) for count in counts)  # (N, D)
        (supply, demand) = (np.array([*count.values()], np.float64) for count in counts)
        distances = np.linalg.norm(left[:, np.newaxis].astype(np.float64) - right, axis=2)  # (N, M)
        return transport_cost(supply / supply.sum(), demand / demand.sum(), distances)

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> "KeyedVectors":
        """Return new vectors with the given keys that have one, in that order.

        Args:
            keys: The keys; repetitions are ignored.
            allow_inference: Whether to accept indices of rows as well as keys, and to compute the vectors of unknown
                words from their n-grams, if there are any.
            copy_vecattrs: Whether to copy the attributes; otherwise the counts are V to 1.
        """
        found = [key for key in dict.fromkeys(keys) if key in (self if allow_inference else self.key_to_index)]
        subset = KeyedVectors(self.vector_size, dtype=self.vectors.dtype)
        subset.add_vectors(found, self[found], {"count": files.counts_by_rank(len(found))})
        if copy_vecattrs:
            known = [key for key in found if self.has_index_for(key)]
            rows = [self.get_index(key) for key in known]
            extras = {name: values[rows] for name, values in self.expandos.items()}
            subset.add_vectors(known, self.vectors[rows], extras, replace=True)
        return subset

    # evaluation and files

    def evaluate_word_pairs(
        self,
        pairs: str | PathLike[str],
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Any, Any, float]:
        """Correlate cosines with human scores; see `scoring.score_pairs`."""
        return scoring.score_pairs(
            self.to_vectors(), pairs, delimiter, encoding, restrict_vocab, case_insensitive, dummy4unknown
        )

    def evaluate_word_analogies(
        self,
        analogies: str | PathLike[str],
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: Literal["most_similar", "most_similar_cosmul"] = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """Answer analogy questions; see `scoring.score_analogies`."""
        return scoring.score_analogies(
            self.to_vectors(), analogies, restrict_vocab, case_insensitive, dummy4unknown, similarity_function
        )

    def save_word2vec_format(
        self,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write a file in word2vec's format; see `files.write_word2vec`."""
        if append or total_vec not in (None, len(self)):
            raise ArgumentError("append and total_vec are not supported; write one file with all vectors")
        files.write_word2vec(self, fname, fvocab, binary, write_header, prefix, sort_attr)

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: Literal["strict", "ignore", "replace"] = "strict",
        limit: int | None = None,
        datatype: DTypeLike = np.float32,
        no_header: bool = False,
    ) -> "KeyedVectors":
        """Read a file in word2vec's format; see `files.read_word2vec`."""
        table = files.read_word2vec(fname, fvocab, binary, encoding, unicode_errors, limit, no_header)
        loaded = cls(table.vectors.shape[1], dtype=datatype)
        counts = {} if table.counts is None else {"count": table.counts}
        loaded.add_vectors(table.words, table.vectors, counts)
        return loaded

    def save(
        self,
        fname: str | PathLike[str],
        separately: object = None,
        sep_limit: object = None,
        ignore: object = None,
        pickle_protocol: object = None,
    ) -> None:
        """Write a safetensors file, whatever the name of the file; `word2vec.load` reads it as well.

        The other arguments are gensim's options for pickle files and have no effect.
        """
        files.save(fname, self)

    @classmethod
    def load(cls, fname: str | PathLike[str], mmap: str | None = None) -> "KeyedVectors":
        """Read vectors in any format of this package, for instance those that `save` wrote.

        Vectors with n-grams are returned as `FastTextKeyedVectors`.

        Args:
            fname: Path of the file or run folder.
            mmap: Has no effect: safetensors files are always memory-mapped.

        Raises:
            FormatError: The file cannot be read. gensim's own files are pickles, which can run code when they are
                loaded; open them with gensim and call `save_word2vec_format`.
        """
        content = files.load(fname)
        if content.subwords is None:
            return cls.from_content(content)
        from word2vec.compat.gensim.ngram_vectors import FastTextKeyedVectors  # derived from this class

        return FastTextKeyedVectors.from_content(content)

    @property
    def vectors_lockf(self) -> NDArray[np.float32]:
        """A factor of 1, as in gensim: all vectors are trained. It cannot be set."""
        return np.ones(1, np.float32)

    @vectors_lockf.setter
    def vectors_lockf(self, factors: object) -> None:
        raise ArgumentError("vectors_lockf is not supported: all vectors are trained")

    # training

    def tables(self) -> dict[str, NDArray[np.float32]]:
        """Return the tables that are trained, by the names of `EmbeddingModel`'s attributes; see `fitting.fit`."""
        return {"input": self.vectors}

    def set_tables(self, tables: Mapping[str, NDArray[np.float32]]) -> None:
        """Replace the tables that are trained; the output table is ignored."""
        self.vectors, self.norms = tables["input"], None

    def ngram_index(self) -> "NgramIndex | None":
        """Return the n-grams of the keys for training, or None."""
        return None

    # building blocks

    @classmethod
    def from_content(cls, content: files.Content) -> "KeyedVectors":
        """Return the vectors of a file; they are shared, not copied."""
        loaded = cls(content.vectors.shape[1])
        loaded.set_content(content)
        return loaded

    def set_content(self, content: files.Content) -> None:
        """Take over the keys, vectors and attributes of a file."""
        self.vectors, self.index_to_key = content.vectors, content.keys
        self.key_to_index = {key: row for row, key in enumerate(content.keys)}
        self.expandos = content.attributes

    def _cosines_with(self, item: Item, restrict: int | None) -> NDArray[np.float32]:
        """Return the cosines of a key or vector with the first rows, (R,)."""
        if isinstance(item, tuple):
            raise ArgumentError("most_similar_cosmul has no weights; pass keys or vectors")
        direction = self.get_mean_vector([item], post_normalize=True, ignore_missing=False)  # (D,)
        return cosines(self.vectors[:restrict], self.lengths()[:restrict], direction.astype(np.float64))

    def _top(self, scores: NDArray[Any], asked: Sequence[Any], topn: int, start: int = 0) -> list[tuple[Any, float]]:
        """Return the keys with the highest of scores (R,) of the rows from `start` on, without the keys asked for."""
        excluded = [row - start for item in asked if is_key(item) and (row := self.get_index(item, -1)) >= start]
        return top_k(self.index_to_key[start : start + len(scores)], scores, excluded, topn)
