"""Reading labeled texts, and what is refused."""

import lzma
from pathlib import Path

import pytest

from word2vec.corpus import pydocs
from word2vec.errors import CorpusError
from word2vec.evaluation.probes import LabeledTexts, docstring_task, read_labeled_texts
from word2vec.evaluation.probes.labeled_texts import check_classes, check_test_labels


def test_lines_and_tables_give_the_same_texts(tmp_path: Path) -> None:
    lines, table = tmp_path / "reviews.txt.xz", tmp_path / "reviews.csv"
    # a control character that Python's splitlines would split at
    lines.write_bytes(lzma.compress("1 A fine\x85film , \n\n0  dull\n".encode()))
    table.write_text('id,label,text\n7,1,"A fine\x85film ,"\n8,0,dull\n', encoding="utf-8")
    found = read_labeled_texts(lines, lowercase=True, tokenizer="words")
    assert found.labels == ("1", "0")
    assert found.texts == (("a", "fine", "film"), ("dull",))
    same = read_labeled_texts(table, lowercase=True, tokenizer="words")
    assert (same.labels, same.texts) == (found.labels, found.texts)
    assert read_labeled_texts(table, text_column="id").texts == (("7",), ("8",))
    assert read_labeled_texts(lines).texts[0][-1] == ","


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "contains no texts"),
        ("a.txt", "1 good\n0\n", "line 2 has no text after the label '0'"),
        ("a.txt", "1 good\n0 ...\n", "line 2 has no words"),
        ("a.csv", "label,text\n1,good\n,bad\n", "line 3 has no label"),
        ("a.csv", "label,text\n1,good\n0,\n", "line 3 has no text"),
        ("a.csv", "class,text\n1,good\n", "has no column 'label'"),
        ("a.jsonl", '{"label": NaN, "text": "good"}\n', "line 1 has no label"),
        ("a.jsonl", '{"label": 1, "text": 2}\n', "line 1 has no text"),
    ],
)
def test_unusable_rows_are_refused(name: str, content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        read_labeled_texts(path, tokenizer="words")


def labeled(*labels: str) -> LabeledTexts:
    return LabeledTexts("task", (("word",),) * len(labels), labels)


def test_classes_need_texts() -> None:
    with pytest.raises(CorpusError, match="all texts have the label '1'"):
        check_classes(labeled("1", "1"), None)
    with pytest.raises(CorpusError, match="'How' occurs 1 times, and 2 are needed; every line must begin with its"):
        check_classes(labeled("1", "1", "How"), None)
    with pytest.raises(CorpusError, match="'0' occurs 2 times, and 3 are needed; use fewer --folds"):
        check_classes(labeled("1", "1", "1", "0", "0"), 3)
    with pytest.raises(CorpusError, match="label '2' does not occur"):
        check_test_labels(labeled("1", "0"), labeled("1", "2"))


def test_docstring_task_names_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydocs, "PACKAGES", {"threadpoolctl": "threadpoolctl", "tqdm": "tqdm"})
    monkeypatch.setattr(pydocs, "MAX_LABELED", 20)
    monkeypatch.setattr(
        pydocs, "package_sentences", lambda package: [f"{package} {n} a b c d e f" for n in range(90)] + ["x " * 9] * 2
    )
    task = docstring_task()
    assert task.labels == ("threadpoolctl",) * 20 + ("tqdm",) * 20
    assert all(text[0] == label for text, label in zip(task.texts, task.labels, strict=True))
    assert task.texts[1][1] == "4"  # evenly spaced
