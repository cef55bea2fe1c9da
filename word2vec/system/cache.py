"""The cache folder for indexed and downloaded corpora."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the cache folder: $WORD2VEC_CACHE if it is set, otherwise the user's cache folder of the system."""
    override = os.environ.get("WORD2VEC_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("word2vec")
