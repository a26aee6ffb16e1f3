"""A real model server to stand behind the proxy: uvicorn with an application of many shapes."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from tests.logger.proxy_running import wait_until

app = FastAPI()


@app.api_route("/echo", methods=["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def echo(request: Request) -> Response:
    """The request as it was seen, in the answer's body and headers."""
    body = await request.body()
    seen = {"X-Method": request.method, "X-Query": request.url.query, "X-Size": str(len(body))}
    names = sorted(name for name, _ in request.headers.items() if name.startswith("x-sent"))
    seen["X-Names"] = ",".join(names)
    kind = request.headers.get("content-type", "application/octet-stream")
    return Response(body, headers=seen, media_type=kind)


@app.get("/status/{code}")
async def status(code: int) -> Response:
    return Response(b"" if code in (204, 304) else b"body of %d" % code, status_code=code)


@app.head("/large")
@app.get("/large")
async def large() -> Response:
    return Response(bytes(range(256)) * 8192)


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def events() -> Any:
        for number in range(5):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.001)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/zipped")
async def zipped() -> Response:
    return Response(gzip.compress(b"a" * 1000, mtime=0), headers={"Content-Encoding": "gzip"})


@app.get("/moved")
async def moved() -> Response:
    answer = RedirectResponse("/echo", status_code=307)
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer


@app.post("/unread")
async def unread() -> Response:
    """Answers without looking at the body."""
    return Response(b"not read", status_code=403)


@contextlib.contextmanager
def uvicorn_server() -> Iterator[int]:
    """Uvicorn in a thread: its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
