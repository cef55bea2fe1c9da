"""Counting words, including the compiled pass over the text (word_kernels.py), compared with plain Python."""

import gc
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from word2vec.corpus import reader, word_counts
from word2vec.corpus.reader import MAX_WORD_BYTES, ReadReport, read_blocks
from word2vec.corpus.sentences import MAX_SENTENCE_WORDS, SentenceCutter
from word2vec.corpus.word_counts import FIRST_CAPACITY, PEAK_TABLES, WordTable, load_kernels
from word2vec.corpus.word_kernels import GOLDEN
from word2vec.errors import CorpusError


def plain_sentences(text: bytes) -> list[list[bytes]]:
    """Sentences by definition: lines of words that are not too long, cut after MAX_SENTENCE_WORDS words."""
    lines = ([word for word in re.split(rb"[\x00-\x20]+", line) if 0 < len(word) <= MAX_WORD_BYTES]
             for line in text.split(b"\n"))  # fmt: skip
    return [
        line[start : start + MAX_SENTENCE_WORDS] for line in lines for start in range(0, len(line), MAX_SENTENCE_WORDS)
    ]


def words_by_id(table: WordTable) -> dict[int, bytes]:
    """Provisional id -> word."""
    ranked = table.by_frequency()
    return {id_: ranked.words[place] for id_, place in enumerate(ranked.rank.tolist()) if place < len(ranked.words)}


def counted(table: WordTable) -> dict[bytes, int]:
    ranked = table.by_frequency()
    assert len(set(ranked.words)) == len(ranked.words)
    return dict(zip(ranked.words, ranked.counts.tolist(), strict=True))


def encoded(blocks: Sequence[bytes], table: WordTable) -> list[list[bytes]]:
    """The sentences of the blocks, encoded and decoded again."""
    ids: list[int] = []
    ends: list[int] = []
    sentences = SentenceCutter()
    for block in blocks:
        block_ids, lines = table.encode(block)
        ends += (sentences.cut(lines, len(block_ids)) + len(ids)).tolist()
        ids += block_ids.tolist()
    words = words_by_id(table)
    starts = [0, *ends]
    assert starts[-1] == len(ids)  # there are no words after the last sentence
    return [[words[id_] for id_ in ids[start:end]] for start, end in zip(starts, ends, strict=False)]


def test_words_sentences_and_counts() -> None:
    table = WordTable()
    assert encoded([b"the cat\nsat on the\r\n\n\tmat\n"], table) == [
        [b"the", b"cat"],
        [b"sat", b"on", b"the"],
        [b"mat"],
    ]
    assert list(counted(table).items()) == [(b"the", 2), (b"cat", 1), (b"mat", 1), (b"on", 1), (b"sat", 1)]


def test_types_of_ids_and_lines() -> None:
    ids, lines = WordTable().encode(b"a b\n\na\n")
    assert (ids.dtype, lines.dtype) == (np.dtype(np.int32), np.dtype(np.int64))
    assert (ids.tolist(), lines.tolist()) == ([0, 1, 0], [2, 2, 3])


@pytest.mark.parametrize("block", [b"", b"\n", b" \t\r\n\n  ", bytes(range(0x21))])
def test_only_white_space(block: bytes) -> None:
    table = WordTable()
    assert (encoded([block], table), counted(table)) == ([], {})


def test_every_byte_above_the_space_belongs_to_a_word() -> None:
    word = bytes(range(0x21, 0x100))
    assert encoded([b" ".join([word, b"\x7f", "\u00a0\u3000".encode()]) + b"\n"], WordTable()) == [
        [word, b"\x7f", "\u00a0\u3000".encode()]
    ]


def test_words_of_one_letter() -> None:
    for text in [b"a", b"a b", b"a b ", b"a\nb\nc", b"a\nb\nc\n"]:
        assert encoded([text, b"\n"], WordTable()) == plain_sentences(text)


def test_words_that_contain_each_other() -> None:
    words = [b"a", b"aa", b"aaa", b"ab", b"ba", b"abab", b"aaaa"]
    table = WordTable()
    table.encode(b" ".join(words * 3))
    assert counted(table) == dict.fromkeys(words, 3)


def test_random_text_is_counted_like_counter() -> None:
    draw = random.Random(0)
    words = [bytes(draw.choices(range(0x21, 0x100), k=draw.randrange(1, 12))) for _ in range(3000)]
    text = b" ".join(draw.choices(words, weights=[1 / (1 + rank) for rank in range(len(words))], k=50_000))
    table = WordTable()
    table.encode(text)
    assert counted(table) == Counter(text.split(b" "))


@pytest.mark.parametrize("size", range(26))
def test_text_may_end_within_the_eight_bytes_read_at_a_time(size: int) -> None:
    words = [b"abcdefghijklmnopqrstuvwxyz"[:size], *(b"w" * length for length in range(1, 20))]
    for word in words:
        text = b" ".join([word, b"x", words[0]])
        assert encoded([text, b"\n"], WordTable()) == plain_sentences(text)


@pytest.mark.parametrize("around", [b"a", b"\x21", b"\xff"])
def test_every_byte_at_every_position_of_a_word(around: bytes) -> None:
    """Whether a byte ends a word does not depend on its neighbors, although they share an arithmetic operation."""
    lines = [
        around * place + bytes([byte]) + around * (25 - place)
        for byte in set(range(256)) - {0x0A}
        for place in range(26)
    ]
    text = b"\n".join(lines)
    table = WordTable()
    assert encoded([text, b"\n"], table) == plain_sentences(text)


def test_table_grows_in_the_middle_of_a_block() -> None:
    """It grows several times, and every id is kept."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 300_000, 1_000_000)
    text = b" ".join(b"w%d" % number for number in numbers.tolist())
    table = WordTable()
    capacity = len(table._entries)
    ids, _ = table.encode(text)
    assert len(table._entries) >= 4 * capacity
    words = words_by_id(table)
    found = np.array([int(words[id_][1:]) for id_ in range(len(words))])  # (distinct words,)
    np.testing.assert_array_equal(found[ids], numbers)
    values, counts = np.unique(numbers, return_counts=True)
    assert counted(table) == {b"w%d" % value: count for value, count in zip(values, counts, strict=True)}


def test_table_grows_for_the_longest_words() -> None:
    words = [b"%04d" % number + b"x" * (MAX_WORD_BYTES - 4) for number in range(1500)]
    table = WordTable()
    assert encoded([b" ".join(words * 2), b"\n"], table) == plain_sentences(b" ".join(words * 2))
    assert len(table._entries) > FIRST_CAPACITY
    assert table.long_words == 0


def test_endless_distinct_words_are_rejected_before_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    two_doublings = PEAK_TABLES * 4 * FIRST_CAPACITY * 32  # bytes
    monkeypatch.setattr(word_counts, "free_memory", lambda: two_doublings)
    table = WordTable()
    with pytest.raises(CorpusError, match=r"not enough memory: the text has over 130,944 distinct words"):
        table.encode(b" ".join(b"%d" % number for number in range(10**6)))
    assert len(table._entries) == 4 * FIRST_CAPACITY


def test_table_is_never_more_than_half_full() -> None:
    """Even if the last word before the table grows adds as many entries as a word can."""
    table = WordTable()
    for number in range(300):
        table.encode(b"%04d" % number + b"x" * (MAX_WORD_BYTES - 4))
        assert 2 * np.count_nonzero(table._entries[:, 0]) <= len(table._entries)
    assert len(table._entries) > FIRST_CAPACITY


def test_table_grows_within_a_sentence_with_long_words() -> None:
    """The state survives a stop in the middle of a sentence, and nothing is counted twice."""
    long = b"y" * (MAX_WORD_BYTES + 1)
    pieces = [long if number % 5000 == 0 else b"v%d" % number for number in range(100_000)]
    text = b" ".join(pieces)
    table = WordTable()
    assert encoded([text, b"\n"], table) == plain_sentences(text)
    assert table.long_words == 20


@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 32, 33, 100, MAX_WORD_BYTES])
def test_words_that_differ_in_one_byte_are_distinct(length: int) -> None:
    places = range(length) if length <= 100 else range(0, length, 37)
    words = [b"x" * length] + [b"x" * place + b"y" + b"x" * (length - place - 1) for place in places]
    table = WordTable()
    ids, _ = table.encode(b" ".join([*words, *reversed(words)]))
    assert len(set(ids.tolist())) == len(words)
    assert ids.tolist() == ids[::-1].tolist()
    assert counted(table) == dict.fromkeys(words, 2)


def test_beginnings_of_long_words_count_only_as_words_of_their_own() -> None:
    long = bytes(range(0x21, 0x21 + 64))
    beginnings = [long[:16], long[:32]]  # at the links of a chain
    table = WordTable()
    table.encode(b" ".join([long, long[:40], long]))
    assert counted(table) == {long: 2, long[:40]: 1}
    table.encode(b" ".join([*beginnings, long[:24] + b"!", beginnings[0]]))
    assert counted(table) == {beginnings[0]: 2, long: 2, beginnings[1]: 1, long[:24] + b"!": 1, long[:40]: 1}


def test_eight_bytes_of_a_chain_are_not_a_word() -> None:
    """The key of the last link of a chain contains the bytes of a short word."""
    words = [b"a" * 16 + b"tail", b"tail", b"b" * 16 + b"tail", b"c" * 24 + b"tail", b"c" * 16 + b"tail"]
    table = WordTable()
    table.encode(b" ".join(words))
    assert counted(table) == dict.fromkeys(words, 1)


def test_colliding_words_are_kept_across_the_end_of_the_table_and_its_growth() -> None:
    candidates = np.array([b"%06d" % number for number in range(10**6)])
    keys = np.frombuffer(candidates.astype("S8").tobytes(), np.uint64)
    last = FIRST_CAPACITY - 1  # the last slot of a new table, so the search for a free one continues at the first
    slots = (keys * GOLDEN) >> np.uint64(48)
    same = candidates[slots >= last - 1].tolist()
    assert len(same) > 20
    table = WordTable()
    assert len(table._entries) == last + 1
    expected = list(range(len(same)))
    assert table.encode(b" ".join(same))[0].tolist() == expected
    assert table._entries[0, 0]  # the search did continue at the first slot
    assert table.encode(b" ".join(same))[0].tolist() == expected
    table.encode(b" ".join(b"filler%d" % number for number in range(40_000)))
    assert len(table._entries) > last + 1
    assert table.encode(b" ".join(same))[0].tolist() == expected
    assert {word: count for word, count in counted(table).items() if count > 1} == dict.fromkeys(same, 3)


def test_words_are_ordered_by_count_and_then_by_bytes() -> None:
    """Even if they share their first eight, 16 or more bytes, or one is a prefix of the other."""
    draw = random.Random(0)
    begins = [b"", b"a", b"\xff", b"a" * 8, b"\xc3" * 8, b"a" * 15, b"a" * 16, b"a" * 24, b"a" * 40]
    words = {draw.choice(begins) + bytes(draw.choices(b"!a\xc3\xff", k=draw.randrange(1, 12))) for _ in range(3000)}
    counts = {word: draw.choice([1, 1, 2, 3, 300]) for word in sorted(words)}
    occurrences = [word for word, count in counts.items() for _ in range(count)]
    draw.shuffle(occurrences)
    table = WordTable()
    ids, _ = table.encode(b" ".join(occurrences))
    ranked = table.by_frequency()
    expected = sorted(counts, key=lambda word: (-counts[word], word))
    assert ranked.words == expected
    assert ranked.counts.tolist() == [counts[word] for word in expected]
    assert [expected[place] for place in ranked.rank[ids]] == occurrences
    assert (ranked.rank.dtype, ranked.counts.dtype) == (np.dtype(np.int32), np.dtype(np.int64))


def test_ranking_changes_nothing() -> None:
    table = WordTable()
    first = table.encode(b"b a b " + b"c" * 50)[0].tolist()
    assert counted(table) == counted(table)
    assert table.encode(b"b a b " + b"c" * 50)[0].tolist() == first
    assert counted(table) == {b"b": 4, b"a": 2, b"c" * 50: 2}


def test_too_long_words_are_ignored_and_counted() -> None:
    longest, too_long = b"l" * MAX_WORD_BYTES, b"t" * (MAX_WORD_BYTES + 1)
    table = WordTable()
    assert encoded([b" ".join([too_long, b"a", longest, too_long, too_long, b"b"]) + b"\n"], table) == [
        [b"a", longest, b"b"]
    ]
    assert table.long_words == 3


def test_sentence_is_cut_after_a_thousand_words() -> None:
    assert MAX_SENTENCE_WORDS == 1000
    for words, lengths in [(999, [999]), (1000, [1000]), (1001, [1000, 1]), (2000, [1000, 1000])]:
        for block_words in (1, 7, 1000, 3000):
            blocks = [b"a " * min(block_words, words - start) for start in range(0, words, block_words)]
            sentences = encoded([*blocks, b"\nend\n"], WordTable())
            assert [len(sentence) for sentence in sentences] == [*lengths, 1]


def test_sentence_continues_in_the_next_block_but_not_in_the_next_file(tmp_path: Path) -> None:
    assert encoded([b"a b ", b"c ", b"d\ne ", b"\n"], WordTable()) == [[b"a", b"b", b"c", b"d"], [b"e"]]
    (tmp_path / "1").write_bytes(b"a b")  # without a newline at the end
    (tmp_path / "2").write_bytes(b"c d\n")
    (tmp_path / "3").write_bytes(b"")
    blocks = [block for name in "123" for block in read_blocks(tmp_path / name, ReadReport())]
    assert encoded(blocks, WordTable()) == [[b"a", b"b"], [b"c", b"d"]]


@pytest.mark.parametrize("size", [1, 2, 3, 17, 100, 2000])
def test_no_block_boundary_changes_a_word_or_a_sentence(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file to ids and back, compared with the definition, with blocks of a few bytes."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", size)
    monkeypatch.setattr(reader, "BINARY_PROBE_BYTES", size)
    draw = random.Random(size)
    pieces = [
        b"a",
        b"B",
        "é".encode(),
        "語".encode(),
        "İ".encode(),
        b"\xff",
        b" ",
        b" ",
        b"\t",
        b"\x1f",
        b"\r\n",
        b"\n",
    ]
    rare = ["語".encode() * 341, "語".encode() * 342, b"x" * 1024, b"x" * 1025, b"z" * 5000, b"a " * 1500]
    for number in range(10):
        parts = draw.choices(pieces, k=500)
        for part in draw.sample(rare, 2):
            parts.insert(draw.randrange(len(parts)), part)
        path = tmp_path / str(number)
        path.write_bytes(b"".join(parts))
        for lowercase in (False, True):
            text = b"".join(parts).decode(errors="replace")
            expected = (text.lower() if lowercase else text).encode()
            table = WordTable()
            found = encoded(list(read_blocks(path, ReadReport(), lowercase=lowercase)), table)
            assert found == plain_sentences(expected)
            too_long = [word for word in re.split(rb"[\x00-\x20]+", expected) if len(word) > MAX_WORD_BYTES]
            assert table.long_words == len(too_long)


def test_second_process_reuses_the_compiled_code() -> None:
    program = """if True:
        from word2vec.corpus.word_counts import WordTable
        from word2vec.corpus.word_kernels import encode_block, rehash
        WordTable().encode(b" ".join(b"%d" % number for number in range(40_000)))
        print(*(sum(getattr(kernel.stats, name).values()) for kernel in (encode_block, rehash)
                for name in ("cache_hits", "cache_misses")))
    """
    WordTable().encode(b" ".join(b"%d" % number for number in range(40_000)))  # this process may have to compile
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "1 0 1 0"


@pytest.mark.parametrize("enabled", [True, False])
def test_loading_restores_garbage_collection(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        load_kernels()
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
