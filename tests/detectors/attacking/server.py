"""A target behind the Open Inference Protocol: ``python -m ...server census 127.0.0.1:8080``."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Request, Response

from sidelight.config.addresses import Listen
from sidelight.protocols import v2
from tests.detectors.attacking.targets import TARGETS, Target


def create_app(target: Target) -> FastAPI:
    """Answers batches of rows."""
    app = FastAPI(openapi_url=None)

    @app.get("/v2/health/ready")
    def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post(f"/v2/models/{target.name}/infer")
    async def infer(request: Request) -> Response:
        rows = v2.decode_request(await request.body()).select(target.benign.names)
        return Response(v2.encode_response(target.answer(rows)), media_type="application/json")

    return app


def main() -> None:
    name, listen = sys.argv[1:]
    address = Listen.parse(listen)
    app = create_app(TARGETS[name]())
    uvicorn.run(app, host=address.host, port=address.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
