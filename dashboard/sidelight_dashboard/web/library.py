"""The charts' library: its JavaScript as it lies in the installed wheel."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.resources import files

_OWN_STYLE = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')


@dataclass(frozen=True)
class Library:
    """plotly.js of the installed plotly."""

    version: str

    @property
    def address(self) -> str:
        """With its version, so that a browser may keep it for ever."""
        return f"/static/plotly.min.js?v={self.version}"

    @cached_property
    def script(self) -> bytes:
        return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()

    @cached_property
    def packed(self) -> bytes:
        """Compressed with gzip."""
        return gzip.compress(self.script, 6)

    @cached_property
    def styles(self) -> tuple[str, ...]:
        """Ids of `<style>` elements that it adds unless there are elements of these ids.

        The page has such elements, since its content policy takes no style from a script.
        """
        return tuple(sorted({found.decode() for found in _OWN_STYLE.findall(self.script)}))


@cache
def installed() -> Library:
    """One for the process: what it holds is large."""
    return Library(version("plotly"))
