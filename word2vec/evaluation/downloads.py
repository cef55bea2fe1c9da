"""Public test sets that may not be shipped with the package: where they are, and their copies in the cache.

A set is downloaded from the page of its authors, and the files with its pairs or questions are stored as they are,
except that lines end in a newline character only. So the SHA-256 of the stored text (of several files, joined in the
order of their names) does not depend on archives or line ends. Where the original content could be verified, its
checksum is listed here. Otherwise the first download is trusted, its checksum is recorded beside it, and a later
download with another checksum is an error. Reading the files is left to `benchmarks.py`.
"""

import hashlib
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from word2vec.errors import DownloadError, FormatError
from word2vec.system.atomic_files import atomic_path, new_folder, temporary_folder
from word2vec.system.cache import cache_folder, remedy
from word2vec.system.download import fetch_files

logger = logging.getLogger("word2vec")


@dataclass(frozen=True)
class PublicSet:
    """A test set on the web.

    Attributes:
        kind: The option of `word2vec evaluate` that it belongs to, "pairs" or "analogies".
        url: The address of a file or archive.
        files: Patterns of the files in the archive, as in `fnmatch`; empty if the address is the file.
        sha256: The SHA-256 of the stored text; None if the first download is trusted.
        source: Who made it, and its size.
    """

    kind: str
    url: str
    files: tuple[str, ...]
    sha256: str | None
    source: str


_WS353 = "http://alfonseca.org/pubs/ws353simrel.tar.gz"

SETS = {
    "men": PublicSet(
        "pairs",
        "https://staff.fnwi.uva.nl/e.bruni/resources/MEN.tar.gz",
        ("*/MEN_dataset_natural_form_full",),
        "4596e169dd237228ca7701dde33585ca93263506ce7fca9de0f951aaab1aae36",
        "Bruni et al. 2012, 3,000 pairs",
    ),
    "rw": PublicSet(
        "pairs",
        "https://nlp.stanford.edu/~lmthang/morphoNLM/rw.zip",
        ("*/rw.txt",),
        None,
        "rare words, Luong et al. 2013, 2,034 pairs",
    ),
    "simverb-3500": PublicSet(
        "pairs",
        "https://www.repository.cam.ac.uk/bitstream/handle/1810/264124/simverb-3500-data.zip",
        ("*/SimVerb-3500.txt",),
        "b58f68454cf9354b94ecd8bfd778ff2cc784a25fc7dca02bc695319ad2b4157e",
        "verbs, Gerz et al. 2016, 3,500 pairs",
    ),
    "mturk-771": PublicSet(
        "pairs",
        "http://www2.mta.ac.il/~gideon/datasets/MTURK-771.csv",
        (),
        "b360169c16e5dbfaf5361f7f76557884e113bd3b2bdd7490629ce0f042220e41",
        "Halawi et al. 2012, 771 pairs",
    ),
    "ws353-similarity": PublicSet(
        "pairs",
        _WS353,
        ("*/wordsim_similarity_goldstandard.txt",),
        None,
        "the similar pairs of WordSim-353, Agirre et al. 2009, 203 pairs",
    ),
    "ws353-relatedness": PublicSet(
        "pairs",
        _WS353,
        ("*/wordsim_relatedness_goldstandard.txt",),
        None,
        "the related pairs of WordSim-353, Agirre et al. 2009, 252 pairs",
    ),
    "msr": PublicSet(
        "analogies",
        "https://download.microsoft.com/download/A/B/4/AB4F476B-48A6-47CF-9716-5FF9D0D1F7EA/"
        "FeatureAugmentedRNNToolkit-v1.1.tgz",
        ("*/word_relationship.questions", "*/word_relationship.answers"),
        None,
        "Mikolov et al. 2013, 8,000 questions",
    ),
    "bats": PublicSet(
        "analogies",
        "https://vecto-data.s3-us-west-1.amazonaws.com/BATS_3.0.zip",
        ("BATS_3.0/*/*.txt",),
        None,
        "Gladkova et al. 2016, 98,000 questions",
    ),
}
"""Name -> test set that can be downloaded."""


def benchmarks_folder() -> Path:
    """Return the folder of downloaded test sets."""
    return cache_folder() / "benchmarks"


def path_of_set(name: str) -> Path:
    """Return the file or folder of a set in `SETS`.

    Raises:
        FormatError: It is not downloaded.
    """
    path = _target(name)
    if not path.exists():
        raise FormatError(
            f"{name}: this public set is not downloaded; run word2vec download {name} (or pass ./{name} for a file)"
        )
    return path


def download_set(name: str) -> Path:
    """Return the file or folder of a set in `SETS`, downloading it if it does not exist yet.

    Raises:
        Word2VecError: The download failed, has the wrong content, or cannot be written.
    """
    target = _target(name)
    if target.exists():
        return target
    known = SETS[name]
    try:
        with new_folder(target.parent), temporary_folder(target.parent, ".download-") as work:
            contents = fetch_files(known.url, known.files, work, progress=sys.stderr.isatty())
            texts = {file: content.replace(b"\r\n", b"\n") for file, content in sorted(contents.items())}
            _check(name, hashlib.sha256(b"".join(texts.values())).hexdigest())
            if target.suffix:
                with atomic_path(target) as path:
                    path.write_bytes(*texts.values())
            else:
                _write_folder(texts, work / name, target)
    except OSError as error:
        raise DownloadError(f"{target}: cannot be written ({error.strerror or error}); {remedy(error)}") from error
    return target


def _target(name: str) -> Path:
    """Return where a set is stored: a folder if it consists of several files."""
    several = SETS[name].kind == "analogies"
    return benchmarks_folder() / (name if several else f"{name}.txt")


def _check(name: str, digest: str) -> None:
    """Compare a checksum with the listed one, or with that of the first download, which is recorded.

    Raises:
        DownloadError: They differ.
    """
    known, record = SETS[name], benchmarks_folder() / f"{name}.sha256"
    if known.sha256 is not None and digest != known.sha256:
        raise DownloadError(
            f"{known.url}: checksum mismatch for {name}; a proxy may have replaced the file, or its authors have "
            "changed it: download it yourself, check it, and pass the path of the file in place of the name"
        )
    if known.sha256 is not None:
        return
    if not record.exists():
        with atomic_path(record) as path:
            path.write_text(f"{digest}  {known.url}\n", encoding="utf-8")
        logger.info(
            "%s: no published checksum; trusted on first use, SHA-256 %s is recorded in %s", name, digest, record
        )
    elif record.read_text(encoding="utf-8").split()[:1] != [digest]:
        raise DownloadError(
            f"{known.url}: the content of {name} has changed since its first download; if you trust the new content, "
            f"delete {record} and download it again"
        )


def _write_folder(texts: dict[str, bytes], unfinished: Path, target: Path) -> None:
    unfinished.mkdir()
    for file, content in texts.items():
        (unfinished / file).write_bytes(content)
    try:
        unfinished.rename(target)
    except OSError:
        if not target.exists():  # otherwise another process was faster
            raise
        shutil.rmtree(unfinished)
