"""Copy standard input and pipes to temporary files, so that they are hashed and indexed like any other file."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from word2vec.corpus.sources import STDIN
from word2vec.errors import CorpusError
from word2vec.system.atomic_files import temporary_folder
from word2vec.system.cache import remedy

COPY_BYTES = 1 << 20  # bytes copied at a time


def is_stream(file: Path) -> bool:
    """Return whether a file can be read only once: standard input or a pipe."""
    return file == STDIN or file.is_fifo()


@contextmanager
def spooled(stream: Path, cache: Path) -> Iterator[Path]:
    """Copy a stream to a temporary file that exists during the block.

    Args:
        stream: A pipe, or `STDIN`.
        cache: The cache folder, in which the file is created.

    Yields:
        The temporary file. A CorpusError of the block that names it is changed to name the stream.

    Raises:
        CorpusError: The copy cannot be written.
    """
    name = "standard input" if stream == STDIN else str(stream)
    with ExitStack() as folder:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            spool = folder.enter_context(temporary_folder(cache, "stdin-")) / "text"
            with (
                spool.open("wb") as file,
                nullcontext(sys.stdin.buffer) if stream == STDIN else stream.open("rb") as source,
            ):
                shutil.copyfileobj(source, file, COPY_BYTES)
        except OSError as error:
            raise CorpusError(
                f"{cache}: the copy of {name} cannot be written: {error.strerror or error}; {remedy(error)}"
            ) from error
        try:
            yield spool
        except CorpusError as error:
            raise CorpusError(str(error).replace(str(spool), name)) from error
