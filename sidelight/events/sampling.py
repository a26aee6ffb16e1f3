"""Which exchanges are taken when not all are: those whose id says so, the same wherever asked."""

from __future__ import annotations

import hashlib

_BITS = 53
"""As many as a double holds."""


def share_of(id_: str) -> float:
    """Where the id falls in [0, 1); it is taken where that is below the share wanted."""
    digest = hashlib.sha256(id_.encode(errors="surrogatepass")).digest()
    return (int.from_bytes(digest[:8]) >> (64 - _BITS)) / (1 << _BITS)
