"""Results of evaluations: small frozen records that convert to JSON and to data frames.

The keys of `as_dict` are a stable interface for other programs. The figures are computed in `similarity.py` and
`analogies.py`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SimilarityResult:
    """Correlations of cosines with human scores, from -1 to 1; NaN if undefined, with the reason in `note`."""

    name: str
    spearman: float
    pearson: float
    pairs: int
    """Number of pairs used for the correlations."""
    pairs_total: int
    """Number of pairs in the set."""
    oov: tuple[str, ...]
    """Words without a vector, in the order of the set."""
    ci_low: float
    """Lower end of the 95 % bootstrap interval of Spearman's correlation."""
    ci_high: float
    """Upper end of that interval."""
    note: str = ""
    """A caveat about the figures, or an empty string."""
    case: str = "exact-then-lower"
    """How upper and lower case were treated, see `evaluate_similarity`."""
    from_ngrams: tuple[str, ...] = ()
    """Words outside the vocabulary whose vectors were computed from their n-grams, in the order of the set."""
    kind: ClassVar[Literal["similarity"]] = "similarity"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("name", "kind", "spearman", "pearson", "pairs", "pairs_total", "oov", "ci_low", "ci_high", "case")
        return {key: json_value(getattr(self, key)) for key in (*keys, "from_ngrams")}

    def _repr_html_(self) -> str:  # how notebooks show it
        figures = ["name", "spearman", "ci_low", "ci_high", "pearson", "used", "total", "oov"]
        return _html(to_frame([self])[figures].assign(note=self.note))


@dataclass(frozen=True)
class SectionResult:
    """Accuracy on one section of analogy questions."""

    name: str
    kind: Literal["semantic", "syntactic"]
    correct: int
    """Number of questions answered correctly."""
    questions: int
    """Number of questions asked: those whose four words are all in the restricted vocabulary."""
    questions_total: int
    """Number of questions in the section."""

    @property
    def accuracy(self) -> float:
        """Fraction of the questions asked that were answered correctly; NaN if none was asked."""
        return _accuracy([self])

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("name", "kind", "accuracy", "questions", "questions_total")
        return {key: json_value(getattr(self, key)) for key in keys}


@dataclass(frozen=True)
class AnalogyResult:
    """Accuracy on a set of analogy questions, from 0 to 1; NaN if no question could be asked."""

    name: str
    sections: tuple[SectionResult, ...]
    oov: tuple[str, ...]
    """Words outside the restricted vocabulary, in the order of the set."""
    case: str = "gensim"
    """How upper and lower case were treated, see `evaluate_analogies`."""
    kind: ClassVar[Literal["analogy"]] = "analogy"

    @property
    def accuracy(self) -> float:
        """Accuracy over all questions, as in gensim; not the mean over the sections."""
        return _accuracy(self.sections)

    @property
    def semantic(self) -> float:
        """Accuracy over the semantic sections: capitals, currencies, family."""
        return _accuracy([section for section in self.sections if section.kind == "semantic"])

    @property
    def syntactic(self) -> float:
        """Accuracy over the syntactic sections: plurals, tenses, comparatives."""
        return _accuracy([section for section in self.sections if section.kind == "syntactic"])

    @property
    def questions(self) -> int:
        """Number of questions asked: those whose four words are all in the restricted vocabulary."""
        return sum(section.questions for section in self.sections)

    @property
    def questions_total(self) -> int:
        """Number of questions in the set."""
        return sum(section.questions_total for section in self.sections)

    @property
    def note(self) -> str:
        """A caveat about the figures, or an empty string."""
        return "" if self.questions else "no question has all four words in the restricted vocabulary"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("name", "kind", "accuracy", "questions", "questions_total", "case")
        sections = [section.as_dict() for section in self.sections]
        return {key: json_value(getattr(self, key)) for key in keys} | {"sections": sections}

    def _repr_html_(self) -> str:  # how notebooks show it
        import pandas as pd

        figures = ("name", "accuracy", "questions", "questions_total")
        rows = [[getattr(part, figure) for figure in figures] for part in (self, *self.sections)]
        return _html(pd.DataFrame(rows, columns=figures))


@dataclass(frozen=True)
class RankingResult:
    """Ranking metrics of held-out pairs, means over the inputs, from 0 to 1; NaN if nothing could be ranked."""

    name: str
    k: int
    """Length of the ranking."""
    hit_rate: float
    recall: float
    precision: float
    ndcg: float
    mrr: float
    map: float
    intervals: dict[str, tuple[float, float]]
    """The 95 % bootstrap interval of each metric, by its name."""
    inputs: int
    """Number of inputs for which targets were ranked."""
    inputs_total: int
    """Number of inputs with held-out pairs."""
    pairs: int
    """Number of held-out pairs that were looked for in the rankings."""
    pairs_total: int
    """Number of held-out pairs."""
    negatives: int | None
    """Number of other targets, drawn at random, among which the held-out ones were ranked; None for all targets."""
    note: str = ""
    """A caveat about the figures, or an empty string."""
    kind: ClassVar[Literal["ranking"]] = "ranking"
    metrics: ClassVar[tuple[str, ...]] = ("ndcg", "recall", "precision", "hit_rate", "mrr", "map")

    @property
    def ci_low(self) -> float:
        """Lower end of the interval of NDCG."""
        return self.intervals["ndcg"][0]

    @property
    def ci_high(self) -> float:
        """Upper end of the interval of NDCG."""
        return self.intervals["ndcg"][1]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("name", "kind", "k", *self.metrics, "inputs", "inputs_total", "pairs", "pairs_total", "negatives")
        ends = {key: [json_value(end) for end in self.intervals[key]] for key in self.metrics}
        return {key: json_value(getattr(self, key)) for key in (*keys, "ci_low", "ci_high")} | {"intervals": ends}

    def _repr_html_(self) -> str:  # how notebooks show it
        import pandas as pd

        rows = [[f"{metric}@{self.k}", getattr(self, metric), *self.intervals[metric]] for metric in self.metrics]
        return _html(pd.DataFrame(rows, columns=["metric", "value", "ci_low", "ci_high"]))


@dataclass(frozen=True, kw_only=True)
class WeatResult:
    """A word embedding association test; figures are NaN if undefined, with the reason in `note`."""

    name: str
    targets: tuple[str, str]
    """Names of the target lists."""
    attributes: tuple[str, str]
    """Names of the attribute lists."""
    effect_size: float
    """From -2 to 2; positive if the first targets are closer to the first attributes than the second targets are."""
    p_value: float
    """Probability of at least this difference of means if targets are assigned to the two lists at random."""
    ci_low: float
    """Lower end of the 95 % bootstrap interval of the effect size."""
    ci_high: float
    """Upper end of that interval."""
    partitions: int
    """Number of partitions of the targets that the p-value is computed from."""
    exact: bool
    """Whether these are all partitions, or a random sample."""
    words: int
    """Number of words with a vector."""
    words_total: int
    """Number of words in the test."""
    oov: tuple[str, ...]
    """Words without a vector, in the order of the test."""
    from_ngrams: tuple[str, ...] = ()
    """Words outside the vocabulary whose vectors were computed from their n-grams."""
    case: str = "exact-then-lower"
    """How upper and lower case were treated, see `evaluate_similarity`."""
    note: str = ""
    """A caveat about the figures, or an empty string."""
    kind: ClassVar[Literal["weat"]] = "weat"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        keys = ("name", "kind", "targets", "attributes", "effect_size", "p_value", "ci_low", "ci_high", "partitions")
        more = ("exact", "words", "words_total", "oov", "from_ngrams", "case")
        return {key: json_value(getattr(self, key)) for key in (*keys, *more)}

    def _repr_html_(self) -> str:  # how notebooks show it
        figures = ["name", "effect_size", "ci_low", "ci_high", "p_value", "used", "total", "oov"]
        return _html(to_frame([self])[figures].assign(note=self.note))


Result = SimilarityResult | AnalogyResult | RankingResult | WeatResult


@dataclass(frozen=True)
class WordDrift:
    """The drift of a word.

    Attributes:
        word: The word.
        drift: 0 if its cosines with its neighbors are the same, up to a factor; 1 if they have nothing in common.
        ci_low: Lower end of the 95 % interval.
        ci_high: Upper end.
        before: Its nearest neighbors in the first run.
        after: Those in the second run.
    """

    word: str
    drift: float
    ci_low: float
    ci_high: float
    before: tuple[str, ...]
    after: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        return {name: json_value(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class DriftResult:
    """The result of a comparison.

    Attributes:
        words: The words that were asked for, or those that drifted most, most first.
        median: Median drift of all words that were compared, a reference for the drift of words that did not change.
        compared: Number of these words.
    """

    words: list[WordDrift]
    median: float
    compared: int

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary for JSON, in which NaN becomes None."""
        words = [each.as_dict() for each in self.words]
        return {"compared": self.compared, "median": json_value(self.median), "words": words}


def to_frame(results: Iterable[Result]) -> "pd.DataFrame":
    """Return a data frame with one row per result; figures that a kind of result does not have are NaN.

    `used` and `total` are numbers of pairs, questions or words, `oov` is the number of unknown words, or of inputs
    without a ranking. The columns of ranking metrics, and of association tests, are there if one of the results has
    them; the interval of a ranking is that of NDCG, and that of an association test is of its effect size.
    """
    import pandas as pd

    results = list(results)
    figures = ["name", "kind", "spearman", "ci_low", "ci_high", "pearson", "accuracy", "semantic", "syntactic"]
    if any(isinstance(result, RankingResult) for result in results):
        figures += ["k", *RankingResult.metrics]
    if any(isinstance(result, WeatResult) for result in results):
        figures += ["effect_size", "p_value"]
    rows = [[getattr(result, figure, math.nan) for figure in figures] + _numbers(result) for result in results]
    return pd.DataFrame(rows, columns=[*figures, "used", "total", "oov"])


def _numbers(result: Result) -> list[int]:
    """Return what was used, the total, and what is unknown."""
    match result:
        case SimilarityResult():
            return [result.pairs, result.pairs_total, len(result.oov)]
        case AnalogyResult():
            return [result.questions, result.questions_total, len(result.oov)]
        case RankingResult():
            return [result.pairs, result.pairs_total, result.inputs_total - result.inputs]
        case WeatResult():
            return [result.words, result.words_total, len(result.oov)]


def _html(frame: "pd.DataFrame") -> str:
    return str(frame.to_html(index=False, float_format="{:.3f}".format, na_rep=""))


def _accuracy(sections: Iterable[SectionResult]) -> float:
    sections = list(sections)
    asked = sum(section.questions for section in sections)
    return sum(section.correct for section in sections) / asked if asked else math.nan


def json_value(value: object) -> object:
    """Return a value for JSON, in which tuples are lists and NaN is None."""
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and math.isnan(value) else value
