"""Pretrained vectors by name: the word vectors of the public gensim-data collection.

https://github.com/piskvorky/gensim-data; sizes and MD5 sums are those of its list.json. A name is downloaded to the
cache on first use. The files are in word2vec's text or binary format, compressed with gzip.
"""

import logging
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

from word2vec.errors import FormatError
from word2vec.system.cache import cache_folder
from word2vec.system.resumable import RemoteFile, fetch_resumable

_log = logging.getLogger(__name__)

COLLECTION = "https://github.com/RaRe-Technologies/gensim-data/releases/download"
MAX_NAME = 100  # characters; longer arguments are paths


def _published(name: str, size: int, md5: str) -> RemoteFile:
    return RemoteFile(f"{COLLECTION}/{name}/{name}.gz", size, md5)


PRETRAINED = {
    name: _published(name, size, md5)
    for name, size, md5 in (
        ("glove-wiki-gigaword-50", 69_182_535, "c289bc5d7f2f02c6dc9f2f9b67641813"),
        ("glove-wiki-gigaword-100", 134_300_434, "40ec481866001177b8cd4cb0df92924f"),
        ("glove-wiki-gigaword-200", 264_336_934, "59652db361b7a87ee73834a6c391dfc1"),
        ("glove-wiki-gigaword-300", 394_362_229, "29e9329ac2241937d55b852e8284e89b"),
        ("glove-twitter-25", 109_885_004, "50db0211d7e7a2dcd362c6b774762793"),
        ("glove-twitter-50", 209_216_938, "c168f18641f8c8a00fe30984c4799b2b"),
        ("glove-twitter-100", 405_932_991, "b04f7bed38756d64cf55b58ce7e97b15"),
        ("glove-twitter-200", 795_373_100, "e52e8392d1860b95d5308a525817d8f9"),
        ("fasttext-wiki-news-subwords-300", 1_005_007_116, "de2bb3a20c46ce65c9c131e1ad9a77af"),
        ("conceptnet-numberbatch-17-06-300", 1_225_497_562, "fd642d457adcd0ea94da0cd21b150847"),
        ("word2vec-google-news-300", 1_743_563_840, "a5e5354d40acb95f9ec66d5977d140ef"),
    )
}
"""Name -> file of pretrained vectors."""


def download_pretrained(name: str, *, progress: bool = False) -> Path:
    """Return the file of the vectors in `PRETRAINED` with this name, downloading it on first use.

    Raises:
        Word2VecError: The download failed or cannot be written. What has arrived is kept; the next call continues.
    """
    remote = PRETRAINED[name]
    target = cache_folder() / "vectors" / name / f"{name}.gz"
    if not target.exists():
        _log.info("downloading %s (%.0f MB) to %s", name, remote.size / 1e6, target.parent)
    return fetch_resumable(remote, target, progress=progress)


def find_vectors(path: str | PathLike[str], *, progress: bool = False) -> Path:
    """Return the path of vectors that are given by their path or by a name in `PRETRAINED`; a path takes precedence.

    Raises:
        FormatError: The path does not exist, and it resembles a name in `PRETRAINED`.
        Word2VecError: The download failed or cannot be written.
    """
    path = Path(path)
    name = str(path)
    if name != path.name or len(name) > MAX_NAME or path.exists():
        return path
    if name in PRETRAINED:
        return download_pretrained(name, progress=progress)
    if similar := get_close_matches(name, PRETRAINED, n=3):
        raise FormatError(
            f"{path}: no such file or folder, and not a name of pretrained vectors; did you mean {', '.join(similar)}?"
        )
    return path
