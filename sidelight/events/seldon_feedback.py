"""Seldon Core 1's feedback: the answer that is spoken of, and what should have come out.

Source: SeldonIO/seldon-core 1.17.1 ``proto/prediction.proto``, messages Feedback and DefaultData.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidelight.errors import MalformedPayload

_SIDES = ("response", "request")


def is_seldons(document: Any) -> bool:
    """Whether a JSON document is of this form."""
    return isinstance(document, dict) and bool({"truth", "reward", *_SIDES} & document.keys())


def truths_of(document: Mapping[str, Any], named: str) -> tuple[str, list[Any]]:
    """The id of the request that is spoken of, and the truth of each of its rows.

    `named` is what the message itself says of the id; else it is the ``puid`` that Seldon put into
    the answer. Raises `MalformedPayload` when there is no id, or no truth: a reward is no label.
    """
    subject = named or next(filter(None, (_puid(document, side) for side in _SIDES)), "")
    if not subject:
        raise MalformedPayload(
            "names no request; send response.meta.puid, or the header Seldon-Puid", where="feedback"
        )
    truth = document.get("truth")
    if not isinstance(truth, dict):
        raise MalformedPayload("is missing; a reward alone is no label", where="truth")
    return subject, [_only(row, at) for at, row in enumerate(_rows(truth))]


def without_payloads(document: Mapping[str, Any]) -> dict[str, Any]:
    """What `truths_of` reads of it: nothing of what was asked and answered but the id."""
    kept = {name: document[name] for name in ("truth", "reward") if name in document}
    named = {side: {"meta": {"puid": id_}} for side in _SIDES if (id_ := _puid(document, side))}
    return {**kept, **named}


def _puid(document: Mapping[str, Any], side: str) -> str:
    message = document.get(side)
    meta = message.get("meta") if isinstance(message, dict) else None
    puid = meta.get("puid") if isinstance(meta, dict) else None
    return puid if isinstance(puid, str) else ""


def _rows(truth: Mapping[str, Any]) -> Sequence[Any]:
    if "strData" in truth:
        return [truth["strData"]]
    if "jsonData" in truth:
        found = truth["jsonData"]
        return found if isinstance(found, list) else [found]
    data = truth.get("data")
    if isinstance(data, dict) and isinstance(data.get("ndarray"), list):
        return list(data["ndarray"])
    if isinstance(data, dict) and isinstance(data.get("tensor"), dict):
        return _of_tensor(data["tensor"])
    raise MalformedPayload(
        "has none of data.ndarray, data.tensor, jsonData and strData", where="truth"
    )


def _of_tensor(tensor: Mapping[str, Any]) -> Sequence[Any]:
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(values, list) or not isinstance(shape, list) or not shape:
        raise MalformedPayload("send a list 'shape' and a list 'values'", where="truth.data.tensor")
    if shape[0] != len(values) or any(size != 1 for size in shape[1:]):
        raise MalformedPayload(
            f"shape {shape[:8]} with {len(values)} values; send one label a row",
            where="truth.data.tensor",
        )
    return values


def _only(row: Any, at: int) -> Any:
    """The label of a row, which may stand in a list of its own."""
    if not isinstance(row, list):
        return row
    if len(row) != 1:
        raise MalformedPayload(
            f"row {at} has {len(row)} values; send one label a row", where="truth.data"
        )
    return row[0]
