"""Callbacks of training, as in `gensim.models.callbacks`."""

from typing import Any


class CallbackAny2Vec:
    """Base class of callbacks; override the methods that are needed.

    The methods receive the `Word2Vec` model. Its vectors are up to date when an epoch begins or ends; a callback may
    read and evaluate them but not modify them.
    """

    def on_train_begin(self, model: Any) -> None:
        """Called before training."""

    def on_epoch_begin(self, model: Any) -> None:
        """Called before each epoch."""

    def on_epoch_end(self, model: Any) -> None:
        """Called after each epoch."""

    def on_train_end(self, model: Any) -> None:
        """Called after training."""
