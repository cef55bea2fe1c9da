"""Recommend the next item of a session: word2vec beside popularity and counts, on real sequences that need no download.

    python evaluation/sessions.py [--packages sklearn,scipy,pandas] [--seeds 3]

A session is the sequence of functions that a function in the source code of an installed package calls, in the order of
evaluation, and an item is a called function with its top-level package, such as "asarray (numpy)", or "append (method)"
where the class is unknown. The task is to predict the next call from the calls before it. Sessions of one file belong
to the same part: training, validation (to choose settings) or test.

Every model gives the probability of each item to follow one recent item, P(next | recent). A session is predicted by
the mixture sum_d w_d P(next | item d steps back), with weights w_d that fall linearly. Popularity ignores the recent
items, a Markov chain counts what followed the last item, and co-occurrence counts what followed within a distance.
Skip-gram with `window_mode="left"` learns scores of a recent item x and the next item y. Trained with negative
sampling from noise proportional to count ** a, the best score is x . y = log P(y | x) - a log count(y) + constant
(Levy & Goldberg 2014), so P(y | x) is the softmax of x . y + a log count(y). Alternatively one query vector, the
weighted mean of the input vectors, ranks the items by inner product, which an index for vector search can do; it ranks
by probability only if a = 0.

Prints the tables and writes a JSON file. Takes about ten minutes on two cores.
"""

import argparse
import ast
import builtins
import importlib.util
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import RESULTS, HelpFormatter, comma_separated, positive, report_header, write_json
from numpy.typing import NDArray
from renderers.sequences import session_settings as settings_table
from renderers.sequences import sessions as models_table

import word2vec
from word2vec.evaluation.ranking import METRICS, metrics_of_places

Session = list[str]
Scores = NDArray[np.float32]
Model = Callable[[NDArray[np.int64]], Scores]
"""From rows of recent items (B, RECENT), the last one first and -1 for none, to the scores of all items, (B, items)."""

PACKAGES = ("sklearn", "scipy", "pandas")
PARTS = {"train": 0.8, "validation": 0.9, "test": 1.0}  # upper bounds of a uniform number drawn for each file
RECENT = 5  # items that predict the next one
MIN_COUNT = 5
TOP = 10  # length of the ranking
BLOCK = 256  # events that are scored at once
SETTINGS: dict[str, Any] = {
    "window_mode": "left",
    "window": RECENT,
    "noise_exponent": 0.0,
    "negatives": 10,
    "epochs": 40,
    "subsample": 0,
    "min_count": MIN_COUNT,
    "validation": 0,
}
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"noise_exponent": 0.75},
    {"noise_exponent": 0.25},
    {"noise_exponent": -0.5},
    {"window": 2},
    {"window": 10},
    {"epochs": 5},
    {"epochs": 100},
    {"subsample": 1e-3},
    {"dim": 300},
    {"window_mode": "shrink"},
    {"noise_exponent": 0.75, "negatives": 5, "epochs": 5, "subsample": 1e-3},
)
"""Settings that are changed one at a time, and last all of those whose defaults are for text."""


# ---- The sessions


class CallFinder(ast.NodeVisitor):
    """Collect the calls of each function in a file, in the order in which they return.

    Args:
        package: Top-level package of the file, for relative imports.

    Attributes:
        sessions: The calls of each function; a call that repeats the one before is left out.
    """

    def __init__(self, package: str) -> None:
        self.sessions: list[Session] = []
        self._package = package
        self._origins = dict.fromkeys(dir(builtins), "built-in")  # of a name in the file
        self._open: list[Session] = []  # of the functions around the node, innermost last

    def visit_Import(self, node: ast.Import) -> None:
        """Record the packages of the imported names."""
        for name in node.names:
            package = name.name.partition(".")[0]
            self._origins[name.asname or package] = package

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Record the package of the imported names."""
        package = self._package if node.level or not node.module else node.module.partition(".")[0]
        self._origins |= {name.asname or name.name: package for name in node.names}

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Collect the calls of the body; an inner function is a session of its own."""
        self._open.append([])
        for statement in node.body:
            self.visit(statement)
        self.sessions.append(self._open.pop())

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Call(self, node: ast.Call) -> None:
        """Record a call after those in its arguments."""
        self.generic_visit(node)
        item = self._item(node.func)
        if self._open and item and self._open[-1][-1:] != [item]:
            self._open[-1].append(item)

    def _item(self, called: ast.expr) -> str | None:
        """Return the item of a called expression; None for functions of the file itself and for other expressions."""
        name = None
        while isinstance(called, ast.Attribute):
            name, called = name or called.attr, called.value
        origin = self._origins.get(called.id) if isinstance(called, ast.Name) else None
        if origin and isinstance(called, ast.Name):
            return f"{name or called.id} ({origin})"
        return f"{name} (method)" if name else None


def call_sessions(packages: Iterable[str]) -> dict[str, list[Session]]:
    """Return the sessions of two calls or more of every file of installed packages, by the path of the file."""
    found: dict[str, list[Session]] = {}
    for package in packages:
        spec = importlib.util.find_spec(package)
        assert spec
        assert spec.origin
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            finder = CallFinder(package)
            with warnings.catch_warnings(action="ignore"):  # invalid escapes in strings, for instance
                tree = ast.parse(path.read_bytes())
            finder.visit(tree)
            found[path.relative_to(root.parent).as_posix()] = [each for each in finder.sessions if len(each) > 1]
    return found


def split_sessions(sessions: dict[str, list[Session]], seed: int = 0) -> dict[str, list[Session]]:
    """Return the sessions of each of PARTS; all sessions of a file go to the same one."""
    files = sorted(sessions)
    drawn = np.random.default_rng(seed).random(len(files))
    part = np.searchsorted(list(PARTS.values()), drawn, side="right")
    return {
        name: [session for file, p in zip(files, part, strict=True) if p == number for session in sessions[file]]
        for number, name in enumerate(PARTS)
    }


def count_items(sessions: Iterable[Session], min_count: int = MIN_COUNT) -> dict[str, int]:
    """Return the counts of the items that occur at least `min_count` times, most frequent first."""
    counts = Counter(item for session in sessions for item in session)
    return {item: count for item, count in counts.most_common() if count >= min_count}


class Events(NamedTuple):
    """Items to predict, each with the items before it, as rows of the table of items."""

    recent: NDArray[np.int64]  # (E, RECENT), the last item first; -1 for an unknown item or none
    next: NDArray[np.int64]  # (E,)


def next_item_events(sessions: Iterable[Session], items: Iterable[str]) -> Events:
    """Return an event for each known item of the sessions that is not the first of its session."""
    rows = {item: row for row, item in enumerate(items)}
    recent, following = [], []
    for session in sessions:
        known = [-1] * RECENT + [rows.get(item, -1) for item in session]
        for place in range(RECENT + 1, len(known)):
            if known[place] >= 0:
                recent.append(known[place - RECENT : place][::-1])
                following.append(known[place])
    return Events(np.array(recent, np.int64).reshape(-1, RECENT), np.array(following, np.int64))


# ---- The models

WEIGHTS = np.linspace(1, 0, RECENT, endpoint=False, dtype=np.float32)  # (RECENT,) of the items, the last one first


def mixture(probabilities: Scores, counts: Sequence[int]) -> Model:
    """Return the model that adds up P(next | recent item) with WEIGHTS; without known recent items, by popularity.

    Args:
        probabilities: (items, items) P(next | recent), one recent item per row.
        counts: (items,) counts, which also order items of equal probability.
    """
    table = np.vstack([probabilities, np.zeros(len(counts), np.float32)])  # row -1: no item
    popular = np.asarray(counts, np.float32) * np.float32(1e-9 / max(counts))

    def score(recent: NDArray[np.int64]) -> Scores:
        scores = np.tile(popular, (len(recent), 1))
        for weight, rows in zip(WEIGHTS, recent.T, strict=True):
            scores += weight * table[rows]
        return scores

    return score


def mean_vector(inputs: Scores, outputs: Scores) -> Model:
    """Return the model that scores items by the inner product with the weighted mean of the recent input vectors.

    Args:
        inputs: (items, D) input vectors.
        outputs: (items, D) output vectors.
    """
    table = np.vstack([inputs, np.zeros(inputs.shape[1], np.float32)])  # row -1: no item

    def score(recent: NDArray[np.int64]) -> Scores:
        weights = WEIGHTS * (recent >= 0)  # (B, RECENT)
        query = np.einsum("bw,bwd->bd", weights, table[recent])  # (B, D)
        scores: Scores = query / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9) @ outputs.T
        return scores

    return score


def following_counts(sessions: Iterable[Session], items: Sequence[str], distance: int) -> Scores:
    """Return P(next | recent) by counting, (items, items): what follows within a distance, near items counting more."""
    rows = {item: row for row, item in enumerate(items)}
    counts = np.zeros((len(items), len(items)), np.float32)
    for session in sessions:
        known = [rows.get(item, -1) for item in session]
        for d in range(1, distance + 1):
            for recent, following in zip(known, known[d:], strict=False):
                if recent >= 0 and following >= 0:
                    counts[recent, following] += 1 - (d - 1) / distance
    probabilities: Scores = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return probabilities


def softmax_probabilities(inputs: Scores, outputs: Scores, counts: Sequence[int], noise_exponent: float) -> Scores:
    """Return P(next | recent) of skip-gram with negative sampling, (items, items); see the top of this file."""
    logits = inputs @ outputs.T + np.float32(noise_exponent) * np.log(np.asarray(counts, np.float32))
    probabilities: Scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def baselines(sessions: Sequence[Session], counts: dict[str, int]) -> dict[str, Model]:
    """Return the models that only count."""
    items, frequency = list(counts), list(counts.values())
    nothing = np.zeros((len(items), len(items)), np.float32)
    transitions = following_counts(sessions, items, 1)
    markov = mixture(transitions, frequency)
    return {
        "popularity": mixture(nothing, frequency),
        "Markov chain": lambda recent: markov(np.where(np.arange(RECENT) == 0, recent, -1)),
        "co-occurrence": mixture(following_counts(sessions, items, RECENT), frequency),
    }


def vector_models(vectors: word2vec.WordVectors, counts: dict[str, int], noise_exponent: float) -> dict[str, Model]:
    """Return the two models that vectors of training with `window_mode="left"` give."""
    assert vectors.output is not None
    rows = [vectors.index(item) for item in counts]
    inputs, outputs, frequency = vectors.vectors[rows], vectors.output[rows], list(counts.values())
    probabilities = softmax_probabilities(inputs, outputs, frequency, noise_exponent)
    return {"mean vector": mean_vector(inputs, outputs), "mixture": mixture(probabilities, frequency)}


# ---- The measurement


def rank_next_items(model: Model, events: Events, k: int = TOP) -> dict[str, float]:
    """Return the ranking metrics of a model over all items, by the names in METRICS."""
    above, tied = (np.empty(len(events.next), np.int64) for _ in range(2))
    for start in range(0, len(events.next), BLOCK):
        block = slice(start, start + BLOCK)
        scores = model(events.recent[block])  # (B, items)
        own = np.take_along_axis(scores, events.next[block, np.newaxis], axis=1)  # (B, 1)
        above[block], tied[block] = (scores > own).sum(axis=1), (scores == own).sum(axis=1)
    values = metrics_of_places(np.arange(len(above)), above, tied, len(above), k)  # (E, metrics)
    return dict(zip(METRICS, values.mean(axis=0).tolist(), strict=True))


def describe(change: dict[str, Any]) -> str:
    """Return changed settings as text."""
    return ", ".join(f"{name} {value}" for name, value in change.items()) or "chosen settings"


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options; see --help."""
    parser = argparse.ArgumentParser(
        prog="sessions.py",
        description="Predict the next function call in the source code of installed packages, with word2vec and with "
        "counts. Takes about ten minutes on two cores.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--packages", type=comma_separated(), default=",".join(PACKAGES), help="packages whose source code to read")
    add("--seeds", type=positive, default=3, help="number of seeds for the chosen settings; one for the others")
    add("--output", type=Path, default=RESULTS / "sessions.json", help="JSON file to write")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Train, rank, print, write; returns the exit code."""
    options = parse_arguments(arguments)
    header = report_header("sessions.py", arguments)
    parts = split_sessions(call_sessions(options.packages))
    counts = count_items(parts["train"])
    events = {part: next_item_events(parts[part], counts) for part in ("validation", "test")}
    measured: list[dict[str, Any]] = []

    def record(name: str, model: Model, part: str, **facts: Any) -> None:
        measured.append({"model": name, "part": part} | facts | rank_next_items(model, events[part]))
        print(measured[-1], file=sys.stderr)

    for name, model in baselines(parts["train"], counts).items():
        for part in events:
            record(name, model, part)
    for change in CHANGES:
        final = change in (CHANGES[0], CHANGES[-1])  # only these see the test part
        for seed in range(1, 1 + (options.seeds if final else 1)):
            settings = SETTINGS | change
            vectors = word2vec.train(parts["train"], seed=seed, **settings)
            for name, model in vector_models(vectors, counts, settings["noise_exponent"]).items():
                for part in events if final else ["validation"]:
                    record(name, model, part, settings=describe(change), seed=seed)
    report = header | {
        "sessions": {part: len(found) for part, found in parts.items()},
        "events": {part: len(found.next) for part, found in events.items()},
        "items": len(counts),
        "settings": SETTINGS,
        "measurements": measured,
    }
    write_json(options.output, report)
    print(models_table(report), settings_table(report), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
