"""What a report says, gathered from a run folder or from vectors alone; how it looks is left to `page.py`.

Only the vectors have to be whole. What else is missing or damaged in the folder leaves its section out, with a warning,
since a report is asked for most when something went wrong.
"""

import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from word2vec.config import SETTINGS
from word2vec.report.embedded import Embedded, embed
from word2vec.report.history import History, read_history
from word2vec.report.scores import Score, score_all
from word2vec.report.wordmap import WordMap, draw_map
from word2vec.vectors.word_vectors import WordVectors

logger = logging.getLogger("word2vec")

EXAMPLES = ("king", "paris", "music", "computer", "monday", "king - man + woman")
"""What a person is offered to ask for, where the words are known; else words that are typical of a group."""
FEWEST_EXAMPLES = 4


@dataclass(frozen=True)
class Content:
    """All that a report shows.

    Attributes:
        title: the name of the run or of the file.
        summary: one line on where the vectors come from.
        word_count: words that have a vector.
        facts: what is known of vectors, corpus and training, as (label, value), the most telling first.
        settings: (name, value, meaning) of each setting; nothing where there is no config.toml.
        history: the course of training, None where there is no log.
        scores: one row a test set.
        word_map: the most frequent words in the plane.
        embedded: the words that the page can be asked about.
        examples: what a person is offered to ask; the first is asked when the page opens.
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


def gather(vectors: WordVectors, source: Path) -> Content:
    """Everything for the report on vectors that were read from `source`, a run folder or a file."""
    settings = read_settings(source / "config.toml")
    history = read_history(source / "metrics.jsonl")
    if history is not None and history.unreadable:
        logger.warning(
            "%s: lines that cannot be read and are left out: %d", source / "metrics.jsonl", history.unreadable
        )
    logger.info("scoring %s words", f"{len(vectors):,}")
    own_pairs = settings.get("pairs", [])
    scores = score_all(vectors, [str(each) for each in own_pairs] if isinstance(own_pairs, list) else [])
    logger.info("drawing the map")
    word_map, embedded = draw_map(vectors), embed(vectors)
    return Content(
        title=source.resolve().name,
        summary=summarize(settings),
        word_count=len(vectors),
        facts=facts(vectors, history, settings),
        settings=[(name, _shown(value), _meaning(name)) for name, value in settings.items()],
        history=history,
        scores=scores,
        word_map=word_map,
        embedded=embedded,
        examples=examples(embedded.words, word_map),
    )


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a run as they stand in its config.toml, unknown ones too; none where it cannot be read."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        logger.warning("%s: cannot be read (%s); the report has no settings", path, error.strerror)
    except ValueError as error:  # of TOML as of UTF-8
        logger.warning("%s: is not TOML (%s); the report has no settings", path, error)
    return {}


def summarize(settings: dict[str, Any]) -> str:
    """Where the vectors come from, in a sentence."""
    corpus = settings.get("corpus")
    if not isinstance(corpus, list) or not corpus:
        return "Word vectors"
    names = ["standard input" if part == "-" else Path(str(part)).name or str(part) for part in corpus]
    text = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Word vectors trained on {text} with {settings.get('objective', 'an unknown objective')}"


def examples(words: list[str], word_map: WordMap) -> list[str]:
    """What to offer to a person who may ask for these words."""
    known = set(words)
    usual = [text for text in EXAMPLES if known.issuperset(text.replace("- ", "").replace("+ ", "").split())]
    typical = [names[0] for names in word_map.names if names[0] in known]
    return usual if len(usual) >= FEWEST_EXAMPLES else (usual + typical)[:FEWEST_EXAMPLES] or words[:1]


def facts(vectors: WordVectors, history: History | None, settings: dict[str, Any]) -> list[tuple[str, str]]:
    """What is known of vectors, corpus and training, as (label, value)."""
    found = [("words", f"{len(vectors):,}"), ("dimensions", f"{vectors.dim:,}")]
    total = history.words_per_epoch if history else None
    kept = int(vectors.counts.sum()) if vectors.counts is not None else None
    if total or kept:
        found.append(("words of text", short_number(total or kept or 0)))
    if total and kept and kept <= total:
        found.append(("of the text covered", f"{kept / total:.1%}"))
    if history:
        found.append(("epochs", _epochs(history, settings.get("epochs"))))
        found.append(("of training", duration(history.seconds)))
        if history.speed:
            found.append(("words a second", short_number(history.speed)))
        found.append(("final loss", f"{history.last.loss[-1]:.3f}"))
    return found


def duration(seconds: float) -> str:
    """Seconds for people: 31 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def short_number(value: float) -> str:
    """A number with three digits or so: 940, 16.9 k, 2.76 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size * 0.9995:
            return f"{value / size:.3g}{letter}" if value < 999.5 * size else f"{value / size:,.0f}{letter}"
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def _epochs(history: History, planned: object) -> str:
    done = sum(curve.complete for curve in history.epochs)
    stopped = not history.last.complete or (isinstance(planned, int) and done < planned)
    return f"{done} of {planned}, stopped early" if stopped and planned else f"{done}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _meaning(name: str) -> str:
    return SETTINGS[name][1].help if name in SETTINGS else ""
