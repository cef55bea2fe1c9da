"""Refinement of vectors by character n-grams: compared with an exact ridge regression, and what it does to vectors."""

from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from word2vec.errors import ConfigError, FormatError, Word2VecError
from word2vec.models.subwords import Subwords, hash_words
from word2vec.vectors.refinement import Refinement, refine_table
from word2vec.vectors.word_vectors import WordVectors

STEMS = ("walk", "jump", "paint", "climb", "naïf", "東京")
ENDINGS = ("", "s", "ed", "ing", "er", "ers")
WORDS = [stem + ending for stem, ending in product(STEMS, ENDINGS)] + ["</s>", "xyzzy", "a"]  # the last have no n-grams
D = 21  # more than one block of columns, and not a multiple of it


@pytest.fixture
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    stems, endings = rng.standard_normal((2, 40, D))
    rows = [
        (stems[STEMS.index(stem)] + endings[ENDINGS.index(ending)] + 0.3 * rng.standard_normal(D)) * rng.uniform(0.5, 3)
        for stem, ending in product(STEMS, ENDINGS)
    ]
    table = np.array([*rows, *rng.standard_normal((3, D))]) + 0.5
    counts = np.sort(rng.integers(1, 200, len(WORDS)))[::-1]
    return WordVectors(WORDS, table, counts=counts, output=rng.standard_normal(table.shape))


def exact(vectors: WordVectors, settings: Refinement) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The refined vectors (V, D), the coefficients (G, D) and their buckets (G,), with dense matrices in float64."""
    assert vectors.counts is not None
    assert vectors.output is not None
    ids, ends = hash_words([word.encode() for word in vectors.words], *settings.lengths, settings.buckets)
    ngrams = [Counter(part.tolist()) for part in np.split(ids, ends[:-1])]
    words_with = Counter(bucket for word in ngrams for bucket in word)
    used = sorted(bucket for bucket, words in words_with.items() if words >= settings.min_words)
    x = np.array([[word[bucket] for bucket in used] for word in ngrams], dtype=np.float64)  # (V, G)
    x /= np.sqrt(np.maximum(1, x.sum(axis=1, keepdims=True)))
    unit = vectors.vectors - vectors.vectors.mean(axis=0, dtype=np.float64)
    unit += (0.25 if settings.output_weight is None else settings.output_weight) * (
        vectors.output - vectors.output.mean(axis=0, dtype=np.float64)
    )
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    weights = np.minimum(1, vectors.counts / settings.full_count)[:, None]  # (V, 1)
    b = np.linalg.solve(x.T @ (weights * x) + settings.penalty * np.eye(len(used)), x.T @ (weights * unit))
    s = (vectors.counts / (vectors.counts + settings.prior_count))[:, None]
    return s * unit + (1 - s + settings.prediction_weight) * (x @ b), b, np.array(used)


@pytest.mark.parametrize(
    "settings",
    [
        Refinement(steps=200),  # until conjugate gradient has converged
        Refinement(
            lengths=(2, 4),
            buckets=97,
            min_words=2,
            penalty=0.7,
            steps=200,
            full_count=50,
            prior_count=5,
            prediction_weight=0.2,
            output_weight=0.0,
        ),
    ],
    ids=["defaults", "few buckets"],
)
def test_refined_vectors_are_those_of_an_exact_ridge_regression(settings: Refinement, vectors: WordVectors) -> None:
    found, subwords = refine_table(vectors.words, vectors.vectors, vectors.output, vectors.counts, settings)
    expected, b, used = exact(vectors, settings)
    np.testing.assert_allclose(found, expected, atol=2e-4)
    # the rows of the n-grams are the coefficients times one number
    order = np.argsort(subwords.used if subwords.used is not None else [])
    rows = subwords.rows[order]
    np.testing.assert_array_equal(np.sort(subwords.used), used)  # type: ignore[arg-type]
    factor = np.linalg.norm(rows) / np.linalg.norm(b)
    np.testing.assert_allclose(rows, factor * b, atol=2e-4 * factor)


def test_twelve_steps_are_close_to_the_solution_and_threads_do_not_change_it(vectors: WordVectors) -> None:
    found = vectors.refine(threads=1)
    np.testing.assert_array_equal(found.vectors, vectors.refine(threads=3).vectors)
    cosines = np.einsum("vd,vd->v", found.unit, WordVectors(WORDS, exact(vectors, Refinement())[0]).unit)
    assert cosines.min() > 0.99


def test_unknown_words_get_vectors_that_point_to_their_prediction(vectors: WordVectors) -> None:
    refined = vectors.refine(prior_count=1e9)  # the refined vectors of known words are their predictions
    assert refined.subwords is not None
    predicted, found = refined.subwords.vectors(WORDS[:30])  # those with n-grams in common
    assert found.all()
    lengths = np.linalg.norm(predicted, axis=1)
    np.testing.assert_allclose(predicted / lengths[:, None], refined.unit[:30], atol=1e-4)
    ratio = lengths.mean() / np.linalg.norm(refined.vectors[:30], axis=1).mean()
    assert 0.8 < ratio < 1.25
    assert refined.nearest("painters'", n=1)[0][0].startswith("paint")
    assert "qqqqq" not in refined.from_ngrams(["qqqqq"])


def test_refined_vectors_keep_the_plain_ones(vectors: WordVectors) -> None:
    refined = vectors.refine()
    np.testing.assert_array_equal(refined.plain, vectors.vectors)  # type: ignore[arg-type]
    np.testing.assert_array_equal(refined.output, vectors.output)  # type: ignore[arg-type]
    assert refined.nearest("walks") == vectors.nearest("walks") == refined.unrefined().nearest("walks")
    assert refined.nearest(["walks", ("jumps", 0.5)]) == vectors.nearest(["walks", ("jumps", 0.5)])
    ours = WordVectors(WORDS, refined.vectors)
    assert refined.nearest("walks", refined=True) == ours.nearest("walks") != vectors.nearest("walks")
    assert refined.nearest(["walks", "jumped"], ["jumps"]) == ours.nearest(["walks", "jumped"], ["jumps"])
    assert refined.analogy("jumps", "jumped", "walks") == ours.analogy("jumps", "jumped", "walks")
    assert refined.nearest(vectors["walks"]) == ours.nearest(vectors["walks"])
    weighted = [("walks", 1.0), ("jumps", -0.5)]
    assert refined.nearest(weighted) == refined.nearest(iter(weighted)) == ours.nearest(weighted)
    assert refined.nearest(["walks"], iter(["jumps"])) == ours.nearest(["walks"], ["jumps"])
    np.testing.assert_array_equal(refined.most_similar("walks", topn=None), vectors.most_similar("walks", topn=None))
    with pytest.raises(Word2VecError, match="walkable"):
        refined.nearest("walkable", refined=False)
    assert vectors.unrefined() is vectors
    assert vectors.refinement is refined.unrefined().refinement is None


@pytest.mark.parametrize("name", ["run", "v.safetensors", "v.npz", "v.bin"])
def test_files_keep_refined_vectors(name: str, vectors: WordVectors, tmp_path: Path) -> None:
    refined = vectors.refine(lengths=(3, 5), prior_count=7.5)
    refined.save(tmp_path / name)
    loaded = WordVectors.load(tmp_path / name)
    fasttext = name.endswith(".bin")
    np.testing.assert_allclose(loaded.vectors, refined.vectors, atol=1e-5 if fasttext else 0)
    np.testing.assert_allclose(loaded["climbable"], refined["climbable"], rtol=1e-6)
    assert (loaded.plain is None) == fasttext  # the format has no place for them
    if not fasttext:
        part = WordVectors.load(tmp_path / name, limit=5)
        np.testing.assert_array_equal(part.plain, vectors.vectors[:5])  # type: ignore[arg-type]
        assert loaded.refinement == part.refinement == refined.refinement
        assert loaded.refinement is not None
        assert loaded.refinement["output_weight"] == 0.25  # the default if there is an output table
        repeated = loaded.unrefined().refine(**loaded.refinement)
        np.testing.assert_array_equal(repeated.vectors, refined.vectors)


@pytest.mark.parametrize("name", ["v.safetensors", "v.npz"])
def test_damaged_settings_are_rejected_and_files_without_them_are_read(
    name: str, vectors: WordVectors, tmp_path: Path
) -> None:
    refined = vectors.refine()
    refined.refinement = ["not", "an object"]  # type: ignore[assignment]
    refined.save(tmp_path / name)
    with pytest.raises(FormatError, match="refinement are not a JSON object"):
        WordVectors.load(tmp_path / name)
    refined.refinement = None  # as in files of earlier versions
    refined.save(tmp_path / name)
    loaded = WordVectors.load(tmp_path / name)
    assert loaded.refinement is None
    np.testing.assert_array_equal(loaded.plain, vectors.vectors)  # type: ignore[arg-type]


def test_fasttext_computes_our_vectors(vectors: WordVectors, tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    refined = vectors.refine(buckets=1000)
    refined.save(tmp_path / "refined.bin")
    model = fasttext.load_model(str(tmp_path / "refined.bin"))
    for word in ("walks", "東京ers", "climbable"):
        np.testing.assert_allclose(model[word], refined[word], atol=1e-5)


def test_counts_decide_how_far_words_are_refined(vectors: WordVectors) -> None:
    counts = np.full(len(WORDS), 10**12)
    refined = WordVectors(WORDS, vectors.vectors, counts=counts).refine(prediction_weight=0)
    centered = WordVectors(WORDS, vectors.vectors - vectors.vectors.mean(axis=0))
    np.testing.assert_allclose(refined.vectors, centered.unit, atol=1e-6)
    without = WordVectors(WORDS, vectors.vectors)
    with pytest.raises(Word2VecError, match="no counts"):
        without.refine()
    ignored = without.refine(ignore_counts=True, prediction_weight=0)
    np.testing.assert_array_equal(ignored.vectors, refined.vectors)
    same = vectors.refine(ignore_counts=True, prediction_weight=0, output_weight=0)
    np.testing.assert_array_equal(same.vectors, ignored.vectors)


def test_what_cannot_be_refined_is_rejected_in_one_line(vectors: WordVectors) -> None:
    rows = np.eye(3, D)
    trained = WordVectors(WORDS, vectors.vectors, counts=vectors.counts, subwords=Subwords(rows, 3, 6))
    unlike = WordVectors(["walk", "jump", "paint"], rows, counts=[3, 2, 1])
    for table, message in (
        (vectors.refine(), "refined already"),
        (trained, "have n-grams"),
        (unlike, "no 3 of 3 words have an n-gram of 4 to 6 characters in common"),
    ):
        with pytest.raises(Word2VecError, match=message) as caught:
            table.refine()
        assert "\n" not in str(caught.value)
    with pytest.raises(Word2VecError, match="no output table"):
        WordVectors(WORDS, vectors.vectors, counts=vectors.counts).refine(output_weight=0.25)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("lengths", (0, 3)),
        ("lengths", (5, 4)),
        ("buckets", 0),
        ("min_words", 0),
        ("steps", 0),
        ("penalty", 0.0),
        ("penalty", float("nan")),
        ("prior_count", -1.0),
        ("output_weight", float("inf")),
    ],
)
def test_settings_are_checked(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=setting):
        Refinement(**{setting: value})  # type: ignore[arg-type]


def test_probabilities_are_those_of_the_plain_vectors() -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((2, 36, 8))
    plain = WordVectors(WORDS[:36], table[0], counts=np.arange(36, 0, -1), nodes=table[1])
    refined = plain.refine()
    assert refined.probability("walks", "jumps") == plain.probability("walks", "jumps")
    sentence = ["walk", "jumps", "paints"]
    assert refined.log_likelihood(sentence) == plain.log_likelihood(sentence)
