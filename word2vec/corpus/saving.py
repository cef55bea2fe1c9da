"""Save a corpus from memory as an index, so that a run can be resumed in another process."""

from pathlib import Path

import numpy as np

from word2vec.corpus.index import OFFSETS_FILE, TOKENS_FILE, VOCABULARY_FILE
from word2vec.corpus.index_writer import finish_index, npy_file, write_vocabulary
from word2vec.corpus.memory import MemoryCorpus
from word2vec.errors import CorpusError
from word2vec.system.atomic_files import TEMPORARY, flush_folder, temporary_folder


def save_corpus(corpus: MemoryCorpus, folder: Path) -> None:
    """Save a corpus as an index, which `IndexedCorpus(folder)` opens with the same ids, words and fingerprint.

    The folder appears when it is complete. An index that is there already is replaced.

    Args:
        corpus: A corpus in memory.
        folder: The folder to create; its parent must exist.

    Raises:
        CorpusError: The index cannot be written.
    """
    try:
        with temporary_folder(folder.parent, TEMPORARY) as private:
            work = private / "index"
            work.mkdir()
            for name, array in ((TOKENS_FILE, corpus.tokens), (OFFSETS_FILE, corpus.offsets)):
                with npy_file(work / name, array.dtype) as file:
                    file.write(np.ascontiguousarray(array).data)
            write_vocabulary(work / VOCABULARY_FILE, corpus.words, corpus.counts)
            finish_index(
                work,
                lowercase=corpus.lowercase,
                words=len(corpus.tokens),
                sentences=len(corpus.offsets) - 1,
                distinct_words=len(corpus.words),
                report=corpus.report,
                fingerprint=corpus.fingerprint,
                phrases=corpus.phrases,
            )
            if folder.exists():
                folder.rename(private / "replaced")
            work.rename(folder)
            flush_folder(folder.parent)
    except OSError as error:
        raise CorpusError(
            f"{folder}: the corpus cannot be saved: {error.strerror or error}; free some disk space or "
            "choose another --output"
        ) from error
