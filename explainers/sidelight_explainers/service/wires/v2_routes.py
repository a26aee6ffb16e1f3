"""The Open Inference Protocol's routes, and an explain route in its manner."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from sidelight import __version__
from sidelight.serving.answers import json_answer
from sidelight_explainers.service.answering import Answering
from sidelight_explainers.service.warming import Readiness
from sidelight_explainers.service.wires import schema
from sidelight_explainers.service.wires.describing import described, model_status
from sidelight_explainers.service.wires.v2 import V2

SERVER = "sidelight_explainers"
EXTENSIONS = ("explain", "binary_tensor_data")


def routes(answering: Answering, readiness: Readiness) -> APIRouter:
    """``/v2`` and below."""
    router = APIRouter(prefix="/v2", tags=["V2"])
    service = answering.service

    @router.get("", summary="This server", responses=schema.SERVER)
    async def server() -> Response:
        return json_answer({"name": SERVER, "version": __version__, "extensions": EXTENSIONS})

    @router.get("/health/live", summary="Does the process live?", responses=schema.LIVE)
    async def live() -> Response:
        return json_answer({"live": True})

    @router.get("/health/ready", summary="Can it explain?", responses=schema.READY)
    async def ready() -> Response:
        return json_answer({"ready": readiness.ready}, 200 if readiness.ready else 503)

    @router.get("/models", summary="The models of this service", responses=schema.MODELS)
    async def models() -> Response:
        return json_answer({"models": list(service.models)})

    @router.get("/models/{model}", summary="Inputs and methods", responses=schema.METADATA)
    async def metadata(model: str) -> Response:
        return json_answer(described(model, service.known(model)))

    @router.get("/models/{model}/ready", summary="Is the model ready?", responses=schema.STATUS)
    async def model_ready(model: str) -> Response:
        return model_status(model, service.known(model))

    _explaining(router, answering)
    return router


def _explaining(router: APIRouter, answering: Answering) -> None:
    for verb, summary in (
        ("explain", "Why these predictions?"),
        ("infer", "The same, for clients that know only this verb"),
    ):

        async def explain(model: str, request: Request) -> Response:
            return await answering.answer(model, request, V2)

        router.add_api_route(
            f"/models/{{model}}/{verb}",
            explain,
            methods=["POST"],
            name=verb,
            summary=summary,
            openapi_extra=schema.v2_request(answering.service.models),
            responses=schema.V2_EXPLAINED,
        )
