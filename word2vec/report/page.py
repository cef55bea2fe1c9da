"""Render the content of a report as one self-contained HTML file: styles, scripts and data are inline.

Words and settings are untrusted text and may look like markup, so Jinja escapes everything in the page and the JSON
data contains no `<`. In addition, a content security policy allows only the page's own scripts, by their hashes, and
forbids loading anything.
"""

import base64
import hashlib
import json
import math
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from word2vec.report.content import Content
from word2vec.report.history import similarities, speeds

SCRIPTS = ("search.js", "charts.js", "map.js", "page.js")
"""The scripts of the page, in the order in which they are loaded."""


def render(content: Content) -> str:
    """Render the page as text, to be written in UTF-8."""
    from jinja2 import Environment, StrictUndefined
    from plotly.offline import get_plotlyjs

    scripts = [_inline(text) for text in (get_plotlyjs(), *map(_read, SCRIPTS))]
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template.filters |= {"score": _score, "percent": _percent, "signed": _signed, "p_value": _p_value}
    return template.from_string(_read("page.html")).render(
        content=content,
        version=version("word2vec-fused"),
        policy=policy(scripts),
        style=_read("page.css"),
        scripts=scripts,
        data=as_json(page_data(content)),
    )


def page_data(content: Content) -> dict[str, Any]:
    """Return the data that the scripts of the page draw and search."""
    embedded, word_map = content.embedded, content.word_map
    return {
        "history": _history(content),
        "map": {
            "words": word_map.words,
            "x": [round(float(x), 3) for x in word_map.positions[:, 0]],
            "y": [round(float(y), 3) for y in word_map.positions[:, 1]],
            "clusters": word_map.clusters.tolist(),
        },
        "embedded": {
            "words": embedded.words,
            "dim": embedded.rows.shape[1],
            "rows": base64.b64encode(embedded.rows.tobytes()).decode("ascii"),
        },
    }


def as_json(data: object) -> str:
    """Encode as JSON for use inside a script element, which `</script>` or `<!--` in a word must not end."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def policy(scripts: list[str]) -> str:
    """Return a content security policy that allows only these scripts and loads nothing."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    # subtle: plotly.js sets styles on the elements that it draws, so inline styles must be allowed
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"


def _history(content: Content) -> dict[str, Any] | None:
    history = content.history
    if history is None:
        return None
    points = speeds(history)
    return {
        "epochs": [
            {
                "epoch": curve.epoch,
                "seconds": curve.seconds,
                "loss": [round(loss, 6) for loss in curve.loss],
                "validation": curve.validation_loss,
            }
            for curve in history.epochs
        ],
        "speed": {"seconds": [at for at, _ in points], "words": [round(words) for _, words in points]},
        "similarity": [
            {"name": name, "epochs": [at for at, _ in found], "values": [value for _, value in found]}
            for name, found in similarities(history).items()
        ],
    }


def _read(name: str) -> str:
    return (files("word2vec.report") / name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    """Return a script ready to be inlined: nothing in it ends the element, and browsers hash exactly this text."""
    return script.replace("\r\n", "\n").replace("</script", "<\\/script")


def _score(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"


def _signed(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:+.3f}".replace("-", "\u2212")


def _p_value(value: float) -> str:
    if math.isnan(value):
        return "undefined"
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}"


def _percent(value: float) -> str:
    """Return the position of a score on the axis, which ranges from 0 to 1; scores below 0 are drawn at 0."""
    return f"{100 * min(max(value, 0.0), 1.0):.2f}%"
