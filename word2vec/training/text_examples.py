"""Text as the data of a run: vocabulary, dataset and held-out sentences."""

import logging
from functools import cached_property

import torch

from word2vec.config import TrainConfig, ngram_lengths
from word2vec.corpus import Corpus, Vocabulary
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
from word2vec.training.result import WordResult
from word2vec.training.resume import vocabulary_fingerprint
from word2vec.training.validation import SEED, Validation, validation_words

logger = logging.getLogger("word2vec")

DATASETS: dict[str, type[TextDataset]] = {"skipgram": SkipGramDataset, "cbow": CBOWDataset}
"""The dataset of each model."""


class TextExamples(Examples):
    """A corpus and its vocabulary.

    Args:
        corpus: The indexed corpus.
        config: The settings.
        split: The sentences to train and to hold out; by default those of the setting `validation`.
    """

    unit = "word"

    def __init__(self, corpus: Corpus, config: TrainConfig, split: Split | None = None) -> None:
        for warning in corpus.warnings:
            logger.warning(warning)
        self.corpus = self._text = corpus
        self._vocabulary = corpus.vocabulary(config.min_count, config.max_vocab)
        logger.info("corpus of %s words, vocabulary of %s", f"{len(corpus.tokens):,}", f"{len(self._vocabulary):,}")
        self._ngrams = _make_ngrams(self._vocabulary, config)
        self.result = WordResult(self._vocabulary, self._ngrams, corpus.phrases)
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
            return SkipGram(size, config.dim, generator, ngrams=self._ngrams, tree=tree)
        window = make_window(config.window_mode, config.window, self._text.offsets)
        positions = window.left + window.right if config.position_weights else 0
        return CBOW(size, config.dim, generator, ngrams=self._ngrams, tree=tree, positions=positions)

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


def _make_ngrams(vocabulary: Vocabulary, config: TrainConfig) -> NgramIndex | None:
    """Create the index of the n-grams of a vocabulary; None without --subwords."""
    if config.subwords is None:
        return None
    return NgramIndex.of(vocabulary, ngram_lengths(config.subwords), config.buckets)


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
