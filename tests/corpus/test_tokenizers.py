# ruff: noqa: RUF001 (words of many scripts)
"""Tokenizers: what a word is, compared with a regular expression, in files, columns and memory."""

import random
import unicodedata
from pathlib import Path

import pytest

from tests.corpus.test_opening import decoded, message
from word2vec.corpus import index_corpus, open_corpus, reader
from word2vec.corpus.tokenizers import TOKENIZERS, last_boundary, separate_words


def words(text: str) -> list[str]:
    return separate_words(text.encode()).decode().split()


def plain_words(text: str) -> list[str]:
    """The definition, one character at a time."""
    kept = ["\0", *text, "\0"]
    classes = [unicodedata.category(character)[0] for character in kept]
    inside: list[bool] = []
    for place, kind in enumerate(classes):
        inside.append(kind in "LN" or (kind == "M" and inside[place - 1]))
    found = []
    for place in range(1, len(kept) - 1):
        inner = kept[place] in "'\u2019\u200c\u200d" and inside[place - 1] and inside[place + 1]
        found.append(kept[place] if inside[place] or inner else " ")
    return "".join(found).replace("\u2019", "'").split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop -- can\u2019t (won't)!", ["Don't", "stop", "can't", "won't"]),
        ("'quoted' rock''n'roll' 'tis", ["quoted", "rock", "n'roll", "tis"]),
        ("snake_case e-mail 3.14 a1b2", ["snake", "case", "e", "mail", "3", "14", "a1b2"]),
        ("naïve cafe\u0301 ÅNGSTRÖM ½ ²", ["naïve", "cafe\u0301", "ÅNGSTRÖM", "½", "²"]),
        ("हिन्दी में लिखा। ภาษาไทย العَرَبِيَّة", ["हिन्दी", "में", "लिखा", "ภาษาไทย", "العَرَبِيَّة"]),
        ("می\u200cخواهم क्\u200dष \u200cx\u200d", ["می\u200cخواهم", "क्\u200dष", "x"]),
        ("❤\ufe0f 👍🏽 a\ufe0f\u20e3 #️⃣", ["a\ufe0f\u20e3"]),
        ("你好,世界。", ["你好", "世界"]),
        ("", []),
        ("' \u2019", []),
        ("\u0301", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert plain_words(text) == expected


def test_random_text_equals_the_definition() -> None:
    draw = random.Random(0)
    for letters in ("ab1' -_\n'", "aé'\u2019\u0301\u0300\ufe0f\u200c\u200d -1。\nक्"):
        for length in (1, 2, 3, 10, 100, 1000):
            for _ in range(30):
                text = "".join(draw.choices(letters, k=length))
                assert words(text) == plain_words(text)
                assert separate_words(text.encode()).count(b"\n") == text.count("\n")


def test_every_character() -> None:
    everything = "".join(f"a{chr(code)}b\n" for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert words(everything) == plain_words(everything)


def test_the_boundary_never_splits_a_word_or_a_character() -> None:
    text = "uno。dos，trés\u0301".encode()
    expected = text.index("，".encode()) + len("，".encode())
    for end in range(expected + 3, len(text) + 1):
        assert last_boundary(text[:end]) == expected
    assert last_boundary("één'twee".encode()) == 0
    assert last_boundary(b"a\xffb") == 2


@pytest.mark.parametrize("size", [1, 7, 50])
def test_long_lines_without_spaces_are_not_lost(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text in which punctuation alone separates words, ASCII or not, is read in blocks of any size."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", size)
    monkeypatch.setattr(reader, "BINARY_PROBE_BYTES", size)
    monkeypatch.setattr(reader, "MAX_WORD_BYTES", 20)
    path = tmp_path / "text"
    for separator in (",", "。", "\u2014", "\x1f;"):
        sequence = [f"wört{number}" for number in range(40)]
        path.write_text(separator.join(sequence), encoding="utf-8")
        assert decoded(index_corpus([path], tokenizer="words")) == [sequence]


def test_files_columns_and_memory_are_split_alike(tmp_path: Path) -> None:
    lines = ["Hello, World! Don't", "naïve (café) \u2014 it\u2019s", "plain"]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    table = tmp_path / "table.csv"
    table.write_text('text\n"Hello, World! Don\'t"\nnaïve (café) \u2014 it\u2019s\nplain\n', encoding="utf-8")
    expected = [["hello", "world", "don't"], ["naïve", "café", "it's"], ["plain"]]
    for corpus in (
        index_corpus([path], tokenizer="words", lowercase=True),
        index_corpus([table], tokenizer="words", lowercase=True, column="text"),
        open_corpus(lines, tokenizer="words", lowercase=True),
        open_corpus(iter([{"text": line} for line in lines]), column="text", tokenizer="words", lowercase=True),
    ):
        assert decoded(corpus) == expected


def test_each_tokenizer_has_an_index_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a,b c")
    assert decoded(index_corpus([path])) == [["a,b", "c"]]
    assert decoded(index_corpus([path], tokenizer="words")) == [["a", "b", "c"]]
    assert decoded(index_corpus([path])) == [["a,b", "c"]]


def test_function_for_the_lines_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text"
    path.write_text("a-B c\n\nd-a\n", encoding="utf-8")
    for size in (1, 1 << 22):
        monkeypatch.setattr(reader, "BLOCK_BYTES", size)
        corpus = open_corpus([path, path], tokenizer=lambda line: line.split("-"), lowercase=True)
        assert decoded(corpus) == [["a", "b c"], ["d", "a"]] * 2


def test_unknown_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("a b")
    for source in (str(path), iter(["a b"])):
        assert "unknown tokenizer 'nltk'; use one of: whitespace, words" in message(source, tokenizer="nltk")
    assert set(TOKENIZERS) == {"whitespace", "words"}


def test_differences_from_other_tokenizers_are_as_documented() -> None:
    """See docs/corpora.md."""
    from sklearn.feature_extraction.text import CountVectorizer

    text = "I can't say: a naïve user_name has 2 e-mails, 3rd हिन्दी"
    ours = words(text.lower())
    scikit = CountVectorizer().build_analyzer()(text)
    assert ours == ["i", "can't", "say", "a", "naïve", "user", "name", "has", "2", "e", "mails", "3rd", "हिन्दी"]
    # words of one character are dropped, and Hindi is split at its vowel signs
    assert scikit == ["can", "say", "naïve", "user_name", "has", "mails", "3rd"]


def test_difference_from_gensim_is_as_documented() -> None:
    simple_preprocess = pytest.importorskip("gensim.utils").simple_preprocess
    text = "I can't say: a naïve user_name has 2 e-mails, 3rd"
    assert simple_preprocess(text) == ["can", "say", "naïve", "user_name", "has", "mails", "rd"]
