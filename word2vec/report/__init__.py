"""The report on a run: one self-contained HTML page that opens anywhere, without a network.

Reading order: content.py collects what the report shows, from history.py (the training log), scores.py (evaluation),
wordmap.py (a map of the words) and embedded.py (the vectors inside the page); page.py renders it with page.html,
page.css and the scripts search.js (nearest words), charts.js, map.js and page.js.
"""

from pathlib import Path

from word2vec.errors import ConfigError
from word2vec.system.atomic_files import atomic_path
from word2vec.vectors.word_vectors import WordVectors

EXTENSIONS = (".html", ".htm")


def write_report(vectors: WordVectors, source: str | Path, output: str | Path) -> None:
    """Write an HTML report on vectors.

    Args:
        vectors: The vectors.
        source: Where they were loaded from: a run folder, whose settings and log are shown, or a vectors file.
        output: The HTML file to write; its name ends in .html.

    Raises:
        ConfigError: The name of the output does not end in .html.
        Word2VecError: The file cannot be written.
    """
    output = Path(output)
    if output.suffix.lower() not in EXTENSIONS:  # a typo such as -o RUN/vectors.safetensors must not overwrite vectors
        raise ConfigError(f"{output}: not an HTML file name; choose one that ends in .html")
    with atomic_path(output) as path:  # opened first: an unwritable file is reported before the long work
        from word2vec.report.content import collect
        from word2vec.report.page import render

        path.write_text(render(collect(vectors, Path(source))), encoding="utf-8")
