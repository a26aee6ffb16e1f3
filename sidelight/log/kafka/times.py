"""Seconds as kafka-python wants them: whole milliseconds, or its requests cannot be written."""

from __future__ import annotations


def milliseconds(seconds: float) -> int:
    return max(0, int(seconds * 1000))
