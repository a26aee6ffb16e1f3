"""What text stands for (base64 for bytes, ISO 8601 for times), and bytes for (UTF-8 for text)."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.documents import Place, told
from sidelight.protocols.elements import Shape, index_of

Valid = NDArray[np.bool_] | None

_ANYWHERE = Place("")
_FIRST = np.datetime64(datetime.min, "us")
_LAST = np.datetime64(datetime.max, "us")


def bytes_of(cells: list[Any], shape: Shape, valid: Valid, place: Place) -> NDArray[Any]:
    """Base64 text as an object array of bytes; `MalformedPayload` names text that is not base64."""
    found = np.empty(len(cells), object)
    found[:] = _each(cells, shape, valid, _from_base64, b"", place)
    return found.reshape(shape)


def times_of(cells: list[Any], shape: Shape, valid: Valid, place: Place) -> NDArray[Any]:
    """ISO 8601 text as ``datetime64[us]`` in UTC; a time without a zone is taken as UTC.

    Digits beyond microseconds are dropped. `MalformedPayload` names text that is no time.
    """
    found = _each(cells, shape, valid, _from_iso, None, place)
    return np.array(found, "datetime64[us]").reshape(shape)


def text_of(values: NDArray[Any], place: Place) -> NDArray[Any]:
    """UTF-8 as text, in the same shape; `MalformedPayload` names bytes that are not UTF-8."""
    found = np.empty(values.size, object)
    for position, cell in enumerate(values.ravel().tolist()):
        try:
            found[position] = cell.decode()
        except UnicodeDecodeError as exc:
            where = place.at(index_of(position, values.shape))
            raise MalformedPayload(f"is not UTF-8 ({exc.reason}); send UTF-8", where=where) from exc
    return found.reshape(values.shape)


def text_if_utf8(values: NDArray[Any]) -> NDArray[Any]:
    """UTF-8 as text, in the same shape; the bytes themselves when one of them is not UTF-8."""
    try:
        return text_of(values, _ANYWHERE)
    except MalformedPayload:
        return values


def base64_of(values: NDArray[Any]) -> NDArray[Any]:
    """Bytes as base64 text, in the same shape."""
    found = np.empty(values.size, object)
    found[:] = [binascii.b2a_base64(cell, newline=False).decode() for cell in values.ravel()]
    return found.reshape(values.shape)


def iso_of(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Times as ISO 8601 text in UTC, in the same shape; NaT as empty text.

    `DataMismatch` names the column when a year has more or fewer than four digits.
    """
    times = values.astype("datetime64[us]")
    if ((times < _FIRST) | (times > _LAST)).any():
        raise DataMismatch(
            f"column {name!r}: a time lies outside the years 1 to 9999; send it as a number"
        )
    text = np.datetime_as_string(times, unit="us", timezone="UTC")
    return np.where(np.isnat(times), "", text).astype(object)


def _each(
    cells: list[Any],
    shape: Shape,
    valid: Valid,
    convert: Callable[[Any], Any],
    neutral: Any,
    place: Place,
) -> list[Any]:
    there = [True] * len(cells) if valid is None else valid.ravel().tolist()
    found = [neutral] * len(cells)
    for position, cell in enumerate(cells):
        if there[position]:
            try:
                found[position] = convert(cell)
            except (ValueError, OverflowError) as exc:
                where = place.at(index_of(position, shape))
                raise MalformedPayload(f"is {told(cell)}: {exc}", where=where) from exc
    return found


def _from_base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as exc:
        raise ValueError(f"not base64 ({exc}); send standard base64 with padding") from exc


def _from_iso(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError) as exc:
        raise ValueError("not a time of the years 1 to 9999; send ISO 8601") from exc
