"""Every account of the logger's README, added up from ``/metrics`` of a logger that does it all.

HTTP, gRPC and the middleware, a sample and a rule, a sink for all, one for a share of one model,
one that is not there; and its parts are killed.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import httpx
import pytest

from sidelight_logger.middleware import PayloadLogger
from tests.logger.commanding import PATH, Logger, running
from tests.logger.faults.accounts import (
    has_caught_up,
    proxy_balance,
    recorder_balance,
    wait_until_settled,
)
from tests.logger.faults.load import Asker, asking, body_of, id_of, wait_for_more
from tests.logger.faults.oracle import records_in
from tests.logger.faults.seeds import KEPT, fresh
from tests.logger.faults.serving import Collecting, serving
from tests.logger.grpc_running import INFER, Model, channel_to
from tests.logger.grpc_running import model_server as grpc_server
from tests.logger.middleware_serving import uvicorn_of
from tests.logger.sinks import wait_until

SINKS = ("all", "share", "absent")
PARTS = ("proxy", "recorder", *(f"shipper {name}" for name in SINKS))
HEALTH = "/v2/health/ready"


def configured(folder: Path, socket: Path, all_: str, share: str) -> None:
    logger = {
        "socket": str(socket),
        "capture": {"sample": 0.8},
        "redact": {"patterns": ["c[0-9]-[0-9]{6}3"]},
        "sinks": {
            "all": {"url": all_},
            "share": {"url": share, "only": {"models": ["income"], "sample": 0.5}},
            "absent": {"url": "http://127.0.0.1:1/"},
        },
    }
    (folder / "sidelight.yaml").write_text(json.dumps({"logger": logger}))


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """A model inside of the server that has the middleware."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Rounds:
    """Asks through gRPC and the middleware, and after the server's health, until stopped."""

    def __init__(self, address: str, inside: str) -> None:
        self.failed: list[str] = []
        self.count = 0
        self._address = address
        self._inside = inside
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        host, _, port = self._address.partition(":")
        with channel_to((host, int(port))) as channel, httpx.Client(timeout=60) as client:
            while not self._stopping.wait(0.005):
                asked = body_of(id_of("r", self.count))
                self._rpc(channel, asked)
                answer = client.post(self._inside + PATH, content=asked)
                if answer.content != asked:
                    self.failed.append(f"middleware: {answer.status_code} {answer.text}")
                self._health(client)
                self.count += 1

    def _rpc(self, channel: Any, asked: bytes) -> None:
        try:
            if channel.unary_unary(INFER)(asked, timeout=60, wait_for_ready=True) != asked:
                self.failed.append("grpc: another answer")
        except grpc.RpcError as exc:
            if exc.code() is not grpc.StatusCode.UNAVAILABLE:  # the proxy was killed under it
                self.failed.append(f"grpc: {exc}")

    def _health(self, client: httpx.Client) -> None:
        try:
            client.get(f"http://{self._address}{HEALTH}")
        except httpx.TransportError:
            return


@contextmanager
def rounds(address: str, inside: str) -> Iterator[Rounds]:
    asker = Rounds(address, inside)
    asker.start()
    try:
        yield asker
    finally:
        asker.stop()


def middleware_balance(logger: Logger) -> float:
    parts = ("middleware_settled_total", "middleware_dropped_total")
    gone = sum(map(logger.metric, (*parts, "middleware_waiting_exchanges")))
    return logger.metric("middleware_exchanges_total") - gone


def of_sink(logger: Logger, sink: str, name: str) -> float:
    return logger.metric(f'sink_{name}{{.*sink="{sink}".*}}')


def sink_total(logger: Logger, sink: str) -> float:
    names = ("delivered_total", "dead_lettered_total", "dropped_total", "left_out_total")
    return sum(of_sink(logger, sink, name) for name in (*names, "waiting_records"))


def wait_until_all_settled(logger: Logger) -> None:
    waiting = "middleware_waiting_exchanges"
    wait_until(lambda: logger.metric(waiting) == 0, "the middleware's account")
    wait_until_settled(logger)


def handed_over(logger: Logger) -> float:
    return logger.metric("proxy_settled_total") + logger.metric("middleware_settled_total")


def accounts_are_even(logger: Logger, records: int) -> None:
    assert (proxy_balance(logger), middleware_balance(logger)) == (0, 0)
    assert recorder_balance(logger) == 0
    for sink in SINKS:
        wait_until(
            lambda sink=sink: logger.tells(f'sink_waiting_records{{.*sink="{sink}".*}}'),  # type: ignore[misc]
            f"the account of {sink}",
        )
        wait_until(
            lambda sink=sink: sink_total(logger, sink) == records,  # type: ignore[misc]
            f"{sink}: {sink_total(logger, sink)} of {records}",
            60,
        )


def all_accounts(folder: Path, seed: int, kills: int, apart: int) -> None:
    print(f"seed {seed}")
    chance, all_, share = random.Random(seed), Collecting(), Collecting()
    with ExitStack() as opened:
        place = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        urls = [opened.enter_context(serving(sink)) for sink in (all_, share)]
        model = opened.enter_context(serving())
        rpc = opened.enter_context(grpc_server(Model()))
        configured(folder, place / "socket", *urls)
        flags = ("--upstream", model, "--grpc-upstream", f"127.0.0.1:{rpc}")
        logger = opened.enter_context(running(folder, *flags))
        address = logger.address("traffic")
        inside = opened.enter_context(uvicorn_of(PayloadLogger(echo, place / "socket")))
        with asking(address, 2, 0.002) as askers, rounds(address, inside) as others:
            for _ in range(kills):
                wait_for_more(askers, chance.randrange(1, apart))
                logger.kill(chance.choice(PARTS))
            wait_until(lambda: has_caught_up(logger), "the recorder")
            wait_for_more(askers, 20)
        wait_until_all_settled(logger)
        accounts_are_even(logger, records_in(folder / "log"))
        received, settled = _received(logger), handed_over(logger)
        _more(logger, address, inside, askers)
        assert _received(logger) - received == handed_over(logger) - settled
        accounts_are_even(logger, records_in(folder / "log"))
        _sinks_have_what_they_should(logger, all_, share)
        assert logger.stop() == 0
    assert not any(asker.failed for asker in askers)
    assert not others.failed, others.failed[:3]


def _received(logger: Logger) -> float:
    return logger.metric("captures_received_total")


def _more(logger: Logger, address: str, inside: str, askers: list[Asker]) -> None:
    """Undisturbed: what the doors handed over is what the recorder settles."""
    with asking(address, 2, 0.002) as again, rounds(address, inside):
        wait_for_more(again, 60)
    askers += again
    wait_until_all_settled(logger)


def _sinks_have_what_they_should(logger: Logger, all_: Collecting, share: Collecting) -> None:
    for sink in ("all", "share"):
        wait_until(
            lambda sink=sink: of_sink(logger, sink, "waiting_records") == 0,  # type: ignore[misc]
            f"the end of {sink}",
            60,
        )
    assert of_sink(logger, "share", "left_out_total") > 0
    assert of_sink(logger, "absent", "delivered_total") == 0
    assert len(share.ids) < len(all_.ids)
    for name in ("left_out_total", "probes_left_out_total"):
        assert logger.metric(name) > 0


@pytest.mark.parametrize("seed", KEPT)
def test_every_account_is_even_whatever_is_killed(tmp_path: Path, seed: int) -> None:
    all_accounts(tmp_path, seed, kills=4, apart=60)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_every_account_is_even_after_forty_kills(tmp_path: Path) -> None:
    all_accounts(tmp_path, fresh(), kills=40, apart=400)
