"""The demo's model server: the trained model behind the Open Inference Protocol, and nothing more.

It knows nothing of Sidelight's services. Any other model server could stand in its place.

    python -m sidelight.demo.server employment.skops 127.0.0.1:8080
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from sidelight.config.addresses import Listen
from sidelight.config.settings import PredictorSettings
from sidelight.demo.data import FEATURES
from sidelight.demo.prepare import MODEL
from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.predictors.contract import Predictor
from sidelight.predictors.opening import open_predictor
from sidelight.protocols import v2
from sidelight.tensors import Column, Columns

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
VERSION = "1"


def create_app(predictor: Predictor) -> FastAPI:
    """A server of one model: liveness, readiness, metadata and inference."""
    app = FastAPI(title="The demo's model", openapi_url=None)

    @app.get("/v2/health/live")
    @app.get("/v2/health/ready")
    def healthy() -> dict[str, bool]:
        return {"live": True}

    @app.get(f"/v2/models/{MODEL}")
    def metadata() -> dict[str, object]:
        return {"name": MODEL, "versions": [VERSION], "platform": "scikit-learn", "inputs": []}

    @app.get(f"/v2/models/{MODEL}/ready")
    def model_ready() -> dict[str, object]:
        return {"name": MODEL, "ready": predictor.ready()}

    @app.post(f"/v2/models/{MODEL}/infer")
    async def infer(request: Request) -> Response:
        answer = await run_in_threadpool(_answer, predictor, await request.body())
        return Response(answer, media_type="application/json")

    return app


def _answer(predictor: Predictor, body: bytes) -> bytes:
    try:
        rows = v2.decode_request(body).select(FEATURES)
    except (MalformedPayload, DataMismatch) as exc:
        raise HTTPException(400, str(exc)) from exc
    probability = predictor(rows)["probability"].values[:, 1]
    answers = (
        Column("probability", probability),
        Column("prediction", (probability >= 0.5).astype(np.int64)),
    )
    said = {"model_name": MODEL, "model_version": VERSION, "id": rows.parameters.get("id", "")}
    return v2.encode_response(Columns(answers, said))


def main() -> None:
    model, listen = sys.argv[1:]
    address = Listen.parse(listen)
    settings = PredictorSettings(model=Path(model), trusted=TRUSTED)
    app = create_app(open_predictor(MODEL, settings, FEATURES))
    uvicorn.run(app, host=address.host, port=address.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
