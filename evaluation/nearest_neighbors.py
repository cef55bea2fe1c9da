"""Measure approximate search in many vectors, by faiss and usearch, against exact search.

    word2vec train data/wiki8 --dim 100 --subsample 1e-4 --epochs 2 --output runs/wiki8
    python evaluation/nearest_neighbors.py runs/wiki8 data/wiki8 --output nearest-neighbors.json

The corpus is cut into passages of 16 words, and the vector of a passage is the mean of its word vectors, weighted by
smooth inverse frequency. The script takes passages at random, some of them as queries, which are not in the index.
Recall@10 is the fraction of the ten passages with the highest cosines that an index returns among its ten. All figures
are for the threads that the libraries use by default.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from common import HelpFormatter, positive, report_header, write_json
from numpy.typing import NDArray

from word2vec import WordVectors
from word2vec.vectors.weighting import sif_weighted

N = 10  # neighbors per query
PASSAGE_WORDS = 16
BLOCK_WORDS = 1 << 20  # encoded at a time
EF_SEARCH = (16, 32, 64, 128, 256)  # numbers of candidates that are kept during a search
Search = Callable[[NDArray[np.float32]], NDArray[np.int64]]


def encode_passages(vectors: WordVectors, words: Sequence[str]) -> NDArray[np.float32]:
    """Return the vectors of the passages of a text, (P, D); unknown words are ignored."""
    weighted = sif_weighted(vectors)
    rows = np.fromiter((vectors.key_to_index.get(word, -1) for word in words), np.int64, count=len(words))
    rows = rows[rows >= 0]
    found = []
    for start in range(0, len(rows) - PASSAGE_WORDS + 1, BLOCK_WORDS):
        block = rows[start : start + BLOCK_WORDS]
        block = block[: len(block) // PASSAGE_WORDS * PASSAGE_WORDS].reshape(-1, PASSAGE_WORDS)  # (P, 16)
        found.append(weighted.vectors[block].mean(axis=1))
    return np.concatenate(found)


def measure(search: Search, queries: NDArray[np.float32], exact: NDArray[np.int64]) -> dict[str, float]:
    """Return the recall and the milliseconds per query of a search; all queries are passed at once."""
    started = time.perf_counter()
    found = search(queries)
    seconds = time.perf_counter() - started
    common = [len(set(a) & set(b)) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]
    return {"recall": sum(common) / exact.size, "ms_per_query": 1000 * seconds / len(queries)}


def measure_faiss(passages: WordVectors, queries: NDArray[np.float32], exact: NDArray[np.int64]) -> dict[str, Any]:
    """Build a faiss index and measure it."""
    started = time.perf_counter()
    index = passages.to_faiss()
    built = time.perf_counter() - started
    searches = []
    for ef in EF_SEARCH:
        index.hnsw.efSearch = ef
        searches.append({"ef_search": ef} | measure(lambda each: index.search(each, N)[1], queries, exact))
    return {"version": version("faiss-cpu"), "seconds_to_build": built, "searches": searches}


def measure_usearch(passages: WordVectors, queries: NDArray[np.float32], exact: NDArray[np.int64]) -> dict[str, Any]:
    """Build a usearch index and measure it."""
    started = time.perf_counter()
    index = passages.to_usearch()
    built = time.perf_counter() - started
    searches = []
    for ef in EF_SEARCH:
        index.expansion_search = ef
        found = measure(lambda each: index.search(each, N).keys.astype(np.int64), queries, exact)
        searches.append({"ef_search": ef} | found)
    return {"version": version("usearch"), "seconds_to_build": built, "searches": searches}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("vectors", type=Path, help="run folder with counts")
    parser.add_argument("corpus", type=Path, help="text file")
    parser.add_argument("--passages", type=positive, default=1_000_000, help="passages in the index")
    parser.add_argument("--queries", type=positive, default=1000, help="passages that are queries")
    parser.add_argument("--output", type=Path, default=Path("nearest-neighbors.json"), help="JSON file to write")
    parser.add_argument("--seed", type=int, default=1, help="random seed of the choice of passages")
    options = parser.parse_args(arguments)
    vectors = WordVectors.load(options.vectors)
    encoded = encode_passages(vectors, options.corpus.read_text(encoding="utf-8").split())
    wanted = options.passages + options.queries
    if len(encoded) < wanted:
        parser.error(f"{options.corpus} has {len(encoded):,} passages, not {wanted:,}")
    chosen = encoded[np.random.default_rng(options.seed).permutation(len(encoded))[:wanted]]
    passages = WordVectors([str(number) for number in range(options.passages)], chosen[: options.passages])
    queries = WordVectors([str(number) for number in range(options.queries)], chosen[options.passages :]).unit
    print(f"{len(passages):,} passages, {passages.dim} dimensions", flush=True)
    started = time.perf_counter()
    answers = passages.search(queries, N)
    seconds = time.perf_counter() - started
    exact = np.array([[int(passage) for passage, _ in each] for each in answers])  # (Q, 10)
    results: dict[str, Any] = {"exact": {"ms_per_query": 1000 * seconds / len(queries)}}
    print("exact", results["exact"], flush=True)
    header = report_header("nearest_neighbors.py", [str(options.vectors), str(options.corpus)])
    size = {"passages": len(passages), "dimensions": passages.dim, "queries": len(queries), "n": N}
    for name, function in (("faiss", measure_faiss), ("usearch", measure_usearch)):
        results[name] = function(passages, queries, exact)
        print(name, results[name], flush=True)
        write_json(options.output, header | size | {"results": results})


if __name__ == "__main__":
    main()
