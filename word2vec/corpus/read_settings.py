"""How the files of a corpus are turned into words."""

from dataclasses import dataclass

from word2vec.corpus.index import INDEX_VERSION


@dataclass(frozen=True)
class ReadSettings:
    """The settings that affect the index of a text.

    Attributes:
        lowercase: Whether to lowercase the text.
        tokenizer: The name of a tokenizer in `tokenizers.TOKENIZERS`.
        column: The column of tables that contains the text; None reads files as plain text.
    """

    lowercase: bool = False
    tokenizer: str = "whitespace"
    column: str | None = None

    @property
    def key(self) -> str:
        """A text that differs for all settings; defaults are left out, so that older indexes stay valid."""
        key = f"version {INDEX_VERSION} lowercase {self.lowercase}"
        if self.tokenizer != "whitespace":
            key += f" tokenizer {self.tokenizer}"
        return key if self.column is None else f"{key} column {self.column!r}"
