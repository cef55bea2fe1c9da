"""The README.md of a folder of vectors: a model card, as the Hugging Face Hub shows it.

Its head, between lines of ---, is YAML that the Hub reads (https://huggingface.co/docs/hub/model-cards).
"""

from word2vec.formats.table import Table

CARD_FILE = "README.md"


def write_card(library: str, tags: tuple[str, ...], name: str, table: Table, usage: str) -> str:
    """Return the text of a model card.

    Args:
        library: The library that loads the folder, as the Hub calls it.
        tags: Tags by which the Hub finds the model.
        name: Name of the model, its heading.
        table: The vectors.
        usage: Markdown that says how to load the folder.
    """
    head = "\n".join(["---", f"library_name: {library}", "tags:", *(f"- {tag}" for tag in tags), "---"])
    size = f"{table.vectors.shape[1]} dimensions, {len(table.words):,} words"
    corpus = "" if table.counts is None else f", which occur {int(table.counts.sum()):,} times in the corpus"
    about = (
        f"Word vectors exported by [word2vec-fused](https://github.com/word2vec-fused/word2vec-fused): {size}{corpus}."
    )
    return f"{head}\n\n# {name}\n\n{about}\n\n## Usage\n\n{usage}\n"
