"""The Open Inference Protocol's routes, and an explain route in its manner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response

from sidelight import __version__
from sidelight.protocols import v2
from sidelight.protocols.limits import Limits
from sidelight.serving.answers import json_answer
from sidelight.tensors import Column, Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained
from sidelight_explainers.service import schema
from sidelight_explainers.service.explaining import Asked, Service

DATATYPES = {
    "boolean": "BOOL",
    "number": "FP64",
    "string": "BYTES",
    "bytes": "BYTES",
    "time": "BYTES",
}


def routes(service: Service) -> APIRouter:
    """``/v2`` and below."""
    router = APIRouter(prefix="/v2", tags=["V2"])

    @router.get("", summary="This server", responses=schema.SERVER)
    async def server() -> Response:
        told = {"name": "sidelight_explainers", "version": __version__, "extensions": ["explain"]}
        return json_answer(told)

    @router.get("/health/live", summary="Does the process live?", responses=schema.LIVE)
    async def live() -> Response:
        return json_answer({"live": True})

    @router.get("/health/ready", summary="Can it explain?", responses=schema.READY)
    async def ready() -> Response:
        return json_answer({"ready": True})

    @router.get("/models/{model}", summary="The model's inputs", responses=schema.METADATA)
    async def metadata(model: str) -> Response:
        return json_answer(_metadata(model, service.known(model)))

    @router.get("/models/{model}/ready", summary="Is the model ready?", responses=schema.STATUS)
    async def model_ready(model: str) -> Response:
        return json_answer({"name": model, "ready": service.known(model) is not None})

    @router.post(
        "/models/{model}/explain",
        summary="Why these predictions?",
        openapi_extra=schema.v2_request(service.models),
        responses=schema.V2_EXPLAINED,
    )
    async def explain(model: str, request: Request) -> Response:
        answered = await service.explain(model, request, decode)
        request_id = answered.asked.rows.parameters.get("id")
        body = encode(model, answered.explanations, request_id)
        return Response(body, media_type="application/json")

    return router


def decode(body: bytes, limits: Limits) -> Asked:
    """A V2 inference request."""
    rows = v2.decode_request(body, limits)
    return Asked(rows, rows.parameters.get("parameters", {}))


def encode(model: str, explanations: Sequence[Explanation], request_id: str | None) -> bytes:
    """A V2 inference response: one BYTES output, each element one explanation as JSON text."""
    told = [orjson.dumps(one.to_json()).decode() for one in explanations]
    parameters = {"model_name": model} | ({} if request_id is None else {"id": request_id})
    return v2.encode_response(
        Columns((Column("explanation", np.array(told, dtype=object)),), parameters)
    )


def _metadata(name: str, model: Explained | None) -> dict[str, object]:
    inputs = model.example if model else ()
    return {
        "name": name,
        "versions": [],
        "platform": "sidelight_explainers",
        "inputs": [
            {"name": one.name, "datatype": DATATYPES[one.kind], "shape": [-1]} for one in inputs
        ],
        "outputs": [{"name": "explanation", "datatype": "BYTES", "shape": [-1]}],
    }
