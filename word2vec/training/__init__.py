"""The training loop, and what it needs: setup, checkpoints, metrics, several processes."""

from word2vec.training.loop import train

__all__ = ["train"]
