"""Counting and encoding with several threads gives the same index as with one."""

import gzip
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest

from word2vec.corpus import indexing, reader, word_counts
from word2vec.corpus.indexing import index_corpus
from word2vec.corpus.reader import MAX_WORD_BYTES
from word2vec.corpus.sentences import MAX_SENTENCE_WORDS
from word2vec.corpus.word_counts import FIRST_CAPACITY, PEAK_TABLES
from word2vec.corpus.word_tables import WordTables
from word2vec.errors import CorpusError

PIECES = [
    *(b"a", b"B", b"bb", "é".encode(), "語".encode(), "İ".encode(), b"\xff", b"\xe8\xaa", b"sixteen-bytes-or-more"),
    *(b" ", b" ", b" ", b"\t", b"\r\n", b"\n", b"\n\n"),
]  # fmt: skip
RARE = [
    b"x" * MAX_WORD_BYTES,
    b"x" * (MAX_WORD_BYTES + 1),
    "語".encode() * 342,
    b"z" * 5000,
    b"a b " * MAX_SENTENCE_WORDS,
    b"\n" * 300,
    b" long-words-that-begin-alike-" + b"y" * 100 + b" ",
]


def write_texts(folder: Path) -> None:
    """Files of awkward text: most are as long as a few blocks, some are compressed, few end with a newline."""
    folder.mkdir()
    draw = random.Random(0)
    for number in range(12):
        parts = [*draw.choices(PIECES, k=600), *RARE]
        draw.shuffle(parts)
        content = b"a" + b"".join(parts)
        path = folder / f"{number:02}"
        path.write_bytes(gzip.compress(content) if number % 4 == 0 else content)
    (folder / "empty").write_bytes(b"")
    (folder / "many").write_bytes(b" ".join(b"%d" % number for number in range(3 * FIRST_CAPACITY // 4)))


def plain_sentences(folder: Path) -> list[list[str]]:
    """Sentences by definition."""
    contents = [path.read_bytes() for path in sorted(folder.iterdir())]
    texts = [gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content for content in contents]
    lines = [
        [word for word in re.split(r"[\x00-\x20]+", line) if 0 < len(word.encode()) <= MAX_WORD_BYTES]
        for text in texts
        for line in text.decode(errors="replace").split("\n")
    ]
    return [
        line[start : start + MAX_SENTENCE_WORDS] for line in lines for start in range(0, len(line), MAX_SENTENCE_WORDS)
    ]


def test_index_does_not_depend_on_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK_BYTES", 997)
    monkeypatch.setattr(indexing, "COPY_TOKENS", 101)
    write_texts(tmp_path / "texts")
    contents = {}
    for threads in (1, 2, 3, 7):
        corpus = index_corpus([tmp_path / "texts"], threads=threads, cache=tmp_path / f"cache{threads}")
        contents[threads] = {path.name: path.read_bytes() for path in corpus.folder.iterdir()}
    words = corpus.vocabulary().words
    sentences = [[words[id_] for id_ in corpus.tokens[start:end]] for start, end in pairwise(corpus.offsets.tolist())]
    assert sentences == plain_sentences(tmp_path / "texts")
    assert corpus.facts.long_words >= 24
    assert contents[1] == contents[2] == contents[3] == contents[7]


def test_all_tables_are_used_and_their_ids_are_told_apart() -> None:
    """Otherwise the test above could compare one table with itself."""
    tables = WordTables(3)
    blocks = [b"a b\n", b"b a b\n", b"c\n", b"c b\n"]
    ids = [block_ids.tolist() for block_ids, _ in tables.encoded(blocks)]
    assert {block_ids[0] % 3 for block_ids in ids[:3]} == {0, 1, 2}
    ranked = tables.by_frequency()
    assert (ranked.words, ranked.counts.tolist()) == ([b"b", b"a", b"c"], [4, 2, 2])
    assert [[ranked.words[ranked.rank[id_]] for id_ in block_ids] for block_ids in ids] == [
        block.split() for block in blocks
    ]


@pytest.mark.parametrize(
    ("limit", "message"), [("free_memory", "not enough memory"), ("MAX_IDS", "too many words: .* ids have 32 bits")]
)
def test_limits_of_all_tables_are_checked_before_they_grow(
    limit: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = FIRST_CAPACITY * 32  # bytes
    limits = {"free_memory": lambda: 2 * PEAK_TABLES * table, "MAX_IDS": FIRST_CAPACITY}  # for a single table
    monkeypatch.setattr(word_counts, limit, limits[limit])
    text = b" ".join(b"%d" % number for number in range(FIRST_CAPACITY * 3 // 4)) + b"\n"
    list(WordTables(1).encoded([text]))
    with pytest.raises(CorpusError, match=f"{message}.*use fewer --threads, "):
        list(WordTables(4).encoded([text]))
