"""The indexed corpus: every word as an int32 id in a memory-mapped file, and where each sentence begins.

The ids cover *all* words of the corpus and are ordered by frequency. A vocabulary cut at `min_count` is therefore a
prefix of all words, and larger ids are simply out of vocabulary: one index serves every `min_count` and `max_vocab`.

An index is a folder:

    index.json    format version, settings, numbers of words, sentences and distinct words, irregularities of the text,
                  size of vocab.tsv
    tokens.npy    (words,) int32 ids
    offsets.npy   (sentences + 1,) int64: sentence i is tokens[offsets[i]:offsets[i + 1]]
    vocab.tsv     word, tab, count; the line number of a word is its id

This module reads it; indexing.py builds it.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError

INDEX_VERSION = 1


@dataclass(frozen=True)
class IndexFacts:
    """The content of index.json.

    Attributes:
        version: The version of the format, `INDEX_VERSION` when the index was built.
        lowercase: Whether the text was lowercased.
        words: The number of words in the corpus.
        sentences: The number of sentences.
        distinct_words: The number of distinct words.
        undecodable_bytes: The number of invalid UTF-8 sequences that were replaced.
        long_words: The number of words that were ignored because they are too long.
        vocabulary_bytes: The size of vocab.tsv.
    """

    version: int
    lowercase: bool
    words: int
    sentences: int
    distinct_words: int
    undecodable_bytes: int
    long_words: int
    vocabulary_bytes: int


class IndexedCorpus:
    """A memory-mapped corpus of word ids.

    Args:
        folder: A folder that `index_corpus` created.

    Raises:
        CorpusError: The folder contains no index, or a damaged one.

    Attributes:
        folder: The folder of the index.
        facts: Sizes and settings of the index.
        tokens: (words,) int32 ids; the most frequent word has id 0.
        offsets: (sentences + 1,) int64 positions in `tokens` where sentences begin; the last one is the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.facts = IndexFacts(**json.loads((folder / "index.json").read_bytes()))
            self.tokens: npt.NDArray[np.int32] = np.load(folder / "tokens.npy", mmap_mode="r", allow_pickle=False)
            self.offsets: npt.NDArray[np.int64] = np.load(folder / "offsets.npy", mmap_mode="r", allow_pickle=False)
            sizes = (len(self.tokens), len(self.offsets), (folder / "vocab.tsv").stat().st_size)
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise _incomplete(folder) from error
        if sizes != (self.facts.words, self.facts.sentences + 1, self.facts.vocabulary_bytes):
            raise _incomplete(folder)

    @property
    def fingerprint(self) -> str:
        """The name of the index: a digest of the text and of the settings that affect the ids."""
        return self.folder.name

    def vocabulary(self, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of the words that occur at least `min_count` times; see `Vocabulary.prefix`."""
        words: list[str] = []
        counts: list[int] = []
        with (self.folder / "vocab.tsv").open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                word, _, count = line.rstrip("\n").partition("\t")
                words.append(word)
                counts.append(int(count))
                if counts[-1] < min_count or len(words) == max_size:
                    break
        return Vocabulary(words, counts).prefix(min_count, max_size)

    @cached_property
    def warnings(self) -> list[str]:
        """Irregularities of the text, one line each."""
        facts, lines = self.facts, []
        if facts.undecodable_bytes:
            lines.append(f"{facts.undecodable_bytes:,} byte sequences were not valid UTF-8; replaced by U+FFFD")
        if facts.long_words:
            lines.append(f"{facts.long_words:,} words were longer than 1,024 bytes; ignored")
        return lines


def _incomplete(folder: Path) -> CorpusError:
    return CorpusError(f"{folder}: the corpus index is incomplete or corrupt; delete the folder and start again")
