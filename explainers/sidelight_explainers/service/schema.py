"""What OpenAPI says about bodies: schemas, and examples made from the real reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import orjson

from sidelight.protocols import v1, v2
from sidelight_explainers.models import Explained
from sidelight_explainers.quality import Stopped

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
    }
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
            },
            "description": "a method and its options, as `GET /v2/models/{model}` lists them",
        }
    },
}

_UNKNOWN: Answers = {404: _answer("no such model", _ERROR)}
_REFUSED: Answers = {
    400: _answer("not what it claims to be", _ERROR),
    **_UNKNOWN,
    413: _answer("too large", _ERROR),
    422: _answer("the rows do not fit the model", _ERROR),
    500: _answer("a defect of this service", _ERROR),
    501: _answer("no explainer is configured for this model", _ERROR),
    502: _answer("the predictor failed", _ERROR),
    503: _answer("busy; see Retry-After", _ERROR),
    504: _answer("the predictor did not answer in time", _ERROR),
}

ALIVE: Answers = {200: _answer("alive", _object({"status": _TEXT}))}
LIVE: Answers = {200: _answer("alive", _object({"live": _FLAG}))}
READY: Answers = {200: _answer("ready", _object({"ready": _FLAG}))}
SERVER: Answers = {
    200: _answer("server", _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}))
}
MODELS: Answers = {200: _answer("models", _object({"models": _list(_TEXT)}))}
STATUS: Answers = {200: _answer("status", _object({"name": _TEXT, "ready": _FLAG})), **_UNKNOWN}
METADATA: Answers = {
    200: _answer("metadata", _object({"name": _TEXT, "inputs": _list(_TENSOR)})),
    **_UNKNOWN,
}
METRICS: Answers = {
    200: {"description": "metrics", "content": {"text/plain": {"schema": _TEXT}}},
}
V1_EXPLAINED: Answers = {
    200: _answer(
        "one explanation a row",
        _object({"predictions": _list({}), "explanations": _list(_EXPLANATION)}),
    ),
    **_REFUSED,
}
V2_EXPLAINED: Answers = {
    200: _answer(
        "one explanation a row, as JSON text in one BYTES output",
        _object({"model_name": _TEXT, "outputs": _list(_TENSOR)}, id=_TEXT),
    ),
    **_REFUSED,
}


def v1_request(models: Mapping[str, Explained | None]) -> Json:
    """The V1 body: rows as objects by feature, or as lists."""
    rows = _list({"type": ["object", "array", "number", "string"]})
    either = _object({"instances": rows}), _object({"inputs": rows})
    schema = {"type": "object", "properties": {"parameters": _WISHES}, "oneOf": list(either)}
    examples = {name: v1.encode_request(row) for name, row in _examples(models).items()}
    return _body(schema, examples)


def v2_request(models: Mapping[str, Explained | None]) -> Json:
    """The V2 body: one input a feature, or one matrix."""
    schema = _object({"inputs": _list(_TENSOR)}, id=_TEXT, parameters=_WISHES)
    examples = {name: v2.encode_request(row) for name, row in _examples(models).items()}
    return _body(schema, examples)


def _examples(models: Mapping[str, Explained | None]) -> dict[str, Any]:
    return {name: one.example for name, one in models.items() if one is not None and one.example}


def _body(schema: Json, examples: Mapping[str, bytes]) -> Json:
    shown = {name: {"value": orjson.loads(body)} for name, body in examples.items()}
    content: Json = {"schema": schema, "examples": shown} if shown else {"schema": schema}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
