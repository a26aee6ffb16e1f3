"""The end of the service, and clients that are slow to ask or to read."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc  # type: ignore[import-untyped]
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sidelight.config.explaining.service import ExplainersSettings
from sidelight.errors import PredictorError
from sidelight.protocols import v2_grpc
from sidelight.serving import connections
from sidelight.serving.connections import Impatience, Impatient
from sidelight.tensors import Columns
from sidelight_explainers.service import answering
from sidelight_explainers.service.app import create_app
from sidelight_explainers.service.closing import Closing, Stopping
from sidelight_explainers.service.warming import warm_up
from tests.explainers.explaining_services import ROW, V1, Held, model, service
from tests.explainers.serving import served
from tests.ports import free_port

BODY = {"instances": [ROW]}


class ImpatientOverH11(Impatience, H11Protocol):
    pass


@contextmanager
def running(app: FastAPI, protocol: type[asyncio.Protocol]) -> Iterator[int]:
    """The port of a uvicorn server with that protocol, in a thread."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, http=protocol, log_config=None)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield port
    server.should_exit = True
    thread.join()


def test_what_is_under_way_at_the_end_is_refused_and_nothing_before() -> None:
    async def closing() -> None:
        it = Closing()
        assert await it.unless_over(asyncio.sleep(0, "answer")) == "answer"
        waiting = asyncio.create_task(it.unless_over(asyncio.sleep(60)))
        left = asyncio.create_task(it.unless_over(asyncio.sleep(60)))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        it.begin(0.0)
        with pytest.raises(Stopping, match="ask again"):
            await waiting
        assert it.begun.is_set()

    asyncio.run(closing())


def test_requests_that_outlast_the_end_get_503_over_http_and_grpc() -> None:
    held = Held()
    address = f"127.0.0.1:{free_port()}"
    settings = ExplainersSettings(warm_up=False, grpc_listen=address)
    app = create_app({"m": model(held)}, settings)
    codes: list[Any] = []

    def over_http(url: str) -> None:
        answer = httpx.post(f"{url}{V1}", json=BODY, timeout=60)
        codes.append((answer.status_code, answer.headers["retry-after"]))

    def over_grpc() -> None:
        rows = v2_grpc.encode_request(Columns.of(f0=[1.0], f1=[2.0], f2=[3.0]), "m")
        with grpc.insecure_channel(address) as channel:
            infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            with pytest.raises(grpc.RpcError) as caught:
                infer(rows, timeout=60)
            codes.append(caught.value.code())

    with served(app) as url:
        callers = [threading.Thread(target=over_http, args=(url,))]
        callers += [threading.Thread(target=over_grpc)]
        for one in callers:
            one.start()
        closing = app.state.answering.closing
        while len(closing._under_way) < 2:
            assert all(one.is_alive() for one in callers)
        next(iter(closing._under_way)).get_loop().call_soon_threadsafe(closing.end)
        for one in callers:
            one.join(60)
        held.go.set()
    assert set(codes) == {(503, "1"), grpc.StatusCode.UNAVAILABLE}


def test_a_warm_up_ends_when_the_service_does() -> None:
    asked = threading.Event()

    def is_enough() -> bool:
        asked.set()
        return True

    warm_up({"m": model()}, is_enough)
    assert asked.is_set()


def test_a_body_that_does_not_come_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "BODY_SECONDS", 0.2)
    with service(model()) as client:
        head = f"POST {V1} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{".encode()
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address, timeout=30) as slow:
            slow.sendall(head)
            assert slow.recv(4096).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET"])
@pytest.mark.parametrize("protocol", [Impatient, ImpatientOverH11])
def test_a_head_that_does_not_come_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, protocol: type[asyncio.Protocol]
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    app = FastAPI()

    @app.get("/")
    async def slow() -> str:
        await asyncio.sleep(0.6)  # longer than a head may take
        return "answer"

    with running(app, protocol) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(30)
        client.sendall(sent)
        received = b""
        with suppress(ConnectionResetError):
            while chunk := client.recv(4096):
                received += chunk
    assert (b"answer" in received) == (b"\r\n\r\n" in sent)


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
def test_the_system_ends_connections_that_take_nothing() -> None:
    with socket.socket() as connection:
        connections.end_unread(connection)
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert told == connections.UNREAD_MS


def test_a_failed_job_does_not_keep_what_it_was_asked() -> None:
    seen: list[weakref.ref[Any]] = []

    def failing(rows: Columns) -> Columns:
        seen.append(weakref.ref(rows))
        raise PredictorError("the predictor is on fire")

    with service(model(failing)) as client:
        begun = client.post(V1, json=BODY, headers={"prefer": "respond-async, wait=30"})
        assert begun.status_code == 502
        client.get("/metrics")
        gc.collect()
        assert [one() for one in seen] == [None] * len(seen)
