"""What OpenAPI says about bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight_detectors.cells import CategoricalCells
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.plan import Plan

Json = dict[str, Any]
Answers = dict[int | str, Json]

OUTPUTS: Mapping[str, tuple[str, list[int]]] = {
    "is_outlier": ("INT64", [-1, 1]),
    "instance_score": ("FP64", [-1, 1]),
    "p_val": ("FP64", [-1, -1]),
    "feature_score": ("FP64", [-1, -1]),
    "is_drift": ("INT64", [1, 1]),
    "distance": ("FP64", [1, -1]),
    "effect": ("FP64", [1, -1]),
    "threshold": ("FP64", [1, 1]),
    "not_enough_data": ("BYTES", [1, 1]),
    "finding": ("BYTES", [1, 1]),
}
"""Every tensor a detector may answer: datatype and shape."""

_TEXT: Json = {"type": "string"}


def _object(required: Json, **more: Any) -> Json:
    return {"type": "object", "properties": required | more, "required": list(required)}


def _answer(told: str, schema: Json) -> Json:
    return {"description": told, "content": {"application/json": {"schema": schema}}}


_ERROR = _object({"error": _TEXT})
_MISTAKE = _answer("What is wrong, and the way out", _ERROR)
_UNKNOWN: Answers = {404: _answer("No such model", _ERROR)}
_REFUSALS: Answers = {
    400: _MISTAKE,
    **_UNKNOWN,
    408: _answer("The body did not come in time", _ERROR),
    413: _answer("Too many rows or bytes", _ERROR),
    422: _answer("The rows do not fit the reference", _ERROR),
    502: _answer("The store of large bodies cannot be asked", _ERROR),
    503: _answer("No place; try again later", _ERROR),
}
_TENSOR = _object({"name": _TEXT, "shape": {"type": "array"}, "datatype": _TEXT})

ALIVE: Answers = {200: _answer("It lives", _object({"status": _TEXT}))}
LIVE: Answers = {200: _answer("It lives", _object({"live": {"type": "boolean"}}))}
READY: Answers = {
    200: _answer("It reads the log", _object({"ready": {"type": "boolean"}})),
    503: _answer("What it waits for", _object({"ready": {"type": "boolean"}})),
}
METRICS: Answers = {
    200: {"description": "Metrics", "content": {"text/plain": {"schema": _TEXT}}},
}
SERVER: Answers = {200: _answer("Its name and version", _object({"name": _TEXT, "version": _TEXT}))}
STATUS: Answers = {
    200: _answer("Watched", _object({"name": _TEXT, "ready": {"type": "boolean"}})),
    **_UNKNOWN,
}
METADATA: Answers = {
    200: _answer("Columns in, tensors out", _object({"name": _TEXT, "inputs": {"type": "array"}})),
    **_UNKNOWN,
}
SCORED: Answers = {
    200: _answer("alibi-detect's data and meta, or these by detector", {"type": "object"}),
    **_REFUSALS,
}
INFERRED: Answers = {
    200: _answer(
        "The detectors' tensors",
        _object({"model_name": _TEXT, "outputs": {"type": "array", "items": _TENSOR}}),
    ),
    **_REFUSALS,
}

TAKEN: Answers = {
    202: _answer(
        "The labels are in the log",
        _object({"labels": {"type": "integer"}, "records": {"type": "array", "items": _TEXT}}),
    ),
    **_REFUSALS,
}

_LABEL = {"type": ["string", "number", "boolean", "null"]}
_FEEDBACK = _object({"id": _TEXT, "label": _LABEL}, row={"type": "integer", "minimum": 0})
FEEDBACK: Json = {
    "requestBody": {
        "required": True,
        "description": "A label, a list of labels, a CloudEvent with them, or Seldon's feedback",
        "content": {
            "application/json": {
                "schema": {"anyOf": [_FEEDBACK, {"type": "array", "items": _FEEDBACK}, {}]},
                "example": {"id": "018f6e2a-7b3c-7d4e-8f50-617283940a1b", "row": 0, "label": 1},
            },
            "application/cloudevents+json": {"schema": {"type": "object"}},
            "application/cloudevents-batch+json": {"schema": {"type": "array"}},
        },
    }
}

EVENT: Json = {
    "requestBody": {
        "description": "A CloudEvent: KServe's or Seldon's request (and response), or our exchange",
        "content": {
            "application/cloudevents+json": {"schema": {"type": "object"}},
            "application/cloudevents-batch+json": {"schema": {"type": "array"}},
            "application/json": {"schema": {}},
        },
    }
}


def inference(plans: Mapping[str, Plan]) -> Json:
    """The request body, with an example of one watched model."""
    tensors = [
        {
            "name": name,
            "shape": [1],
            "datatype": datatype(plan, name),
            "data": ["?"] if datatype(plan, name) == "BYTES" else [0.0],
        }
        for plan in list(plans.values())[:1]
        for name in WatchedColumns.by(plan).inputs
    ]
    schema = _object({"inputs": {"type": "array", "items": _TENSOR, "minItems": 1}})
    content = {"application/json": {"schema": schema, "example": {"inputs": tensors}}}
    return {"requestBody": {"required": True, "content": content}}


def datatype(plan: Plan, name: str) -> str:
    """V2's datatype of one watched column."""
    kinds = {column.name: column for column in plan.fitted.grid.columns}
    return "BYTES" if isinstance(kinds.get(name), CategoricalCells) else "FP64"
