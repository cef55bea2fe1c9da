"""The command line: reads arguments, calls the library, prints results.

One file per group of commands (train, ask, evaluate, convert); app.py puts them together and reports errors.
"""

from word2vec.cli.app import main, run

__all__ = ["main", "run"]
