"""A model server that answers as OpenAI's API does, one event a turn, each when asked to go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

QUESTION = {"model": "llama", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
PATH = "/v1/chat/completions"
TURNS = 3


def chat() -> FastAPI:
    app = FastAPI()
    app.state.go = asyncio.Event()

    @app.post(PATH)
    async def complete(request: Request) -> StreamingResponse:
        asked = json.loads(await request.body())

        async def events() -> AsyncIterator[str]:
            for number in range(TURNS):
                choice = {"index": 0, "delta": {"content": f"word{number} "}}
                yield f"data: {json.dumps({'model': asked['model'], 'choices': [choice]})}\n\n"
                await app.state.go.wait()
                app.state.go.clear()
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @app.post("/go")
    async def go() -> Response:
        app.state.go.set()
        return Response()

    return app


def converse(address: str, server: str) -> None:
    """Ask at `address`; the next event is written only when `server` hears that one arrived."""
    with httpx.stream("POST", address + PATH, json=QUESTION, timeout=20) as answer:
        events = answer.iter_lines()
        for number in range(TURNS):
            assert f"word{number}" in next(events)
            next(events)
            httpx.post(f"{server}/go")
        assert next(events) == "data: [DONE]"
