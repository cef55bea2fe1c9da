"""Choose a device, and an engine for it and an objective, and detect optional dependencies."""

import logging
from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import nn

from word2vec.engines.autograd import AutogradEngine
from word2vec.engines.base import Engine
from word2vec.engines.gpu.tiling import tile_shape, triton_version
from word2vec.errors import ConfigError, Word2VecError
from word2vec.losses import LOSSES

MIN_TRITON = (3, 2)


class Workload(NamedTuple):
    """The settings that decide which engines can train.

    Attributes:
        dim: Dimensions of the vectors.
        negatives: Noise words per example.
        window: Largest window width.
        model: Name of the model in `MODELS`.
        subwords: Whether words have n-grams.
        deterministic: Whether the result must not depend on the number of threads.
    """

    dim: int
    negatives: int
    window: int
    model: str = "skipgram"
    subwords: bool = False
    deterministic: bool = False


logger = logging.getLogger("word2vec")


def choose_device(name: str) -> torch.device:
    """Return the device to train on; "auto" chooses CUDA if it is available.

    Raises:
        Word2VecError: CUDA is requested and not available.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise Word2VecError("--device cuda: torch finds no CUDA device; use --device cpu or install torch for CUDA")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def choose_engine(name: str, objective: type[nn.Module], device: torch.device, workload: Workload) -> type[Engine]:
    """Find an engine by name; "auto" chooses a fused engine if it can train the model with the objective.

    Args:
        name: "auto", "plain", "autograd" or "fused".
        objective: Class of the objective.
        device: Where to train.
        workload: The model and its size.

    Raises:
        ConfigError: The fused engine is requested but does not support this objective or these settings, or no engine
            can train them deterministically.
    """
    if name == "plain":
        from word2vec.engines.plain import PlainEngine

        return PlainEngine
    if workload.deterministic:
        return _deterministic_engine(name, objective, device, workload)
    if name == "autograd":
        return AutogradEngine
    on_gpu = device.type == "cuda"
    obstacle = _gpu_obstacle(objective, workload) if on_gpu else _cpu_obstacle(objective, workload)
    if obstacle:
        return _instead_of_fused(name, obstacle)
    if on_gpu:
        from word2vec.engines.gpu.engine import GpuEngine

        return GpuEngine
    from word2vec.engines.cpu.engine import FusedEngine

    return FusedEngine


def _deterministic_engine(
    name: str, objective: type[nn.Module], device: torch.device, workload: Workload
) -> type[Engine]:
    from word2vec.engines.cpu.objectives import COMPILED

    words_alone = workload.model == "skipgram" and not workload.subwords
    if device.type == "cuda":
        raise ConfigError(
            "--deterministic applies to the fused engine on a CPU, and the device is cuda; add --device cpu"
        )
    if name == "autograd" or not words_alone or objective not in COMPILED:
        raise ConfigError(
            "--deterministic applies to skip-gram without n-grams, trained by the fused engine with an objective over "
            "negative samples; omit it, and add --threads 1 for the same bytes in every run"
        )
    if obstacle := _cpu_obstacle(objective, workload):
        raise ConfigError(f"--deterministic: the fused engine {obstacle}")
    from word2vec.engines.cpu.deterministic import DeterministicEngine

    return DeterministicEngine


def choose_pair_engine(name: str, objective: type[nn.Module], device: torch.device) -> type[Engine]:
    """Find an engine for explicit pairs by name; "auto" chooses the fused engine if it can train the objective.

    Args:
        name: "auto", "plain", "autograd" or "fused".
        objective: Class of the objective.
        device: Where to train.

    Raises:
        ConfigError: The fused engine is requested but does not support this objective or this device.
    """
    if name == "plain":
        from word2vec.engines.plain_pairs import PlainPairEngine

        return PlainPairEngine
    if name == "autograd":
        return AutogradEngine
    obstacle = "trains pairs on the CPU only; add --device cpu" if device.type == "cuda" else _cpu_obstacle(objective)
    if obstacle:
        return _instead_of_fused(name, obstacle)
    from word2vec.engines.cpu.pair_engine import FusedPairEngine

    return FusedPairEngine


def _instead_of_fused(name: str, obstacle: str) -> type[Engine]:
    """Return the engine to use if the fused engine cannot train.

    Args:
        name: The engine in the settings, "auto" or "fused".
        obstacle: What the fused engine cannot train, and what to do.

    Raises:
        ConfigError: The fused engine is requested.
    """
    if name == "fused":
        raise ConfigError(f"--engine fused {obstacle}, or use --engine autograd")
    logger.info("training with the autograd engine: the fused engine %s", obstacle)
    return AutogradEngine


def _cpu_obstacle(objective: type[nn.Module], workload: Workload | None = None) -> str:
    """Return why the fused CPU engine cannot train, and what to do; empty if it can. Pairs have no workload."""
    from numba.core import config  # a third of a second to import

    from word2vec.engines.cpu.objectives import COMPILED, COMPILED_TREES

    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "cannot be compiled while NUMBA_DISABLE_JIT is set; unset it"
    words_alone = workload is not None and workload.model == "skipgram" and not workload.subwords
    if objective in COMPILED_TREES and workload is not None and not words_alone:
        return "trains hierarchical softmax only for skip-gram without n-grams; use --model skipgram without --subwords"
    return _objective_obstacle(objective, COMPILED | COMPILED_TREES if words_alone else COMPILED)


def _gpu_obstacle(objective: type[nn.Module], workload: Workload) -> str:
    """Return why the fused GPU engine cannot train, and what to do; empty if it can."""
    if workload.subwords:
        return "trains words without n-grams only on a GPU; omit --subwords"
    if triton_version() < MIN_TRITON:
        return "needs Triton 3.2 or newer on a GPU; install it with: pip install 'triton>=3.2'"
    from word2vec.engines.gpu.objectives import GRADIENTS

    try:
        tile_shape(workload.dim, workload.negatives, 2 * workload.window)
    except ConfigError as error:
        return str(error)
    return _objective_obstacle(objective, GRADIENTS)


def _objective_obstacle(objective: type[nn.Module], compiled: Collection[type[nn.Module]]) -> str:
    if objective in compiled:
        return ""
    names = [name for name, kind in LOSSES.items() if kind in compiled]
    return f"has no compiled form of {objective.__name__}; use --objective {', '.join(names)}"
