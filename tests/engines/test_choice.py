"""The choice of an engine, and the message if the fused engine cannot train."""

import sys
from itertools import product
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from word2vec import engines
from word2vec.engines import Engine, Workload
from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.cpu.engine import FusedEngine
from word2vec.engines.cpu.objectives import COMPILED
from word2vec.engines.gpu.engine import GpuEngine
from word2vec.engines.plain import PlainEngine
from word2vec.errors import ConfigError
from word2vec.losses import HierarchicalSoftmax, InBatchSoftmax, NegativeSampling, Objective
from word2vec.models import MODELS

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class UserObjective(NegativeSampling):
    """Derived from a compiled objective, but different: its compiled form must not be used."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        return super().forward(positive, negative, weight) + positive.square().sum()


def choose_engine(
    name: str, objective: type[nn.Module], device: torch.device, dim: int = 100, negatives: int = 5
) -> type[Engine]:
    """Choose an engine with a window of 5."""
    return engines.choose_engine(name, objective, device, Workload(dim, negatives, window=5))


@pytest.mark.parametrize(("device", "fused"), [(CPU, FusedEngine), (CUDA, GpuEngine)], ids=["cpu", "cuda"])
@pytest.mark.parametrize("kind", COMPILED, ids=lambda kind: kind.__name__)
def test_auto_chooses_the_fused_engine_if_it_can_train(
    kind: type[Objective], device: torch.device, fused: type[Engine]
) -> None:
    assert choose_engine("auto", kind, device) is choose_engine("fused", kind, device) is fused
    assert choose_engine("autograd", kind, device) is AutogradEngine
    assert choose_engine("plain", kind, device) is PlainEngine


def test_the_fused_engine_trains_every_model_on_the_cpu() -> None:
    for model, subwords in product(MODELS, (False, True)):
        workload = Workload(100, 5, window=5, model=model, subwords=subwords)
        assert engines.choose_engine("fused", NegativeSampling, CPU, workload) is FusedEngine


@pytest.mark.parametrize("device", [CPU, CUDA], ids=["cpu", "cuda"])
@pytest.mark.parametrize("objective", [InBatchSoftmax, UserObjective, nn.Identity])
def test_objectives_without_a_compiled_form_are_trained_by_the_autograd_engine(
    objective: type[nn.Module], device: torch.device
) -> None:
    assert choose_engine("auto", objective, device) is AutogradEngine
    message = rf"no compiled form of {objective.__name__}; [^\n]*warp[^\n]*, or use --engine autograd$"
    with pytest.raises(ConfigError, match=message):
        choose_engine("fused", objective, device)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"dim": 2000}, "512 dimensions"), ({"negatives": 200}, "63 noise words of 100 dimensions")],
)
def test_rows_too_large_for_a_gpu_are_trained_by_the_autograd_engine(settings: dict[str, int], reason: str) -> None:
    assert choose_engine("auto", NegativeSampling, CUDA, **settings) is AutogradEngine
    assert choose_engine("auto", NegativeSampling, CPU, **settings) is FusedEngine
    with pytest.raises(ConfigError, match=rf"^--engine fused [^\n]*{reason}[^\n]*, or use --engine autograd$"):
        choose_engine("fused", NegativeSampling, CUDA, **settings)


def test_a_gpu_trains_cbow_but_no_n_grams() -> None:
    cbow = Workload(100, 5, 5, "cbow")
    assert engines.choose_engine("auto", NegativeSampling, CUDA, cbow) is GpuEngine
    subwords = Workload(100, 5, 5, subwords=True)
    assert engines.choose_engine("auto", NegativeSampling, CUDA, subwords) is AutogradEngine
    with pytest.raises(ConfigError, match=r"^--engine fused [^\n]*n-grams[^\n]*; omit --subwords, or use"):
        engines.choose_engine("fused", NegativeSampling, CUDA, subwords)


def test_the_fused_engine_needs_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.core.config.DISABLE_JIT", 1)
    assert choose_engine("auto", NegativeSampling, CPU) is AutogradEngine
    with pytest.raises(ConfigError, match="unset it, or use --engine autograd"):
        choose_engine("fused", NegativeSampling, CPU)


@pytest.mark.parametrize("version", [None, "3.1.0", "2.3.1+rocm"])
def test_the_fused_engine_on_a_gpu_needs_a_recent_triton(version: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", version and SimpleNamespace(__version__=version))
    assert choose_engine("auto", NegativeSampling, CUDA) is AutogradEngine
    with pytest.raises(ConfigError, match=r"pip install 'triton>=3\.2', or use --engine autograd"):
        choose_engine("fused", NegativeSampling, CUDA)


def test_the_fused_engine_trains_trees_only_for_skip_gram_without_ngrams() -> None:
    assert engines.choose_engine("auto", HierarchicalSoftmax, CPU, Workload(100, 0, 5)) is FusedEngine
    for workload in (Workload(100, 0, 5, model="cbow"), Workload(100, 0, 5, subwords=True)):
        assert engines.choose_engine("auto", HierarchicalSoftmax, CPU, workload) is AutogradEngine
        with pytest.raises(ConfigError, match="without --subwords"):
            engines.choose_engine("fused", HierarchicalSoftmax, CPU, workload)
