"""The command `score`: log-likelihoods of sentences under a model trained with hierarchical softmax."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from word2vec.cli.console import print_json, print_table
from word2vec.cli.options import JsonOption, load_vectors
from word2vec.config import TrainConfig, make_config, read_config
from word2vec.errors import ConfigError

CONFIG_FILE = "config.toml"


def score(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, trained with hierarchical softmax.")],
    sentences: Annotated[
        list[str] | None, typer.Argument(metavar="SENTENCE", help="Sentences; by default the lines of standard input.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show the log-likelihood of each SENTENCE under hierarchical softmax, as gensim's Word2Vec.score does.

    With skipgram it is the sum of log p(center word | context word) over all pairs of a center word and a word of its
    window; with cbow, the sum of log p(center word | window) over all words. Windows have their maximum size. Words
    outside the vocabulary are ignored. Divide by the number of words to compare sentences of different lengths.
    """
    import numpy as np

    from word2vec.corpus.texts import split_texts
    from word2vec.sampling.windows import make_window

    config = _config_of(run)
    vectors = load_vectors(run)
    texts = list(sentences or (line.rstrip("\r\n") for line in sys.stdin))
    results = []
    for text, words in zip(texts, split_texts(texts, config.lowercase, config.tokenizer), strict=True):
        known = [word for word in words if word in vectors]
        window = make_window(config.window_mode, config.window, np.array([0, len(known)]))
        results.append((text, len(known), vectors.log_likelihood(known, (window.left, window.right), config.model)))
    if as_json:
        print_json(
            [
                {"sentence": text, "words": words, "log_likelihood": log_likelihood}
                for text, words, log_likelihood in results
            ]
        )
        return 0
    rows = [[f"{log_likelihood:.4f}", str(words), text] for text, words, log_likelihood in results]
    print_table(["log-likelihood", "words", "sentence"], rows)
    return 0


def _config_of(run: Path) -> TrainConfig:
    """Return the settings that a run was trained with.

    Raises:
        ConfigError: They are missing.
    """
    if not (run / CONFIG_FILE).is_file():
        raise ConfigError(f"{run}: no {CONFIG_FILE}, which has the window and the model; pass the folder of a run")
    return make_config(read_config(run / CONFIG_FILE))
