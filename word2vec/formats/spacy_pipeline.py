"""A pipeline of spaCy with word vectors only, which `spacy.load` and `[initialize] vectors` of its settings load.

The keys of its table are identifiers of strings, some of which depend on the version of spaCy, so spaCy itself writes
the folder. The pipeline has the language xx, which means several languages.
"""

from pathlib import Path

from word2vec.errors import Word2VecError
from word2vec.formats.model_card import write_card
from word2vec.formats.table import Table

LANGUAGE = "xx"
TAGS = ("spacy", "word-embeddings", "word2vec")


def write_spacy(path: Path, table: Table, progress: bool = False) -> None:  # noqa: ARG001 (spaCy has no progress bar)
    """Write the files of a pipeline, except for its README.md, into an empty folder.

    Raises:
        Word2VecError: spaCy is not installed.
    """
    try:
        import spacy  # pyright: ignore[reportMissingImports] (an extra)
        from spacy.vectors import Vectors  # pyright: ignore[reportMissingImports] (an extra)
    except ImportError as error:
        raise Word2VecError(
            "spaCy is not installed; install it with: pip install 'word2vec-fused[spacy]'; or export with --format "
            "word2vec-text and convert the file where spaCy is installed: spacy init vectors en FILE FOLDER"
        ) from error
    pipeline = spacy.blank(LANGUAGE)
    for word in table.words:
        pipeline.vocab.strings.add(word)
    vectors = Vectors(strings=pipeline.vocab.strings, data=table.vectors, keys=table.words, name=path.name)
    pipeline.vocab.vectors = vectors
    pipeline.to_disk(path)


def spacy_card(name: str, table: Table) -> str:
    """Return the model card."""
    usage = (
        '```python\nimport spacy\n\npipeline = spacy.load("PATH")  # this folder\n'
        'pipeline("first text").similarity(pipeline("second text"))\n```\n\n'
        "To use the vectors in a pipeline of your own, set `vectors` to the path of this folder in the section "
        "`[initialize]` of its settings."
    )
    return write_card("spacy", TAGS, name, table, usage)
