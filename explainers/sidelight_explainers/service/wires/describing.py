"""What a model says of itself: its inputs, and the methods with the options a request may set."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from sidelight.config.explaining.method import MethodSettings, Modality
from sidelight.serving.answers import json_answer
from sidelight.tensors import Columns
from sidelight_explainers.models import Explained, OpenMethod

DATATYPES = {
    "boolean": "BOOL",
    "number": "FP64",
    "string": "BYTES",
    "bytes": "BYTES",
    "time": "BYTES",
}
KINDS = {"numeric": "FP64", "image": "FP64"}
"""Of features that no reference shows; all others are text."""
OUTPUT = {"name": "explanation", "datatype": "BYTES", "shape": [-1, 1]}


def model_status(name: str, model: Explained | None) -> Response:
    """Clients read the code: 200 of a model that is explained, 503 of one that is not."""
    return json_answer({"name": name, "ready": model is not None}, 200 if model else 503)


def described(name: str, model: Explained | None) -> dict[str, Any]:
    """V2's metadata, and beside it the model's methods."""
    return {
        "name": name,
        "versions": [],
        "platform": "sidelight_explainers",
        "inputs": inputs(model) if model else [],
        "outputs": [OUTPUT],
        "methods": methods(model) if model else [],
    }


def inputs(model: Explained) -> list[dict[str, Any]]:
    """One a feature: as the reference has it, else as the configuration says."""
    example: Columns = model.example
    if example.columns:
        return [
            {
                "name": one.name,
                "datatype": DATATYPES[one.kind],
                "shape": [-1, *one.values.shape[1:]],
            }
            for one in example
        ]
    features = model.subject.settings.features.items()
    return [
        {"name": name, "datatype": KINDS.get(one.kind, "BYTES"), "shape": [-1]}
        for name, one in features
    ]


def methods(model: Explained) -> list[dict[str, Any]]:
    """All methods; the first answers requests that name none."""
    modality = model.subject.modality
    return [_method(name, one, modality) for name, one in model.methods.items()]


def _method(name: str, method: OpenMethod, modality: Modality) -> dict[str, Any]:
    settings = method.settings
    return {
        "name": name,
        "explains": "one row" if settings.scope == "local" else "the model",
        "description": (type(settings).__doc__ or "").partition("\n\n")[0].replace("\n    ", " "),
        "options": options(settings, modality),
    }


def options(settings: MethodSettings, modality: Modality) -> dict[str, Any]:
    """JSON Schema of what a request about such inputs may set, with the defaults in force."""
    schema = type(settings).model_json_schema()
    told = settings.model_dump(mode="json")
    limits = {"budget": settings.max_budget, "deadline_seconds": settings.max_deadline_seconds}
    known = {
        name: {**schema["properties"][name], "default": told[name]}
        | ({"maximum": limits[name]} if name in limits else {})
        for name in settings.open_to_requests(modality)
    }
    kept = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {"type": "object", "properties": known, "additionalProperties": False, **kept}
