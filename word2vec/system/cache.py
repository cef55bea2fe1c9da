"""The cache folder for indexed and downloaded corpora."""

import errno
import os
from pathlib import Path

import platformdirs

from word2vec.errors import ConfigError


def cache_folder() -> Path:
    """Return the cache folder: $WORD2VEC_CACHE if it is set, otherwise the user's cache folder of the system.

    Raises:
        ConfigError: $WORD2VEC_CACHE starts with ~ and the name of an unknown user.
    """
    override = os.environ.get("WORD2VEC_CACHE")
    if not override:
        return platformdirs.user_cache_path("word2vec")
    try:
        return Path(override).expanduser()  # shells expand ~ in assignments, but files of settings do not
    except RuntimeError as error:
        raise ConfigError(f"WORD2VEC_CACHE is {override}, but the home folder is unknown; use a full path") from error


def remedy(error: OSError) -> str:
    """Return what a user can do if a file of the cache cannot be read or written."""
    elsewhere = "set WORD2VEC_CACHE to another folder"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"ask its owner for permission or {elsewhere}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"free some disk space or {elsewhere}"
    return elsewhere
