"""The ``Prefer`` header: whether a client waits for its answer, and how long (RFC 7240)."""

from __future__ import annotations

from dataclasses import dataclass

ASYNC = "respond-async"


@dataclass(frozen=True)
class Preference:
    """`is_async`: rather a job than a wait. `wait_seconds`: but wait so long for the answer."""

    is_async: bool
    wait_seconds: float


def preference(header: str) -> Preference:
    """What the header prefers; what it says badly counts as not said."""
    told = dict(_pair(part) for part in header.split(","))
    return Preference(ASYNC in told, _seconds(told.get("wait", "")))


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition(";")[0].partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0
