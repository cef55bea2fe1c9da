"""Errors with one-line messages that are also instances of the built-in classes that gensim raises in the same case.

A script that catches gensim's `ValueError` therefore also catches the error of this package.
"""

from word2vec.errors import ConfigError, TruncatedError, Word2VecError


class ArgumentError(ConfigError, ValueError):
    """An argument has a value that is not allowed or not supported."""


class ArgumentTypeError(ConfigError, TypeError):
    """An argument has the wrong type."""


class UnsupportedError(ConfigError, NotImplementedError):
    """A file contains something that is not supported."""


class EmptyListError(ConfigError, ZeroDivisionError):
    """A mean of no vectors was requested."""


class ShortFileError(TruncatedError, EOFError):
    """A file ends before the data that it declares."""


class NotReadyError(Word2VecError, RuntimeError):
    """The model has no vocabulary, or lacks the tables that an operation needs."""


def reason_of(error: Exception) -> str:
    """Return why a file cannot be read, without the path that an OSError repeats."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
