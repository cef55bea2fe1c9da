"""The commands that query vectors: `nearest` and `analogy`."""

import logging
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import (
    CountOption,
    JsonOption,
    RestrictOption,
    VectorsArgument,
    load_pair_vectors,
    load_vectors,
)
from word2vec.cli.query import parse_queries
from word2vec.errors import ConfigError

if TYPE_CHECKING:
    from word2vec.vectors.search import Neighbors
    from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")


def nearest(
    vectors: VectorsArgument,
    words: Annotated[
        list[str], typer.Argument(metavar="WORD", help="Words, or sums of words such as 'king - man + woman'.")
    ],
    n: CountOption = 10,
    restrict: RestrictOption = None,
    refined: Annotated[
        bool, typer.Option("--refined", help="Compare words of the vocabulary by their refined vectors.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Show the words most similar to each WORD, by cosine similarity.

    Vectors with n-grams also answer for a WORD outside the vocabulary.

    In a refined run, words of the vocabulary are compared by their plain vectors unless --refined is given; unknown
    words and differences always use the refined ones.

    For a run trained on pairs, each WORD is an input, and its best targets by inner product are shown.
    """
    if pairs := load_pair_vectors(vectors):
        if restrict is not None or refined:
            raise ConfigError("--restrict and --refined do not apply to a run trained on pairs; omit them")
        _show_neighbors(dict(zip(words, pairs.recommend(words, n), strict=True)), as_json)
        return 0
    table = load_vectors(vectors)
    if refined and table.plain is None:
        raise ConfigError(f"--refined: {vectors} has no refined and plain vectors to choose from; omit it")
    queries = parse_queries(words, table)
    _mention_ngrams(table, [word for query in queries.values() for word in (*query.positive, *query.negative)])
    _show_neighbors(
        {
            text: table.nearest(query.positive, query.negative, n, restrict, refined=refined or None)
            for text, query in queries.items()
        },
        as_json,
    )
    return 0


def analogy(
    vectors: VectorsArgument,
    a: Annotated[str, typer.Argument(metavar="A", help="First word of the known pair.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Second word of the known pair.")],
    c: Annotated[str, typer.Argument(metavar="C", help="First word of the pair to complete.")],
    n: CountOption = 10,
    restrict: RestrictOption = None,
    as_json: JsonOption = False,
) -> int:
    """Solve an analogy: A is to B as C is to what?"""
    table = load_vectors(vectors)
    answers = table.analogy(a, b, c, n=n, restrict=restrict)
    _mention_ngrams(table, [a, b, c])
    _show_neighbors({f"{a} : {b} :: {c} :": answers}, as_json)
    return 0


def _mention_ngrams(vectors: "WordVectors", words: list[str]) -> None:
    """Report which words of a query are not in the vocabulary but have a vector, because they may be misspelled."""
    if computed := vectors.from_ngrams(words):
        logger.info("not in the vocabulary, vectors computed from n-grams: %s", ", ".join(computed))


def _show_neighbors(neighbors: "dict[str, Neighbors]", as_json: bool) -> None:
    if as_json:
        print_json({query: [[word, score] for word, score in answers] for query, answers in neighbors.items()})
        return
    columns = [[f"{score:.3f}  {word}" for word, score in answers] for answers in neighbors.values()]
    print_table(neighbors, zip_longest(*columns, fillvalue=""))
