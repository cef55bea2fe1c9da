"""What an evaluation found: small frozen records, as JSON for programs and as a data frame for people.

The keys of `as_dict` are a contract with programs outside this package. How the figures come about stands in
`word2vec.evaluation`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SimilarityResult:
    """How well cosines order word pairs. Correlations are fractions, NaN where they are not defined (see `note`)."""

    name: str
    spearman: float
    pearson: float
    pairs: int
    """Pairs that went into the correlations."""
    pairs_total: int
    oov: tuple[str, ...]
    """The unknown words, in the order of the set."""
    ci_low: float
    """Lower end of the 95 % interval of Spearman's correlation."""
    ci_high: float
    note: str = ""
    """What to mind about the figures, or nothing."""
    kind: ClassVar[Literal["similarity"]] = "similarity"

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON holds it: NaN becomes null."""
        keys = ("name", "kind", "spearman", "pearson", "pairs", "pairs_total", "oov", "ci_low", "ci_high")
        return {key: _json_value(getattr(self, key)) for key in keys}

    def _repr_html_(self) -> str:  # how notebooks show it
        figures = ["name", "spearman", "ci_low", "ci_high", "pearson", "used", "total", "oov"]
        return _html(to_frame([self])[figures].assign(note=self.note))


@dataclass(frozen=True)
class SectionResult:
    """The answers to one section of analogy questions."""

    name: str
    kind: Literal["semantic", "syntactic"]
    correct: int
    questions: int
    """Questions that were asked: those whose four words are all in the restricted vocabulary."""
    questions_total: int

    @property
    def accuracy(self) -> float:
        """The share of the asked questions that were answered rightly; NaN where none was asked."""
        return _accuracy([self])

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON holds it: NaN becomes null."""
        keys = ("name", "kind", "accuracy", "questions", "questions_total")
        return {key: _json_value(getattr(self, key)) for key in keys}


@dataclass(frozen=True)
class AnalogyResult:
    """The answers to a set of analogy questions. Accuracies go from 0 to 1, NaN where nothing could be asked."""

    name: str
    sections: tuple[SectionResult, ...]
    oov: tuple[str, ...]
    """The words outside the restricted vocabulary, in the order of the set."""
    kind: ClassVar[Literal["analogy"]] = "analogy"

    @property
    def accuracy(self) -> float:
        """Over all questions, as gensim counts, not the mean of the sections."""
        return _accuracy(self.sections)

    @property
    def semantic(self) -> float:
        """Accuracy over the sections of meaning: capitals, currencies, family."""
        return _accuracy([section for section in self.sections if section.kind == "semantic"])

    @property
    def syntactic(self) -> float:
        """Accuracy over the sections of grammar: plurals, tenses, comparatives."""
        return _accuracy([section for section in self.sections if section.kind == "syntactic"])

    @property
    def questions(self) -> int:
        """Questions that were asked: those whose four words are all in the restricted vocabulary."""
        return sum(section.questions for section in self.sections)

    @property
    def questions_total(self) -> int:
        """Questions in the set."""
        return sum(section.questions_total for section in self.sections)

    @property
    def note(self) -> str:
        """What to mind about the figures, or nothing."""
        return "" if self.questions else "no question has all its four words in the restricted vocabulary"

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON holds it: NaN becomes null."""
        keys = ("name", "kind", "accuracy", "questions", "questions_total")
        sections = [section.as_dict() for section in self.sections]
        return {key: _json_value(getattr(self, key)) for key in keys} | {"sections": sections}

    def _repr_html_(self) -> str:  # how notebooks show it
        import pandas as pd

        figures = ("name", "accuracy", "questions", "questions_total")
        rows = [[getattr(part, figure) for figure in figures] for part in (self, *self.sections)]
        return _html(pd.DataFrame(rows, columns=figures))


def to_frame(results: Iterable[SimilarityResult | AnalogyResult]) -> "pd.DataFrame":
    """One row a result; what a kind of result does not have is NaN.

    `used` and `total` count pairs or questions, `oov` counts unknown words.
    """
    import pandas as pd

    figures = ["name", "kind", "spearman", "ci_low", "ci_high", "pearson", "accuracy", "semantic", "syntactic"]
    rows = []
    for result in results:
        if isinstance(result, SimilarityResult):
            used, total = result.pairs, result.pairs_total
        else:
            used, total = result.questions, result.questions_total
        rows.append([getattr(result, figure, math.nan) for figure in figures] + [used, total, len(result.oov)])
    return pd.DataFrame(rows, columns=[*figures, "used", "total", "oov"])


def _html(frame: "pd.DataFrame") -> str:
    return str(frame.to_html(index=False, float_format="{:.3f}".format, na_rep=""))


def _accuracy(sections: Iterable[SectionResult]) -> float:
    sections = list(sections)
    asked = sum(section.questions for section in sections)
    return sum(section.correct for section in sections) / asked if asked else math.nan


def _json_value(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and math.isnan(value) else value
