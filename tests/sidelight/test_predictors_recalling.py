from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import numpy as np
import pytest

from sidelight.config.predicting import PredictorSettings
from sidelight.errors import PredictorError
from sidelight.predictors import Predictor, open_predictor, spending
from sidelight.predictors.recalling import Recall, recall_in_force, recalling
from sidelight.tensors import Columns
from tests.ports import free_port
from tests.sidelight import grpc_servers, predictor_servers

ROWS = Columns.of(x=np.arange(4.0))


class Hanging:
    """Servers that do not answer: when they were asked, and when the caller hung up."""

    def __init__(self) -> None:
        self.came, self.lost, self.released = Event(), Event(), Event()

    def http(self, connection: socket.socket, _body: bytes) -> None:
        self.came.set()
        connection.settimeout(20)
        if connection.recv(1) == b"":
            self.lost.set()

    def grpc(self, request: bytes, context: Any) -> bytes:
        context.add_callback(self._hung_up)
        self.came.set()
        self.released.wait(20)
        return grpc_servers.doubled(request, context)

    def _hung_up(self) -> None:
        self.lost.set()
        self.released.set()


@contextmanager
def hanging(protocol: str, **settings: Any) -> Iterator[tuple[Hanging, Predictor]]:
    told = Hanging()
    server: Any = (
        predictor_servers.serving(told.http)
        if protocol == "http"
        else grpc_servers.serving(told.grpc)
    )
    with server as at:
        predictor = open_predictor("m", PredictorSettings(url=at.url, **settings))
        try:
            yield told, predictor
        finally:
            predictor.close()


def asked(predictor: Predictor, recall: Recall) -> Columns:
    with recalling(recall):
        return predictor(ROWS)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("part", [100, 1])
def test_a_call_is_taken_back_and_the_server_sees_it(protocol: str, part: int) -> None:
    recall = Recall()
    opened = hanging(protocol, timeout_seconds=60, max_batch_rows=part)
    with opened as (server, predictor), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, predictor, recall)
        assert server.came.wait(10)
        recall.call_back()
        assert waiting.exception(10) is not None
        assert server.lost.wait(10)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_what_is_taken_back_before_it_is_asked_is_not_asked(protocol: str) -> None:
    recall = Recall()
    recall.call_back()
    with hanging(protocol, timeout_seconds=60) as (server, predictor):
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(asked, predictor, recall).exception(10) is not None
        assert not server.came.is_set()


class LookedAt(Recall):
    """Taken back without a stop, as when that is still on its way, after so many looks."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    @property
    def recalled(self) -> bool:
        self._looks -= 1
        return self._looks < 0


@pytest.mark.parametrize("looks", [0, 1])
def test_nothing_is_sent_before_the_stop_itself_has_come(looks: int) -> None:
    with hanging("http", timeout_seconds=60) as (server, predictor):
        with pytest.raises(PredictorError, match="taken back"), spending() as spent:
            asked(predictor, LookedAt(looks))
        assert not server.came.is_set()
    assert spent.calls == looks


def test_the_pause_before_another_try_ends_with_the_call() -> None:
    port = free_port()
    recall = Recall()
    settings = PredictorSettings(url=f"grpc://127.0.0.1:{port}", retries=50, timeout_seconds=60)
    predictor = open_predictor("m", settings)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, predictor, recall)
        assert not Event().wait(0.3)
        recall.call_back()
        with pytest.raises(PredictorError, match="taken back"):
            waiting.result(10)
    predictor.close()


def test_stops_are_called_once_and_only_while_their_block_runs() -> None:
    recall, stopped = Recall(), []
    with recall.by(lambda: stopped.append("early")):
        pass
    with recall.by(lambda: stopped.append("now")):
        recall.call_back()
    with recall.by(lambda: stopped.append("late")):
        assert recall.recalled
    assert stopped == ["now", "late"]


def test_nothing_can_be_taken_back_outside_of_a_block() -> None:
    recall = Recall()
    with recalling(recall):
        assert recall_in_force() is recall
    assert recall_in_force() is None
