"""What the two HTTP protocols call things: paths, bodies, readiness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

import orjson

from sidelight.protocols import v1, v2
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns

Form = Literal["columns", "matrix"]


@dataclass(frozen=True)
class Dialect:
    """One protocol as a client speaks it; paths hold ``{model}``, the name made safe for a URL."""

    infer: str
    readiness: str
    encode: Callable[[Columns, Form], bytes]
    decode: Callable[[bytes, Limits], Columns]

    def infer_url(self, base: str, model: str) -> str:
        return base.rstrip("/") + self.infer.format(model=quote(model, safe=""))

    def ready_url(self, base: str, model: str) -> str:
        return base.rstrip("/") + self.readiness.format(model=quote(model, safe=""))


def says_ready(body: bytes) -> bool:
    """False only when a readiness answer with status 200 says ``"ready": false`` after all."""
    try:
        told: Any = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return True
    return not (isinstance(told, dict) and str(told.get("ready", True)).lower() == "false")


def _v2_request(rows: Columns, form: Form) -> bytes:
    """With an id, which the protocol leaves to the client but KServe's server cannot do without."""
    named = Columns(rows.columns, {"id": uuid4().hex, **rows.parameters})
    return v2.encode_request(named, form)


DIALECTS = {
    "v1": Dialect(
        "/v1/models/{model}:predict", "/v1/models/{model}", v1.encode_request, v1.decode_response
    ),
    "v2": Dialect(
        "/v2/models/{model}/infer",
        "/v2/models/{model}/ready",
        _v2_request,
        v2.decode_response,
    ),
}
