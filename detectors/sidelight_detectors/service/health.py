"""Whether the service does its work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether all is ready; `text` says what is waited for, or what is done here."""

    is_ready: bool
    text: str
