"""The fused CPU engine against the plain engine, table by table; its draws, its memory and its compilation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
import torch

from tests.engines.oracle import Oracle
from tests.engines.small import make_dataset, make_model, make_objective, make_vocabulary, random_sentences
from word2vec.engines import plain
from word2vec.engines.base import Progress
from word2vec.engines.cpu import engine as cpu
from word2vec.engines.cpu.draws import below, next_bits, noise_word, other_word
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.cpu.kernel import Sampling, StagedState, Tables, Text, ThreadState, kernel, subsample
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.engines.cpu.simd import BLOCK_ROWS, LANES
from word2vec.engines.cpu.staging import new_stage
from word2vec.engines.cpu.tree_kernel import PATH_STEP
from word2vec.engines.draws import SplitMix64, pool_size
from word2vec.errors import ConfigError
from word2vec.losses import HierarchicalSoftmax, NegativeSampling, Objective
from word2vec.models.skipgram import SkipGram
from word2vec.sampling.datasets import SamplingSettings, SkipGramDataset

every_objective = pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)

ZIPF = [1000 // rank for rank in range(1, 41)]
TREE = {"negatives": 0}  # hierarchical softmax draws no noise words
THREE = [1_000_000, 3, 2]  # nearly every noise word that is drawn is the center, and is drawn again
CHUNK_WORDS = 130


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (cpu, plain):
        monkeypatch.setattr(engine, "CHUNK_WORDS", CHUNK_WORDS)


def falling(epoch: int, words: int) -> float:
    """A learning rate that differs between chunks."""
    return 0.05 / (1 + epoch) * (1 - words / 5000)


def compare_with_plain(
    sentences: Sequence[Sequence[int]],
    counts: Sequence[int] = ZIPF,
    *,
    kind: type[Objective] = NegativeSampling,
    dim: int = 20,
    epochs: int = 1,
    slower: float = 1.0,
    frozen: bool = False,
    **settings: Any,
) -> tuple[Oracle, int]:
    """Train both with one thread and compare their tables, losses and pairs."""
    dataset = make_dataset(sentences, counts, **{"subsample": 1e-2, "seed": 3, **settings})
    model, objective = make_model(len(counts), dim, spread=1.0), make_objective(kind, len(counts))
    twin = make_model(len(counts), dim, spread=1.0)
    for each in (model, twin) if frozen else ():
        each.freeze(input=np.arange(len(counts)) % 3 == 0, output=np.arange(len(counts)) % 2 == 0)
    scale = min(1.0, kind.default_lr / NegativeSampling.default_lr)

    def lr_at(epoch: int, words: int) -> float:
        return scale / slower * falling(epoch, words)

    oracle = Oracle(twin, objective, dataset, lr_at)
    engine = FusedEngine(model, objective, dataset, lr_at)
    for epoch in range(epochs):
        *_, expected = oracle.epoch(epoch)
        *_, last = engine.epoch(epoch)
        assert last.words == expected.words == len(dataset.tokens)
        assert last.pairs == expected.pairs
        assert last.loss == pytest.approx(expected.loss, rel=1e-6)
        assert engine.state()[0].engine_state["random"] == oracle.state()[0].engine_state["random"]
    # Values are about 1, where float32 keeps 6e-8; a row takes some hundred steps, whose errors add up to 2e-6 at most.
    # The least that a wrong draw, a lost step or a stale value does is a step: 1e-3 and more.
    np.testing.assert_allclose(model.input.detach(), oracle.input, rtol=0, atol=2e-5)
    np.testing.assert_allclose(model.output.detach(), oracle.output, rtol=0, atol=2e-5)
    width = -(-dim // LANES) * LANES
    for table in (engine._tables.input, engine._tables.output):
        assert not table.reshape(len(counts), width)[:, dim:].any()  # or the padding would count in the scores
    assert len(engine._kernel.signatures) == 1  # or it would be compiled again while training
    return oracle, expected.pairs


# Tables, losses and pairs are those of the plain engine


@every_objective
def test_tables_equal_those_of_the_plain_engine(kind: type[Objective]) -> None:
    # slower: at 0.05 some objectives push forty words so hard that rounding errors grow with every step
    oracle, pairs = compare_with_plain(random_sentences(1500, ZIPF), kind=kind, slower=5)
    assert pairs > 3000
    assert oracle.nearest_kink > 1e-5  # a premise: closer to the kink of a hinge, rounding may decide


@pytest.mark.parametrize("dim", [1, 7, 100, 102, 300])
def test_rows_may_have_any_length(dim: int) -> None:
    compare_with_plain(random_sentences(1000, ZIPF), dim=dim)


@pytest.mark.parametrize("negatives", [1, 8, 20, *(pytest.param(k, marks=pytest.mark.slow) for k in (6, 7, 12, 30))])
def test_there_may_be_any_number_of_noise_words(negatives: int) -> None:
    # 1 + K targets are worked on in tiles of 4 to 7: one tile, whole ones, and the last one padded (K = 8, 12)
    compare_with_plain(random_sentences(500, ZIPF), negatives=negatives)


@every_objective
@pytest.mark.slow
@pytest.mark.parametrize("negatives", [1, 8, 20])
def test_every_objective_supports_any_number_of_noise_words(kind: type[Objective], negatives: int) -> None:
    compare_with_plain(random_sentences(600, ZIPF), kind=kind, negatives=negatives, dim=7, slower=20)


@pytest.mark.parametrize("window", [1, 5, 8, 20])
def test_windows_may_be_wider_than_a_block(window: int) -> None:
    oracle, _ = compare_with_plain(random_sentences(1000, ZIPF, length=60), window=window)
    assert (oracle.largest_window > BLOCK_ROWS) == (window > BLOCK_ROWS // 2)


@pytest.mark.parametrize(
    ("mode", "window"),
    [("full", 5), *((mode, window) for mode in ("fixed", "left", "right") for window in (1, 20))],
)
def test_windows_may_have_any_mode(mode: str, window: int) -> None:
    awkward = [[7], [3, 4], [], [1, 2, 3], [5] * 4]
    sentences = [*awkward, *random_sentences(480, ZIPF, length=60), *awkward]
    oracle, pairs = compare_with_plain(sentences, window=window, window_mode=mode, slower=2, subsample=0.1)
    assert pairs > 150
    assert (oracle.largest_window > BLOCK_ROWS) == (mode == "full" or window > BLOCK_ROWS // 2)


def test_a_full_window_pairs_all_words_of_the_longest_sentence() -> None:
    sentences = [[0], [0, 1], *random_sentences(2000, ZIPF, length=1000), [1, 2, 3]]
    model = make_model(40, 20)
    dataset = make_dataset(sentences, ZIPF, window=1, window_mode="full", subsample=0)
    *_, last = FusedEngine(model, NegativeSampling("sum"), dataset, lambda epoch, words: 0.0).epoch(0)
    assert last.pairs == 2 + 2 * 1000 * 999 + 3 * 2
    assert last.loss / last.pairs == pytest.approx(6 * np.log(2), rel=1e-6)


def test_frozen_rows_take_part_but_do_not_move() -> None:
    # within a block, too: there each row is used many times
    compare_with_plain(random_sentences(1500, ZIPF[:8]), ZIPF[:8], frozen=True, slower=5)


def test_rows_that_occur_several_times_in_a_block_get_all_steps() -> None:
    # three words: every block has the same rows many times over, on both sides; at full speed this diverges
    sentences, counts = random_sentences(1000, [5, 4, 3], length=40), [5, 4, 3]
    compare_with_plain(sentences, counts, window=10, negatives=20, subsample=0, slower=10)


@pytest.mark.parametrize("subsample", [0, 1e-3])
def test_a_word_may_have_nearly_all_the_probability(subsample: float) -> None:
    compare_with_plain(random_sentences(1000, [8, 1, 1]), THREE, subsample=subsample)


def test_words_outside_the_vocabulary_are_ignored() -> None:
    sentences = random_sentences(1000, ZIPF)  # of 40 words
    _, pairs = compare_with_plain(sentences, ZIPF[:25])
    assert 0 < pairs < compare_with_plain(sentences)[1]
    compare_with_plain([[40, 2**31 - 1], [40], [0, 40, 1]])


def test_sentences_may_be_longer_than_a_chunk_and_shorter_than_a_window() -> None:
    long, short = random_sentences(700, ZIPF, length=2 * CHUNK_WORDS + 3), random_sentences(600, ZIPF, length=1)
    assert compare_with_plain([*short[:300], *long, *short[300:], [], [3, 4], []], epochs=2)[1] > 1000


def test_a_chunk_may_lose_all_of_its_words() -> None:
    sentences = [[0] * 20] * 30 + [[1, 2]] * 5
    compare_with_plain(sentences, [10**9, 2, 2], subsample=1e-9)


def test_with_window_one_and_all_words_kept_the_pairs_are_the_neighbors() -> None:
    sentences = random_sentences(3000, ZIPF, length=7)
    expected = sum(1 for words in sentences for a in range(len(words)) for b in (a - 1, a + 1) if 0 <= b < len(words))
    assert train(make_dataset(sentences, ZIPF, window=1, subsample=0))[1].pairs == expected


def test_the_loss_is_that_of_the_scores_before_each_step() -> None:
    # with a learning rate of zero nothing moves, so the loss can be recomputed
    dataset = make_dataset(random_sentences(2000, ZIPF), ZIPF, subsample=0, seed=3)
    model = make_model(40, 20, spread=1.0)
    scores = (model.input @ model.output.T).detach().double().numpy()  # (V, V)
    examples = Oracle(model, NegativeSampling(), dataset, falling).windows(0, 167, SplitMix64(0))
    again = [
        np.logaddexp(0, -scores[context.id, center]) + np.logaddexp(0, scores[context.id, noise]).sum()
        for center, contexts, noise in examples
        for context in contexts
    ]
    *_, last = FusedEngine(model, NegativeSampling("sum"), dataset, lambda epoch, words: 0.0).epoch(0)
    assert last.loss / last.pairs == pytest.approx(np.mean(again), rel=0.02)  # other draws, of 12,000 pairs


def test_paths_of_a_tree_equal_those_of_the_plain_engine() -> None:
    # forty equal words have paths of 5 and 6 nodes, the first words of ZIPF of 2
    for counts, settings in ((ZIPF, {}), ([30] * 40, {"window": 20, "dim": 7})):
        _, pairs = compare_with_plain(
            random_sentences(1000, counts), counts, kind=HierarchicalSoftmax, **TREE, **settings
        )
        assert pairs > 2000


def test_paths_may_be_longer_than_the_memory_of_the_usual_kernel() -> None:
    counts = [2**k for k in range(PATH_STEP + 1, -1, -1)]  # the rarest word is PATH_STEP + 1 nodes away from the root
    sentences = random_sentences(300, [1] * len(counts))
    oracle, _ = compare_with_plain(sentences, counts, kind=HierarchicalSoftmax, slower=5, **TREE, subsample=0)
    assert oracle.paths is not None
    assert oracle.paths[0].shape[1] == PATH_STEP + 1


# What an engine object does


def train(dataset: SkipGramDataset, epochs: Sequence[int] = (0,), dim: int = 20) -> tuple[SkipGram, Progress]:
    model = make_model(len(dataset.keep), dim, spread=1.0)
    engine = FusedEngine(model, NegativeSampling("sum"), dataset, falling)
    for epoch in epochs:
        *_, last = engine.epoch(epoch)
    return model, last


def table_bytes(model: SkipGram) -> bytes:
    return torch.cat([model.input, model.output]).detach().numpy().tobytes()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_or_epoch_does_not() -> None:
    sentences = random_sentences(1000, ZIPF)

    def tables(seed: int, *epochs: int) -> bytes:
        return table_bytes(train(make_dataset(sentences, ZIPF, seed=seed), epochs)[0])

    first = tables(1, 0, 1)
    assert tables(1, 0, 1) == first
    assert len({first, tables(2, 0, 1), tables(1, 0, 2), tables(1, 1, 0)}) == 4


def test_the_model_is_trained_in_place_in_rows_that_begin_with_a_line_of_the_cache() -> None:
    model = make_model(40, 20)
    engine = FusedEngine(model, NegativeSampling("sum"), make_dataset(random_sentences(100, ZIPF), ZIPF), falling)
    for table, memory in ((model.input, engine._tables.input), (model.output, engine._tables.output)):
        assert table.data_ptr() == memory.ctypes.data
        assert table.data_ptr() % 64 == 0
        assert table.stride() == (32, 1)
        assert table.requires_grad  # still what an optimizer of the user's would take


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint16])
def test_the_corpus_may_be_of_any_integers_and_stays_writable(kind: type[np.integer[Any]], tmp_path: Path) -> None:
    dataset = make_dataset(random_sentences(1000, ZIPF), ZIPF)
    expected = table_bytes(train(dataset)[0])
    dataset.tokens, dataset.offsets = dataset.tokens.astype(kind), dataset.offsets.astype(np.int32)
    model, _ = train(dataset)
    assert table_bytes(model) == expected
    assert dataset.tokens.flags.writeable


def test_a_read_only_memory_map_trains_without_another_compilation(tmp_path: Path) -> None:
    dataset = make_dataset(random_sentences(1000, ZIPF), ZIPF)
    expected = table_bytes(train(dataset)[0])
    np.save(tmp_path / "tokens.npy", dataset.tokens)
    dataset.tokens = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    assert table_bytes(train(dataset)[0]) == expected
    engine = FusedEngine(make_model(40, 20), NegativeSampling("sum"), dataset, falling)
    list(engine.epoch(0))
    assert len(engine._kernel.signatures) == 1


def test_a_report_within_a_chunk_counts_the_pairs_of_its_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    # a loss without its pairs looks like divergence, which ends training
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 10**9)
    monkeypatch.setattr("word2vec.engines.base.REPORT_SECONDS", 0.01)
    tokens = np.resize(np.arange(40, dtype=np.int32), 400_000)
    dataset = SkipGramDataset(tokens, np.arange(0, 400_001, 20), make_vocabulary(ZIPF), SamplingSettings(subsample=0))
    engine = FusedEngine(make_model(40, 100), NegativeSampling("sum"), dataset, lambda epoch, words: 0.0)
    reports = list(engine.epoch(0))
    assert len(reports) > 3
    for report in reports:
        # output rows are zero, so that every pair costs 6 log 2
        assert report.loss == pytest.approx(6 * np.log(2) * report.pairs, rel=0.05)  # they are read one after the other


@pytest.mark.parametrize(("words", "sentences"), [(1, 1), (5, 1), (5, 9), (1000, 2), (3, 3)])
def test_buffers_are_large_enough_for_every_chunk(words: int, sentences: int) -> None:
    # the kernel checks no bounds: it would silently overwrite other memory
    shard = StagedState(*cpu._new_state(7), new_stage(0, 512, 10, 16, 5))
    grown = cpu.with_buffers(cpu.with_buffers(shard, 4, 4), words, sentences)
    text, noise = min(max(words, 4), 522), pool_size(min(max(words, 4), 512), 5)
    assert len(grown.stage.local) == len(grown.stage.input) / 16 >= text
    assert len(grown.stage.words) == len(grown.stage.output) / 16 >= text + noise + 1
    assert len(grown.stage.entries) >= 2 * len(grown.stage.words)
    assert len(grown.kept) > max(words, 4)
    assert len(grown.ends) >= max(sentences, 4)
    assert all(new is old for new, old in zip(grown[2:5], shard[2:5], strict=True))  # counters are kept


# Numbers beyond 2^31


def test_a_corpus_may_have_more_than_2_to_the_31_words(tmp_path: Path) -> None:
    far, sentence = 2**31 + 5, [0, 1, 2, 3, 2, 1]
    # a sparse file: it takes no room where nothing is written
    tokens = np.memmap(tmp_path / "tokens", np.int32, "w+", shape=far + 6)
    tokens[far:] = sentence
    offsets = np.array([0, 4, far, far + 6])
    tables = []
    for dataset, first in ((_with_text(tokens, offsets), 2), (_with_text(np.array(sentence), np.array([0, 6])), 0)):
        model = make_model(4, 8, spread=1.0)
        engine = FusedEngine(model, NegativeSampling("sum"), dataset, falling)
        shard = cpu.with_buffers(engine._new_state(1), 6, 1)
        engine._train(shard, first, first + 1, 0.05)
        assert shard.pairs.item() > 10
        tables.append(table_bytes(model))
    assert tables[0] == tables[1] != table_bytes(make_model(4, 8, spread=1.0))


def _with_text(tokens: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]) -> SkipGramDataset:
    return SkipGramDataset(tokens, offsets, make_vocabulary([4, 3, 2, 1]), SamplingSettings(subsample=0))


def test_a_table_may_have_more_than_2_to_the_31_numbers(tmp_path: Path) -> None:
    words, width = 2051, 2**20  # the last three rows begin at 2^31 and later; short rows would make too many words
    tables = [np.memmap(tmp_path / name, np.float32, "w+", shape=words * width) for name in ("input", "output")]
    rows = [table.reshape(words, width) for table in tables]
    rows[0][words - 3 :] = 1.0
    sampling = Sampling(
        keep=np.full(words, 2**32 - 1, np.uint32),
        noise=np.tile(np.array([0, words - 2], np.uint32), words),  # no column is its own; all give the word beside
        cumulative=np.arange(1, words + 1) / words,
        log_q=np.empty(0, np.float32),
        min_width=1,
        widths=1,
        left=1,
        right=1,
        ahead=1,
    )
    text = Text(cpu.read_only(np.array([words - 3, words - 1]), np.int32), cpu.read_only(np.array([0, 2]), np.int64))
    shard = cpu.with_buffers(StagedState(*cpu._new_state(1), new_stage(0, 512, 2, width, 5)), 2, 1)
    train_text = kernel("negative-sampling", 5, False)
    flat = Tables(*(table.view(np.ndarray) for table in tables), width)
    train_text(text, 0, 1, sampling, flat, np.zeros(1, np.float32), np.float32(0.5), shard)
    assert shard.pairs.item() == 2
    # The scores are 0, so the true word goes up by lr / 2 = 1/4, and the noise word down by that, five times over. For
    # the second center the noise word is far away already.
    np.testing.assert_allclose(rows[1][words - 3 :, :3].T, [[0.25, -1.25, 0.25]] * 3, rtol=1e-6)
    assert not rows[1][:3, :3].any()


# Draws


def test_the_generator_is_the_published_one() -> None:
    # the outputs for seed 1234567 that implementations of SplitMix64 are checked against
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    plain_random, state, compiled = SplitMix64(1234567), np.uint64(1234567), []
    with np.errstate(over="ignore"):  # as Python functions they warn where compiled code wraps around
        for _ in published:
            state, bits = next_bits(state)
            compiled.append(int(bits))
    assert compiled == [plain_random.bits() for _ in published] == published


def random_bits(count: int) -> list[np.uint64]:
    random = SplitMix64(5)
    return [np.uint64(random.bits()) for _ in range(count)]


def assert_drawn_by(probabilities: npt.ArrayLike, drawn: Sequence[int]) -> None:
    """Chi-square test of draws; the seeds are fixed, so the result is deterministic."""
    expected = np.asarray(probabilities) * len(drawn)
    found = np.bincount(drawn, minlength=len(expected))
    assert len(found) == len(expected)
    assert not found[expected == 0].any()
    possible = expected > 0
    assert scipy.stats.chisquare(found[possible], expected[possible]).pvalue > 0.001


@pytest.mark.parametrize("window", [2, 5, 7])
def test_widths_are_uniform(window: int) -> None:
    assert_drawn_by(np.full(window, 1 / window), [below(bits, window) for bits in random_bits(20_000)])


def test_a_number_below_a_bound_uses_the_upper_bits() -> None:
    assert below(np.uint64(2**64 - 1), 2**31 - 1) == 2**31 - 2
    assert below(np.uint64(2**32 - 1), 2**31 - 1) == 0


@pytest.mark.parametrize("counts", [ZIPF, THREE, [7, 7]], ids=["zipf", "three", "equal"])
def test_noise_words_follow_the_noise_distribution(counts: list[int]) -> None:
    dataset = make_dataset([[0, 1]], counts)
    table = cpu.noise_table(dataset)
    drawn = [noise_word(table, len(counts), bits) for bits in random_bits(20_000)]
    assert_drawn_by(make_vocabulary(counts).noise_distribution(0.75), drawn)


@pytest.mark.parametrize("word", [0, 1, 17, 39])
def test_a_second_draw_follows_the_distribution_of_the_other_words(word: int) -> None:
    dataset = make_dataset([[0, 1]], ZIPF)
    others = make_vocabulary(ZIPF).noise_distribution(0.75)
    others[word] = 0
    drawn = [int(other_word(word, dataset.alias.cumulative.numpy(), bits)) for bits in random_bits(20_000)]
    assert_drawn_by(others / others.sum(), drawn)


def test_a_second_draw_at_the_edge_of_the_word_does_not_give_it() -> None:
    # draws that fall just before the word's own stretch and just behind it: rounding puts three of them inside
    cumulative = make_dataset([[0, 1]], [10**6 // rank for rank in range(1, 41)]).alias.cumulative.numpy()
    own = np.diff(cumulative, prepend=0.0)
    for word in range(40):
        edge = int((cumulative[word] - own[word]) / (1 - own[word]) * 2**53)
        for draw in range(max(edge - 2, 0), min(edge + 3, 2**53)):
            assert int(other_word(word, cumulative, np.uint64(draw << 11))) != word


@pytest.mark.parametrize("counts", [[10**18, 1], [10**18, 1, 1], [3, 1]])
@pytest.mark.parametrize("bits", [0, 2**64 - 1])
def test_a_second_draw_is_a_word_even_where_one_has_nearly_all_the_probability(counts: list[int], bits: int) -> None:
    cumulative = make_dataset([[0, 1]], counts, noise_exponent=1.0).alias.cumulative.numpy()
    for word in range(len(counts)):
        assert int(other_word(word, cumulative, np.uint64(bits))) in set(range(len(counts))) - {word}


def test_a_draw_at_the_threshold_survives() -> None:
    # so that the threshold of probability 1, 2^32 - 1, takes all
    draw = SplitMix64(9).bits() >> 32
    for threshold, kept in ((draw, 1), (draw - 1, 0)):
        text, shard = Text(np.zeros(1, np.int32), np.array([0, 1])), cpu.with_buffers(cpu._new_state(9), 1, 1)
        with np.errstate(over="ignore"):
            assert subsample(text, 0, 1, np.array([threshold], np.uint32), shard, np.uint64(9))[0] == kept


def test_thresholds_of_probabilities_one_half_and_almost_zero() -> None:
    probabilities = np.array([1.0, 0.5, 2.0**-31, 2.0**-32, 0.0])
    assert cpu._thresholds(probabilities).tolist() == [2**32 - 1, 2**31 - 1, 1, 0, 0]


def test_words_survive_with_their_keep_probability() -> None:
    keep = np.array([0.1, 0.5, 1.0])
    text = Text(np.tile(np.array([0, 1, 2, 3], np.int32), 5000), np.arange(0, 20_001, 20))  # 3 is not in the vocabulary
    shard = ThreadState(*(np.zeros(20_001, kind) for kind in (np.int32, np.int64, np.uint64, np.int64, np.float64)))
    with np.errstate(over="ignore"):
        n_kept, _ = subsample(text, 0, 1000, cpu._thresholds(keep), shard, np.uint64(9))
    found = np.bincount(shard.kept[:n_kept], minlength=3)
    assert (abs(found[:2] - 5000 * keep[:2]) < 4 * np.sqrt(5000 * keep[:2] * (1 - keep[:2]))).all()
    assert found[2] == 5000
    assert shard.ends[999] == n_kept
    assert (np.diff(shard.ends[:1000]) >= 5).all()  # every sentence has five words that always survive


def test_a_second_engine_trains_the_same_memory() -> None:
    model, objective = make_model(4, 3), NegativeSampling("sum")
    dataset = make_dataset([[0, 1, 2, 3]] * 50, [50] * 4, subsample=0)
    first = FusedEngine(model, objective, dataset, lambda epoch, words: 0.05)
    FusedEngine(model, objective, dataset, lambda epoch, words: 0.05)
    before = model.input.clone()
    list(first.epoch(0))
    assert not torch.equal(model.input, before)


def test_a_vocabulary_of_one_word_is_rejected() -> None:
    # there would be no row to train as noise but one behind the table's end
    with pytest.raises(ConfigError, match="one word"):
        FusedEngine(make_model(1, 3), NegativeSampling("sum"), make_dataset([[0, 0]], [2]), lambda epoch, words: 0.05)


def test_a_chunk_has_fewer_words_where_words_cost_more() -> None:
    def chunk_words(window: int, negatives: int, dim: int) -> int:
        dataset = make_dataset([[0, 1, 2, 3]], [1] * 4, window=window, negatives=negatives)
        engine = FusedEngine(make_model(4, dim), NegativeSampling("sum"), dataset, lambda epoch, words: 0.05)
        return max(1, min(cpu.CHUNK_WORDS, int(engine._chunk_pairs / dataset.window.pairs)))

    assert chunk_words(5, 5, 100) == chunk_words(1, 5, 10) == cpu.CHUNK_WORDS
    assert chunk_words(1000, 5, 300) == cpu.CHUNK_PRODUCTS // (1001 * 6 * 304)
    assert chunk_words(1000, 5, 20_000) == 1


def test_a_chunk_of_full_windows_has_few_long_sentences_or_many_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "CHUNK_WORDS", 10_000)
    monkeypatch.setattr(cpu, "CHUNK_PRODUCTS", 50 * 49 * 6 * 32)
    sentences = [[0, 1]] * 1000 + [[2] * 50] * 5
    asked: list[int] = []

    def lr_at(epoch: int, words: int) -> float:
        asked.append(words)
        return 0.05

    dataset = make_dataset(sentences, [1000, 1000, 250], window_mode="full", subsample=0)
    list(FusedEngine(make_model(3, 20), NegativeSampling("sum"), dataset, lr_at).epoch(0))
    assert 3 <= asked.index(2000) <= 40  # chunks of short sentences
    assert asked[asked.index(2000) :] == [2000, 2050, 2100, 2150, 2200]
