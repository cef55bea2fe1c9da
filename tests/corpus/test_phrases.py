"""The model of phrases: how sentences are joined, and its file."""

from pathlib import Path

import pytest

from word2vec.corpus.phrases import ENGLISH, Phrase, Phrases, PhraseSettings, as_connector_words
from word2vec.errors import ConfigError, FormatError

FOUND = Phrase(7, 12.5)
MODEL = Phrases(
    PhraseSettings(connector_words=("of", "the")),
    [
        {("new", "york"): FOUND, ("york", "times"): FOUND, ("bank", "of", "america"): Phrase(6, 1 / 3)},
        {("new_york", "times"): FOUND, ("king", "of", "the", "new_york"): FOUND},
    ],
)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("the new york times of the", "the new_york_times of the"),
        ("new new york york times", "new new_york york_times"),  # from left to right
        ("bank of america of bank america", "bank_of_america of bank america"),
        ("bank of the america", "bank of the america"),  # other words in between
        ("the king of the new york", "the king_of_the_new_york"),
        ("of", "of"),
        ("", ""),
    ],
)
def test_phrases_are_joined_from_left_to_right_and_in_passes(sentence: str, expected: str) -> None:
    assert MODEL.join(sentence.split()) == expected.split()
    assert [word for group in MODEL.groups(sentence.split()) for word in group] == sentence.split()


def test_a_saved_model_is_loaded_as_it_was(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "phrases.tsv")
    loaded = Phrases.load(tmp_path / "phrases.tsv")
    assert (loaded.settings, loaded.passes) == (MODEL.settings, MODEL.passes)
    assert len(loaded) == 5
    assert loaded.scores["bank_of_america"] == 1 / 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"word2vec-phrases\t1", b"something\t1", "not a file of phrases"),
        (b"phrases\t1", b"phrases\t2", "version 2, but this program reads up to 1; update"),
        (b'"delimiter": "_"', b'"delimiter": " "', "settings of the phrases are damaged"),
        (b"1\t7\t12.5\tnew", b"1\tseven\t12.5\tnew", "line 2: expected pass, count, score"),
        (b"2\t7\t12.5\tnew_york\ttimes", b"2\t7\t12.5\tnew_york", "line 5: expected pass"),
        (b"2\t7\t12.5\tnew", b"3\t7\t12.5\tnew", "line 5: expected pass"),
        (b"the\tnew_york\n", b"the\tnew_york", "expected pass"),
        (b"york\ttimes", b"york\t\xff", "the file is damaged"),
    ],
)
def test_a_damaged_file_is_rejected(old: bytes, new: bytes, expected: str, tmp_path: Path) -> None:
    content = MODEL.to_bytes()
    assert old in content
    (tmp_path / "phrases.tsv").write_bytes(content.replace(old, new))
    with pytest.raises(FormatError, match=expected):
        Phrases.load(tmp_path / "phrases.tsv")


def test_settings_have_defaults_by_scoring_and_are_checked() -> None:
    assert PhraseSettings().threshold == 10
    assert PhraseSettings("npmi", connector_words=("b", "a", "b")) == PhraseSettings("npmi", 0.5, 5, ("a", "b"))
    assert as_connector_words("english") == ENGLISH
    assert as_connector_words("of the") == ("of", "the")
    assert as_connector_words("none") == as_connector_words(None) == ()
    for wrong in ({"scoring": "pmi"}, {"delimiter": "a b"}, {"delimiter": ""}, {"min_count": 0}, {"threshold": 0}):
        with pytest.raises(ConfigError):
            PhraseSettings(**wrong)  # type: ignore[arg-type]


def test_phrases_without_a_vector_are_divided_into_those_of_the_pass_before() -> None:
    phrase = Phrase(9, 20.0)
    phrases = Phrases(PhraseSettings(), [{("new", "york"): phrase}, {("new_york", "city"): phrase}])
    sentence = ["in", "new", "york", "city", "new", "york"]
    assert phrases.join_known(sentence, {"new_york_city", "new_york"}) == ["in", "new_york_city", "new_york"]
    assert phrases.join_known(sentence, {"new_york", "city"}) == ["in", "new_york", "city", "new_york"]
    assert phrases.join_known(sentence, {"new_york_city"}) == ["in", "new_york_city", "new", "york"]


def test_united_models_have_the_phrases_of_both() -> None:
    old, new = Phrase(9, 20.0), Phrase(5, 30.0)
    first = Phrases(PhraseSettings(), [{("new", "york"): new}])
    second = Phrases(PhraseSettings(), [{("new", "york"): old, ("los", "angeles"): old}, {("new_york", "city"): old}])
    united = first.united(second)
    assert united.passes[0] == {("new", "york"): new, ("los", "angeles"): old}
    assert united.join(["new", "york", "city"]) == ["new_york_city"]
    with pytest.raises(ConfigError, match="delimiters"):
        Phrases(PhraseSettings(delimiter="+"), []).united(second)
