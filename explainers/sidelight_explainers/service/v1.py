"""KServe's V1 routes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from sidelight.protocols import v1
from sidelight.protocols.limits import Limits
from sidelight.serving.answers import json_answer
from sidelight_explainers.contents.predicted import predicted
from sidelight_explainers.service import schema
from sidelight_explainers.service.explaining import Asked, Service
from sidelight_explainers.service.requests import v1_parameters


def routes(service: Service) -> APIRouter:
    """``/v1/models`` and below."""
    router = APIRouter(prefix="/v1", tags=["V1"])

    @router.get("/models", summary="The models of this service", responses=schema.MODELS)
    async def models() -> Response:
        return json_answer({"models": list(service.models)})

    @router.get("/models/{model}", summary="Is the model ready?", responses=schema.STATUS)
    async def status(model: str) -> Response:
        return json_answer({"name": model, "ready": service.known(model) is not None})

    @router.post(
        "/models/{model}:explain",
        summary="Why these predictions?",
        openapi_extra=schema.v1_request(service.models),
        responses=schema.V1_EXPLAINED,
    )
    async def explain(model: str, request: Request) -> Response:
        explanations = (await service.explain(model, request, decode)).explanations
        return json_answer(
            {
                "predictions": [predicted(one.content) for one in explanations],
                "explanations": [one.to_json() for one in explanations],
            }
        )

    return router


def decode(body: bytes, limits: Limits) -> Asked:
    """KServe's V1 body, ``instances`` or ``inputs``, with ``parameters`` beside them if any."""
    return Asked(v1.decode_request(body, limits), v1_parameters(body, limits))
