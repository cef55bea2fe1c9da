"""Build the corpus wiki8: English Wikipedia of 2015 in text8 format, from its public source.

    python data/make_wiki8.py                        # clones the source, writes data/wiki8, verifies its checksum
    python data/make_wiki8.py --source CLONE         # uses an existing clone, bare or not
    python data/make_wiki8.py --bytes 420000000 --output data/wiki-all     # all articles: about 70 million words

The source is the folder `text` of github.com/jason-feng/wikiVisual at a fixed commit: the articles of a Wikipedia dump
as WikiExtractor wrote them, in the order of their page ids. The script drops markup and duplicate, very short and
disambiguation articles, and writes one line of words in text8 format: a to z only, single spaces, every digit
spelled out as a word. The default size of 100,000,000 bytes ends at a whole word and gives 99,999,994 bytes, 16,940,117
words, whose SHA-256 is verified. Needs git and no package; takes about ten seconds after the clone.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

SOURCE = "https://github.com/jason-feng/wikiVisual"
COMMIT = "1c0fac92f29f17c1603bfffbe864e0dfdff66897"
FOLDER = "text"
BYTES = 100_000_000  # as in text8
CHECKSUMS = {  # SHA-256 by --bytes
    BYTES: "f2f17477b2339062d35a5aeb80c79145aeab2c10260d602bf28625cf5361200d",
    420_000_000: "6bf6f236f4c3f2f130e3ca4613e71205aef8a54176d8152baa53b635a3e13344",  # all articles, 413,150,541 bytes
}
MIN_WORDS = 25  # shorter articles are dropped
DISAMBIGUATION = b"(disambiguation)"

ARTICLE = re.compile(rb'<doc id="[^"]*" url="[^"]*" title="([^\n]*)">\n(.*?)\n</doc>', re.DOTALL)
DIGITS = dict(zip(b"0123456789", b"zero one two three four five six seven eight nine".split(), strict=True))
ENTITIES = ((b"&amp;", b"&"), (b"&lt;", b"<"), (b"&gt;", b">"))
# Applied in this order; the result depends on it.
MARKUP = [
    (re.compile(rb"\b(?:formula|codice)_\d+"), b" "),  # WikiExtractor's placeholders for <math> and <code>
    (re.compile(rb"<ref[^<]*</ref>", re.IGNORECASE), b""),
    (re.compile(rb"<!--.*?-->", re.DOTALL), b" "),
    (re.compile(rb"</?[a-zA-Z][^<>\n]{0,400}>"), b""),  # tags, but not "a < b"
    (re.compile(rb"\[https?:[^\] ]*"), b"["),  # the address of a link; its text stays
    (re.compile(rb"https?://\S+"), b" "),
    (re.compile(rb"\|(?:thumb|left|right|\d+px)", re.IGNORECASE), b""),
    (re.compile(rb"\[\[(?:image|file):[^\[\]]*\|", re.IGNORECASE), b""),
    (re.compile(rb"\[\[category:([^|\]]*)[^\]]*\]\]", re.IGNORECASE), rb"[[\1]]"),
    (re.compile(rb"\[\[[a-z\-]*:[^\]]*\]\]"), b""),  # links to other languages
    (re.compile(rb"\[\[[^|\]]*\|"), b"[["),
    (re.compile(rb"\{\{[^}\n]*\}\}"), b""),
    (re.compile(rb"\{[^}\n]*\}"), b""),
    (re.compile(rb"[\[\]]"), b""),
    (re.compile(rb"&#?[a-zA-Z0-9]{1,10};"), b" "),
]
DIGIT = re.compile(rb"[0-9]")
NOT_A_LETTER = re.compile(rb"[^a-z]+")


class BuildError(Exception):
    """The corpus cannot be built; the message is one line."""


def normalize(text: bytes) -> bytes:
    """Return the words of an article: a to z only, single spaces, digits spelled out."""
    for entity, character in ENTITIES:
        text = text.replace(entity, character)
    for pattern, replacement in MARKUP:
        text = pattern.sub(replacement, text)
    text = DIGIT.sub(lambda match: b" " + DIGITS[match[0][0]] + b" ", text.lower())
    return NOT_A_LETTER.sub(b" ", text).strip(b" ")


def git(repository: Path, *arguments: str) -> bytes:
    """Return the standard output of a git command.

    Raises:
        BuildError: The command failed, or git is not installed.
    """
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise BuildError(f"git: {error.strerror}; install git") from None
    if done.returncode:
        message = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise BuildError(f"git {arguments[0]} in {repository}: {message}; pass a clone of {SOURCE} with --source")
    return done.stdout


def clone(source: str, folder: Path) -> Path:
    """Clone the repository without a work tree."""
    print(f"cloning {source}", file=sys.stderr)
    git(folder, "clone", "--quiet", "--bare", source, "clone")
    return folder / "clone"


def article_files(repository: Path, commit: str) -> Iterator[bytes]:
    """Yield the contents of the files text/*/wiki_NN, in the order of their paths, which is that of the page ids."""
    listed = git(repository, "ls-tree", "-r", "--name-only", commit, "--", f"{FOLDER}/").decode().splitlines()
    paths = sorted(path for path in listed if re.search(r"/wiki_\d+$", path))
    if not paths:
        raise BuildError(
            f"{repository}: no files {FOLDER}/*/wiki_NN at commit {commit[:12]}; check --source and --commit"
        )
    for path in paths:
        yield git(repository, "cat-file", "blob", f"{commit}:{path}")


def articles(files: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the normalized texts of all articles that are kept, each after a space."""
    titles: set[bytes] = set()
    texts: set[bytes] = set()
    for file in files:
        for title, body in ARTICLE.findall(file):
            if title in titles:
                continue
            titles.add(title)
            if DISAMBIGUATION in title:
                continue
            first_line, _, rest = body.partition(b"\n")
            text = normalize(rest if first_line.strip() == title.strip() else body)
            digest = hashlib.sha1(text, usedforsecurity=False).digest()
            if text.count(b" ") + 1 < MIN_WORDS or digest in texts:
                continue
            texts.add(digest)
            yield b" " + text


def write_corpus(texts: Iterator[bytes], path: Path, limit: int) -> tuple[int, str]:
    """Write the texts until `limit` bytes, cut after a whole word; returns the size and the SHA-256."""
    size, checksum = 0, hashlib.sha256()
    with path.open("wb") as file:
        for text in texts:
            fits = size + len(text) <= limit
            if not fits:
                text = text[: limit - size + 1]
                text = text[: text.rfind(b" ")]
            file.write(text)
            checksum.update(text)
            size += len(text)
            if not fits:
                break
    return size, checksum.hexdigest()


def build(repository: Path, output: Path, limit: int, commit: str, expected: str | None) -> str:
    """Build the corpus next to `output` and move it there; returns a line that describes it.

    Raises:
        BuildError: The repository is invalid, or the checksum of the corpus does not match.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.name}.partial")
    try:
        size, checksum = write_corpus(articles(article_files(repository, commit)), partial, limit)
        if expected is not None and checksum != expected:
            raise BuildError(
                f"{output}: checksum mismatch: SHA-256 {checksum}, expected {expected}; nothing was written"
            )
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return f"{output}: {size:,} bytes, SHA-256 {checksum}{' (verified)' if expected else ''}"


def number_of_bytes(text: str) -> int:
    """Parse an option: sizes of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bytes of 1 or more")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Build the corpus; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make_wiki8.py",
        description="Build the corpus wiki8 from its public source and verify its checksum. Takes about ten seconds "
        "after the clone.",
    )
    add = parser.add_argument
    add("--source", default=SOURCE, help="git repository: a clone, or an address to clone; default: %(default)s")
    add("--output", type=Path, default=Path(__file__).parent / "wiki8", help="text file to write; default: data/wiki8")
    add(
        "--bytes",
        type=number_of_bytes,
        default=BYTES,
        help="maximum size; default: %(default)s, for which the checksum is known",
    )
    add("--commit", default=COMMIT, help="commit of the source; default: %(default)s")
    add("--sha256", help="expected checksum, in place of the known one")
    options = parser.parse_args(arguments)
    known = CHECKSUMS.get(options.bytes) if options.commit == COMMIT else None
    expected = options.sha256 or known
    local = Path(options.source).is_dir()
    try:
        with nullcontext("") if local else tempfile.TemporaryDirectory(prefix="wiki8-") as folder:
            repository = Path(options.source) if local else clone(options.source, Path(folder))
            print(build(repository, options.output, options.bytes, options.commit, expected))
    except (BuildError, OSError) as error:
        print(f"make_wiki8.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
