"""gensim's own tests of word2vec and FastText, with the import replaced by this package's.

The source of a test module is read from the installed gensim, the imports of the classes under test are replaced, and
the module is executed. Everything else that it uses, such as its test data, is still gensim's.
"""

import importlib.util
import re
import types
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np

MODULES = ("test_fasttext", "test_keyedvectors", "test_phrases", "test_word2vec")
POT = ("    from ot import emd2  # noqa:F401\n", "")  # gensim's distance needs POT, this package's does not
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
    "test_phrases": (
        (
            "from gensim.models.phrases import Phrases, FrozenPhrases, _PhrasesTransformation\n"
            "from gensim.models.phrases import original_scorer",
            "from word2vec.compat.gensim.models.phrases import Phrases, FrozenPhrases, original_scorer\n"
            "from word2vec.compat.gensim.models.phrases import PhrasesTransformation as _PhrasesTransformation",
        ),
    ),
    "test_word2vec": (
        (
            "from gensim.models import word2vec, keyedvectors",
            "from word2vec.compat.gensim.models import word2vec, keyedvectors",
        ),
        POT,
    ),
    "test_fasttext": (
        (
            "from gensim.models.fasttext import FastText as FT_gensim, FastTextKeyedVectors, _unpack",
            "from gensim.models.fasttext import _unpack\n"
            "from word2vec.compat.gensim.models import fasttext\n"
            "from word2vec.compat.gensim.models.fasttext import FastText as FT_gensim, FastTextKeyedVectors",
        ),
        (
            "from gensim.models.keyedvectors import KeyedVectors",
            "from word2vec.compat.gensim.models.keyedvectors import KeyedVectors",
        ),
        ("gensim.models.fasttext.load_facebook", "fasttext.load_facebook"),
        ("gensim.models.fasttext.save_facebook", "fasttext.save_facebook"),
        POT,
    ),
}


def load(name: str) -> types.ModuleType:
    """Execute a test module of gensim with this package's classes.

    Args:
        name: The module in `gensim.test`.
    """
    specification = importlib.util.find_spec(f"gensim.test.{name}")
    assert specification is not None
    assert specification.origin is not None
    source = Path(specification.origin).read_text(encoding="utf-8")
    for old, new in REPLACED[name]:
        assert old in source, f"gensim's {name} has changed: {old!r} is not there"
        source = source.replace(old, new)
    module = types.ModuleType(name)
    exec(compile(source, specification.origin, "exec"), vars(module))
    return module


def names(module: types.ModuleType) -> list[str]:
    """Return the tests of a module as Class.test_name, and its functions as test_name."""
    tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    cases = [test for case in tests for test in case if isinstance(test, unittest.TestCase)]
    functions = [name for name, value in vars(module).items() if name.startswith("test_") and callable(value)]
    return [_name(test) for test in cases if type(test).__module__ == module.__name__] + functions


def run(module: types.ModuleType, name: str) -> str:
    """Run one test; return "" if it passes, and otherwise the last line of its error, or why it was skipped."""
    np.random.seed(1)  # noqa: NPY002 (the global generator that gensim's tests use)
    if "." not in name:
        return _run_function(getattr(module, name))
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromName(name, module).run(result)
    for _, reason in result.skipped:
        return f"skipped: {reason}"
    problems = [text for _, text in (*result.failures, *result.errors)]
    return re.sub(r"\s+", " ", problems[0].strip().splitlines()[-1]) if problems else ""


def _run_function(function: Callable[..., None]) -> str:
    """Run a test function with all values of its parameter; return "" or the first error."""
    (parametrized,) = function.pytestmark  # type: ignore[attr-defined]
    parameter, values = parametrized.args
    for value in values:
        try:
            function(**{parameter: value})
        except Exception as error:
            return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def _name(test: unittest.TestCase) -> str:
    return ".".join(test.id().split(".")[-2:])
