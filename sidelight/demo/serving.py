"""Model servers of one's own functions, for notebooks: on a free port, for as long as wished.

with served(model_server("reviews", answer)) as url:
    ...
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from sidelight.errors import DataMismatch, MalformedPayload, SidelightError
from sidelight.protocols import v2
from sidelight.tensors import Columns


def model_server(name: str, answer: Callable[[Columns], Columns]) -> FastAPI:
    """The function behind the Open Inference Protocol, as a model of that name."""
    app = FastAPI(title=name, openapi_url=None)

    @app.get(f"/v2/models/{name}/ready")
    def ready() -> dict[str, object]:
        return {"name": name, "ready": True}

    @app.post(f"/v2/models/{name}/infer")
    async def infer(request: Request) -> Response:
        body = await run_in_threadpool(_answered, answer, await request.body())
        return Response(body, media_type="application/json")

    return app


def _answered(answer: Callable[[Columns], Columns], body: bytes) -> bytes:
    try:
        return v2.encode_response(answer(v2.decode_request(body)))
    except (MalformedPayload, DataMismatch) as exc:
        raise HTTPException(400, str(exc)) from exc


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The base address of any ASGI app, served on 127.0.0.1 by a thread of this process."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise SidelightError("the server did not start; its error stands above")
            thread.join(0.01)
        yield "http://{}:{}".format(*listening.getsockname())
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
