"""The recorder's page: it answers, and cannot be used to starve the recorder."""

from __future__ import annotations

import contextlib
import http.client
import socket
from threading import active_count

from prometheus_client import CollectorRegistry

from sidelight_logger.recorder.page import Page
from tests.logger.sinks import wait_until


def test_idle_connections_take_no_more_than_some_threads_and_no_answer_once_gone() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    page = Page(listener, CollectorRegistry(), lambda: "")
    page.start()
    threads = active_count()
    try:
        with contextlib.ExitStack() as held:
            silent = [held.enter_context(socket.create_connection(address)) for _ in range(100)]
            silent[-1].settimeout(20)
            assert silent[-1].recv(1) == b"", "turned away"
            assert active_count() <= threads + 31
        wait_until(lambda: active_count() <= threads, "the end of the silent ones")
        connection = http.client.HTTPConnection(address[0], address[1], timeout=20)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        page.stop()
