"""What policy says of an exchange."""

from __future__ import annotations

from sidelight.events.exchange import Exchange
from sidelight.values import value

LEVEL = "none"
"""Left out: nothing is kept of this model."""
SAMPLED = "sampled"
"""Left out: not of the share that is kept."""
LEFT_OUT = (LEVEL, SAMPLED)


@value()
class Kept:
    """What may be written: nothing where `left_out` says why.

    `withheld` are the sides (``request``, ``response``) whose body a rule could not be applied to,
    each with the reason.
    """

    exchange: Exchange | None
    left_out: str = ""
    withheld: tuple[tuple[str, str], ...] = ()
