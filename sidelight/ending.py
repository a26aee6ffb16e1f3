"""How a process ends when Sidelight says what is wrong: a line for each cause, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from sidelight.errors import (
    ArtifactError,
    ConfigError,
    DataMismatch,
    MalformedPayload,
    NotEnoughData,
    SidelightError,
)

BAD_INPUT = 2
FAILED = 1

_BAD_INPUT = (ConfigError, MalformedPayload, DataMismatch, ArtifactError, NotEnoughData)


def told(error: SidelightError) -> int:
    """Say it; the exit code."""
    for line in str(error).splitlines():
        print(f"sidelight: {line}", file=sys.stderr)
    return BAD_INPUT if isinstance(error, _BAD_INPUT) else FAILED


def ended(main: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Run a process's `main`; its exit code, or that of what it could not do."""
    try:
        return main(argv)
    except SidelightError as exc:
        return told(exc)
