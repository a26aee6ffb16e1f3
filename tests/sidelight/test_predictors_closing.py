"""A closed HTTP predictor has ended its calls, leaves no session behind and opens none."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import aiohttp
import numpy as np
import pytest

from sidelight.config.predicting import PredictorSettings
from sidelight.errors import PredictorError
from sidelight.predictors import Predictor, open_predictor
from sidelight.predictors.recalling import Recall, recalling
from sidelight.tensors import Columns
from tests.sidelight.predictor_servers import doubled, respond, serving

ROWS = Columns.of(x=np.arange(4.0))


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[aiohttp.ClientSession]:
    """All that were opened."""
    opened: list[aiohttp.ClientSession] = []
    make = aiohttp.ClientSession

    def noted(**settings: Any) -> aiohttp.ClientSession:
        opened.append(make(**settings))
        return opened[-1]

    monkeypatch.setattr(aiohttp, "ClientSession", noted)
    return opened


def opened(url: str, **settings: Any) -> Predictor:
    return open_predictor("m", PredictorSettings(url=url, timeout_seconds=60, **settings))


def test_who_is_closed_opens_nothing_again(sessions: list[aiohttp.ClientSession]) -> None:
    with serving(doubled) as server:
        predictor = opened(server.url)
        predictor(ROWS)
        predictor.close()
        predictor.close()
        assert not predictor.ready()
        with pytest.raises(PredictorError, match="closed"):
            predictor(ROWS)
    assert [one.closed for one in sessions] == [True]


def test_who_was_never_asked_is_closed_for_good(sessions: list[aiohttp.ClientSession]) -> None:
    predictor = opened("http://127.0.0.1:9")
    predictor.close()
    with pytest.raises(PredictorError, match="closed"):
        predictor(ROWS)
    assert sessions == []


def hang_up(connection: socket.socket, _body: bytes) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def hang(connection: socket.socket, _body: bytes) -> None:
    connection.recv(1)


@pytest.mark.parametrize("answer", [hang, hang_up])
def test_closing_ends_a_call_under_way_whatever_it_waits_for(
    sessions: list[aiohttp.ClientSession], answer: Callable[[socket.socket, bytes], None]
) -> None:
    with serving(answer) as server, ThreadPoolExecutor(1) as pool:
        predictor = opened(server.url, retries=1000)
        asked = pool.submit(predictor, ROWS)
        while not server.requests:
            Event().wait(0.01)
        predictor.close()
        with pytest.raises(PredictorError, match="closed"):
            asked.result(10)
    assert [one.closed for one in sessions] == [True]


def ready_and_doubled(connection: socket.socket, body: bytes) -> None:
    if body:
        doubled(connection, body)
    else:
        respond(connection, 200, b"{}")


def test_closing_is_not_taken_back(sessions: list[aiohttp.ClientSession]) -> None:
    recall = Recall()
    with serving(ready_and_doubled) as server, recalling(recall):
        predictor = opened(server.url)
        predictor(ROWS)
        recall.call_back()
        assert not predictor.ready()
        predictor.close()
    assert [one.closed for one in sessions] == [True]


def test_closing_while_others_ask_leaves_nothing_open(
    sessions: list[aiohttp.ClientSession],
) -> None:
    def ask(predictor: Predictor) -> None:
        while True:
            predictor.ready()
            predictor(ROWS)

    with serving(ready_and_doubled) as server:
        for _ in range(10):
            predictor = opened(server.url)
            with ThreadPoolExecutor(4) as pool:
                asking = [pool.submit(ask, predictor) for _ in range(4)]
                predictor.close()
                told = [str(one.exception(30)) for one in asking]
            assert all(one.endswith(": closed") for one in told), told
    assert all(one.closed for one in sessions)
