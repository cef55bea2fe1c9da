"""Word2Vec: CBOW and skip-gram with the arguments, attributes and methods of gensim's class.

It translates arguments: `vocabulary_model.py` builds the vocabulary, `fitting.py` trains with the engines of this
package, and `files.py` saves the model.
"""

import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from word2vec.compat.gensim import files
from word2vec.compat.gensim.counting import Sentences, TrimRule, check_corpus, encode
from word2vec.compat.gensim.errors import ArgumentError, NotReadyError
from word2vec.compat.gensim.models.callbacks import CallbackAny2Vec
from word2vec.compat.gensim.sentences import LineSentence, PathLineSentences, Text8Corpus
from word2vec.compat.gensim.vocabulary_model import VocabularyModel
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import FormatError

__all__ = ["LineSentence", "PathLineSentences", "Text8Corpus", "Word2Vec"]

STATE = ("corpus_count", "corpus_total_words", "min_alpha_yet_reached", "train_count")

_log = logging.getLogger("word2vec")


class Word2Vec(VocabularyModel):
    """A CBOW (`sg=0`, the default) or skip-gram (`sg=1`) model with the interface of `gensim.models.Word2Vec`.

    The arguments are gensim's. `alpha` is the learning rate; by default it is that of the model in this package.
    `hashfxn` and `sorted_vocab` have no effect, because random numbers do not depend on hashes and rows are always
    sorted by frequency; `max_vocab_size` keeps the most frequent words. With a corpus, the model is trained at once.

    Attributes:
        SAVED: The arguments that are saved with a model; the others are functions, or matter only while training.
        running_training_loss: Sum of the losses of all examples in the last call of `train`.

    Raises:
        ArgumentError: An argument is invalid or not supported; also a ValueError.
        ArgumentTypeError: The corpus is not a corpus; also a TypeError.
    """

    SAVED: ClassVar[tuple[str, ...]] = (
        "vector_size", "alpha", "window", "min_count", "max_vocab_size", "sample", "seed", "workers", "min_alpha", "sg",
        "hs", "negative", "ns_exponent", "cbow_mean", "epochs", "batch_words", "compute_loss", "comment",
        "max_final_vocab", "shrink_windows",
    )  # fmt: skip

    def __init__(
        self,
        sentences: Sentences | None = None,
        corpus_file: str | PathLike[str] | None = None,
        vector_size: int = 100,
        alpha: float | None = None,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 1e-4,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[Any], int] | None = None,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Sequence[CallbackAny2Vec] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
    ) -> None:
        if null_word:
            raise ArgumentError("null_word is not supported; leave it out")
        if not 0 <= sample <= 1:
            raise ArgumentError(f"sample must be a frequency from 0 to 1, got {sample}; a usual value is 1e-3")
        if vector_size < 1 or window < 1 or negative < 0 or workers < 1:
            raise ArgumentError("vector_size, window and workers must be 1 or more, and negative 0 or more")
        if not (sg or cbow_mean):
            raise ArgumentError("cbow_mean=0, the sum of the context words, is not supported; use cbow_mean=1")
        if not sorted_vocab:
            _log.warning("sorted_vocab=0 has no effect: rows are sorted by frequency")
        super().__init__(vector_size, min_count, max_vocab_size, max_final_vocab, sample, seed, hs, trim_rule)
        self.alpha = default_alpha(sg, hs) if alpha is None else alpha
        self.min_alpha, self.epochs, self.workers = min_alpha, epochs, workers
        self.window, self.shrink_windows, self.batch_words = window, shrink_windows, batch_words
        self.sg, self.negative, self.ns_exponent, self.cbow_mean = sg, negative, ns_exponent, cbow_mean
        self.compute_loss, self.comment, self.train_count = compute_loss, comment, 0
        self.running_training_loss = self.total_train_time = 0.0
        self.min_alpha_yet_reached = float(self.alpha)
        if sentences is not None or corpus_file is not None:
            check_corpus(sentences, corpus_file, passes=1 + epochs)
            self.build_vocab(sentences, corpus_file)
            self.train(
                sentences,
                corpus_file,
                total_examples=self.corpus_count,
                total_words=self.corpus_total_words,
                epochs=epochs,
                compute_loss=compute_loss,
                callbacks=callbacks,
            )

    def __str__(self) -> str:
        return f"Word2Vec<vocab={len(self.wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"

    # training

    def train(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: str | PathLike[str] | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        compute_loss: bool = False,
        callbacks: Sequence[CallbackAny2Vec] = (),
    ) -> tuple[int, int]:
        """Train the vectors further; the vocabulary must exist.

        The corpus is read once. With Ctrl-C, `wv` keeps what has been learned.

        Args:
            corpus_iterable: Lists of words.
            corpus_file: A file, in place of `corpus_iterable`.
            total_examples: Its number of sentences. This or `total_words` must be given, as in gensim; the learning
                rate depends on the true numbers.
            total_words: Its number of words.
            epochs: Number of passes over the corpus.
            start_alpha: Initial learning rate, in place of `alpha`.
            end_alpha: Final learning rate, in place of `min_alpha`.
            compute_loss: Has no effect: the loss is always computed.
            callbacks: Objects with the methods of `CallbackAny2Vec`.

        Returns:
            The numbers of trained words in the vocabulary and of all words, in all epochs.

        Raises:
            ArgumentError: An argument is missing or invalid.
            NotReadyError: There is no vocabulary, or no output table, as in vectors from a file.
            TrainingError: Training diverged.
        """
        epochs = self._check_before_training(epochs, total_examples, total_words)
        check_corpus(corpus_iterable, corpus_file)
        from word2vec.compat.gensim.fitting import FitSettings, fit  # imports torch
        from word2vec.sampling.datasets import SamplingSettings
        from word2vec.sampling.shards import derive_seed

        mode, started = "shrink" if self.shrink_windows else "fixed", time.monotonic()
        corpus = encode(corpus_iterable, corpus_file, self.wv.key_to_index)
        if not len(corpus.tokens):
            raise ArgumentError("the corpus has no words; check how it is read")
        first, last = (
            self.alpha if start_alpha is None else start_alpha,
            self.min_alpha if end_alpha is None else end_alpha,
        )
        settings = FitSettings(
            _model_name(self.sg),
            _objective_name(self.hs),
            SamplingSettings(self.window, 0 if self.hs else self.negative, self.sample, self.ns_exponent, mode),
            epochs,
            lr=first,
            min_lr=last,
            threads=self.workers,
            words_per_thread=self.batch_words,
            seed=derive_seed(self.seed, self.train_count) if self.train_count else self.seed,
        )
        vocabulary = Vocabulary(list(map(str, self.wv.index_to_key)), self.wv.expandos["count"])
        assert self.output is not None  # noqa: S101 (checked above)
        received = 0
        tables = self.wv.tables() | {"output": self.output}
        with closing(fit(tables, self.wv.ngram_index(), vocabulary, corpus, settings)) as states:
            for number, state in enumerate(states):
                self.wv.set_tables(state.tables)
                self.output = state.tables["output"]
                self.running_training_loss, received = state.loss, state.signal
                _log.info("%d of %d epochs trained on %s words", number, epochs, f"{len(corpus.tokens):,}")
                for callback in callbacks:
                    if number:
                        callback.on_epoch_end(self)
                    else:
                        callback.on_train_begin(self)
                for callback in callbacks if number < epochs and not received else ():
                    callback.on_epoch_begin(self)
        for callback in callbacks:
            callback.on_train_end(self)
        self.min_alpha_yet_reached = min(self.min_alpha_yet_reached, last)
        self.train_count, self.total_train_time = self.train_count + 1, time.monotonic() - started
        if received:
            signal.raise_signal(received)  # it was held until the tables were consistent
        known = int((corpus.tokens < len(self.wv)).sum())
        return epochs * known, epochs * len(corpus.tokens)

    def get_latest_training_loss(self) -> float:
        """Return the sum of the losses of all pairs in the last call of `train`, up to the current epoch."""
        return self.running_training_loss

    # queries and files

    def predict_output_word(self, context_words_list: Sequence[Any], topn: int = 10) -> list[tuple[Any, float]] | None:
        """Return the most probable center words of a context, with softmax probabilities.

        Args:
            context_words_list: Words, or indices of rows; unknown words are ignored.
            topn: Number of words to return.

        Returns:
            Words and probabilities, highest first; None if no word of the context is known.

        Raises:
            NotReadyError: The model has no output table, or one for hierarchical softmax.
        """
        if self.hs:
            raise NotReadyError("predict_output_word needs negative sampling; with hs=1, use score")
        if self.syn1neg is None or not len(self.wv):
            raise NotReadyError("the model has no output table; train it first, or load a model instead of vectors")
        rows = [self.wv.get_index(word) for word in context_words_list if self.wv.has_index_for(word)]
        if not rows:
            _log.warning("no word of the context is in the vocabulary")
            return None
        context = self.wv.vectors[rows].sum(axis=0) / (len(rows) if self.cbow_mean else 1)  # (D,)
        scores = self.syn1neg @ context.astype(np.float32)  # (V,)
        probabilities = np.exp(scores - scores.max())
        probabilities /= probabilities.sum()
        best = np.argsort(-probabilities, kind="stable")[:topn]
        return [(self.wv.index_to_key[row], float(probabilities[row])) for row in best]

    def score(self, sentences: Sentences, total_sentences: int = 1_000_000) -> NDArray[np.float32]:
        """Return the log-likelihoods of sentences, (N,); see `WordVectors.log_likelihood`.

        Args:
            sentences: Lists of words; unknown words are ignored.
            total_sentences: Maximum number of sentences.

        Raises:
            NotReadyError: The model has no tree, which only hierarchical softmax trains.
        """
        if not self.hs or self.output is None:
            raise NotReadyError("score needs a model with hierarchical softmax; create it with hs=1, negative=0")
        vectors, model = self.wv.to_vectors(nodes=self.output), _model_name(self.sg)
        return np.array(
            [
                vectors.log_likelihood(map(str, sentence), self.window, model)
                for sentence in islice(sentences, total_sentences)
            ],
            np.float32,
        )

    def save(
        self,
        fname: str | PathLike[str],
        separately: object = None,
        sep_limit: object = None,
        ignore: object = None,
        pickle_protocol: object = None,
    ) -> None:
        """Write vectors, output table, counts and settings to a safetensors file, whatever the name of the file.

        `word2vec.load` and all commands read it. The other arguments are gensim's options for pickle files and have no
        effect. A `trim_rule` is not saved.
        """
        settings = {name: _plain(getattr(self, name)) for name in (*self.SAVED, *STATE)}
        files.save(fname, self.wv, self.syn1neg, self.syn1, settings)

    @classmethod
    def load(cls, fname: str | PathLike[str], mmap: str | None = None) -> "Word2Vec":
        """Read a model that `save` wrote; training can continue.

        Args:
            fname: Path of the file.
            mmap: Has no effect: safetensors files are always memory-mapped.

        Raises:
            FormatError: The file cannot be read, or it contains vectors only. gensim's own files are pickles, which can
                run code when they are loaded; open them with gensim and call `save_word2vec_format`.
        """
        content = files.load(fname)
        if content.settings is None:
            raise FormatError(f"{fname}: contains vectors but no model of this class; read it with KeyedVectors.load")
        try:
            settings: dict[str, Any] = {"hs": 0, **content.settings}  # files of earlier versions do not have it
            model = cls(**{name: settings[name] for name in cls.SAVED})
            for name in STATE:
                setattr(model, name, content.settings[name])
        except (KeyError, TypeError, ArgumentError) as error:
            raise FormatError(
                f"{fname}: the settings of the model are incomplete or those of another class; load it with the class "
                "that saved it"
            ) from error
        model.wv.set_content(content)
        model.output = content.nodes if model.hs else content.output
        return model

    # internals

    def _check_before_training(self, epochs: int | None, total_examples: int | None, total_words: int | None) -> int:
        """Return the number of epochs; raise an error if the model cannot be trained."""
        if not self.negative and not self.hs:
            raise ArgumentError("hs=0 and negative=0 leave nothing to train; use negative=5, or hs=1")
        if not len(self.wv):
            raise NotReadyError("there is no vocabulary, or no word is left in it; call build_vocab or lower min_count")
        if total_examples is None and total_words is None:
            raise ArgumentError("the size of the corpus is missing; pass total_examples=model.corpus_count")
        if epochs is None or epochs < 1:
            raise ArgumentError("the number of epochs is missing; pass epochs=model.epochs")
        if self.output is None:
            raise NotReadyError("the vectors come from a file without an output table and cannot be trained further")
        if len(self.output) != len(self.wv):
            raise NotReadyError(
                f"wv has {len(self.wv)} words, but the output table {len(self.output)}: words were added to wv; to "
                "train them, add them with build_vocab(..., update=True)"
            )
        if self.hs and self.negative and not self.train_count:
            _log.warning(
                "hs=1 with negative=%d trains hierarchical softmax only; pass negative=0 to confirm", self.negative
            )
        if self.alpha > self.min_alpha_yet_reached:
            # subtle: gensim's words, because scripts and tests look for them
            _log.warning("Effective 'alpha' higher than previous training cycles")
        return epochs


def _model_name(sg: int) -> str:
    """Return the name of a model in `MODELS`."""
    return "skipgram" if sg else "cbow"


def _objective_name(hs: int) -> str:
    """Return the name of an objective in `LOSSES`."""
    return "hierarchical-softmax" if hs else "negative-sampling"


def default_alpha(sg: int, hs: int, ngrams: bool = False) -> float:
    """Return the default learning rate of this package, for a model with or without n-grams."""
    from word2vec.losses import LOSSES
    from word2vec.models import MODELS  # imports torch

    model = MODELS[_model_name(sg)]
    return LOSSES[_objective_name(hs)].default_lr * (model.ngram_lr_factor if ngrams else model.lr_factor)


def _plain(value: Any) -> Any:
    """Return a numpy scalar as a Python number, which JSON can represent."""
    return value.item() if isinstance(value, np.generic) else value
