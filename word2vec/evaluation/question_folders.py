"""Analogy questions that are published as folders: BATS, and the syntactic questions of Microsoft Research (MSR).

- BATS (Gladkova, Drozd and Matsuoka 2016, "Analogy-based detection of morphological and semantic relations with word
  embeddings: what works and what doesn't"): one .txt file per relation, with lines `word<tab>answer/answer/...`. Each
  line is combined with every other line. The first answer stands for b, and each answer of the last pair is correct.
- MSR (Mikolov, Yih and Zweig 2013, "Linguistic regularities in continuous space word representations"): a .questions
  file with lines `a b c`, and an .answers file with lines `relation d`.

Files of questions in Google's form are read by `benchmarks.py`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from word2vec.errors import FormatError
from word2vec.evaluation.text_lines import read_lines

RawSection = tuple[str, tuple[tuple[str, str, str, str], ...], Mapping[str, tuple[str, ...]]]
"""Name, questions, and other correct answers by the third word; the fields of `benchmarks.Section`."""

SYNTACTIC = re.compile(r"[ID]\d\d ")  # how files of inflectional and derivational morphology begin in BATS


def read_folder(folder: Path) -> list[RawSection]:
    """Read the sections of a folder.

    Raises:
        FormatError: The folder contains no questions, or a line cannot be read; names file and line.
    """
    questions = sorted(folder.glob("*.questions"))
    if questions:
        return _read_msr(questions[0])
    files = sorted(folder.rglob("*.txt"), key=lambda path: path.name)
    if not files:
        raise FormatError(f"{folder}: a folder without .txt or .questions files; pass a file, or the folder of BATS")
    return [_read_relation(path) for path in files]


def _read_relation(path: Path) -> RawSection:
    """Read a relation of BATS."""
    answers: dict[str, tuple[str, ...]] = {}
    for number, line in read_lines(path):
        word, *rest = line.split()
        found = tuple(filter(None, rest[0].split("/"))) if len(rest) == 1 else ()
        if not found:
            raise FormatError(f"{path}, line {number}: expected a word and its answers: dog<tab>puppy/pup; correct it")
        answers[word] = found
    asked = tuple((a, answers[a][0], c, answers[c][0]) for a in answers for c in answers if a != c)
    if not asked:
        raise FormatError(f"{path}: contains fewer than two words; write a word and its answers per line")
    prefix = "gram-" if SYNTACTIC.match(path.name) else ""  # as in the names of Google's syntactic sections
    return prefix + path.stem, asked, {word: found[1:] for word, found in answers.items() if len(found) > 1}


def _read_msr(path: Path) -> list[RawSection]:
    """Read the questions of Microsoft Research, all of which are syntactic."""
    other = path.with_suffix(".answers")
    questions, answers = read_lines(path), read_lines(other)
    if len(questions) != len(answers):
        raise FormatError(
            f"{path}: {len(questions)} questions, but {len(answers)} answers in {other.name}; download both files again"
        )
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    for (number, question), (_, answer) in zip(questions, answers, strict=True):
        match (*question.split(), *answer.split()):
            case (a, b, c, relation, d):
                sections.setdefault(f"gram-{relation}", []).append((a, b, c, d))
            case _:
                raise FormatError(f"{path}, line {number}: expected three words, and a relation and a word as answer")
    return [(name, tuple(asked), {}) for name, asked in sections.items()]
