"""The commands that query vectors: `nearest` and `analogy`."""

import logging
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
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
from word2vec.cli.systems import load_word_vectors, reject_repeated
from word2vec.errors import ConfigError, UnknownWordError, Word2VecError

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
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN ...", help="Runs with other seeds: mark neighbors that more than half of all runs agree on."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show the words most similar to each WORD, by cosine similarity.

    Vectors with n-grams also answer for a WORD outside the vocabulary.

    In a refined run, words of the vocabulary are compared by their plain vectors unless --refined is given; unknown
    words and differences always use the refined ones.

    With --runs, each neighbor has the number of runs, VECTORS included, that have it among their N nearest words, and a
    star if these are more than half.

    For a run trained on pairs, each WORD is an input, and its best targets by inner product are shown.
    """
    if pairs := load_pair_vectors(vectors):
        if restrict is not None or refined or runs:
            raise ConfigError("--restrict, --refined and --runs do not apply to a run trained on pairs; omit them")
        _show_neighbors(dict(zip(words, pairs.recommend(words, n), strict=True)), as_json)
        return 0
    table = load_vectors(vectors)
    if refined and table.plain is None:
        raise ConfigError(f"--refined: {vectors} has no refined and plain vectors to choose from; omit it")
    queries = parse_queries(words, table)
    _mention_ngrams(table, [word for query in queries.values() for word in (*query.positive, *query.negative)])

    def ask(asked: "WordVectors") -> "dict[str, Neighbors]":
        return {
            text: asked.nearest(query.positive, query.negative, n, restrict, refined=refined or None)
            for text, query in queries.items()
        }

    if runs:
        reject_repeated([vectors, *runs])
        _show_agreement([ask(table), *(_ask_other(ask, path) for path in runs)], as_json)
    else:
        _show_neighbors(ask(table), as_json)
    return 0


def _ask_other(ask: "Callable[[WordVectors], dict[str, Neighbors]]", path: Path) -> "dict[str, Neighbors]":
    try:
        return ask(load_word_vectors(path))
    except UnknownWordError as error:
        raise Word2VecError(f"{path}: {error}; ask for words that all runs have") from None


def _show_agreement(answers: "Sequence[dict[str, Neighbors]]", as_json: bool) -> None:
    """Show the neighbors in the first run, each with the number of runs that have it as a neighbor."""
    from word2vec.evaluation.stability import count_agreement

    agreement = {query: count_agreement([each[query] for each in answers]) for query in answers[0]}
    found = {
        query: [(word, score, count) for (word, score), count in zip(answers[0][query], counts, strict=True)]
        for query, counts in agreement.items()
    }
    if as_json:
        print_json({query: [list(each) for each in listed] for query, listed in found.items()})
        return
    runs = len(answers)
    columns = [
        [f"{score:.3f}  {count}/{runs} {'*' if 2 * count > runs else ' '}  {word}" for word, score, count in listed]
        for listed in found.values()
    ]
    print_table(found, zip_longest(*columns, fillvalue=""))


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
