"""Values of the user and errors of other libraries, as parts of error messages."""

import reprlib
from typing import Any

import numpy as np

MAX_QUOTED, MAX_REASON = 60, 200  # characters


def shorten(value: Any) -> str:
    """Return the repr of a value; of a long one, such as a whole corpus, only the beginning."""
    if isinstance(value, np.generic):
        value = value.item()
    text = " ".join(reprlib.repr(value).split())
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def reason_of(error: Exception) -> str:
    """Return the message of an error of another library in one line; its type if it has no message."""
    return " ".join(str(error).split())[:MAX_REASON] or type(error).__name__


def is_missing(value: object) -> bool:
    """Return whether a value of a table is missing: None, NaN, or the markers of pandas."""
    if isinstance(value, float):
        return value != value  # NaN
    return value is None or type(value).__name__ in ("NAType", "NaTType")
