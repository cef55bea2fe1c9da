"""Values of the user in error messages."""

import reprlib
from typing import Any

import numpy as np

MAX_QUOTED = 60  # characters


def shorten(value: Any) -> str:
    """Return the repr of a value; of a long one, such as a whole corpus, only the beginning."""
    if isinstance(value, np.generic):
        value = value.item()
    text = " ".join(reprlib.repr(value).split())
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def is_missing(value: object) -> bool:
    """Return whether a value of a table is missing: None, NaN, or the markers of pandas."""
    if isinstance(value, float):
        return value != value  # NaN
    return value is None or type(value).__name__ in ("NAType", "NaTType")
