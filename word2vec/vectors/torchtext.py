"""Conversion to torchtext's `Vocab` and `Vectors`; its last release (0.18) needs torch 2.3 and numpy 1.

    vocab = to_vocab(vectors, specials=["<unk>", "<pad>"])
    pretrained = to_vectors(vectors)
    embedding = torch.nn.Embedding.from_pretrained(pretrained.get_vecs_by_tokens(vocab.get_itos()))

Install it with `pip install 'word2vec-fused[torchtext]'` in a separate environment: it does not load with later
versions of torch.
"""

from collections import OrderedDict
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from word2vec.errors import Word2VecError
from word2vec.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from torchtext.vocab import Vectors, Vocab  # pyright: ignore[reportMissingImports]

    from word2vec.corpus.vocabulary import Vocabulary


def to_vocab(known: "Vocabulary | WordVectors", specials: Sequence[str] = ("<unk>",)) -> "Vocab":
    """Return a torchtext `Vocab` in torchtext's order: special tokens, then words by count, then alphabetically.

    If the counts are unknown, the words keep their order.

    Args:
        known: A vocabulary, or the words of word vectors.
        specials: Special tokens, placed before the words. Unknown words map to the first one.

    Raises:
        Word2VecError: torchtext cannot be imported.
    """
    torchtext = _torchtext()
    specials = list(specials)
    counts = [1] * len(known) if known.counts is None else known.counts.tolist()
    ordered = list(zip(known.words, counts, strict=True))
    if known.counts is not None:
        ordered.sort(key=lambda pair: (-pair[1], pair[0]))
    # subtle: by default torchtext drops words with a count below 1, which hand-made vectors may have
    vocab = torchtext.vocab(OrderedDict(ordered), min_freq=min(counts), specials=specials)
    if specials:
        vocab.set_default_index(vocab[specials[0]])
    return vocab


def to_vectors(vectors: WordVectors) -> "Vectors":
    """Return a torchtext `Vectors` with a copy of the vectors; unknown tokens get zeros.

    Raises:
        Word2VecError: torchtext cannot be imported.
    """
    torchtext = _torchtext()
    import torch

    # subtle: its constructor can only read a file, and leaves a pickled copy beside it
    converted = torchtext.Vectors.__new__(torchtext.Vectors)
    converted.itos = list(vectors.words)
    converted.stoi = {word: row for row, word in enumerate(vectors.words)}
    converted.vectors = torch.tensor(vectors.vectors)
    converted.dim = vectors.dim
    converted.unk_init = torch.Tensor.zero_
    return converted


def _torchtext() -> ModuleType:
    """Import the module torchtext.vocab."""
    try:
        return import_module("torchtext.vocab")
    except (ImportError, OSError) as error:  # OSError: its libraries do not match the installed torch
        raise Word2VecError(
            f"torchtext cannot be loaded ({str(error).splitlines()[0]}); it needs torch 2.3 and numpy 1, so install it "
            "in a separate environment: pip install 'word2vec-fused[torchtext]'"
        ) from error
