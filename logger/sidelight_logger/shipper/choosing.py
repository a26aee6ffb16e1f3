"""Which records a sink is meant to get: told from their headers, before anything is opened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fnmatch import fnmatchcase

from sidelight.config.capturing.sinks import OnlySettings
from sidelight.log.contract import Record
from sidelight_logger.frames import FILTERED, SAMPLED
from sidelight_logger.shipper.form import is_exchange

Choice = Callable[[Record], str]
"""Why a record is left out (`SINK_LEFT_OUT`); empty when it is not."""

_SALT = b"sidelight sink"
"""Other hashes of the same id choose otherwise: a sample of the recorder's sample is one too."""
_WHOLE = 1 << 64


def everything(record: Record) -> str:
    """Leaves nothing out."""
    return ""


def chosen(only: OnlySettings) -> Choice:
    """The choice that the settings describe.

    What is no exchange (feedback) has a model and an id, which for feedback is that of the first
    exchange it speaks of, and is not asked after status and protocol.
    """
    if only == OnlySettings():
        return everything

    def left_out(record: Record) -> str:
        if not _is_meant(record, only):
            return FILTERED
        return "" if share_of(record.key) < only.sample else SAMPLED

    return left_out


def share_of(id_: bytes) -> float:
    """Where the id stands between 0 and 1, evenly spread."""
    digest = hashlib.blake2b(id_, digest_size=8, person=_SALT).digest()
    return int.from_bytes(digest, "big") / _WHOLE


def _is_meant(record: Record, only: OnlySettings) -> bool:
    texts = {name: value.decode(errors="replace") for name, value in record.headers}
    if only.models and not _is_one_of(texts.get("ce_modelname", ""), only.models):
        return False
    if not is_exchange(record):
        return True
    protocol = texts.get("ce_protocol") or "none"
    if only.protocols and protocol not in only.protocols:
        return False
    return not only.statuses or _has_status(texts.get("ce_statuscode", "0"), only.statuses)


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _has_status(status: str, statuses: tuple[str, ...]) -> bool:
    if status == "0":
        return "none" in statuses
    return status in statuses or f"{status[:1]}xx" in statuses
