"""What a peer's script and the test that runs it say to each other, as JSON on stdin and stdout.

A tensor is ``{name, datatype, shape, data}`` with flat data, bytes as the text of Latin-1. A body
is base64 with the length of the JSON in it, where binary tensors follow that.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

Tensors = list[dict[str, Any]]
Body = tuple[bytes, int | None]


def serve(read: Callable[[str, Body], Tensors], write: Callable[[str, Tensors], Body]) -> None:
    """Answer everything on stdin: bodies by what `read` finds, tensors by what `write` makes."""
    asked = json.load(sys.stdin)
    found = [read(form, taken(body)) for form, body in asked["read"]]
    made = [given(write(form, tensors)) for form, tensors in asked["write"]]
    json.dump({"read": found, "write": made}, sys.stdout)


def given(body: Body) -> list[Any]:
    return [base64.b64encode(body[0]).decode(), body[1]]


def taken(body: list[Any]) -> Body:
    return base64.b64decode(body[0]), body[1]


def texts(values: Any) -> list[Any]:
    """Flat values for JSON: bytes, and text as UTF-8, as the text of Latin-1."""
    return [one.decode("latin-1") if type(one) is bytes else one for one in map(_encoded, values)]


def cells(tensor: dict[str, Any]) -> list[Any]:
    """The values of a tensor, bytes again."""
    data: list[Any] = tensor["data"]
    return [one.encode("latin-1") for one in data] if tensor["datatype"] == "BYTES" else data


def _encoded(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
