"""Where the corpus of a run comes from: files, data in memory, or the copy of them that an unfinished run keeps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from word2vec.config import TrainConfig
from word2vec.corpus import Corpus, IndexedCorpus, Tokenizer, index_corpus, open_corpus
from word2vec.engines import Engine, choose_engine
from word2vec.errors import ConfigError
from word2vec.training.distributed import ProcessGroup
from word2vec.training.examples import Source
from word2vec.training.text_examples import TextExamples

CORPUS_FOLDER = "corpus"  # in a run folder: the corpus of an unfinished run that was trained from memory


@dataclass(frozen=True)
class CorpusSource(Source):
    """What the user passed as a corpus, beyond the settings.

    Attributes:
        data: Sequences in memory, or files for a tokenizer that is a function; None for the files of `config.corpus`.
        tokenizer: The tokenizer that the user passed for `data`, if any.
        padding: The number that fills the rows of an integer array.
        output: The run folder, which may contain the corpus of the run to resume.
    """

    data: Any = None
    tokenizer: Tokenizer | None = None
    padding: int | None = None
    output: Path | None = None

    def check(self, config: TrainConfig, group: ProcessGroup) -> None:
        """Report what is wrong with the source before anything is written.

        Args:
            config: The settings.
            group: The processes that train.

        Raises:
            ConfigError: There is no corpus, or several processes would have to share standard input.
        """
        if self.data is None and not config.corpus and self._kept is None:
            raise ConfigError(
                "no corpus given; pass a text file, a folder, a glob pattern, '-' for standard input, text8 or pydocs"
            )
        if "-" in config.corpus and group.size > 1:
            raise ConfigError(
                "several processes cannot share standard input; save the text to a file and pass its path"
            )

    def engine_class(self, config: TrainConfig, objective: type[nn.Module], device: torch.device) -> type[Engine]:
        """Choose the engine; see `Source.engine_class`."""
        return choose_engine(
            config.engine, objective, device, dim=config.dim, negatives=config.negatives, window=config.window
        )

    def read(self, config: TrainConfig, run: Path | None, group: ProcessGroup, progress: bool) -> TextExamples:
        """Index the corpus, or open its index.

        Args:
            config: The settings.
            run: The run folder that this process writes, or None.
            group: The processes that train; files are indexed by the first one.
            progress: Whether to show a progress bar on stderr.

        Raises:
            CorpusError: The corpus cannot be read.
        """
        if self.data is not None:
            corpus: Corpus = open_corpus(
                self.data,
                lowercase=config.lowercase,
                tokenizer=self.tokenizer,
                column=config.column,
                padding=self.padding,
                output=run,
                progress=progress,
            )
        elif config.corpus or self._kept is None:
            corpus = group.in_turns(
                lambda: index_corpus(
                    config.corpus,
                    lowercase=config.lowercase,
                    tokenizer=config.tokenizer,
                    column=config.column,
                    output=run,
                    progress=progress,
                )
            )
        else:
            corpus = IndexedCorpus(self._kept)
        return TextExamples(corpus, config)

    @property
    def _kept(self) -> Path | None:
        """The corpus that an unfinished run keeps, if there is one."""
        folder = self.output / CORPUS_FOLDER if self.output else None
        return folder if folder and folder.is_dir() else None
