"""A run folder with a model card, as it is uploaded to the Hugging Face Hub."""

from word2vec.formats.model_card import write_card
from word2vec.formats.table import Table

TAGS = ("embeddings", "word-embeddings", "word2vec")


def hub_card(name: str, table: Table) -> str:
    """Return the model card of a run folder."""
    usage = (
        "```python\nimport word2vec\nfrom huggingface_hub import snapshot_download\n\n"
        'vectors = word2vec.load(snapshot_download("USER/NAME"))  # or the path of this folder\n'
        'vectors.nearest("WORD")\n```'
    )
    return write_card("word2vec-fused", TAGS, name, table, usage)
