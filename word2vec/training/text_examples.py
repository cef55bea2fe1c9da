"""Text as the data of a run: vocabulary, dataset and held-out sentences."""

import logging
from functools import cached_property

import numpy as np
import torch

from word2vec.config import TrainConfig, ngram_lengths
from word2vec.corpus import Corpus, Vocabulary
from word2vec.corpus.selection import SelectedWords
from word2vec.engines import Engine
from word2vec.errors import CorpusError
from word2vec.losses import Objective
from word2vec.models import CBOW, EmbeddingModel, NgramIndex, SkipGram
from word2vec.sampling.datasets import CBOWDataset, ExampleDataset, SamplingSettings, SkipGramDataset, TextDataset
from word2vec.sampling.held_out import Split, shorten_ranges, split_corpus
from word2vec.sampling.huffman import HuffmanTree
from word2vec.sampling.shards import count_words
from word2vec.sampling.stability import stable_batch_size
from word2vec.sampling.windows import make_window
from word2vec.training.examples import VALIDATION_BATCH, Examples, log_batch_size, reject_patience
from word2vec.training.kept_words import KeptWords
from word2vec.training.result import WordResult
from word2vec.training.resume import vocabulary_fingerprint
from word2vec.training.validation import SEED, Validation, validation_words
from word2vec.training.warm_start import WarmStart

logger = logging.getLogger("word2vec")

DATASETS: dict[str, type[TextDataset]] = {"skipgram": SkipGramDataset, "cbow": CBOWDataset}
"""The dataset of each model."""


class TextExamples(Examples):
    """A corpus and its vocabulary.

    Args:
        corpus: The indexed corpus.
        config: The settings.
        split: The sentences to train and to hold out; by default those of the setting `validation`.
        warm_start: The vectors to start from; None for random ones.
    """

    unit = "word"

    def __init__(
        self, corpus: Corpus, config: TrainConfig, split: Split | None = None, warm_start: WarmStart | None = None
    ) -> None:
        for warning in corpus.warnings:
            logger.warning(warning)
        self.corpus, self._warm_start = corpus, warm_start
        self._text = corpus
        if warm_start is not None and not config.new_words:
            self._text = SelectedWords(corpus, warm_start, config.min_count, config.max_vocab)
        self._vocabulary = self._text.vocabulary(config.min_count, config.max_vocab)
        logger.info("corpus of %s words, vocabulary of %s", f"{len(corpus.tokens):,}", f"{len(self._vocabulary):,}")
        self._ngrams, kept, phrases = _make_ngrams(self._vocabulary, config, warm_start), None, corpus.phrases
        if warm_start is not None:
            warm_start.check_overlap(self._vocabulary)
            self.start = warm_start.fingerprint
            phrases = warm_start.phrases_with(phrases)
            kept = None if warm_start.anchor else KeptWords.of(warm_start, self._vocabulary)
        self.result = WordResult(self._vocabulary, self._ngrams, phrases, kept)
        self.vocabulary = vocabulary_fingerprint(self._vocabulary)
        self.words = len(corpus.tokens)
        self._sentences = split_corpus(corpus.offsets, config.validation) if split is None else split

    def make_dataset(
        self,
        config: TrainConfig,
        objective: Objective,
        engine_class: type[Engine],
        device: torch.device,
        threads: int,
    ) -> TextDataset:
        """Create the dataset to train; see `Examples.make_dataset`."""
        negatives = config.negatives if objective.targets == "noise" else 0
        sampling = SamplingSettings(
            config.window, negatives, config.subsample, config.noise_exponent, config.window_mode
        )
        relative_lr = 1.0 if config.lr is None else config.lr / objective.default_lr
        size = stable_batch_size(
            self._vocabulary,
            sampling,
            config.batch_size,
            threads,
            relative_lr=relative_lr,
            shared_steps=0.0
            if self._ngrams is None
            else self._ngrams.max_shared_steps(self._vocabulary.pair_frequency(config.subsample)),
            tree=objective.targets == "tree",
        )
        log_batch_size(config, engine_class, size)
        if held_out := count_words(self._sentences.held_out, self._text.offsets):
            logger.info("%s words held out for the validation loss", f"{held_out:,}")
        dataset = DATASETS[config.model](
            self._text.tokens,
            self._text.offsets,
            self._vocabulary,
            sampling,
            batch_size=size,
            seed=config.seed,
            device=device,
            sentences=self._sentences.training,
            tree=self._tree_for(objective),
        )
        if not dataset.has_pairs():
            raise CorpusError(
                "nothing to train: no sentence has two words of the vocabulary; if the text has one word per line, "
                "join the lines of each sentence, otherwise lower --min-count, raise --max-vocab or use more text"
            )
        return dataset

    def make_model(self, config: TrainConfig, objective: Objective, generator: torch.Generator) -> EmbeddingModel:
        """Create the model; see `Examples.make_model`."""
        size = len(self._vocabulary)
        tree = self._tree_for(objective)
        if config.model == "skipgram":
            model: EmbeddingModel = SkipGram(size, config.dim, generator, ngrams=self._ngrams, tree=tree)
        else:
            window = make_window(config.window_mode, config.window, self._text.offsets)
            positions = window.left + window.right if config.position_weights else 0
            model = CBOW(size, config.dim, generator, ngrams=self._ngrams, tree=tree, positions=positions)
        if self._warm_start is not None:
            self._warm_start.fill(model, self._vocabulary)
        return model

    @property
    def ngram_rows(self) -> int:
        """Number of rows of the n-gram table; see `Examples.ngram_rows`."""
        return 0 if self._ngrams is None else len(self._ngrams)

    def make_validation(self, config: TrainConfig, dataset: ExampleDataset, objective: Objective) -> Validation | None:
        """Draw examples from the held-out sentences; see `Examples.make_validation`."""
        held_out = self._sentences.held_out
        if not held_out:
            _report_no_validation(config)
            return None
        scored = DATASETS[config.model](
            self._text.tokens,
            self._text.offsets,
            self._vocabulary,
            dataset.settings,
            batch_size=dataset.batch_size if objective.targets == "batch" else VALIDATION_BATCH,
            seed=SEED,
            device=dataset.device,
            sentences=shorten_ranges(held_out, self._text.offsets, validation_words(dataset.pairs_per_word())),
            tree=self._tree_for(objective),
        )
        result = Validation(scored, objective)
        if not result.examples:
            _report_no_validation(config)
            return None
        return result

    def _tree_for(self, objective: Objective) -> HuffmanTree | None:
        """Return the Huffman tree of the words if its nodes are the targets of the objective."""
        return self._tree if objective.targets == "tree" else None

    @cached_property
    def _tree(self) -> HuffmanTree:
        return HuffmanTree.of(self._vocabulary.counts)


def _make_ngrams(vocabulary: Vocabulary, config: TrainConfig, start: WarmStart | None) -> NgramIndex | None:
    """Create the index of the n-grams of a vocabulary, and of those of the start; None without --subwords."""
    if config.subwords is None:
        return None
    index = NgramIndex.of(vocabulary, ngram_lengths(config.subwords), config.buckets)
    if start is None or start.ngrams is None:
        return index
    used = start.ngrams.used
    return index.extended(np.arange(start.ngrams.buckets) if used is None else used)


def _report_no_validation(config: TrainConfig) -> None:
    """Warn if a validation loss was requested.

    Raises:
        ConfigError: Early stopping needs it.
    """
    reject_patience(config, "sentences")
    if config.validation:
        logger.warning(
            "--validation %s: no validation loss, because there are too few sentences to hold out, or subsampling "
            "dropped their words",
            config.validation,
        )
