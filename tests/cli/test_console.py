"""Console output is visible and harmless: escape sequences, markup, bidirectional controls."""

import json
import logging

import pytest

from word2vec.cli.console import MAX_LINE, logs_on_stderr, one_line, print_json, print_table, printable

EVIL = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x90q", "\x7f", "\r", "a\nb", "\u202eabc", "\u2066x", "\u2028", "\0"]
HARMLESS = ["naïve", "می\u200cکند", "क्\u200dष", "日本", "🙂", "[red]x[/red]", "[/]", ":cat:", "a\\x1b"]


@pytest.mark.parametrize("text", EVIL)
def test_control_characters_are_escaped(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not set(printable(text)) & set("\x1b\x9b\x90\x07\x7f\r\n\0\u202e\u2066\u2028")
    print_table([text], [[text, text]])
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 5  # headers, words and three rules
    assert shown.count(printable(text)) == 3


@pytest.mark.parametrize("text", HARMLESS)
def test_letters_joiners_and_markup_are_unchanged(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printable(text) == text
    print_table(["word"], [[text]])
    assert text in capsys.readouterr().out


@pytest.mark.parametrize("text", EVIL + HARMLESS)
def test_json_is_escaped_without_changing_its_meaning(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_json({text: [text]})
    out = capsys.readouterr().out
    assert json.loads(out) == {text: [text]}
    assert printable(out.removesuffix("\n")) == out.removesuffix("\n")


def test_message_is_one_line_of_bounded_length() -> None:
    assert one_line("two\nlines \x1b[31m and\ttabs") == "two lines \\x1b[31m and tabs"
    line = one_line("begin " + "x" * 10**6 + " end")
    assert len(line) < MAX_LINE + 20
    assert line.startswith("begin x")
    assert line.endswith("x end")


def test_log_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_on_stderr():
        logging.getLogger("word2vec").warning("%s: odd", "a\nb\x1b[2J")
    assert capsys.readouterr().err == "a b\\x1b[2J: odd\n"
