"""Which records a sink is meant to get: told from their headers, before anything is opened."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from sidelight.config.capturing.sinks import OnlySettings
from sidelight.errors import MalformedPayload
from sidelight.events import kserve
from sidelight.events.exchanges import from_record
from sidelight.events.sampling import share_of
from sidelight.log.contract import Record
from sidelight_logger.shipper.carrying.form import is_exchange
from sidelight_logger.wire.sinks import BODILESS, FILTERED, SAMPLED

Choice = Callable[[Record], str]
"""Why a record is left out (`SINK_LEFT_OUT`); empty when it is not."""

_NO_BODIES = 16
"""Bytes of an exchange's data without any: the two lengths."""
_SALT = "sink "
"""Before the id: the recorder's sample of the same ids is another, so this is a share of it."""


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
        return (
            "" if share_of(_SALT + record.key.decode(errors="replace")) < only.sample else SAMPLED
        )

    return left_out


def with_events(choice: Choice) -> Choice:
    """Likewise, and what makes no event in KServe's form is left out."""

    def left_out(record: Record) -> str:
        return choice(record) or (BODILESS if _makes_none(record) else "")

    return left_out


def _makes_none(record: Record) -> bool:
    if len(record.value) > _NO_BODIES or not is_exchange(record):
        return False
    try:
        return not kserve.to_events(from_record(record), 0)
    except MalformedPayload:
        return False


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
