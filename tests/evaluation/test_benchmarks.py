"""Test sets: files of word pairs and of questions in many forms, error messages, and the built-in sets."""

import hashlib
from pathlib import Path

import pytest

from word2vec.errors import FormatError
from word2vec.evaluation import benchmarks
from word2vec.evaluation.benchmarks import builtin_sets, read_pair_sets, read_pairs, read_questions, resolve, set_names

PAIRS = (("tiger", "cat"), ("new york", "city"), ("über", "taxi"))
SCORES = [7.35, 6.5, 3.0]

SHA256 = {
    "wordsim353": "c0e79cd275b1b007c67c2a64c6c8c833cc44e8ce3e78201cf37446459579fbc9",
    "simlex999": "f547946e8091add9e8f957d5ce029011ffa07ce5030bed6fde67d100db3abd37",
    "questions-words": "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
}

VARIANTS = {
    "comma": "tiger,cat,7.35\nnew york,city,6.5\nüber,taxi,3\n",
    "comma and space": "tiger, cat, 7.35\nnew york, city, 6.5\nüber, taxi, 3\n",
    "tab": "tiger\tcat\t7.35\nnew york\tcity\t6.5\nüber\ttaxi\t3\n",
    "semicolon": "tiger;cat;7.35\nnew york;city;6.5\nüber;taxi;3\n",
    "decimal comma": "tiger;cat;7,35;0,5\nnew york;city;6,5;0,25\nüber;taxi;3;0,1\n",
    "quoted decimal comma": 'tiger,cat,"7,35"\nnew york,city,"6,5"\nüber,taxi,3\n',
    "other delimiters within": "tiger,cat,7.35,a;b;c\nnew york,city,6.5,a\tb\tc\nüber,taxi,3,\n",
    "tab around commas": "tiger\tcat\t7.35\ta,b,c\nnew york\tcity\t6.5\ta,b,c\nüber\ttaxi\t3\t\n",
    "quoted": '"tiger","cat","7.35"\n"new york", "city", "6.5"\n"über","taxi",3\n',
    "spaces and quotes": 'tiger  cat   7.35\n"new york" city 6.5\nüber taxi\t3\n',
    "header": "word1,word2,score\ntiger,cat,7.35\nnew york,city,6.5\nüber,taxi,3\n",
    "comments and blank lines": "# a\tb\n\ntiger\tcat\t7.35\n  # more\nnew york\tcity\t6.5\n \nüber\ttaxi\t3\n\n",
    "byte-order mark": "\ufeffword1;word2;score\ntiger;cat;7.35\nnew york;city;6.5\nüber;taxi;3\n",
    "CRLF, no last line end": "a,b,score\r\ntiger,cat,7.35\r\nnew york,city,6.5\r\nüber,taxi,3",
    "an index first": ",a,b,score\n0,tiger,cat,7.35\n1,new york,city,6.5\n2,über,taxi,3\n",
    "more columns": "word1\tword2\tPOS\tr\tSD\ntiger\tcat\tN\t7.35\t1\nnew york\tcity\tN\t6.5\t2\nüber\ttaxi\tN\t3\t\n",
    "one number too few further right": "tiger,cat,7.35,1\nnew york,city,6.5,\nüber,taxi,3,2\n",
}


def write(folder: Path, text: str, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS)
def test_common_forms_of_pair_files_are_read(tmp_path: Path, text: str) -> None:
    pairs = read_pairs(write(tmp_path, text, "own.csv"))
    assert pairs.name == "own"
    assert pairs.words == PAIRS
    assert pairs.scores.tolist() == SCORES


SIMLEX_FORM = "word1\tword2\tPOS\tSimLex999\tconc(w1)\nold\tnew\tA\t1.58\t2.72\nbig\tlarge\tA\t9.5\t3.1\n"


@pytest.mark.parametrize(
    ("columns", "words", "scores"),
    [
        (None, (("old", "new"), ("big", "large")), [1.58, 9.5]),
        (("word1", "word2", "SimLex999"), (("old", "new"), ("big", "large")), [1.58, 9.5]),
        (("word2", "word1", "conc(w1)"), (("new", "old"), ("large", "big")), [2.72, 3.1]),
        ((1, 2, 5), (("old", "new"), ("big", "large")), [2.72, 3.1]),
        ((2, "word1", 4), (("new", "old"), ("large", "big")), [1.58, 9.5]),
    ],
)
def test_columns_can_be_chosen(
    tmp_path: Path, columns: benchmarks.Columns | None, words: tuple[tuple[str, str], ...], scores: list[float]
) -> None:
    pairs = read_pairs(write(tmp_path, SIMLEX_FORM), columns)
    assert pairs.words == words
    assert pairs.scores.tolist() == scores


def test_columns_by_number_need_no_header(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, "7,tiger,3,cat\n8,dog,2,wolf\n"), (2, 4, 1))
    assert (pairs.words, pairs.scores.tolist()) == ((("tiger", "cat"), ("dog", "wolf")), [7, 8])


def test_a_column_name_may_be_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, "Word 1,Word 2,Human (mean),1,2\ntiger,cat,7.35,9,7\n")
    pairs = read_pairs(path, ("Word 1", "Word 2", "2"))
    assert (pairs.words, pairs.scores.tolist()) == ((("tiger", "cat"),), [7])


def test_unicode_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2: a word is missing"):
        read_pairs(write(tmp_path, "line\u2028separator,a,3\n,b,4\n"))


def test_formulas_are_not_evaluated(tmp_path: Path) -> None:
    assert read_pairs(write(tmp_path, "=1+1,@sum(A1),3\na,b,4\n")).words[0] == ("=1+1", "@sum(A1)")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("tiger,cat,", "the score is missing"),
        ("tiger,cat,N/A", "the score is missing"),
        ("tiger,cat,nan", "'nan' is not finite"),
        ("tiger,cat,-inf", "'-inf' is not finite"),
        ("tiger,cat,1e999", "'1e999' is not finite"),
        ("tiger,cat,7.5x", "'7.5x' is not a number"),
        ("tiger,cat,1_000", "'1_000' is not a number"),
        ("tiger,cat", "found 2 columns, expected 3"),
        ("tiger", "found 1 columns, expected 3"),
        ("tiger,,7", "a word is missing"),
        (",cat,7", "a word is missing"),
        ('"tiger,cat,7', "cannot be split into fields"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "middle", "last"])
def test_errors_name_the_line(tmp_path: Path, row: str, reason: str, place: int) -> None:
    lines = ["a,b,1", "c,d,2"]
    lines.insert(place, row)
    path = write(tmp_path, "# a comment counts as a line\n\n" + "\n".join(lines))
    with pytest.raises(FormatError) as caught:
        read_pairs(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {place + 3}: ")
    assert reason in message
    assert "\n" not in message


def test_errors_below_a_header_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2: the score 'high' is not a number"):
        read_pairs(write(tmp_path, "word1,word2,score\ntiger,cat,high\na,b,2\nc,d,3\n"))


@pytest.mark.parametrize(
    ("text", "columns", "reason"),
    [
        ("", None, "contains no word pairs"),
        ("# nothing\n\n", None, "contains no word pairs"),
        ("word1,word2,score\n", ("word1", "word2", "score"), "contains a header but no word pairs"),
        ("tiger,cat\na,b\n", None, "line 1: expected two columns of words and a column of scores"),
        ("tiger cat\na b\n", None, "line 1: expected two columns of words and a column of scores"),
        ("1,2,3\n4,5,6\n", None, "line 1: expected two columns of words and a column of scores"),
        (
            SIMLEX_FORM,
            ("word1", "word2", "score"),
            "no column named 'score'; the first row contains word1, word2, POS",
        ),
        (SIMLEX_FORM, (0, 1, 2), "no column 0; columns are numbered from 1 to 5"),
        (SIMLEX_FORM, (1, 2, 6), "no column 6; columns are numbered from 1 to 5"),
    ],
)
def test_files_without_pairs_are_rejected(
    tmp_path: Path, text: str, columns: benchmarks.Columns | None, reason: str
) -> None:
    with pytest.raises(FormatError) as caught:
        read_pairs(write(tmp_path, text), columns)
    assert reason in str(caught.value)


def test_errors_name_the_line_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin1.csv"
    path.write_bytes(b"tiger,cat,7\n\xfcber,taxi,3\n")
    with pytest.raises(FormatError, match=r"latin1\.csv, line 2: not UTF-8 text"):
        read_pairs(path)


def test_questions_are_read_by_section(tmp_path: Path) -> None:
    text = (
        "\ufeff# mine\n: world\r\nRome Italy Paris France\r\n\n:gram1-plural\ncat cats dog dogs\na b\tc  d\n: empty\n"
    )
    questions = read_questions(write(tmp_path, text, "mine.txt"))
    assert questions.name == "mine"
    assert [(s.name, s.kind, s.questions) for s in questions.sections] == [
        ("world", "semantic", (("Rome", "Italy", "Paris", "France"),)),
        ("gram1-plural", "syntactic", (("cat", "cats", "dog", "dogs"), ("a", "b", "c", "d"))),
        ("empty", "semantic", ()),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ": contains no questions"),
        (": a\n", ": contains no questions"),
        ("a b c d\n", ", line 1: no section yet"),
        (": a\na b c d\na b c\n", ", line 3: found 3 words, expected 4"),
        (": a\n\na b c d e\n", ", line 3: found 5 words, expected 4"),
    ],
)
def test_errors_in_questions_name_the_line(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}{reason}")


@pytest.mark.parametrize("name", SHA256)
def test_built_in_sets_are_unchanged(name: str) -> None:
    assert hashlib.sha256(builtin_sets()[name].read_bytes()).hexdigest() == SHA256[name]


def test_built_in_sets_are_complete() -> None:
    assert [len(read_pairs(name).words) for name in ("wordsim353", "simlex999")] == [353, 999]
    questions = read_questions("questions-words")
    kinds = {"semantic": 0, "syntactic": 0}
    for section in questions.sections:
        kinds[section.kind] += len(section.questions)
    assert (len(questions.sections), kinds) == (14, {"semantic": 8869, "syntactic": 10675})


def test_the_packaged_copy_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("word2vec/questions", "evaluation"):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder, "a,b,1\n", "simlex999.csv")
    monkeypatch.setattr(benchmarks, "__file__", str(tmp_path / "word2vec" / "evaluation" / "benchmarks.py"))
    assert builtin_sets() == {"simlex999": tmp_path / "word2vec" / "questions" / "simlex999.csv"}


def test_names_of_built_in_sets_take_precedence_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = write(tmp_path, "a,b,1\n", "simlex999")
    assert resolve("simlex999") == builtin_sets()["simlex999"]
    assert resolve("./simlex999").samefile(own)
    assert resolve(own) == own


def test_unknown_names_raise_with_the_list_of_sets() -> None:
    with pytest.raises(FormatError) as caught:
        resolve("simlex998")
    assert str(caught.value) == (
        "simlex998: no such file; pass a path, a built-in set: wordsim353, simlex999, questions-words, or one to "
        "download: men, rw, simverb-3500, mturk-771, ws353-similarity, ws353-relatedness, msr, bats"
    )


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["en/ws.csv", "de/ws.csv", "other.csv"], ["en/ws", "de/ws", "other"]),
        (["a/en/ws.csv", "b/en/ws.csv", "b/de/ws.csv"], ["a/en/ws", "b/en/ws", "de/ws"]),
        (["wordsim353", "my/wordsim353.csv"], ["wordsim353", "my/wordsim353"]),
        (["ws.csv", "../ws.csv"], ["ws", "../ws"]),
        (["/a/ws.csv", "/b/ws.csv"], ["a/ws", "b/ws"]),
        (["ws.csv", "ws.tsv"], ["ws.csv", "ws.tsv"]),
        (["ws.csv", "ws.csv", "a/ws.csv"], ["ws.csv", "ws.csv (2)", "a/ws"]),
        ([], []),
    ],
)
def test_names_of_several_sets_are_distinct(sources: list[str], expected: list[str]) -> None:
    assert set_names(sources) == expected
    assert set_names(list(map(Path, sources))) == expected


def test_sets_with_the_same_file_name_are_distinguished(tmp_path: Path) -> None:
    for folder, text in (("en", "cat,dog,1\n"), ("de", "Katze,Hund,2\n")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, text, "ws.csv")
    sets = read_pair_sets([tmp_path / "en/ws.csv", tmp_path / "de/ws.csv", "wordsim353"])
    assert [pairs.name for pairs in sets] == ["en/ws", "de/ws", "wordsim353"]
    assert [pairs.words[0][0] for pairs in sets[:2]] == ["cat", "Katze"]
