"""The command line, for tests of commands that evaluate."""

from tests.cli.conftest import cli

__all__ = ["cli"]
