"""Indexes of other libraries for approximate search in large tables: faiss and usearch.

Both build graphs in which each vector is linked to near ones (HNSW: Malkov and Yashunin 2018, "Efficient and robust
approximate nearest neighbor search using hierarchical navigable small world graphs"). Keys are rows of the table.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from word2vec.errors import Word2VecError

if TYPE_CHECKING:
    import faiss  # pyright: ignore[reportMissingImports] (an extra)
    from usearch.index import Index  # pyright: ignore[reportMissingImports] (an extra)


def to_faiss(
    unit: NDArray[np.float32], links: int = 32, ef_construction: int = 80, ef_search: int = 64
) -> "faiss.IndexHNSWFlat":
    """Return a faiss index of vectors of length one (V, D); its scores are inner products, so cosines.

    Raises:
        Word2VecError: faiss is not installed.
    """
    try:
        import faiss  # pyright: ignore[reportMissingImports] (an extra)
    except ImportError as error:
        raise _missing("faiss") from error
    index = faiss.IndexHNSWFlat(unit.shape[1], links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = ef_construction, ef_search
    index.add(unit)
    return index


def to_usearch(unit: NDArray[np.float32], links: int = 32, ef_construction: int = 80, ef_search: int = 64) -> "Index":
    """Return a usearch index of vectors of length one (V, D); its distances are one minus the cosine.

    Raises:
        Word2VecError: usearch is not installed.
    """
    try:
        from usearch.index import Index  # pyright: ignore[reportMissingImports] (an extra)
    except ImportError as error:
        raise _missing("usearch") from error
    index = Index(
        ndim=unit.shape[1],
        metric="cos",
        dtype="f32",
        connectivity=links,
        expansion_add=ef_construction,
        expansion_search=ef_search,
    )
    index.add(np.arange(len(unit), dtype=np.uint64), unit)
    return index


def _missing(extra: str) -> Word2VecError:
    return Word2VecError(f"{extra} is not installed; install it with: pip install 'word2vec-fused[{extra}]'")
