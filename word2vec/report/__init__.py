"""The report on a run: one HTML page that opens anywhere, without a network.

In reading order: content.py gathers what there is to say, from history.py (how training went), scores.py, wordmap.py
(a picture of the words) and embedded.py (the vectors inside the page); page.py makes the page, of page.html, page.css
and the scripts: search.js (nearest words), charts.js, map.js, page.js.
"""

from pathlib import Path

from word2vec.errors import ConfigError
from word2vec.system.atomic_files import atomic_path
from word2vec.vectors.word_vectors import WordVectors

ENDINGS = (".html", ".htm")


def write_report(vectors: WordVectors, source: str | Path, output: str | Path) -> None:
    """Write the report on vectors as one HTML page.

    Args:
        vectors: the vectors.
        source: where they were read from: a run folder, whose settings and log are shown, or a file of vectors.
        output: the page to write; its name ends in .html.

    Raises:
        ConfigError: the output's name is not that of a page.
        Word2VecError: the page cannot be written.
    """
    output = Path(output)
    if output.suffix.lower() not in ENDINGS:  # a slip such as -o RUN/vectors.safetensors must not cost the vectors
        raise ConfigError(f"{output}: the report is a page, so its name has to end in .html")
    with atomic_path(output) as path:  # opened first: what cannot be written is told before the long work
        from word2vec.report.content import gather
        from word2vec.report.page import render

        path.write_text(render(gather(vectors, Path(source))), encoding="utf-8")
