"""What the deciders of one `panes` partition commit with their position."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

FORMAT = 5
"""Of the committed state; raised whenever what `Decider.saved` holds changes its meaning."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`models` holds the saved state of each model's decider, also of those not configured here.

    `said` tells for each topic and partition from where on stands what was said after the commit.
    """

    said: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        return zlib.compress(orjson.dumps(self), level=1)

    @classmethod
    def from_bytes(cls, note: bytes) -> Snapshot:
        """A state of another release is not guessed at: only its format is kept."""
        saved = orjson.loads(zlib.decompress(note))
        if saved.get("format") != FORMAT:
            return cls(saved.get("said", {}), format=saved.get("format", 0))
        return cls(**saved)
