"""What OpenAPI says about bodies: schemas, and examples made from the real reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import orjson

from sidelight.protocols import v1, v2
from sidelight_explainers.models import Explained
from sidelight_explainers.quality import Stopped
from sidelight_explainers.service.showing import PICTURES

Json = dict[str, Any]
Answers = dict[int | str, Json]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "number"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_FLAG: Json = {"type": "boolean"}


def _object(required: Json, **more: Any) -> Json:
    return {"type": "object", "properties": required | more, "required": list(required)}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _answer(told: str, schema: Json) -> Json:
    return {"description": told, "content": {"application/json": {"schema": schema}}}


_ERROR = _object({"error": _TEXT})
_QUALITY = _object(
    {
        "rows": _COUNT,
        "cached": _COUNT,
        "calls": _COUNT,
        "seconds": _NUMBER,
        "budget": _COUNT,
        "stopped": {"enum": list(get_args(Stopped))},
    },
    model_versions=_list(_TEXT),
)
_EXPLANATION = _object(
    {
        "meta": _object({"name": _TEXT, "params": {"type": "object"}, "version": _TEXT}),
        "data": _object({"model": _TEXT, "content": _TEXT, "quality": _QUALITY}),
    }
)
_TENSOR = _object(
    {"name": _TEXT, "datatype": _TEXT, "shape": _list({"type": "integer", "minimum": -1})},
    data={},
    parameters={"type": "object"},
)
_WISHES: Json = {
    "type": "object",
    "properties": {
        "explain_parameters": {
            "type": "object",
            "properties": {
                "method": {**_TEXT, "description": "a method of the model; its first when not set"},
                "exchange": {**_TEXT, "description": "a logged exchange: its id or address"},
                "row": {**_COUNT, "description": "a row of the exchange; all when not set"},
            },
            "description": "a method and its options, as `GET /v2/models/{model}` lists them",
        }
    },
}

_LINKS = _object({"self": _TEXT, "result": _TEXT, "events": _TEXT})
_JOB = _object(
    {
        "id": _TEXT,
        "state": {"enum": ["running", "done", "failed", "cancelled"]},
        "model": _TEXT,
        "method": _TEXT,
        "explanations": _COUNT,
        "began": {**_TEXT, "format": "date-time"},
        "ended": {"type": ["string", "null"], "format": "date-time"},
        "links": _LINKS,
    },
    error=_TEXT,
    code=_COUNT,
)

_UNKNOWN: Answers = {404: _answer("no such model", _ERROR)}
_REFUSED: Answers = {
    400: _answer("not what it claims to be", _ERROR),
    401: _answer("the service has a token, and it was not shown", _ERROR),
    **_UNKNOWN,
    408: _answer("the body did not come in time", _ERROR),
    413: _answer("too large", _ERROR),
    422: _answer("the rows do not fit the model", _ERROR),
    500: _answer("a defect of this service", _ERROR),
    501: _answer("no explainer is configured for this model", _ERROR),
    502: _answer("the predictor failed", _ERROR),
    503: _answer("busy or stopping; see Retry-After", _ERROR),
    504: _answer("the predictor did not answer in time", _ERROR),
}

ALIVE: Answers = {200: _answer("alive", _object({"status": _TEXT}))}
LIVE: Answers = {200: _answer("alive", _object({"live": _FLAG}))}
READY: Answers = {
    200: _answer("ready", _object({"ready": _FLAG})),
    503: _answer("methods are not warm yet", _object({"ready": _FLAG})),
}
SERVER: Answers = {
    200: _answer("server", _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}))
}
MODELS: Answers = {200: _answer("models", _object({"models": _list(_TEXT)}))}
_STATUS = _object({"name": _TEXT, "ready": _FLAG})
STATUS: Answers = {
    200: _answer("explained", _STATUS),
    503: _answer("not explained", _STATUS),
    **_UNKNOWN,
}
_METHOD = _object(
    {"name": _TEXT, "explains": _TEXT, "description": _TEXT, "options": {"type": "object"}}
)
METADATA: Answers = {
    200: _answer(
        "inputs, and methods with the JSON Schema of their options",
        _object({"name": _TEXT, "inputs": _list(_TENSOR), "methods": _list(_METHOD)}),
    ),
    **_UNKNOWN,
}
METRICS: Answers = {
    200: {"description": "metrics", "content": {"text/plain": {"schema": _TEXT}}},
}
_V1 = _object({"predictions": _list({}), "explanations": _list(_EXPLANATION)})
_V2 = _object({"model_name": _TEXT, "outputs": _list(_TENSOR)}, id=_TEXT)
_PICTURES: Json = {kind: {"schema": _TEXT} for kind in PICTURES}
_BEGUN = _answer("a job, on `Prefer: respond-async`; Location says where", _JOB)


def _explained(told: str, schema: Json) -> Answers:
    found = _answer(told, schema)
    found["content"] |= _PICTURES
    picture = _answer("several explanations are no one picture", _ERROR)
    return {200: found, 202: _BEGUN, **_REFUSED, 406: picture}


V1_EXPLAINED = _explained("one explanation a row, or over all rows", _V1)
V2_EXPLAINED = _explained("the same, as JSON text in one BYTES output", _V2)
_GONE: Answers = {404: _answer("no such job, or not any longer", _ERROR)}
JOB: Answers = {200: _answer("how far the job is", _JOB), **_GONE}
RESULT: Answers = {
    **_explained("what the request would have got at once", {"anyOf": [_V1, _V2]}),
    **_GONE,
    410: _answer("the job was cancelled", _ERROR),
}
EVENTS: Answers = {
    200: {
        "description": "`partial` events with explanations as known by then; the last event is"
        " named by the state in which the job ended",
        "content": {"text/event-stream": {"schema": _TEXT}},
    },
    **_GONE,
}
CANCELLED: Answers = {204: {"description": "it ends now, or is forgotten"}, **_GONE}


def v1_request(models: Mapping[str, Explained | None]) -> Json:
    """The V1 body: rows as objects by feature, or as lists."""
    rows = _list({"type": ["object", "array", "number", "string"]})
    told = {"instances": rows, "inputs": rows, "parameters": _WISHES}
    schema = {"type": "object", "properties": told}
    examples = {name: v1.encode_request(row) for name, row in _examples(models).items()}
    return _body(schema, examples)


def v2_request(models: Mapping[str, Explained | None]) -> Json:
    """The V2 body: one input a feature, or one matrix."""
    schema = _object({}, inputs=_list(_TENSOR), id=_TEXT, parameters=_WISHES)
    examples = {name: v2.encode_request(row) for name, row in _examples(models).items()}
    return _body(schema, examples)


def _examples(models: Mapping[str, Explained | None]) -> dict[str, Any]:
    return {name: one.example for name, one in models.items() if one is not None and one.example}


def _body(schema: Json, examples: Mapping[str, bytes]) -> Json:
    shown = {name: {"value": orjson.loads(body)} for name, body in examples.items()}
    content: Json = {"schema": schema, "examples": shown} if shown else {"schema": schema}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
