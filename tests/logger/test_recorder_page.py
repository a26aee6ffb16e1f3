"""The recorder's page: it answers, and cannot be used to starve the recorder."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from sidelight_logger.recorder.page import Page
from tests.logger.sinks import wait_until


@pytest.fixture
def address() -> Iterator[Any]:
    """Where a page is served."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    page = Page(listener, CollectorRegistry(), lambda: "")
    page.start()
    yield address
    page.stop()


def test_idle_connections_take_no_more_than_some_threads_and_no_answer_once_gone(
    address: Any,
) -> None:
    with contextlib.ExitStack() as held:
        silent = [held.enter_context(socket.create_connection(address)) for _ in range(100)]
        silent[-1].settimeout(20)
        assert silent[-1].recv(1) == b"", "turned away"
        assert sum(is_kept(one) for one in silent) <= 32
    wait_until(lambda: is_answered(address), "an answer after the silent ones")


def test_threads_of_others_take_nobodys_place(address: Any) -> None:
    ended = Event()
    others = [Thread(target=ended.wait) for _ in range(100)]
    for one in others:
        one.start()
    try:
        assert is_answered(address)
    finally:
        ended.set()
        for one in others:
            one.join()


def is_kept(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


def is_answered(address: Any) -> bool:
    connection = http.client.HTTPConnection(address[0], address[1], timeout=20)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except ConnectionError:  # turned away
            return False
