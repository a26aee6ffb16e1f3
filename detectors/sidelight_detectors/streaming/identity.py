"""Names made of what they name: the same content has the same id in any process."""

from __future__ import annotations

import hashlib


def digest(*parts: str | bytes | int) -> str:
    """32 hex digits of SHA-256 over the parts, each with its length before it."""
    hashed = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode()
        hashed.update(len(content).to_bytes(8, "big") + content)
    return hashed.hexdigest()[:32]
