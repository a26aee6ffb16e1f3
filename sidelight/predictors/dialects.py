"""What the two HTTP protocols call things: paths, bodies, readiness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson

from sidelight.config.settings import PredictorSettings
from sidelight.predictors.remote import Answer, Form, Question, Wire
from sidelight.protocols import v1, v2, v2_binary
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns


@dataclass(frozen=True)
class Dialect:
    """One protocol as a client speaks it; paths hold ``{model}``, the name made safe for a URL."""

    infer: str
    readiness: str
    wire: Wire

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


def named(rows: Columns) -> Columns:
    """With an id, which the protocol leaves to the client but KServe's server cannot do without."""
    return Columns(rows.columns, {"id": uuid4().hex, **rows.parameters})


def _v1_question(rows: Columns, form: Form) -> Question:
    return Question(v1.encode_request(rows, form), len(rows))


def _v1_rows(answer: Answer, limits: Limits) -> Columns:
    return v1.decode_response(answer.body, limits)


def _v2_question(rows: Columns, form: Form) -> Question:
    return Question(v2.encode_request(named(rows), form), len(rows))


def _binary_question(rows: Columns, form: Form) -> Question:
    body = v2_binary.encode_request(_asked_in_binary(named(rows)), form)
    return Question(body.content, len(rows), body.json_length)


def _asked_in_binary(rows: Columns) -> Columns:
    """Each output too: KServe hears the request's wish only where no output is named."""
    outputs = rows.parameters.get("outputs")
    if not outputs:
        return rows
    wanted = [{**one, "parameters": {"binary_data": True}} for one in outputs]
    return Columns(rows.columns, {**rows.parameters, "outputs": wanted})


def _v2_rows(answer: Answer, limits: Limits) -> Columns:
    """Binary or JSON, whatever was asked: servers choose."""
    return v2_binary.decode_response(answer.body, answer.json_length, limits)


_V2 = ("/v2/models/{model}/infer", "/v2/models/{model}/ready")
_DIALECTS = {
    ("v1", "json"): Dialect(
        "/v1/models/{model}:predict", "/v1/models/{model}", Wire(_v1_question, _v1_rows)
    ),
    ("v2", "json"): Dialect(*_V2, Wire(_v2_question, _v2_rows)),
    ("v2", "binary"): Dialect(*_V2, Wire(_binary_question, _v2_rows)),
}


def dialect_of(settings: PredictorSettings) -> Dialect:
    return _DIALECTS[settings.protocol, settings.form_of_tensors]
