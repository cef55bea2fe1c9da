"""Files of other programs that cannot be read here: what they are, and how to convert them.

They are recognized by their first bytes and never opened: loading a pickle can run code that is in it.
"""

import re
from pathlib import Path

# a pickle of protocol 2 or later starts with its number; one of protocol 0 is text, and starts with its first object
PICKLE = rb"\x80[\x02-\x05]|\((dp|lp)\d|c(copy_reg|__builtin__)\n"

AS_TEXT = "write its words and vectors to a text file, one word and its numbers per line"

FOREIGN = {
    PICKLE: (
        "a Python pickle, for instance a gensim model, which is not opened because it can run code; load it with "
        "gensim and call model.wv.save_word2vec_format('vectors.bin', binary=True), without .wv for KeyedVectors"
    ),
    rb"\x93NUMPY": (
        "a numpy array without words; if it belongs to a gensim model, load the model with gensim and call "
        "model.wv.save_word2vec_format('vectors.bin', binary=True); otherwise use WordVectors(words, array)"
    ),
    rb"\x89HDF\r\n": f"an HDF5 file; {AS_TEXT}",
    rb"PAR1": f"a parquet file; {AS_TEXT}",
}
"""Regular expression for the first bytes of a file -> what the file is, and what to do with it."""


def describe_file(head: bytes) -> str | None:
    """Return what a file with these first bytes is and what to do with it; None if it is not known."""
    return next((message for start, message in FOREIGN.items() if re.match(start, head)), None)


def describe_archive(names: list[str]) -> str | None:
    """Return what a zip archive of files with these names is and what to do with it; None if it has numpy arrays."""
    if any(name.endswith("/data.pkl") for name in names):
        return (
            "a PyTorch file, which is not opened because it can run code; load it with PyTorch and use "
            "WordVectors(words, weight) with the weight of its embedding"
        )
    if any(name.endswith(".npy") for name in names):
        return None
    return f"a zip archive of {', '.join(names[:3]) or 'no files'}; extract it and pass a file of vectors"


def describe_folder(folder: Path) -> str | None:
    """Return what a folder with the model of another program is and what to do with it; None if it is not known."""
    if (folder / "tokenizer.json").is_file() and (folder / "model.safetensors").is_file():
        return f"a model of model2vec or sentence-transformers; {AS_TEXT}"
    return None
