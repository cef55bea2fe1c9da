"""Read labeled texts for classification: tables, or lines that begin with a label; and a task that needs no file."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from word2vec.corpus.columns import is_table, place_of, read_columns
from word2vec.corpus.pydocs import labeled_docstrings
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.reader import read_blocks
from word2vec.corpus.texts import split_texts
from word2vec.errors import CorpusError


@dataclass(frozen=True)
class LabeledTexts:
    """Texts as lists of words, each with a label."""

    name: str
    texts: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


def read_labeled_texts(
    path: Path,
    *,
    lowercase: bool = False,
    tokenizer: str = "whitespace",
    text_column: str = "text",
    label_column: str = "label",
) -> LabeledTexts:
    """Read labeled texts from a file, which may be compressed.

    Args:
        path: A table (.csv, .tsv, .jsonl, .ndjson, .parquet), or a text file with lines `label text`.
        lowercase: Whether to lowercase the texts.
        tokenizer: How texts are split into words: "whitespace" or "words".
        text_column: The column of texts, in a table.
        label_column: The column of labels, in a table.

    Raises:
        CorpusError: The file cannot be read, is empty, has a row without a label or without words, or has one class
            only; the message names the line.
    """
    rows = _table(path, text_column, label_column) if is_table(path) else _lines(path)
    if not rows:
        raise CorpusError(f"{path}: contains no texts; write one text per line, after its label")
    places, labels, texts = zip(*rows, strict=True)
    words = [tuple(split) for split in split_texts(texts, lowercase, tokenizer)]
    for place, split in zip(places, words, strict=True):
        if not split:
            raise CorpusError(f"{path}: {place} has no words; remove it, or choose another tokenizer")
    return LabeledTexts(path.name, tuple(words), tuple(labels))


def docstring_task() -> LabeledTexts:
    """Return the built-in task: which library a docstring comes from; the texts are those of the corpus `pydocs`.

    Raises:
        CorpusError: A library is not installed.
        Word2VecError: The file cannot be written to the cache.
    """
    texts = read_labeled_texts(labeled_docstrings())
    return LabeledTexts("pydocs", texts.texts, texts.labels)


def check_classes(texts: LabeledTexts, folds: int | None) -> None:
    """Check that texts can be classified.

    Args:
        texts: The training texts, or all texts for cross-validation.
        folds: The number of folds, or None.

    Raises:
        CorpusError: There is one class only, or a class has too few texts.
    """
    counts = Counter(texts.labels)
    if len(counts) < 2:
        raise CorpusError(f"{texts.name}: all texts have the label {texts.labels[0]!r}; a task needs two or more")
    label, count = min(counts.items(), key=lambda each: each[1])
    needed = 2 if folds is None else max(2, folds)
    if count < needed:
        what = f"the label {label!r} occurs {count} times, and {needed} are needed"
        advice = "every line must begin with its label" if count == 1 else "use fewer --folds or merge classes"
        raise CorpusError(f"{texts.name}: {what}; {advice}")


def check_test_labels(training: LabeledTexts, test: LabeledTexts) -> None:
    """Check that test labels occur in the training texts.

    Raises:
        CorpusError: One of them does not.
    """
    if unknown := sorted(set(test.labels) - set(training.labels)):
        raise CorpusError(
            f"{test.name}: the label {unknown[0]!r} does not occur in {training.name}; every line must begin with its "
            "label"
        )


def _table(path: Path, text_column: str, label_column: str) -> list[tuple[str, str, str]]:
    """Return the place, the label and the text of each row."""
    rows = []
    for number, (label, text) in read_columns(path, [label_column, text_column]):
        place = place_of(path, number)
        if label is None or not str(label).strip() or label != label:
            raise CorpusError(f"{path}: {place} has no label; add one to column {label_column!r} or remove the row")
        if not isinstance(text, str) or not text.strip():
            raise CorpusError(f"{path}: {place} has no text; add it to column {text_column!r} or remove the row")
        rows.append((place, str(label).strip(), text))
    return rows


def _lines(path: Path) -> list[tuple[str, str, str]]:
    """Return the place, the label and the text of each line that is not blank."""
    rows = []
    # subtle: not splitlines, which also splits at characters that occur inside texts
    content = b"".join(read_blocks(path, ReadReport())).decode().split("\n")
    for number, line in enumerate(content, start=1):
        if not line.strip():
            continue
        label, *text = line.split(maxsplit=1)
        if not text:
            raise CorpusError(f"{path}: line {number} has no text after the label {label[:40]!r}; write `label text`")
        rows.append((f"line {number}", label, text[0]))
    return rows
