"""What never reaches the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sidelight.config.section import Section

Action = Literal["drop", "hash", "bucket", "mask"]


class ColumnRule(Section):
    """What becomes of a column. Short forms: ``drop``, ``hash``, ``{bucket: 10}``,
    ``{mask: '[0-9]{16}'}``."""

    action: Action
    """drop: the column is left out. hash: HMAC-SHA256 under
    `key_file`, a number of 48 bits for a number, 32 digits for a text. bucket: numbers become the
    middle of their interval, anything else null. mask: what matches `pattern` becomes ``***``."""
    width: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """bucket: intervals of this width from zero."""
    edges: tuple[float, ...] = ()
    """bucket: or intervals between these, open below the first and above the last."""
    pattern: str | None = None
    """mask: a regular expression."""

    @model_validator(mode="after")
    def _says_how(self) -> ColumnRule:
        if self.action == "bucket" and (self.width is None) == (not self.edges):
            raise ValueError("a bucket has a 'width' or 'edges', one of the two")
        if len(self.edges) == 1:
            raise ValueError("one edge tells nothing of its two sides' middles; give two at least")
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"'edges' are {list(self.edges)}; write each once, in order")
        if (self.action == "mask") != (self.pattern is not None):
            raise ValueError("'pattern' belongs to mask, and mask needs one")
        return self


def _rule(value: Any) -> Any:
    if isinstance(value, str):
        return {"action": value}
    if isinstance(value, dict) and "action" not in value and len(value) == 1:
        ((action, how),) = value.items()
        if action == "bucket":
            return {"action": action, "edges" if isinstance(how, list) else "width": how}
        if action == "mask":
            return {"action": action, "pattern": how}
    return value


class _Bucket(Section):
    """The short form ``{bucket: 10}``, for the schema."""

    bucket: float | tuple[float, ...]


class _Mask(Section):
    """The short form ``{mask: '[0-9]{16}'}``, for the schema."""

    mask: str


Rule = Annotated[
    ColumnRule,
    BeforeValidator(
        _rule, json_schema_input_type=Literal["drop", "hash"] | ColumnRule | _Bucket | _Mask
    ),
]


class RedactSettings(Section):
    """What never reaches the disk. What is said of one model adds to what is said of all.

    A body to which a rule cannot be applied (it cannot be parsed, it is cut) is not kept at all.
    """

    headers: tuple[str, ...] = ("authorization", "cookie")
    """Request headers never kept, whatever `logger.headers` allows."""
    paths: tuple[str, ...] = ()
    """JSONPaths (RFC 9535) of values that are left out of JSON bodies: ``$.user.email``."""
    columns: dict[str, Rule] = Field(default_factory=dict)
    """Features and outputs, by name, and what becomes of each."""
    patterns: tuple[str, ...] = ()
    """Regular expressions; what matches becomes ``***`` in every text of a body and of a header."""
    key_file: Path | None = None
    """A file that holds the key of ``hash``, 16 bytes at least; without the key nobody can find a
    value by trying."""
