"""Document vectors as a scikit-learn transformer: the mean of a document's word vectors, plain or weighted.

The weighting is that of Arora, Liang and Ma (2017), "A simple but tough-to-beat baseline for sentence embeddings"
(smooth inverse frequency, SIF): a word of probability p has the weight a / (a + p), so that frequent words such as
*the* count little, and the first singular vector of all document means, their common direction, is removed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from word2vec.errors import Word2VecError
from word2vec.vectors.weighting import SIF_A, sif_weights
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from sklearn.utils import Tags


Document = str | bytes | Iterable[str]


class _Bags(NamedTuple):
    """How often words occur in N documents."""

    known: sparse.csr_array  # (N, V), words of the vocabulary
    computed: sparse.csr_array  # (N, U), words that get vectors from their n-grams
    vectors: NDArray[np.float32]  # (U, D), these vectors


class DocumentVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transform documents into vectors, (N, D) float32; a document without known words becomes zeros.

    A document is a string, bytes (as from scikit-learn's `load_files`) or a list of words. Words outside the vocabulary
    get vectors from their n-grams, if `vectors` have n-grams; for "sif", their probability is 0. Words without a vector
    are ignored. If the vectors were trained with phrases, those of a document are joined first.

    Args:
        vectors: Word vectors. Clones of the transformer, as in a grid search, share them.
        weighting: "mean" for equal weights, or "sif" for smooth inverse frequency.
        a: Parameter of "sif": the smaller, the less frequent words count. The paper uses 1e-4 to 1e-3.
        tokenize: Function that splits a string into words; by default at whitespace, as in training.
        encoding: Encoding of documents that are bytes.
        decode_error: What to do with bytes that are not valid in this encoding: "strict" raises an error, "ignore"
            removes them, "replace" replaces them. Both parameters are those of scikit-learn's `CountVectorizer`.

    Attributes:
        weights_: (V,) weight of each word. For "sif" it is computed from the counts of `vectors` or, if these are
            unknown, from the documents passed to `fit`.
        common_: (D,) direction of length one that "sif" removes; None for "mean".
    """

    def __init__(
        self,
        vectors: WordVectors,
        *,
        weighting: Literal["mean", "sif"] = "mean",
        a: float = SIF_A,
        tokenize: Callable[[str], Iterable[str]] | None = None,
        encoding: str = "utf-8",
        decode_error: Literal["strict", "ignore", "replace"] = "strict",
    ) -> None:
        self.vectors = vectors
        self.weighting = weighting
        self.a = a
        self.tokenize = tokenize
        self.encoding = encoding
        self.decode_error = decode_error

    def fit(self, X: Iterable[Document], y: object = None) -> Self:  # noqa: ARG002, N803 (scikit-learn's)
        """Compute the weights and, for "sif", the common direction.

        Raises:
            Word2VecError: A parameter is invalid, or `X` is not a list of documents.
        """
        if self.weighting not in ("mean", "sif"):
            raise Word2VecError(f"unknown weighting {self.weighting!r}; choose mean or sif")
        if not self.a > 0:
            raise Word2VecError(f"a must be above 0, got {self.a}")
        bags = self._bags(X)
        self.weights_ = np.ones(len(self.vectors)) if self.weighting == "mean" else self._sif_weights(bags)
        self.common_ = None if self.weighting == "mean" else _first_singular_vector(self._means(bags))
        return self

    def transform(self, X: Iterable[Document]) -> NDArray[np.float32]:  # noqa: N803 (scikit-learn's)
        """Return the vectors of documents, (N, D).

        Raises:
            Word2VecError: `X` is not a list of documents.
        """
        check_is_fitted(self)
        means = self._means(self._bags(X))  # (N, D)
        if self.common_ is not None:
            means -= np.outer(means @ self.common_, self.common_)
        return means.astype(np.float32)

    def _sif_weights(self, bags: _Bags) -> NDArray[np.float64]:
        """Return the weight of each word, a / (a + p), (V,)."""
        counts = bags.known.sum(axis=0) if self.vectors.counts is None else self.vectors.counts  # (V,)
        return sif_weights(np.asarray(counts), self.a)

    def _means(self, bags: _Bags) -> NDArray[np.float64]:
        """Return the weighted sum of each document's word vectors, divided by the number of its words, (N, D)."""
        sums = (
            bags.known.multiply(self.weights_).tocsr() @ self.vectors.vectors + bags.computed @ bags.vectors
        )  # (N, D)
        words = bags.known.sum(axis=1) + bags.computed.sum(axis=1)  # (N,)
        return np.asarray(sums / np.maximum(1, words)[:, np.newaxis], dtype=np.float64)

    def _bags(self, documents: Iterable[Document]) -> _Bags:
        """Count how often each word occurs in each document."""
        if isinstance(documents, str | bytes) or getattr(documents, "ndim", 1) != 1:
            raise Word2VecError(
                "documents must be a list; wrap a single text in a list, and pass one column of a table"
            )
        if isinstance(documents, Iterator):
            raise Word2VecError("documents come from a generator, which can be read only once; pass a list")
        known, first = self.vectors.key_to_index, len(self.vectors)
        unknown: dict[str, int] = {}  # their columns follow those of the vocabulary
        columns: list[int] = []
        ends = [0]
        for number, document in enumerate(documents, start=1):
            words = list(self._words(document, number))
            other = next((word for word in words if not isinstance(word, str)), None)
            if other is not None:
                raise Word2VecError(f"document {number}: a word must be a string, not {other!r}")
            for word in self._with_phrases(words):
                if word in known:
                    columns.append(known[word])
                elif self.vectors.subwords is not None:
                    columns.append(unknown.setdefault(word, first + len(unknown)))
            ends.append(len(columns))
        shape = (len(ends) - 1, first + len(unknown))
        bags = sparse.csr_array((np.ones(len(columns)), np.array(columns, dtype=np.int64), np.array(ends)), shape=shape)
        bags.sum_duplicates()
        computed = self.vectors.from_ngrams(unknown)
        vectors = np.array(list(computed.values()), np.float32).reshape(-1, self.vectors.dim)
        return _Bags(bags[:, :first], bags[:, [unknown[word] for word in computed]], vectors)

    def _with_phrases(self, words: list[str]) -> Iterable[str]:
        """Join the phrases of the vectors, as far as they have vectors."""
        phrases = self.vectors.phrases
        if phrases is None:
            return words
        return phrases.join_known(words, self.vectors.key_to_index)

    def _words(self, document: Document, number: int) -> Iterable[str]:
        """Return the words of a document; its number, from 1, is for error messages."""
        if isinstance(document, bytes):
            document = self._decode(document, number)
        if isinstance(document, str):
            return document.split() if self.tokenize is None else self.tokenize(document)
        if isinstance(document, Iterable):
            return document
        raise Word2VecError(f"document {number}: must be a string, bytes or a list of words, not {document!r}")

    def _decode(self, document: bytes, number: int) -> str:
        """Decode a document as CountVectorizer does."""
        try:
            return document.decode(self.encoding, self.decode_error)
        except UnicodeDecodeError as error:
            raise Word2VecError(f"document {number}: {error}; set encoding, or decode_error='replace'") from error
        except LookupError as error:  # an encoding or a decode_error that does not exist
            raise Word2VecError(f"{error}; set encoding and decode_error") from error

    @property
    def _n_features_out(self) -> int:  # for the names of the columns: documentvectorizer0, documentvectorizer1, ...
        return self.vectors.dim

    def __sklearn_clone__(self) -> "DocumentVectorizer":
        return type(self)(**self.get_params(deep=False))  # subtle: scikit-learn would copy the vectors

    def __sklearn_tags__(self) -> "Tags":
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _first_singular_vector(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction of length one, (D,), along which the rows (N, D) have the largest sum of squares."""
    direction: NDArray[np.float64] = np.linalg.eigh(rows.T @ rows)[1][:, -1]
    return direction
