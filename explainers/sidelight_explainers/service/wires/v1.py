"""KServe's V1 form of requests and answers, and its routes."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request, Response

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body
from sidelight.protocols import v1
from sidelight.protocols.bodies import json_bytes
from sidelight.protocols.documents import parse_object
from sidelight.protocols.limits import Limits
from sidelight.serving.answers import json_answer
from sidelight.tensors import Columns
from sidelight_explainers.contents.predicted import predicted
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.answering import Answering
from sidelight_explainers.service.asked import Asked, refuse_misplaced
from sidelight_explainers.service.planning import Plan
from sidelight_explainers.service.wires import schema
from sidelight_explainers.service.wires.describing import model_status
from sidelight_explainers.service.wires.dialect import Dialect


def decode(body: Body, limits: Limits) -> Asked:
    """``instances`` or ``inputs``, with ``parameters`` beside them if any."""
    content, inner = json_bytes(body, limits)
    document = parse_object(content, inner)
    refuse_misplaced(document)
    parameters = document.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise MalformedPayload("send an object", where="parameters")
    is_empty = all(document.get(key) in (None, []) for key in ("instances", "inputs"))
    return Asked(Columns(()) if is_empty else v1.decode_request(content, inner), parameters)


def encode(_plan: Plan, explanations: Sequence[Explanation]) -> Response:
    """The explanations, and beside them what the model predicted."""
    return json_answer(
        {
            "predictions": [predicted(one.content) for one in explanations],
            "explanations": [one.to_json() for one in explanations],
        }
    )


V1 = Dialect(decode, encode)


def routes(answering: Answering) -> APIRouter:
    """``/v1/models`` and below."""
    router = APIRouter(prefix="/v1", tags=["V1"])
    service = answering.service

    @router.get("/models", summary="The models of this service", responses=schema.MODELS)
    async def models() -> Response:
        return json_answer({"models": list(service.models)})

    @router.get("/models/{model}:explain", include_in_schema=False)
    async def unasked(model: str) -> Response:
        raise HTTPException(405, f"POST rows of {model[:60]!r} here", {"allow": "POST"})

    @router.get("/models/{model}", summary="Is the model ready?", responses=schema.STATUS)
    async def status(model: str) -> Response:
        return model_status(model, service.known(model))

    @router.post(
        "/models/{model}:explain",
        summary="Why these predictions?",
        openapi_extra=schema.v1_request(service.models),
        responses=schema.V1_EXPLAINED,
    )
    async def explain(model: str, request: Request) -> Response:
        return await answering.answer(model, request, V1)

    return router
