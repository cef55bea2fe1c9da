"""Reading the lines of test sets, with the errors that users can make in text files."""

from pathlib import Path

from word2vec.errors import FormatError


def read_text(path: Path) -> str:
    """Return the content of a UTF-8 file, without a byte-order mark.

    Raises:
        FormatError: The file cannot be read or is not UTF-8 text; names the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FormatError(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from None
    if "\0" in text:
        raise FormatError(f"{path}: contains NUL bytes, so it is binary or UTF-16; save it as UTF-8 text")
    return text


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are neither blank nor comments (which start with `#`), with line numbers from 1.

    Raises:
        FormatError: See `read_text`.
    """
    # subtle: not splitlines, which also splits at characters that words may contain and would shift the line numbers
    numbered = enumerate(read_text(path).split("\n"), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]
