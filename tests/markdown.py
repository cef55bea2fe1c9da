"""Code blocks and links of the Markdown files, for the tests that hold them to the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/word2vec-fused/word2vec-fused"
SITE = "https://word2vec-fused.github.io/word2vec-fused/"

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]


def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(path), re.DOTALL | re.MULTILINE)


def commands(path: Path) -> list[str]:
    """The commands that a page tells the reader to type, one per line."""
    typed = [line for block in blocks(path, "sh") for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    shown = [line for block in blocks(path, "console") for line in block.splitlines() if line.startswith("$ ")]
    return typed + [line.removeprefix("$ ") for line in shown]


def linked_files(path: Path) -> list[Path]:
    """The files of the checkout that a page links to, relative or on the repository's and the documentation's sites."""
    text = re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        address = target.partition("#")[0]
        if in_repository := re.fullmatch(rf"{re.escape(REPOSITORY)}/(?:blob|tree)/main/(.+)", address):
            found.append(ROOT / in_repository[1])
        elif address.startswith(SITE):
            found.append(ROOT / "docs" / f"{address.removeprefix(SITE).strip('/') or 'index'}.md")
        elif address and not re.match(r"\w+:", address):
            found.append(path.parent / address)
    return found
