"""The report on a run: one self-contained HTML page that opens anywhere, without a network.

Reading order: content.py collects what the report shows, from history.py (the training log), scores.py (evaluation),
comparison.py (several runs), wordmap.py (a map of the words) and embedded.py (the vectors inside the page); page.py
renders it with page.html, page.css and the scripts search.js (nearest words), charts.js, map.js and page.js.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from word2vec.errors import ConfigError
from word2vec.system.atomic_files import atomic_path
from word2vec.vectors.word_vectors import WordVectors

EXTENSIONS = (".html", ".htm")


def write_report(
    vectors: WordVectors,
    source: str | Path,
    output: str | Path,
    systems: Mapping[str, Sequence[WordVectors]] = MappingProxyType({}),
) -> None:
    """Write an HTML report on vectors.

    Args:
        vectors: The vectors.
        source: Where they were loaded from: a run folder, whose settings and log are shown, or a vectors file.
        output: The HTML file to write; its name ends in .html.
        systems: Systems to compare, by name, each with the vectors of its runs; usually, `vectors` are the first run of
            the first system. The page compares the systems, and shows how far the runs of a system agree on nearest
            neighbors; runs that are systems of their own are taken for runs of one system there.

    Raises:
        ConfigError: The name of the output does not end in .html.
        Word2VecError: The systems cannot be compared, see `compare` and `evaluate_stability`.
        Word2VecError: The file cannot be written.
    """
    output = Path(output)
    if output.suffix.lower() not in EXTENSIONS:  # a typo such as -o RUN/vectors.safetensors must not overwrite vectors
        raise ConfigError(f"{output}: not an HTML file name; choose one that ends in .html")
    with atomic_path(output) as path:  # opened first: an unwritable file is reported before the long work
        from word2vec.report.content import collect
        from word2vec.report.page import render

        path.write_text(render(collect(vectors, Path(source), systems)), encoding="utf-8")
