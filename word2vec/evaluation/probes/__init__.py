"""Probes: what word vectors are worth to a language model and to text classifiers.

`language_modeling.py` and `classification.py` are the entry points; each model is a file of its own. Every probe trains
the same model from the vectors, frozen and fine-tuned, and from a random table, with several seeds.
"""

from word2vec.evaluation.probes.classification import NetworkSettings, probe_classifier
from word2vec.evaluation.probes.labeled_texts import LabeledTexts, docstring_task, read_labeled_texts
from word2vec.evaluation.probes.language_modeling import probe_language_model
from word2vec.evaluation.probes.results import ClassifierResult, LanguageModelResult, ProbeScores

__all__ = [
    "ClassifierResult",
    "LabeledTexts",
    "LanguageModelResult",
    "NetworkSettings",
    "ProbeScores",
    "docstring_task",
    "probe_classifier",
    "probe_language_model",
    "read_labeled_texts",
]
