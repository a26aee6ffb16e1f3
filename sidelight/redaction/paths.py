"""JSON paths (RFC 9535), and what stands at them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sidelight.errors import ConfigError, MissingExtra
from sidelight.redaction.reasons import Unredactable


def compiled_path(text: str) -> Any:
    """A JSONPath (RFC 9535); raises `ConfigError`."""
    try:
        import jsonpath
    except ImportError as exc:
        raise MissingExtra(
            f"JSONPaths need python-jsonpath ({exc}); run: pip install 'sidelight[logger]'"
        ) from exc
    try:
        return jsonpath.compile(text, strict=True)
    except jsonpath.JSONPathError as exc:
        cause = str(exc).partition("\n")[0]
        way_out = "write it as in RFC 9535" if text.startswith("$") else "begin it with '$.'"
        raise ConfigError(f"{text!r} is no JSONPath ({cause}); {way_out}") from exc


def redact_paths(document: Any, paths: Iterable[Any]) -> None:
    """Leave out what stands at the paths; in a list null takes its place."""
    found = [match for path in paths for match in path.finditer(document)]
    for match in found:
        if match.parent is None:
            raise Unredactable("form", "a path is about the whole body")
        holder, last = match.parent.obj, match.parts[-1]
        if type(holder) is list:
            holder[last] = None
        else:
            holder.pop(last, None)
