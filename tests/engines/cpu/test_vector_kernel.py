"""CBOW, position weights and n-grams in the fused CPU engine against the plain engine, table by table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from tests.engines.oracle import Oracle
from tests.engines.small import make_dataset, make_objective, make_vocabulary, random_sentences
from word2vec.engines import plain
from word2vec.engines.cpu import engine as cpu
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.engines.cpu.simd import BLOCK_ROWS
from word2vec.losses import WMRB, NegativeSampling, Objective, RankNet, SampledSoftmax
from word2vec.models import CBOW, EmbeddingModel, NgramIndex, SkipGram
from word2vec.sampling.datasets import CBOWDataset, SkipGramDataset, TextDataset

ZIPF = [1000 // rank for rank in range(1, 41)]


class Variant(NamedTuple):
    """A model that the kernel for one input vector trains."""

    cbow: bool
    ngrams: bool = False
    weighted: bool = False


CBOW_ALONE, WEIGHTED, CBOW_NGRAMS = Variant(True), Variant(True, weighted=True), Variant(True, ngrams=True)
CBOW_ALL, SKIPGRAM_NGRAMS = Variant(True, ngrams=True, weighted=True), Variant(False, ngrams=True)
VARIANTS = {
    "cbow": CBOW_ALONE,
    "cbow-weighted": WEIGHTED,
    "cbow-ngrams": CBOW_NGRAMS,
    "cbow-ngrams-weighted": CBOW_ALL,
    "skipgram-ngrams": SKIPGRAM_NGRAMS,
}
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (cpu, plain):
        monkeypatch.setattr(engine, "CHUNK_WORDS", 130)


def make_model(variant: Variant, dataset: TextDataset, dim: int) -> EmbeddingModel:
    """A model whose tables are random, such that scores are about 1. Its words share n-grams."""
    size = len(dataset.keep)
    index = NgramIndex.of(make_vocabulary(ZIPF[:size]), (3, 4), buckets=50) if variant.ngrams else None
    if variant.cbow:
        positions = dataset.window.left + dataset.window.right if variant.weighted else 0
        model: EmbeddingModel = CBOW(size, dim, ngrams=index, positions=positions)
    else:
        model = SkipGram(size, dim, ngrams=index)
    for seed, table in enumerate(model.parameters()):
        table.data = dim**-0.25 * torch.randn(table.shape, generator=torch.Generator().manual_seed(seed))
    return model


def compare_with_plain(
    variant: Variant,
    sentences: Sequence[Sequence[int]],
    *,
    kind: type[Objective] = NegativeSampling,
    dim: int = 20,
    size: int = 40,
    frozen: bool = False,
    **settings: Any,
) -> tuple[Oracle, int]:
    """Train both with one thread and compare their tables, losses, pairs and random states."""
    dataset_class = CBOWDataset if variant.cbow else SkipGramDataset
    dataset = make_dataset(sentences, ZIPF[:size], dataset_class, **{"subsample": 1e-2, **settings})
    objective = make_objective(kind, size)
    scale = min(1.0, kind.default_lr / NegativeSampling.default_lr)

    def lr_at(epoch: int, words: int) -> float:
        return scale * (0.005 - words / 1_000_000)  # rows that all words share grow fast

    model, twin = make_model(variant, dataset, dim), make_model(variant, dataset, dim)
    for each in (model, twin) if frozen else ():
        names = [name for name, _ in each.named_parameters() if name != "positions"]
        each.freeze(**{name: np.arange(len(getattr(each, name))) % 3 == 0 for name in names})
    oracle = Oracle(twin, objective, dataset, lr_at)
    engine = FusedEngine(model, objective, dataset, lr_at)
    *_, expected = oracle.epoch(0)
    *_, last = engine.epoch(0)
    assert (last.words, last.pairs) == (expected.words, expected.pairs)
    assert last.loss == pytest.approx(expected.loss, rel=1e-6)
    assert engine.state()[0].engine_state["random"] == oracle.state()[0].engine_state["random"]
    for name, table in model.named_parameters():
        # values are about 1, where float32 keeps 6e-8, and rows take some hundred steps of about 1e-3
        np.testing.assert_allclose(table.detach(), oracle.tables[name], rtol=0, atol=2e-5)
    assert len(engine._kernel.signatures) == 1  # or it would be compiled again while training
    return oracle, expected.pairs


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        (CBOW_ALONE, NegativeSampling),
        (CBOW_NGRAMS, WMRB),
        (CBOW_ALL, RankNet),
        (SKIPGRAM_NGRAMS, SampledSoftmax),
    ],
    ids=["cbow", "cbow-ngrams", "cbow-ngrams-weighted", "skipgram-ngrams"],
)
def test_tables_equal_those_of_the_plain_engine(variant: Variant, kind: type[Objective]) -> None:
    oracle, pairs = compare_with_plain(variant, random_sentences(600, ZIPF), kind=kind)
    assert pairs > (300 if variant.cbow else 1500)
    assert oracle.nearest_kink > 1e-5  # a premise: closer to the kink of a hinge, rounding may decide


@pytest.mark.parametrize(
    "variant",
    [
        CBOW_ALONE,
        SKIPGRAM_NGRAMS,
        *(pytest.param(v, marks=pytest.mark.slow) for v in (WEIGHTED, CBOW_NGRAMS, CBOW_ALL)),
    ],
)
def test_frozen_rows_take_part_but_do_not_move(variant: Variant) -> None:
    # wide windows, in which the vector of a word with n-grams moves between blocks
    compare_with_plain(variant, random_sentences(300, ZIPF, length=30), window=12, frozen=True)


@every_variant
@pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("negatives", [1, 8])
@pytest.mark.slow
def test_every_model_supports_every_objective(variant: Variant, kind: type[Objective], negatives: int) -> None:
    compare_with_plain(variant, random_sentences(300, ZIPF), kind=kind, negatives=negatives)


@pytest.mark.parametrize("dim", [1, 7, 100, 102, 300])
def test_rows_may_have_any_length(dim: int) -> None:
    compare_with_plain(CBOW_ALONE, random_sentences(300, ZIPF), dim=dim)


@pytest.mark.parametrize(
    ("variant", "kind", "mode"),
    [
        (CBOW_ALONE, NegativeSampling, "full"),
        (CBOW_ALL, RankNet, "left"),
        (CBOW_ALL, RankNet, "shrink"),
        (SKIPGRAM_NGRAMS, SampledSoftmax, "right"),
        (SKIPGRAM_NGRAMS, SampledSoftmax, "fixed"),
    ],
    ids=["cbow-full", "all-left", "all-shrink", "skipgram-right", "skipgram-fixed"],
)
def test_windows_may_have_any_mode_and_width(variant: Variant, kind: type[Objective], mode: str) -> None:
    awkward = [[7], [3, 4], [], [1, 2, 3], [5] * 4]
    sentences = [*awkward, *random_sentences(180, ZIPF, length=60), *awkward]
    oracle, pairs = compare_with_plain(variant, sentences, kind=kind, window=12, window_mode=mode, subsample=0.1)
    assert pairs > 100
    assert oracle.largest_window > BLOCK_ROWS


@pytest.mark.parametrize(
    ("variant", "kind"),
    [(CBOW_ALONE, NegativeSampling), (CBOW_ALL, RankNet), (SKIPGRAM_NGRAMS, SampledSoftmax)],
    ids=["cbow", "cbow-ngrams-weighted", "skipgram-ngrams"],
)
def test_rows_that_occur_several_times_get_all_steps(variant: Variant, kind: type[Objective]) -> None:
    # three words: each window has them several times, and with n-grams most noise words are true words
    compare_with_plain(variant, random_sentences(200, ZIPF[:3], length=40), kind=kind, size=3, window=8, subsample=0)


def test_threads_learn_which_words_occur_together() -> None:
    sentences = [[pair, pair + 10] for pair in np.random.default_rng(0).integers(0, 10, 4000).tolist()]
    dataset = make_dataset(sentences, ZIPF[:20], CBOWDataset, subsample=0, window=1)
    model = CBOW(20, 8, torch.Generator().manual_seed(0))
    engine = FusedEngine(model, NegativeSampling("sum"), dataset, lambda epoch, words: 0.1, threads=2)
    for epoch in range(3):
        *_, last = engine.epoch(epoch)
    assert last.pairs == 8000
    assert ((model.input @ model.output.T).argmax(dim=1) == (torch.arange(20) + 10) % 20).all()
