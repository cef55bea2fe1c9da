"""Hooks for MkDocs: references generated from the program itself, formulas as MathML, a figure from the results.

MathML requires neither scripts nor a network, in the build and in the browser.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCALING_FIGURE = Path(__file__).parent.parent / "evaluation" / "results" / "scaling.svg"
CLI_MARKER = "<!-- cli reference -->"
SETTINGS_MARKER = "<!-- settings -->"
FORMULA = re.compile(
    r'<(?P<tag>div|span) class="arithmatex">(?:\\\[(?P<block>.*?)\\\]|\\\((?P<inline>.*?)\\\))</(?P=tag)>', re.DOTALL
)
DEFAULT = re.compile(r"\s*\[default: (?P<value>[^]]+)\]$")  # the help of `train` has its defaults in the text


def on_files(files: Any, config: Any) -> Any:
    """Add the figure of the benchmarks, which is stored with the results."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, SCALING_FIGURE.name, abs_src_path=str(SCALING_FIGURE)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Insert the generated references where a page has their markers."""
    for marker, reference in ((CLI_MARKER, cli_reference), (SETTINGS_MARKER, settings_reference)):
        if marker in markdown:
            markdown = markdown.replace(marker, reference())
    return markdown


def on_page_content(content: str, **_: Any) -> str:
    """Turn LaTeX, as marked by the arithmatex extension, into MathML."""
    return FORMULA.sub(_as_mathml, content)


def _as_mathml(match: re.Match[str]) -> str:
    from latex2mathml.converter import convert

    block = match["block"] is not None
    return str(convert(html.unescape(match["block"] or match["inline"]), display="block" if block else "inline"))


def cli_reference() -> str:
    """Return one section per command, with a table of its arguments and one of its options."""
    from word2vec.cli.app import all_commands

    commands = {name: command for name, command in all_commands().items() if not hasattr(command, "commands")}
    return "\n".join(line for name, command in commands.items() for line in _section(name, command))


def settings_reference() -> str:
    """Return a table of the fields of TrainConfig."""
    from word2vec.config import SETTINGS, TrainConfig

    rows = [
        (
            f"`{name}`",
            f"`{getattr(kind, '__name__', None) or kind}`",
            f"`{getattr(TrainConfig(), name)!r}`",
            setting.help,
        )
        for name, (kind, setting) in SETTINGS.items()
    ]
    return "\n".join(_table(("Field", "Type", "Default", "Description"), rows))


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    yield f"## {name}\n"
    placeholders = " ".join([*map(_metavar, arguments), *(["[OPTIONS]"] if options else [])])
    yield f"```text\nword2vec {name} {placeholders}\n```\n"
    yield f"{html.escape(command.help, quote=False)}\n"
    described = [(f"`{_metavar(p)}`", p.help) for p in arguments if p.help]
    if described:
        yield from _table(("Argument", "Description"), described)
    if options:
        yield from _table(("Option", "Default", "Description"), map(_option, options))


def _option(option: Any) -> tuple[str, str, str]:
    """Return name, default and description of an option."""
    text = option.help or ""
    in_help = DEFAULT.search(text)
    value = in_help["value"] if in_help else option.default
    shown = "" if value in (None, False, (), []) else f"`{value}`"
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    kind = "" if option.is_flag else f" `{_metavar(option)}`"
    return names + kind, "required" if option.required else shown, DEFAULT.sub("", text)


def _metavar(parameter: Any) -> str:
    """Return the placeholder of a value: FILE, INTEGER or auto|cpu|cuda."""
    kind = parameter.type_descriptor
    choices = "|".join(map(str, kind.choices or ()))
    return str(parameter.metavar or choices or (kind.ranged_type_name or parameter.bare_type()).upper())


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
