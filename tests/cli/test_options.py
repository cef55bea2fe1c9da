"""Settings as options, options with several values, and loading vectors."""

import pytest

from tests.cli.conftest import CommandLine
from word2vec.cli.options import repeat_list_options
from word2vec.config import SETTINGS, option


def test_every_setting_is_an_option(cli: CommandLine) -> None:
    out, _ = cli.output("train", "--help")
    for name in SETTINGS:
        assert option(name) in out


@pytest.mark.parametrize(
    ("arguments", "repeated"),
    [
        (["--pairs", "a"], ["--pairs", "a"]),
        (["--pairs", "a", "b", "c"], ["--pairs", "a", "--pairs", "b", "--pairs", "c"]),
        (["--pairs", "a", "b", "--json"], ["--pairs", "a", "--pairs", "b", "--json"]),
        (["--pairs", "a", "--analogies", "b", "c"], ["--pairs", "a", "--analogies", "b", "--analogies", "c"]),
        (["v", "--pairs=a", "b"], ["v", "--pairs=a", "--pairs", "b"]),
        (
            ["--pairs=a", "b", "--analogies=c", "d", "e"],
            ["--pairs=a", "--pairs", "b", "--analogies=c", "--analogies", "d", "--analogies", "e"],
        ),
        (["--pairs=a", "--", "text"], ["--pairs=a", "--", "text"]),
        (["--output=a", "text"], ["--output=a", "text"]),
        (["text", "other"], ["text", "other"]),
    ],
)
def test_several_values_behind_one_option(arguments: list[str], repeated: list[str]) -> None:
    assert repeat_list_options(arguments) == repeated
