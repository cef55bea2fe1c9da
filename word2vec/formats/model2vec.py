"""A folder that model2vec and sentence-transformers load: a sentence encoder that averages word vectors.

- model.safetensors: `embeddings` (1 + V, D). Row 0, of unknown words, is zero, because sentence-transformers averages
  over these too; model2vec leaves them out.
- tokenizer.json: a tokenizer of Hugging Face's `tokenizers`, which splits at whitespace and looks words up.
- config.json, and modules.json for sentence-transformers.

Two rules of the tokenizer follow from the vocabulary, so that ordinary text can be encoded. If no word contains an
uppercase letter, text is converted to lowercase. Each ASCII punctuation character that no word contains separates
words. Text that consists of words of the vocabulary, separated by whitespace, is encoded as the mean of their vectors.
"""

import json
import string
from pathlib import Path
from typing import Any

import numpy as np

from word2vec.formats.model_card import write_card
from word2vec.formats.table import Table, encode_words
from word2vec.formats.tensor_file import write_tensors

UNKNOWN = "[UNK]"
TAGS = ("embeddings", "static-embeddings", "sentence-transformers", "word2vec")


def write_model2vec(path: Path, table: Table, progress: bool = False) -> None:  # noqa: ARG001 (as fast as the disk)
    """Write the files of a model, except for its README.md, into an empty folder."""
    encode_words(path, table.words, spaces=False)  # rejects words that the tokenizer would split
    dim = table.vectors.shape[1]
    embeddings = np.concatenate([np.zeros((1, dim), np.float32), table.vectors])  # (1 + V, D)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": dim,
        "embedding_dtype": "float32",
        "normalize": False,
    }
    module = {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}
    write_tensors(path / "model.safetensors", {"embeddings": embeddings}, {})
    for name, content in (
        ("tokenizer.json", _tokenizer(table.words)),
        ("config.json", config),
        ("modules.json", [module]),
    ):
        (path / name).write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")


def model2vec_card(name: str, table: Table) -> str:
    """Return the model card."""
    usage = (
        "The vector of a text is the mean of the vectors of its words. Unknown words are ignored.\n\n"
        "```python\nfrom model2vec import StaticModel\n\n"
        'model = StaticModel.from_pretrained("PATH")  # this folder, or its name on the Hub\n'
        'vectors = model.encode(["first text", "second text"])\n```\n\n'
        '`SentenceTransformer("PATH")` loads it as well.'
    )
    return write_card("model2vec", TAGS, name, table, usage)


def _tokenizer(words: list[str]) -> dict[str, Any]:
    """Return the content of tokenizer.json."""
    unknown = UNKNOWN
    while unknown in words:
        unknown = f"[{unknown}]"
    characters = set().union(*words)
    normalizers: list[dict[str, Any]] = []
    if all(word == word.lower() for word in words):
        normalizers.append({"type": "Lowercase"})
    if unused := [character for character in string.punctuation if character not in characters]:
        pattern = {"Regex": "[" + "".join(f"\\{character}" for character in unused) + "]"}
        normalizers.append({"type": "Replace", "pattern": pattern, "content": " "})
    vocabulary = {unknown: 0} | {word: row for row, word in enumerate(words, start=1)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers} if normalizers else None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": unknown},
    }
