"""A vocabulary and vectors in the form of torchtext, whose last release (0.18) needs torch 2.3 and numpy 1.

    vocab = to_vocab(vectors, specials=["<unk>", "<pad>"])
    pretrained = to_vectors(vectors)
    embedding = torch.nn.Embedding.from_pretrained(pretrained.get_vecs_by_tokens(vocab.get_itos()))

Install it with `pip install 'word2vec-fused[torchtext]'`, in an environment of its own: later torches cannot load it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from word2vec.errors import Word2VecError

if TYPE_CHECKING:
    from torchtext.vocab import Vectors, Vocab  # pyright: ignore[reportMissingImports]

    from word2vec.corpus.vocabulary import Vocabulary
    from word2vec.vectors.word_vectors import WordVectors


def to_vocab(known: "Vocabulary | WordVectors", specials: Sequence[str] = ("<unk>",)) -> "Vocab":
    """The words in torchtext's order: specials, then by count, then alphabetically.

    Where the counts are not known, the words keep their order.

    Args:
        known: a vocabulary, or the words of vectors.
        specials: tokens to stand before the words; the first is what unknown words become.

    Raises:
        Word2VecError: torchtext is not there.
    """
    torchtext = _torchtext()
    counts = [1] * len(known) if known.counts is None else known.counts.tolist()
    ordered = list(zip(known.words, counts, strict=True))
    if known.counts is not None:
        ordered.sort(key=lambda pair: (-pair[1], pair[0]))
    # subtle: by default torchtext drops words whose count is below 1, which vectors made by hand may have
    vocab = torchtext.vocab(OrderedDict(ordered), min_freq=min(counts), specials=list(specials))
    if specials:
        vocab.set_default_index(vocab[specials[0]])
    return vocab


def to_vectors(vectors: "WordVectors") -> "Vectors":
    """The vectors as torchtext keeps them, a copy; the vectors of unknown tokens are zeros.

    Raises:
        Word2VecError: torchtext is not there.
    """
    torchtext = _torchtext()
    import torch

    # subtle: its constructor only reads files, and leaves a pickled copy beside them
    theirs = torchtext.Vectors.__new__(torchtext.Vectors)
    theirs.itos = list(vectors.words)
    theirs.stoi = {word: row for row, word in enumerate(vectors.words)}
    theirs.vectors = torch.tensor(vectors.vectors)
    theirs.dim = vectors.dim
    theirs.unk_init = torch.Tensor.zero_
    return theirs


def _torchtext() -> ModuleType:
    """The module torchtext.vocab."""
    try:
        return import_module("torchtext.vocab")
    except (ImportError, OSError) as error:  # OSError: its libraries do not fit the torch that is there
        raise Word2VecError(
            f"torchtext cannot be loaded ({str(error).splitlines()[0]}); it needs torch 2.3 and numpy 1, so install it "
            "in an environment of its own: pip install 'word2vec-fused[torchtext]'"
        ) from error
