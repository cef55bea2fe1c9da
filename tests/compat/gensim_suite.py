"""gensim's own tests of word2vec, with the import replaced by this package's.

The source of a test module is read from the installed gensim, the imports of the classes under test are replaced, and
the module is executed. Everything else that it uses, such as its test data, is still gensim's.
"""

import importlib.util
import re
import types
import unittest
from pathlib import Path

import numpy as np

MODULES = ("test_keyedvectors", "test_word2vec")
REPLACED = {
    "test_keyedvectors": (
        (
            "from gensim.models.keyedvectors import KeyedVectors, REAL, pseudorandom_weak_vector",
            "from gensim.models.keyedvectors import REAL, pseudorandom_weak_vector\n"
            "from word2vec.compat.gensim.models.keyedvectors import KeyedVectors",
        ),
        ("gensim.models.keyedvectors.KeyedVectors", "KeyedVectors"),
        ("gensim.models.KeyedVectors", "KeyedVectors"),
    ),
    "test_word2vec": (
        (
            "from gensim.models import word2vec, keyedvectors",
            "from word2vec.compat.gensim.models import word2vec, keyedvectors",
        ),
        ("    from ot import emd2  # noqa:F401\n", ""),  # gensim's distance needs POT, this package's does not
    ),
}


def load(name: str, *, without_hs: bool = False) -> types.ModuleType:
    """Execute a test module of gensim with this package's classes.

    Args:
        name: The module in `gensim.test`.
        without_hs: Whether to replace hierarchical softmax by negative sampling as well.
    """
    specification = importlib.util.find_spec(f"gensim.test.{name}")
    assert specification is not None
    assert specification.origin is not None
    source = Path(specification.origin).read_text(encoding="utf-8")
    for old, new in REPLACED[name]:
        assert old in source, f"gensim's {name} has changed: {old!r} is not there"
        source = source.replace(old, new)
    if without_hs:
        source = re.sub(r"\bhs=1,\s+negative=0\b", "hs=0, negative=5", source).replace("model.syn1.", "model.syn1neg.")
    module = types.ModuleType(name)
    exec(compile(source, specification.origin, "exec"), vars(module))
    return module


def names(module: types.ModuleType) -> list[str]:
    """Return the tests of a module as Class.test_name."""
    tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    return [_name(test) for case in tests for test in case if isinstance(test, unittest.TestCase)]


def run(module: types.ModuleType, name: str) -> str:
    """Run one test; return "" if it passes, and otherwise the last line of its error, or why it was skipped."""
    np.random.seed(1)  # noqa: NPY002 (the global generator that gensim's tests use)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromName(name, module).run(result)
    for _, reason in result.skipped:
        return f"skipped: {reason}"
    problems = [text for _, text in (*result.failures, *result.errors)]
    return re.sub(r"\s+", " ", problems[0].strip().splitlines()[-1]) if problems else ""


def _name(test: unittest.TestCase) -> str:
    return ".".join(test.id().split(".")[-2:])
