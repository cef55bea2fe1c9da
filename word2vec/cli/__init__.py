"""The command line: reads arguments, calls the library, prints results.

entry.py is where the program starts; app.py puts the commands together and reports errors. One file per group of
commands: train, ask, evaluate, convert.
"""

from word2vec.cli.entry import main, run

__all__ = ["main", "run"]
