"""What settled windows are told under."""

from __future__ import annotations

NAME = "labels"


def detector_of(part: str) -> str:
    """Of a part: its windows by what came true are another detector than those without."""
    return part if part == NAME else f"{part}:{NAME}"
