"""Options and commands of other programs: the message names the one to use."""

from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from word2vec.cli.app import _options, all_commands
from word2vec.cli.mistakes import COMMANDS, OPTIONS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # word2vec.c
        (["train", "-train", "text", "-output", "v.bin", "-size", "200", "-cbow", "0"],
         "use CORPUS instead of -train, use --output instead of -output, use --dim instead of -size, "
         "use --model instead of -cbow"),
        (["train", "TEXT", "-o", "RUN", "-window", "8"], "use --window instead of -window"),
        (["train", "TEXT", "-o", "RUN", "-sample", "1e-4"], "use --subsample instead of -sample"),
        (["train", "TEXT", "-o", "RUN", "-min-count=3"], "use --min-count instead of -min-count"),
        (["train", "TEXT", "-output", "RUN"], "use --output instead of -output"),  # not a folder named utput
        (["-train", "text", "-output", "v.bin"], "no command before -train; to train, use: word2vec train CORPUS"),
        # fastText
        (["skipgram", "-input", "text", "-output", "v"], "No such command 'skipgram'; use train"),
        (["train", "TEXT", "-o", "RUN", "-minCount", "3", "-t", "1e-4"],
         "use --min-count instead of -minCount, use --subsample instead of -t"),
        (["train", "TEXT", "-o", "RUN", "-lr", ".1", "-ws", "3", "-epoch", "2", "-neg", "4", "-dim", "9"],
         "use --lr instead of -lr, use --window instead of -ws, use --epochs instead of -epoch, "
         "use --negatives instead of -neg, use --dim instead of -dim"),
        # gensim
        (["train", "TEXT", "-o", "RUN", "--vector_size", "9"], "No such option: --vector_size; use --dim"),
        (["train", "TEXT", "-o", "RUN", "--workers", "2"], "No such option: --workers; use --threads"),
        (["train", "TEXT", "-o", "RUN", "--min_count", "2"], "No such option: --min_count; use --min-count"),
        (["train", "TEXT", "-o", "RUN", "--sg", "1"], "No such option: --sg; use --model"),
        (["nearest", "VECTORS", "king", "--topn", "5"], "No such option: --topn; use -n"),
        (["nearest", "VECTORS", "king", "-topn", "5"], "use -n instead of -topn"),
        (["analogy", "VECTORS", "man", "king", "woman", "--topn=5"], "No such option: --topn; use -n"),
        # misspelled
        (["train", "TEXT", "-o", "RUN", "--epoches", "2"], "No such option: --epoches; did you mean --epochs?"),
        (["evaluate", "VECTORS", "--pair", "x"], "No such option: --pair; did you mean --pairs?"),
        (["export", "VECTORS", "v.x", "-format", "glove"], "use --format instead of -format"),
        (["help"], "No such command 'help'; use --help"),
        (["export", "VECTORS", "v.x", "--binary"], "No such option: --binary; use --format word2vec-binary"),
        (["export", "VECTORS", "v.x", "-zzz"], "No such option: -zzz; see word2vec export --help"),
        (["nearest", "VECTORS", "king", "--zzz"], "No such option: --zzz; see word2vec nearest --help"),
        (["nearest", "VECTORS", "king", "-man"], "No such option: -man; to subtract a word, put spaces"),
    ],
)  # fmt: skip
def test_unknown_options_and_commands(
    arguments: list[str], message: str, vectors_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    cli: CommandLine,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    paths = {"VECTORS": str(vectors_file), "TEXT": "text", "RUN": "run"}
    assert message in cli.error(*(paths.get(argument, argument) for argument in arguments), code=2)
    assert set(tmp_path.iterdir()) == before


def test_arguments_that_begin_with_a_dash_are_still_accepted(vectors_file: Path, cli: CommandLine) -> None:
    assert "'-topn'" in cli.error("nearest", vectors_file, "--", "-topn", code=1)  # asked for as a word
    cli.output("nearest", vectors_file, "king", "-n2")


def test_all_suggestions_exist() -> None:
    commands = all_commands()
    assert set(COMMANDS.values()) <= {*commands, "--help", "--version"}
    assert not set(COMMANDS) & set(commands)
    for command, options in OPTIONS.items():
        known = {"", "CORPUS", "word2vec", *_options(command)}
        assert {advice.split(" ")[0] for advice in options.values()} <= known
