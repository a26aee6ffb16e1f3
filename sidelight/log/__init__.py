"""The event log: an append-only store of topics, partitions and offsets, behind one interface."""

from sidelight.log.contract import (
    Address,
    Claim,
    Headers,
    Log,
    Membership,
    Offsets,
    Position,
    Reader,
    Record,
    Span,
    Stored,
    Writer,
)
from sidelight.log.opening import open_log

__all__ = [
    "Address",
    "Claim",
    "Headers",
    "Log",
    "Membership",
    "Offsets",
    "Position",
    "Reader",
    "Record",
    "Span",
    "Stored",
    "Writer",
    "open_log",
]
