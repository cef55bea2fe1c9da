"""The registry of named corpora: those that are downloaded, and `pydocs`, which is extracted locally."""

import sys
from collections.abc import Callable
from pathlib import Path

from word2vec.corpus.pydocs import pydocs
from word2vec.system.cache import cache_folder
from word2vec.system.download import Download, fetch

TEXT8 = Download(
    name="text8",
    url="http://mattmahoney.net/dc/text8.zip",
    sha256="a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
    size=100_000_000,
    text_sha1="0dc3edebc970dcc96137e7deda4d9995af9d93de",
)
"""The first 10^8 bytes of cleaned English Wikipedia of 2006 (Matt Mahoney), the usual benchmark corpus."""

DOWNLOADS = {TEXT8.name: TEXT8}
"""Name -> corpus that can be downloaded."""


def download_corpus(name: str) -> Path:
    """Return the text file of a corpus in `DOWNLOADS`, downloading it on first use.

    Raises:
        Word2VecError: The download failed or cannot be written.
    """
    return fetch(DOWNLOADS[name], corpora_folder(), progress=sys.stderr.isatty())


def corpora_folder() -> Path:
    """Return the folder for downloaded corpora: data/ in a source checkout, a cache folder otherwise."""
    checkout = Path(__file__).parents[2]
    in_checkout = (checkout / "pyproject.toml").is_file() and (checkout / "data" / "README.md").is_file()
    return checkout / "data" if in_checkout else cache_folder() / "corpora"


NAMED_CORPORA: dict[str, Callable[[], Path]] = {
    "text8": lambda: download_corpus("text8"),
    "pydocs": pydocs,
}
"""Name -> function that returns the text file, downloading or extracting it on first use."""
