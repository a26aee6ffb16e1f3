"""Who tells our own questions from traffic."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from sidelight.events.exchange import Exchange

Standing = Literal["ours", "forged", "stale", "unknown"]
"""Of an exchange that says it is a probe. forged: its proof is none, or of another body or key.
stale: ours once, sent again later. unknown: there is no key here to tell."""

UNPROVEN: tuple[Standing, ...] = tuple(one for one in get_args(Standing) if one != "ours")
"""All that is traffic."""


class Verifier(Protocol):
    """Asked of each exchange that carries the header of a probe."""

    def standing(self, exchange: Exchange) -> Standing: ...


class _TrustNobody:
    def standing(self, exchange: Exchange) -> Standing:
        return "unknown"


TRUST_NOBODY: Verifier = _TrustNobody()
"""Without a key nobody can prove to be Sidelight: all is traffic."""
