"""The command line: reads arguments, calls the library, prints results."""

from word2vec.cli.commands import main

__all__ = ["main"]
