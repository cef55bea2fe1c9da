"""WordTable: words with their vectors and other tables; lookup, loading, saving, and conversion to other libraries.

It is the base of `WordVectors`, which adds the queries. Files are read and written by `formats/`, and the conversions
are in `interop.py` and `approximate.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from word2vec import formats
from word2vec.corpus.phrases import Phrases
from word2vec.errors import Word2VecError
from word2vec.models.subwords import Subwords
from word2vec.vectors import approximate, interop
from word2vec.vectors.pretrained import find_vectors
from word2vec.vectors.search import row_lengths, unit_rows
from word2vec.vectors.spelling import unknown_word
from word2vec.vectors.tables import as_table, check_shapes

if TYPE_CHECKING:
    import faiss  # pyright: ignore[reportMissingImports] (an extra)
    import pandas as pd
    from gensim.models import KeyedVectors
    from torch import nn
    from usearch.index import Index  # pyright: ignore[reportMissingImports] (an extra)


class WordTable:
    """Words and their vectors; the attributes are described in `WordVectors`."""

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
    ) -> Self:
        """Load vectors from a run folder or from a file in any known format, see `formats.FORMATS`.

        Args:
            path: Path of the run folder or file, or a name in `pretrained.PRETRAINED`.
            limit: Maximum number of rows to read, from the start. The remaining rows are not checked, except that the
                vocabulary of a run folder must be the one that its vectors were written with.
            progress: Whether to show a progress bar on stderr if reading takes long.
            verify: Whether to read all numbers of a run folder, safetensors or npz file and compare them with their
                checksums. Without it, they are mapped and read when they are used; they may be damaged or not finite.

        Raises:
            FormatError: The path cannot be read; the message names the line or row.
            DownloadError: Pretrained vectors cannot be downloaded.
        """
        path = find_vectors(path, progress=progress)
        return cls.from_table(formats.read(path, limit, progress=progress, verify=verify))

    @classmethod
    def from_table(cls, table: formats.Table) -> Self:
        """Return the vectors of a table that a function of `formats` has read and checked."""
        loaded = cls.__new__(cls)  # subtle: not __init__, which would scan for nan again
        loaded._set_tables(
            table.words, table.vectors, table.counts, table.output, table.subwords, table.nodes, table.plain
        )
        loaded.refinement, loaded.phrases = table.refinement, table.phrases
        return loaded

    def save(
        self,
        path: str | PathLike[str],
        format: str | None = None,  # noqa: A002
        *,
        progress: bool = False,
        notes: str = "",
    ) -> None:
        """Save the vectors; an existing file is replaced only after the new one is completely on disk.

        Args:
            path: Path of the file, or of the folder for a run. Only the formats run, safetensors, npz and fasttext keep
                counts, the output table and n-grams; all but fasttext keep nodes, phrases, and the plain vectors and
                settings of refined ones.
            format: A name in `formats.FORMATS`; by default the file extension decides. The extension .bin means
                fasttext for vectors with n-grams, and word2vec-binary for others.
            progress: Whether to show a progress bar on stderr if writing takes long.
            notes: Markdown to add to the model card of a format that has one (hf, model2vec, spacy).

        Raises:
            Word2VecError: The format is unknown, or the path cannot be written.
        """
        formats.write(path, self._table, format, progress=progress, notes=notes)

    @property
    def _table(self) -> formats.Table:
        return formats.Table(
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
        return f"{type(self).__name__}({len(self)} words [{first}], {self.dim} dimensions{present})"

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

    def to_faiss(self, links: int = 32, ef_construction: int = 80, ef_search: int = 64) -> "faiss.IndexHNSWFlat":
        """Return a faiss index for approximate search; ids are those of `index`, and scores are cosines.

        Queries have to be scaled to length one. Needs `pip install 'word2vec-fused[faiss]'`.

        Args:
            links: Number of links of each vector; more take more memory and find more of the nearest vectors.
            ef_construction: Number of candidates that are kept while a vector is inserted.
            ef_search: Number of candidates that are kept during a search; `index.hnsw.efSearch` changes it later.

        Raises:
            Word2VecError: faiss is not installed.
        """
        return approximate.to_faiss(self.unit, links, ef_construction, ef_search)

    def to_usearch(self, links: int = 32, ef_construction: int = 80, ef_search: int = 64) -> "Index":
        """Return a usearch index for approximate search; keys are those of `index`, distances one minus the cosine.

        Needs `pip install 'word2vec-fused[usearch]'`. The arguments are those of `to_faiss`.

        Raises:
            Word2VecError: usearch is not installed.
        """
        return approximate.to_usearch(self.unit, links, ef_construction, ef_search)

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

    # Methods of gensim's KeyedVectors; `compat.gensim` has all of them, with gensim's return values.

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
