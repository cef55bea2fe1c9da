"""The models by the names of the command line."""

from word2vec.models.base import EmbeddingModel
from word2vec.models.cbow import CBOW
from word2vec.models.skipgram import SkipGram

MODELS: dict[str, type[EmbeddingModel]] = {"skipgram": SkipGram, "cbow": CBOW}
