"""What a request asks: rows or a logged exchange, a method, options of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns
from sidelight_explainers.wishes import METHOD

WISHES = "parameters.explain_parameters"
EXCHANGE = "exchange"
ROW = "row"


@dataclass(frozen=True)
class Asked:
    """A decoded request: its rows, if it holds any, and its parameters as V2 has them.

    `request_id` is echoed; `wants_binary` is whether the explanations go as V2's binary tensor.
    """

    rows: Columns
    parameters: Mapping[str, Any]
    request_id: str | None = None
    wants_binary: bool = False


Decode = Callable[[Body, Limits], Asked]


@dataclass(frozen=True)
class Logged:
    """An exchange by its id or address, and one of its rows, None for all."""

    exchange: str
    row: int | None


@dataclass(frozen=True)
class Wished:
    """``parameters.explain_parameters``: a logged exchange, if one is meant, and all else."""

    logged: Logged | None
    options: Mapping[str, Any]


def read_wishes(parameters: Mapping[str, Any]) -> Wished:
    """What the parameters wish; an object, or its JSON text where a protocol takes only text."""
    for name in (METHOD, EXCHANGE):
        if name in parameters:
            raise MalformedPayload("belongs into 'explain_parameters'", where=f"parameters.{name}")
    told = parameters.get("explain_parameters") or {}
    if isinstance(told, str):
        told = _parsed(told)
    if not isinstance(told, dict):
        raise MalformedPayload("send an object, or its JSON as text", where=WISHES)
    options = {key: value for key, value in told.items() if key not in (EXCHANGE, ROW)}
    return Wished(_logged(told), options)


def refuse_misplaced(document: Mapping[str, Any]) -> None:
    """Wishes beside `parameters`: overlooked they would seem to be fulfilled."""
    if "explain_parameters" in document:
        raise MalformedPayload("belongs into 'parameters'", where="explain_parameters")


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"is text but not JSON ({exc})", where=WISHES) from exc


def _logged(told: Mapping[str, Any]) -> Logged | None:
    exchange, row = told.get(EXCHANGE), told.get(ROW)
    if exchange is None and row is None:
        return None
    if not isinstance(exchange, str):
        raise MalformedPayload("send the id of a logged exchange", where=f"{WISHES}.{EXCHANGE}")
    if row is not None and (not isinstance(row, int) or isinstance(row, bool) or row < 0):
        raise MalformedPayload("send the number of a row, the first is 0", where=f"{WISHES}.{ROW}")
    return Logged(exchange, row)
