"""What stands around the leaves: styles, scripts, the charts' library, and the policy that lets a
browser ask nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from sidelight_dashboard.web.library import installed

_STYLES = ("style.css", "overview.css", "rows.css", "attacks.css", "report.css")
_SCRIPTS = ("times.js", "kept.js", "roles.js", "charts.js", "themes.js", "scrolled.js", "report.js")
"""Modules, each after those it imports from; `kept.js` takes the place of `asking.js`."""

_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


@dataclass(frozen=True)
class Shell:
    """`library` is gzip in base64; `ids` of elements that keep the library from styling."""

    style: Markup
    chart_style: Markup
    theme: Markup
    script: Markup
    library: Markup
    library_version: str
    ids: tuple[str, ...]
    policy: str


@cache
def shell() -> Shell:
    """One for the process: it is the same for all reports."""
    library = installed()
    style, chart_style = "\n".join(map(_static, _STYLES)), _static("plotly.css")
    theme, script = _static("theme.js"), "\n".join(map(_joined, _SCRIPTS))
    return Shell(
        Markup(style),  # noqa: S704 (ours, as are the three below)
        Markup(chart_style),  # noqa: S704
        Markup(theme),  # noqa: S704
        Markup(script),  # noqa: S704
        Markup(base64.b64encode(library.packed).decode()),  # noqa: S704 (letters and digits)
        library.version,
        library.styles,
        _policy((theme, script, library.script.decode()), (style, chart_style)),
    )


def _static(name: str) -> str:
    return (files("sidelight_dashboard") / "web" / "static" / name).read_text("utf-8")


def _joined(name: str) -> str:
    """A module that stands in one script with those it needs."""
    return _EXPORT.sub("", _IMPORT.sub("", _static(name)))


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(scripts)}",
            f"style-src {_hashes(styles)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
