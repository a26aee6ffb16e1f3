"""What the recorder gets of each exchange, and what happens when it cannot take it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import pytest

from sidelight.events.ids import id_text
from sidelight_logger.wire import tally
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.tally import BUFFER_FULL, PROXY_LOST, RECORDER_DOWN, RECORDER_LOST
from tests.logger.proxy_running import (
    DummyRecorder,
    RunningProxy,
    ScriptedServer,
    Wire,
    dummy_recorder,
    running_proxy,
    wait_until,
)

POST = b"POST /infer HTTP/1.1\r\nHost: model\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def proxy(server: ScriptedServer, recorder: DummyRecorder) -> Iterator[RunningProxy]:
    with running_proxy(server.port, recorder=recorder.path, max_body=100) as running:
        yield running


@pytest.fixture
def client(proxy: RunningProxy) -> Iterator[Wire]:
    wire = proxy.connect()
    yield wire
    wire.close()


def ask(client: Wire, server: ScriptedServer, request: bytes, answer: bytes = OK) -> bytes:
    """One exchange on connections of its own: what the server got."""
    client.send(request)
    upstream = server.accept()
    received = upstream.head()
    upstream.send(answer)
    client.head()
    return received


def only(recorder: DummyRecorder) -> Capture:
    (capture,) = recorder.wait(1)
    return capture


def test_an_exchange_is_captured_whole(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    before = time.time_ns()
    request = POST + b"Authorization: secret\r\nContent-Length: 4\r\n\r\n"
    received = ask(client, server, request + b"body")
    capture = only(recorder)
    assert capture.outcome == "answered"
    assert (capture.request.head, capture.request.body, capture.request.size) == (
        request,
        b"body",
        4,
    )
    assert capture.response.head + capture.response.body == OK
    assert before <= capture.time_ns <= capture.time_ns + capture.duration_ns <= time.time_ns()
    assert b"X-Request-Id: " + id_text(capture.id).encode() in received


def test_chunks_are_joined_and_trailers_left_out(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    ask(
        client,
        server,
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nX: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n",
    )
    capture = only(recorder)
    assert (capture.request.body, capture.response.body) == (b"abc", b"xyz")


def test_a_body_is_captured_up_to_its_limit_and_counted_whole(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    body = bytes(range(200)) * 5
    ask(client, server, POST + b"Content-Length: 1000\r\n\r\n" + body)
    request = only(recorder).request
    assert (request.body, request.size, request.truncated) == (body[:100], 1000, True)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_of_a_cut_body_the_hash_of_the_whole_is_taken(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder, framing: str
) -> None:
    body = bytes(range(200)) * 5
    head = POST
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body[::-1]
    if framing == "length":
        ask(client, server, head + b"Content-Length: 1000\r\n\r\n" + body, answer)
    else:
        chunks = (b"32\r\n" + body[at : at + 50] + b"\r\n" for at in range(0, 1000, 50))
        ask(
            client,
            server,
            head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n",
            answer,
        )
    both = only(recorder)
    for side, whole in ((both.request, body), (both.response, body[::-1])):
        assert (side.body, side.size) == (whole[:100], 1000)
        assert side.sha256 == hashlib.sha256(whole).digest()


def test_interim_answers_are_not_the_answer(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    ask(client, server, POST + b"\r\n", b"HTTP/1.1 102 Processing\r\n\r\n" + OK)
    assert only(recorder).response.head + b"ok" == OK


def test_no_answer_is_captured_as_such(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    client.send(POST + b"Content-Length: 2\r\n\r\nab")
    upstream = server.accept()
    upstream.head()
    upstream.close()
    capture = only(recorder)
    assert (capture.outcome, capture.response.head) == ("unanswered", b"")
    assert capture.request.body == b"ab"


def test_a_cut_answer_is_no_answer(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    ask(client, server, POST + b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
    server.close()
    capture = only(recorder)
    assert (capture.outcome, capture.response.body) == ("unanswered", b"part")


def test_a_client_that_leaves_within_an_answer_abandons_it(
    client: Wire, server: ScriptedServer, recorder: DummyRecorder
) -> None:
    ask(client, server, POST + b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
    client.reset()
    capture = only(recorder)
    assert (capture.outcome, capture.response.body) == ("abandoned", b"part")


def test_refused_requests_are_no_exchanges(
    client: Wire, proxy: RunningProxy, recorder: DummyRecorder
) -> None:
    client.send(b"BAD\r\n\r\n")
    client.rest()
    stats = proxy.stats
    assert (stats.refused, stats.accepted, recorder.captures) == (1, 0, [])


def test_the_counters_tell_of_every_exchange(
    client: Wire, server: ScriptedServer, proxy: RunningProxy
) -> None:
    ask(client, server, POST + b"Content-Length: 4\r\n\r\nbody")
    wait_until(lambda: proxy.stats.settled == 1)
    stats = proxy.stats
    assert (stats.accepted, stats.request_bytes, stats.response_bytes) == (1, 4, 2)
    assert (stats.client_connections, stats.upstream_connections) == (1, 1)
    assert sum(stats.latency_counts) == 1
    assert (stats.waiting, stats.waiting_bytes) == (0, 0)
    assert set(stats.dropped.values()) == {0}


def many(proxy: RunningProxy, server: ScriptedServer, count: int) -> None:
    client = proxy.connect()
    request = POST + b"Content-Length: 1000\r\n\r\n" + b"a" * 1000
    client.send(request)
    upstream = server.accept()
    for number in range(count):
        if number:
            client.send(request)
        upstream.until(b"a" * 1000)
        upstream.send(OK)
        client.until(b"\r\n\r\nok")
    client.close()
    upstream.close()


def test_captures_wait_for_a_recorder_that_comes_later(server: ScriptedServer) -> None:
    with dummy_recorder() as late:
        path = late.path
        late.close()
        with running_proxy(server.port, recorder=path) as proxy:
            many(proxy, server, 20)
            recorder = DummyRecorder(path)
            assert len({capture.id for capture in recorder.wait(20)}) == 20
            wait_until(lambda: proxy.stats.waiting_bytes == proxy.stats.waiting == 0)
            recorder.close()


def test_without_a_recorder_memory_ends_and_the_rest_is_counted(server: ScriptedServer) -> None:
    with dummy_recorder() as late:
        path = late.path
        late.close()
        with running_proxy(server.port, recorder=path, buffer_bytes=1 << 16) as proxy:
            many(proxy, server, 100)
            recorder = DummyRecorder(path)
            wait_until(lambda: len(recorder.captures) > 0)
            wait_until(lambda: proxy.stats.waiting == 0)
            recorder.close()
        stats = proxy.stats
    assert (stats.accepted, stats.settled) == (100, len(recorder.captures))
    assert stats.dropped[RECORDER_DOWN] == 100 - len(recorder.captures)
    assert 0 < len(recorder.captures) * 1600 < 1 << 16


def test_a_recorder_that_hangs_costs_captures_and_no_prediction(server: ScriptedServer) -> None:
    with dummy_recorder() as hanging:
        hanging.hang()
        with running_proxy(server.port, recorder=hanging.path, buffer_bytes=1 << 20) as proxy:
            wait_until(lambda: hanging.connected)
            many(proxy, server, 1000)
            stats = proxy.stats
    assert (stats.accepted, stats.settled) == (1000, 0)
    assert 300 < stats.dropped[BUFFER_FULL] < 1000
    assert stats.waiting == 1000 - stats.dropped[BUFFER_FULL]


def test_a_recorder_that_ends_is_found_again_and_its_loss_counted(server: ScriptedServer) -> None:
    """What it had not acknowledged is lost and counted; all else reaches its successor."""
    with dummy_recorder() as hanging:
        path = hanging.path
        hanging.hang()
        with running_proxy(server.port, recorder=path) as proxy:
            wait_until(lambda: hanging.connected)
            many(proxy, server, 10)
            wait_until(hanging.has_unread)
            hanging.close()
            recorder = DummyRecorder(path)
            many(proxy, server, 5)
            wait_until(lambda: proxy.stats.waiting == 0)
            assert proxy.stats.dropped[RECORDER_LOST] + len(recorder.captures) == 15
            assert proxy.stats.dropped[RECORDER_LOST] >= 1
            recorder.close()


def test_a_body_beyond_the_buffer_is_forwarded_and_its_capture_dropped(
    server: ScriptedServer, recorder: DummyRecorder
) -> None:
    with running_proxy(server.port, recorder=recorder.path, buffer_bytes=1 << 16) as proxy:
        client = proxy.connect()
        body = b"a" * 200_000
        client.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        upstream = server.accept()
        upstream.head()
        assert upstream.exactly(len(body)) == body
        upstream.send(OK)
        client.head()
        wait_until(lambda: proxy.stats.accepted == 1)
        stats = proxy.stats
        client.close()
    assert (stats.accepted, stats.dropped[BUFFER_FULL]) == (1, 1)
    assert recorder.captures == []
    assert stats.waiting_bytes == 0


def test_a_proxy_counts_what_a_killed_predecessor_had_in_hand(server: ScriptedServer) -> None:
    cells = tally.private()
    cells[tally.ACCEPTED], cells[tally.SETTLED], cells[tally.CLIENTS] = 10, 6, 3
    cells[tally.DROPPED[BUFFER_FULL]] = 1
    with running_proxy(server.port, cells=cells) as proxy:
        wait_until(lambda: tally.silent_seconds(cells) < 60)
        stats = proxy.stats
    assert stats.dropped == {**dict.fromkeys(stats.dropped, 0), BUFFER_FULL: 1, PROXY_LOST: 3}
    assert (stats.accepted, stats.waiting, stats.client_connections) == (10, 0, 0)
