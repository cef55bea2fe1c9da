"""The cache folder of the package: indexed and downloaded corpora."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder for indexed and downloaded corpora: $WORD2VEC_CACHE, or the system's cache folder of the user."""
    override = os.environ.get("WORD2VEC_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("word2vec")
