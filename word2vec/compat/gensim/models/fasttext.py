"""FastText: CBOW and skip-gram with character n-grams, with the arguments, attributes and methods of gensim's class.

`models/word2vec.py` does the same without n-grams, and `ngram_vectors.py` has the vectors.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from word2vec import formats
from word2vec.compat.gensim import files
from word2vec.compat.gensim.counting import Sentences, TrimRule
from word2vec.compat.gensim.errors import ArgumentError, UnsupportedError
from word2vec.compat.gensim.models.callbacks import CallbackAny2Vec
from word2vec.compat.gensim.models.word2vec import Word2Vec, default_alpha
from word2vec.compat.gensim.ngram_vectors import FastTextKeyedVectors
from word2vec.formats.fasttext import HIERARCHICAL_SOFTMAX, SUPERVISED, TrainingSettings, read_training_settings
from word2vec.formats.fasttext_writer import write_fasttext
from word2vec.formats.table import Table

__all__ = ["FastText", "FastTextKeyedVectors", "load_facebook_model", "load_facebook_vectors", "save_facebook_model"]


class FastText(Word2Vec):
    """A CBOW (`sg=0`, the default) or skip-gram (`sg=1`) model with n-grams, as `gensim.models.FastText`.

    The arguments are gensim's; see `Word2Vec`. The default of `alpha` is that of a model with n-grams in this package.

    Raises:
        ArgumentError: An argument is invalid or not supported; also a ValueError.
        ArgumentTypeError: The corpus is not a corpus; also a TypeError.
    """

    SAVED: ClassVar[tuple[str, ...]] = (
        "vector_size", "alpha", "window", "min_count", "max_vocab_size", "word_ngrams", "sample", "seed", "workers",
        "min_alpha", "sg", "hs", "negative", "ns_exponent", "cbow_mean", "epochs", "min_n", "max_n", "bucket",
        "batch_words", "max_final_vocab", "shrink_windows",
    )  # fmt: skip

    def __init__(
        self,
        sentences: Sentences | None = None,
        corpus_file: str | PathLike[str] | None = None,
        sg: int = 0,
        hs: int = 0,
        vector_size: int = 100,
        alpha: float | None = None,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        word_ngrams: int = 1,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 1e-4,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[Any], int] | None = None,
        epochs: int = 5,
        null_word: int = 0,
        min_n: int = 3,
        max_n: int = 6,
        sorted_vocab: int = 1,
        bucket: int = 2_000_000,
        trim_rule: TrimRule | None = None,
        batch_words: int = 10_000,
        callbacks: Sequence[CallbackAny2Vec] = (),
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
    ) -> None:
        if word_ngrams > 1:
            raise ArgumentError(f"word_ngrams={word_ngrams}: n-grams of words are not supported; use word_ngrams=1")
        if bucket < 0:
            raise ArgumentError(f"bucket must be 0 or more, got {bucket}; a usual value is 2,000,000")
        self.word_ngrams, self.min_n, self.max_n = word_ngrams, min_n, max_n
        self.bucket = bucket if max(1, min_n) <= max_n else 0  # max_n=0 trains words only
        super().__init__(
            sentences,
            corpus_file,
            vector_size,
            default_alpha(sg, hs, ngrams=self.bucket > 0) if alpha is None else alpha,
            window,
            min_count,
            max_vocab_size,
            sample,
            seed,
            workers,
            min_alpha,
            sg,
            hs,
            negative,
            ns_exponent,
            cbow_mean,
            hashfxn,
            epochs,
            null_word,
            trim_rule,
            sorted_vocab,
            batch_words,
            callbacks=callbacks,
            max_final_vocab=max_final_vocab,
            shrink_windows=shrink_windows,
        )

    def empty_vectors(self) -> FastTextKeyedVectors:
        """Return vectors without keys."""
        return FastTextKeyedVectors(self.vector_size, self.min_n, self.max_n, self.bucket)


SKIP_GRAM, CBOW = 2, 1  # codes of the model in fastText's format


def load_facebook_model(path: str | PathLike[str], encoding: str = "utf-8") -> FastText:
    """Read a model in fastText's own format (.bin); training can continue.

    Args:
        path: Path of the file.
        encoding: Must be UTF-8.

    Raises:
        FormatError: The file cannot be read, or has another format.
        UnsupportedError: The model is a classifier; also a NotImplementedError.
        ArgumentError: The encoding is not UTF-8.
    """
    content, settings = _read(path, encoding), read_training_settings(Path(path))
    ngrams = content.subwords
    if settings.model == SUPERVISED:
        raise UnsupportedError(f"{path}: a classifier, not word vectors; use load_facebook_vectors for its vectors")
    model = FastText(
        sg=int(settings.model == SKIP_GRAM),
        hs=int(settings.loss == HIERARCHICAL_SOFTMAX),
        vector_size=content.vectors.shape[1],
        window=settings.window,
        min_count=settings.min_count,
        sample=settings.subsample,
        negative=settings.negatives,
        epochs=settings.epochs,
        min_n=0 if ngrams is None else ngrams.min_n,
        max_n=0 if ngrams is None else ngrams.max_n,
        bucket=0 if ngrams is None else ngrams.buckets,
    )
    model.wv.set_content(content)
    model.output = content.nodes if model.hs else content.output
    model.corpus_total_words = int(model.wv.expandos["count"].sum())
    return model


def load_facebook_vectors(path: str | PathLike[str], encoding: str = "utf-8") -> FastTextKeyedVectors:
    """Read the vectors of a model in fastText's own format (.bin); see `load_facebook_model`."""
    return FastTextKeyedVectors.from_content(_read(path, encoding))


def save_facebook_model(
    model: FastText,
    path: str | PathLike[str],
    encoding: str = "utf-8",
    lr_update_rate: int = 100,
    word_ngrams: int = 1,
) -> None:
    """Write a model in fastText's own format (.bin), which fastText and gensim read.

    Args:
        model: The model.
        path: Path of the file.
        encoding: Must be UTF-8.
        lr_update_rate: Written to the file; only fastText uses it.
        word_ngrams: Written to the file; only fastText uses it.

    Raises:
        ArgumentError: The encoding is not UTF-8, or there is no vocabulary.
        FormatError: The format cannot represent a word.
    """
    _check_encoding(encoding)
    if not len(model.wv):
        raise ArgumentError(f"cannot write {path}: there are no vectors; build a vocabulary first")
    wv = model.wv
    words = list(map(str, wv.index_to_key))
    table = Table(words, wv.vectors, files.counts(wv), model.syn1neg, wv.trained_subwords(), model.syn1)
    settings = TrainingSettings(
        model.window,
        model.epochs,
        model.min_count,
        model.negative,
        word_ngrams,
        model=SKIP_GRAM if model.sg else CBOW,
        update_rate=lr_update_rate,
        subsample=model.sample,
    )
    write_fasttext(Path(path), table, progress=False, training=settings)


def _check_encoding(encoding: str) -> None:
    if encoding.lower().replace("-", "") != "utf8":
        raise ArgumentError(f"encoding {encoding!r} is not supported; convert the words of the model to UTF-8")


def _read(path: str | PathLike[str], encoding: str) -> files.Content:
    _check_encoding(encoding)
    table = formats.read(path, format="fasttext")
    counts = {} if table.counts is None else {"count": table.counts}
    return files.Content(table.words, table.vectors, table.output, counts, table.subwords, table.nodes)
