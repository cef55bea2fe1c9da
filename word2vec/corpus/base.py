"""What training needs to know of a corpus, wherever it comes from: token ids, sentences, vocabulary, fingerprint."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from word2vec.corpus.phrases import Phrases
from word2vec.corpus.vocabulary import Vocabulary


class Corpus(Protocol):
    """A corpus of word ids: an `IndexedCorpus`, memory-mapped from disk, or a `MemoryCorpus`.

    The ids cover all words of the corpus, most frequent first, so larger ids than those of a vocabulary are out of
    vocabulary.
    """

    @property
    def tokens(self) -> npt.NDArray[np.int32]:
        """(words,) The ids; the most frequent word has id 0."""
        ...

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """(sentences + 1,) Where sentences begin in `tokens`; the last one is the end."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of the content, by which a resumed run recognizes its corpus."""
        ...

    @property
    def phrases(self) -> Phrases | None:
        """The phrases that were joined to words; None for a corpus as it was read."""
        ...

    @property
    def warnings(self) -> list[str]:
        """Irregularities of the input, one line each."""
        ...

    def vocabulary(self, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of the words that occur at least `min_count` times; see `Vocabulary.prefix`."""
        ...
