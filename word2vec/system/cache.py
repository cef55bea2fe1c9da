"""The cache folder for indexed and downloaded corpora."""

import errno
import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the cache folder: $WORD2VEC_CACHE if it is set, otherwise the user's cache folder of the system."""
    override = os.environ.get("WORD2VEC_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("word2vec")


def remedy(error: OSError) -> str:
    """Return what a user can do if a file of the cache cannot be read or written."""
    elsewhere = "set WORD2VEC_CACHE to another folder"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"ask its owner for permission or {elsewhere}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"free some disk space or {elsewhere}"
    return elsewhere
