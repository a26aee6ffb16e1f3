"""The key under which columns are hashed."""

from __future__ import annotations

from pathlib import Path

from sidelight.errors import ConfigError

KEY_BYTES = 16
"""A shorter key could be tried out."""


def read_key(path: Path) -> bytes:
    """The key of ``hash``; raises `ConfigError`, which shows nothing of it."""
    try:
        key = path.read_bytes().strip()
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read ({exc.strerror})") from exc
    if len(key) < KEY_BYTES:
        raise ConfigError(f"{path} holds {len(key)} bytes; a key has {KEY_BYTES} at least")
    return key
