"""The corpora that have names."""

import sys
from collections.abc import Callable
from pathlib import Path

from word2vec.corpus.pydocs import pydocs
from word2vec.system.download import TEXT8, fetch

NAMED_CORPORA: dict[str, Callable[[], Path]] = {
    "text8": lambda: fetch(TEXT8, progress=sys.stderr.isatty()),
    "pydocs": pydocs,
}
"""Name -> a function that gives the text file, making or downloading it where needed."""
