"""Where the corpus of a run comes from: files, data in memory, or the copy of them that an unfinished run keeps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus, IndexedCorpus, Tokenizer, index_corpus, open_corpus
from word2vec.corpus.index import DamagedIndexError
from word2vec.corpus.phrases import PhraseSettings, as_connector_words
from word2vec.engines import Engine, Workload, choose_engine
from word2vec.errors import ConfigError, CorpusError
from word2vec.losses import HierarchicalSoftmax
from word2vec.training.distributed import ProcessGroup
from word2vec.training.examples import Source
from word2vec.training.text_examples import TextExamples
from word2vec.training.warm_start import WarmStart

CORPUS_FOLDER = "corpus"  # in a run folder: the corpus of an unfinished run that was trained from memory


@dataclass(frozen=True)
class CorpusSource(Source):
    """What the user passed as a corpus, beyond the settings.

    Attributes:
        data: Sequences in memory, or files for a tokenizer that is a function; None for the files of `config.corpus`.
        tokenizer: The tokenizer that the user passed for `data`, if any.
        padding: The number that fills the rows of an integer array.
        earlier: The folder of the run to resume, which may contain its corpus; None if training starts from scratch.
    """

    data: Any = None
    tokenizer: Tokenizer | None = None
    padding: int | None = None
    earlier: Path | None = None

    def check(self, config: TrainConfig, group: ProcessGroup) -> None:
        """Report what is wrong with the source before anything is written.

        Args:
            config: The settings.
            group: The processes that train.

        Raises:
            ConfigError: There is no corpus, several processes would have to share standard input, or the padding does
                not apply.
        """
        if self.data is None and not config.corpus and self._kept is None:
            if self.earlier is not None:
                raise ConfigError(
                    f"no corpus given, and {self.earlier} contains none; pass the corpus again (a run on data in "
                    "memory keeps it until it is finished)"
                )
            raise ConfigError(
                "no corpus given; pass a text file, a folder, a glob pattern, '-' for standard input, text8 or pydocs"
            )
        if self.data is None and self.padding is not None:
            raise ConfigError("padding= applies to arrays of integers, and the corpus is in files; remove it")
        if "-" in config.corpus and group.size > 1:
            raise ConfigError(
                "several processes cannot share standard input; save the text to a file and pass its path"
            )

    def engine_class(self, config: TrainConfig, objective: type[nn.Module], device: torch.device) -> type[Engine]:
        """Choose the engine; see `Source.engine_class`."""
        if config.start_from is not None and issubclass(objective, HierarchicalSoftmax):
            raise ConfigError(
                "--from cannot be combined with --objective hierarchical-softmax, whose output vectors belong to the "
                "nodes of a tree that differs between vocabularies; choose another objective"
            )
        workload = Workload(
            config.dim,
            config.negatives,
            config.window,
            model=config.model,
            subwords=config.subwords is not None,
            deterministic=config.deterministic,
        )
        return choose_engine(config.engine, objective, device, workload)

    def read(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> TextExamples:
        """Open the corpus, see `open`, and return its examples."""
        start = _warm_start(config, run, progress)  # first, because what is wrong with it is found sooner
        return TextExamples(self.open(config, run, group, progress), config, warm_start=start)

    def open(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> Corpus:
        """Index the corpus, or open its index, and join its phrases if the settings ask for it.

        Args:
            config: The settings.
            run: The run folder that this process writes, or None.
            group: The processes that train; files are indexed by the first one.
            progress: Whether to show a progress bar on stderr.

        Raises:
            CorpusError: The corpus cannot be read, or no phrases are found.
        """
        if self.data is None and not config.corpus and self._kept is not None:
            return _open_kept(self._kept)  # its phrases are joined already
        corpus = self._open_unjoined(config, run, group, progress)
        if config.phrases is None:
            return corpus
        from word2vec.corpus.phrase_corpus import join_phrases

        settings, passes = phrase_settings(config), config.phrases
        return group.in_turns(
            lambda: join_phrases(corpus, settings, passes, threads=config.threads, verified=group.local_rank > 0)
        )

    def _open_unjoined(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> Corpus:
        """Open the corpus as it was passed."""
        if self.data is not None:
            return open_corpus(
                self.data,
                lowercase=config.lowercase,
                tokenizer=self.tokenizer,
                column=config.column,
                padding=self.padding,
                threads=config.threads,
                output=run,
                progress=progress,
            )
        return group.in_turns(
            lambda: index_corpus(
                config.corpus,
                lowercase=config.lowercase,
                tokenizer=config.tokenizer,
                column=config.column,
                threads=config.threads,
                output=run,
                verified=group.local_rank > 0,
                progress=progress,
            )
        )

    @property
    def _kept(self) -> Path | None:
        """The folder of the corpus that an unfinished run keeps, if there is one."""
        folder = self.earlier / CORPUS_FOLDER if self.earlier else None
        return folder if folder and folder.is_dir() else None


def phrase_settings(config: TrainConfig) -> PhraseSettings:
    """Return the settings of phrases, with defaults for those that are not given."""
    delimiter = config.phrase_delimiter
    return PhraseSettings(
        scoring=config.phrase_scoring or PhraseSettings.scoring,
        threshold=config.phrase_threshold,
        min_count=config.phrase_min_count or PhraseSettings.min_count,
        connector_words=as_connector_words(config.connector_words),
        delimiter=PhraseSettings.delimiter if delimiter is None else delimiter,
    )


def _warm_start(config: TrainConfig, run: Path | None, progress: bool) -> WarmStart | None:
    """Read the vectors to start from, if there are any.

    Raises:
        ConfigError: They would be replaced by the result, or do not fit the settings.
        FormatError: They cannot be read.
    """
    if config.start_from is None:
        return None
    path = Path(config.start_from).resolve()
    if run is not None and run.resolve() in (path, path.parent):
        raise ConfigError(f"--from {config.start_from} is in --output {run}, which would replace it; choose another")
    return WarmStart(config, progress)


def _open_kept(folder: Path) -> IndexedCorpus:
    """Open the corpus that an unfinished run keeps.

    Raises:
        CorpusError: It cannot be read.
    """
    try:
        return IndexedCorpus(folder)
    except DamagedIndexError as error:
        raise CorpusError(
            f"{folder}: the corpus of this run is incomplete or corrupt; pass the same data again, with "
            "word2vec.train(data, output, resume=True) and the same settings"
        ) from error
