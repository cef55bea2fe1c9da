"""What was irregular in a corpus: replaced, ignored or skipped while it was read."""

from dataclasses import dataclass

REPLACED = "byte sequences were not valid UTF-8; replaced by U+FFFD"
LONG = "words were longer than 1,024 bytes; ignored"
EMPTY = "tokens were empty; ignored"
MISSING = "values were missing or empty; skipped"


@dataclass
class ReadReport:
    """Irregularities found while reading.

    Attributes:
        undecodable_bytes: The number of invalid byte sequences that were replaced.
        long_words: The number of words that were ignored because they are too long.
        empty_tokens: The number of empty tokens that were ignored.
        missing_values: The number of rows of a table that were skipped because they have no text.
    """

    undecodable_bytes: int = 0
    long_words: int = 0
    empty_tokens: int = 0
    missing_values: int = 0

    @property
    def warnings(self) -> list[str]:
        """One line for each kind of irregularity that occurred."""
        counts = {
            REPLACED: self.undecodable_bytes,
            LONG: self.long_words,
            EMPTY: self.empty_tokens,
            MISSING: self.missing_values,
        }
        return [f"{count:,} {what}" for what, count in counts.items() if count]
