"""The content of a report, collected from a run folder or from vectors alone; its layout is left to `page.py`.

Only the vectors have to be intact. If another file of the run folder is missing or damaged, its section is left out
with a warning: a report is needed most when something went wrong.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from word2vec.config import SETTINGS, read_toml
from word2vec.errors import ConfigError
from word2vec.evaluation.stability import StabilityResult
from word2vec.report.comparison import Comparison, compare_runs
from word2vec.report.embedded import Embedded, embed
from word2vec.report.history import History, read_history
from word2vec.report.scores import Score, read_sets, score_all
from word2vec.report.wordmap import WordMap, map_words
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

EXAMPLES = ("king", "paris", "music", "computer", "monday", "king - man + woman")
"""Example queries, where the vocabulary has their words; otherwise typical words of the clusters are offered."""
MIN_EXAMPLES = 4
MAX_CORPUS_NAMES = 3  # files named in the summary


@dataclass(frozen=True)
class Content:
    """Everything that a report shows.

    Attributes:
        title: Name of the run folder or vectors file.
        summary: One line about the origin of the vectors.
        word_count: Number of words in the vocabulary.
        facts: Key figures of vectors, corpus and training, as (label, value).
        settings: (name, value, help text) of each setting; empty without a config.toml.
        history: The training log; None without one.
        scores: One row per test set.
        word_map: The most frequent words in two dimensions.
        embedded: The vectors that the page searches.
        examples: Example queries; the first one is shown when the page opens.
        comparison: The comparison of several systems; None if the report is on one run.
        stability: The agreement of the runs of each system, by its name.
    """

    title: str
    summary: str
    word_count: int
    facts: list[tuple[str, str]]
    settings: list[tuple[str, str, str]]
    history: History | None
    scores: list[Score]
    word_map: WordMap
    embedded: Embedded
    examples: list[str]
    comparison: Comparison | None
    stability: dict[str, StabilityResult]


def collect(
    vectors: WordVectors, source: Path, systems: Mapping[str, Sequence[WordVectors]] = MappingProxyType({})
) -> Content:
    """Collect the content of a report.

    Args:
        vectors: The vectors that the report is on.
        source: Where they were loaded from: a run folder or a vectors file.
        systems: The runs of each system to compare, by name.

    Raises:
        Word2VecError: The systems cannot be compared.
    """
    settings = read_settings(source / "config.toml")
    history = read_history(source / "metrics.jsonl")
    if history is not None and history.unreadable:
        logger.warning("%s: %d invalid lines; the report ignores them", source / "metrics.jsonl", history.unreadable)
    logger.info("evaluating %s words", f"{len(vectors):,}")
    run_pairs = settings.get("pairs", [])
    sets = read_sets([str(each) for each in run_pairs] if isinstance(run_pairs, list) else [])
    scores = score_all(vectors, *sets)
    comparison, stability = compare_runs(systems, *sets)
    logger.info("computing the map of words")
    searched = vectors.unrefined()  # as `nearest` does
    word_map, embedded = map_words(searched), embed(searched)
    return Content(
        title=os.fsencode(source.resolve().name).decode(errors="replace"),  # a name need not be UTF-8
        summary=summarize(settings),
        word_count=len(vectors),
        facts=facts(vectors, history, settings),
        settings=[(name, _display(value), _help(name)) for name, value in settings.items()],
        history=history,
        scores=scores,
        word_map=word_map,
        embedded=embedded,
        examples=examples(embedded.words, word_map),
        comparison=comparison,
        stability=stability,
    )


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings in the config.toml of a run, including unknown ones; empty if the file cannot be read."""
    if not path.is_file():
        return {}
    try:
        return read_toml(path)
    except ConfigError as error:
        logger.warning("%s; the report leaves the settings out", error)
        return {}


def summarize(settings: dict[str, Any]) -> str:
    """Describe the origin of the vectors in one sentence."""
    corpus = settings.get("corpus")
    if not isinstance(corpus, list) or not corpus:
        return "Word vectors"
    names = ["standard input" if part == "-" else Path(str(part)).name or str(part) for part in corpus]
    more = len(names) - MAX_CORPUS_NAMES
    text = ", ".join(names[:MAX_CORPUS_NAMES]) + (f" and {more} more" if more > 0 else "")
    return f"Word vectors trained on {text} with {settings.get('objective', 'an unknown objective')}"


def examples(words: list[str], word_map: WordMap) -> list[str]:
    """Return example queries for a page that contains these words."""
    known = set(words)
    common = [text for text in EXAMPLES if known.issuperset(text.replace("- ", "").replace("+ ", "").split())]
    typical = [names[0] for names in word_map.names if names[0] in known]
    return common if len(common) >= MIN_EXAMPLES else (common + typical)[:MIN_EXAMPLES] or words[:1]


def facts(vectors: WordVectors, history: History | None, settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Return key figures of vectors, corpus and training, as (label, value)."""
    found = [("vocabulary words", f"{len(vectors):,}"), ("dimensions", f"{vectors.dim:,}")]
    if vectors.subwords is not None:
        found.append(("n-grams", f"{vectors.subwords.min_n} to {vectors.subwords.max_n} characters"))
    if vectors.plain is not None:
        found.append(("refined", "yes"))
    total = history.corpus_words if history else None
    kept = int(vectors.counts.sum()) if vectors.counts is not None else None
    if total or kept:
        found.append(("corpus words", short_number(total or kept or 0)))
    if total and kept and kept <= total:
        found.append(("corpus coverage", f"{kept / total:.1%}"))
    if history:
        found.append(("epochs", _epochs(history, settings.get("epochs"))))
        found.append(("training time", duration(history.seconds)))
        if history.speed:
            found.append(("words per second", short_number(history.speed)))
        losses = [curve.validation_loss for curve in history.epochs if curve.validation_loss is not None]
        if losses:  # with patience, the vectors are those of the best epoch
            found.append(("validation loss", f"{min(losses) if settings.get('patience') else losses[-1]:.3f}"))
        found.append(("training loss", f"{history.last.loss[-1]:.3f}"))
    return found


def duration(seconds: float) -> str:
    """Format a duration in readable units: 31 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def short_number(value: float) -> str:
    """Format a number with about three digits: 940, 16.9 k, 2.76 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size * 0.9995:
            return f"{value / size:.3g}{letter}" if value < 999.5 * size else f"{value / size:,.0f}{letter}"
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def _epochs(history: History, planned: object) -> str:
    done = sum(curve.complete for curve in history.epochs)
    stopped = not history.last.complete or (isinstance(planned, int) and done < planned)
    return f"{done} of {planned}, stopped early" if stopped and planned else f"{done}"


def _display(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _help(name: str) -> str:
    return SETTINGS[name][1].help if name in SETTINGS else ""
