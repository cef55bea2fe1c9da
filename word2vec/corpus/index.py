"""The indexed corpus: every word as an int32 id in a memory-mapped file, and where each sentence begins.

The ids cover *all* words of the corpus and are ordered by frequency. A vocabulary cut at `min_count` is therefore a
prefix of all words, and larger ids are simply out of vocabulary: one index serves every `min_count` and `max_vocab`.

An index is a folder:

    index.json    format version, settings, numbers of words, sentences and distinct words, irregularities of the text,
                  CRC-32 of the other files and of its own content; the fingerprint, if it was saved from memory
    tokens.npy    (words,) int32 ids
    offsets.npy   (sentences + 1,) int64: sentence i is tokens[offsets[i]:offsets[i + 1]]
    vocab.tsv     word, tab, count; the line number of a word is its id
    phrases.tsv   the phrases that were joined, if any; see phrases.py

An index is verified whenever it is opened: the checksums, because disks and copies fail; the ids and offsets
themselves, because compiled code uses them without checks, and anybody can write a file whose checksum matches. All
files are read once, at the speed of CRC-32. Several processes of one machine verify an index once: the others only map
it, so each of them reads only the part that it trains.

This module reads it; indexing.py builds it from files, and saving.py from memory.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from word2vec.corpus.phrases import Phrases
from word2vec.corpus.read_report import ReadReport
from word2vec.corpus.vocabulary import Vocabulary
from word2vec.errors import CorpusError, FormatError
from word2vec.system.cache import remedy

INDEX_VERSION = 2
FACTS_FILE = "index.json"
TOKENS_FILE = "tokens.npy"
OFFSETS_FILE = "offsets.npy"
VOCABULARY_FILE = "vocab.tsv"
PHRASES_FILE = "phrases.tsv"
NPY_HEADER_BYTES = 128  # of the one-dimensional arrays of an index, in every version of numpy
OPTIONAL_FACTS = {"empty_tokens", "missing_values", "fingerprint"}
BLOCK_BYTES = 1 << 20  # bytes verified at a time; they stay in the processor's cache


class DamagedIndexError(CorpusError):
    """A folder contains no index, or an incomplete or corrupt one."""


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
        checksums: The CRC-32 of each other file of the index.
        empty_tokens: The number of empty tokens that were ignored.
        missing_values: The number of rows of a table that were skipped because they have no text.
        fingerprint: The fingerprint of a corpus that was saved from memory; None for one that was read from files, for
            which the name of the folder is its fingerprint.
    """

    version: int
    lowercase: bool
    words: int
    sentences: int
    distinct_words: int
    undecodable_bytes: int
    long_words: int
    checksums: dict[str, int]
    empty_tokens: int = 0
    missing_values: int = 0
    fingerprint: str | None = None


class IndexedCorpus:
    """A memory-mapped corpus of word ids.

    Args:
        folder: A folder that `index_corpus` created.
        verified: Whether another process of this machine has just verified the index.

    Raises:
        DamagedIndexError: The folder contains no index, or an incomplete or corrupt one.
        CorpusError: The user has no permission to read it.

    Attributes:
        folder: The folder of the index.
        facts: Sizes and settings of the index.
        tokens: (words,) int32 ids; the most frequent word has id 0.
        offsets: (sentences + 1,) int64 positions in `tokens` where sentences begin; the last one is the end.
        phrases: The phrases that were joined; None for a corpus as it was read.
    """

    def __init__(self, folder: Path, *, verified: bool = False) -> None:
        self.folder = folder
        try:
            self.facts = read_facts(folder)
            self.tokens: npt.NDArray[np.int32] = _map_array(folder / TOKENS_FILE, np.dtype(np.int32), self.facts.words)
            self.offsets: npt.NDArray[np.int64] = _map_array(
                folder / OFFSETS_FILE, np.dtype(np.int64), self.facts.sentences + 1
            )
            if not verified:
                self._verify_tokens()
                self._verify_offsets()
                for _ in self._blocks(VOCABULARY_FILE):
                    pass  # only its checksum is verified
            self.phrases = self._read_phrases()
        except PermissionError as error:
            raise CorpusError(
                f"{folder}: the corpus index cannot be read: {error.strerror}; {remedy(error)}"
            ) from error
        except (FormatError, OSError, EOFError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise DamagedIndexError(
                f"{folder}: the corpus index is incomplete or corrupt; delete the folder and start again"
            ) from error

    @property
    def fingerprint(self) -> str:
        """A digest of the text and of the settings that affect the ids: the name of the folder, unless it is stored."""
        return self.facts.fingerprint or self.folder.name

    def _read_phrases(self) -> Phrases | None:
        if PHRASES_FILE not in self.facts.checksums:
            return None
        content = b"".join(map(bytes, self._blocks(PHRASES_FILE)))
        return Phrases.from_bytes(content, self.folder / PHRASES_FILE)

    def _verify_tokens(self) -> None:
        for block in self._blocks(TOKENS_FILE, NPY_HEADER_BYTES):
            ids = np.frombuffer(block, np.int32)
            if ids.min() < 0 or ids.max() >= self.facts.distinct_words:
                raise ValueError(f"{TOKENS_FILE} contains an id that is not in {VOCABULARY_FILE}")

    def _verify_offsets(self) -> None:
        previous = 0
        for block in self._blocks(OFFSETS_FILE, NPY_HEADER_BYTES):
            positions = np.frombuffer(block, np.int64)
            if positions[0] < previous or np.any(positions[1:] < positions[:-1]):
                raise ValueError(f"{OFFSETS_FILE} is not in ascending order")
            previous = int(positions[-1])
        if self.offsets[0] != 0 or previous != self.facts.words:
            raise ValueError(f"{OFFSETS_FILE} does not cover {TOKENS_FILE}")

    def _blocks(self, name: str, header: int = 0) -> Iterator[memoryview]:
        """Yield a file of the index block by block; each block is valid until the next one.

        subtle: The blocks are read, not mapped, because mapped pages count as memory of the process.

        Args:
            name: The name of the file.
            header: The number of bytes at the start that are verified but not yielded.

        Raises:
            ValueError: The file does not have the checksum of the index; raised at its end.
        """
        buffer = memoryview(bytearray(BLOCK_BYTES))
        with (self.folder / name).open("rb") as file:
            checksum = zlib.crc32(file.read(header))
            while size := file.readinto(buffer):
                checksum = zlib.crc32(buffer[:size], checksum)
                yield buffer[:size]
        if checksum != self.facts.checksums[name]:
            raise ValueError(f"checksum mismatch in {name}")

    def vocabulary(self, min_count: int = 1, max_size: int | None = None) -> Vocabulary:
        """Return the vocabulary of the words that occur at least `min_count` times; see `Vocabulary.prefix`."""
        words: list[str] = []
        counts: list[int] = []
        with (self.folder / VOCABULARY_FILE).open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                word, _, count = line.rstrip("\n").partition("\t")
                words.append(word)
                counts.append(int(count))
                if counts[-1] < min_count or len(words) == max_size:
                    break
        return Vocabulary(words, counts).prefix(min_count, max_size)

    @property
    def report(self) -> ReadReport:
        """Irregularities of the text."""
        facts = self.facts
        return ReadReport(facts.undecodable_bytes, facts.long_words, facts.empty_tokens, facts.missing_values)

    @property
    def warnings(self) -> list[str]:
        """Irregularities of the text, one line each."""
        return self.report.warnings


def read_facts(folder: Path) -> IndexFacts:
    """Read index.json.

    Raises:
        OSError: It cannot be read.
        ValueError, TypeError, LookupError, RecursionError: It is damaged.
    """
    content = json.loads((folder / FACTS_FILE).read_bytes())
    if content.pop("checksum") != _facts_checksum(content):
        raise ValueError(f"checksum mismatch in {FACTS_FILE}")
    return IndexFacts(**content)


def write_facts(folder: Path, facts: IndexFacts) -> None:
    """Write index.json."""
    # subtle: what most indexes do not have is left out, so that earlier versions of this program can read them
    content = {name: value for name, value in asdict(facts).items() if value or name not in OPTIONAL_FACTS}
    content["checksum"] = _facts_checksum(content)
    (folder / FACTS_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _facts_checksum(content: dict[str, Any]) -> int:
    """Return the CRC-32 of the content of index.json, in a form that does not depend on whitespace."""
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _map_array(path: Path, dtype: np.dtype[Any], length: int) -> "np.memmap[Any, Any]":
    """Memory-map a one-dimensional .npy file; its header is for other programs and not parsed."""
    if path.stat().st_size != NPY_HEADER_BYTES + length * dtype.itemsize:
        raise ValueError(f"{path.name} has another size")
    return np.memmap(path, dtype, mode="r", offset=NPY_HEADER_BYTES, shape=(length,))
