"""A reverse proxy in forty lines, as one would write it with aiohttp."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping

from aiohttp import ClientSession, TCPConnector, web

_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}


def _end_to_end(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _ONE_HOP]


def application(upstream: int) -> web.Application:
    """Reads a request whole, asks the model server, answers with what it said."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(connector=TCPConnector(limit=0)) as opened:
            app["session"] = opened
            yield

    async def forward(request: web.Request) -> web.Response:
        url = f"http://127.0.0.1:{upstream}{request.path_qs}"
        body, headers = await request.read(), _end_to_end(request.headers)
        async with request.app["session"].request(
            request.method, url, data=body, headers=headers
        ) as answer:
            content = await answer.read()
            headers = _end_to_end(answer.headers)
            return web.Response(body=content, status=answer.status, headers=dict(headers))

    app = web.Application(client_max_size=1 << 30)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


if __name__ == "__main__":
    port, server = map(int, sys.argv[1:])
    web.run_app(application(server), host="127.0.0.1", port=port, access_log=None, print=None)
