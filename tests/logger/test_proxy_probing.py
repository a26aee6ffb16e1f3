"""Kubelet's question to KServe's agent: the proxy answers it, with what the model server says."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest

from sidelight.errors import ConfigError
from sidelight.upstreams import Upstream
from sidelight_logger.proxy.readiness import VARIABLE, Probe, probes_of
from sidelight_logger.proxy.settings import Limits
from tests.logger.proxy_running import (
    Answer,
    RunningProxy,
    ScriptedServer,
    dummy_recorder,
    read_answer,
    running_proxy,
    wait_until,
)

UPSTREAM = Upstream("127.0.0.1", 8080)
KSERVES = {
    "httpGet": {"path": "/v2/health/ready", "port": 8080, "scheme": "HTTP"},
    "timeoutSeconds": 2,
    "periodSeconds": 10,
}


def asked(probe: object) -> tuple[Probe, ...]:
    return probes_of({VARIABLE: json.dumps(probe)}, UPSTREAM)


def test_what_kserve_writes_is_read() -> None:
    (probe,) = asked(KSERVES)
    assert (probe.host, probe.port, probe.timeout_seconds) == ("127.0.0.1", 8080, 2.0)
    assert probe.request.startswith(b"GET /v2/health/ready HTTP/1.1\r\n")
    assert b"\r\nUser-Agent: kube-probe/" in probe.request


def test_knatives_list_of_probes_is_read_each_with_its_port_and_headers() -> None:
    header = {"name": "Host", "value": "model.example"}
    http_get = {"path": "ready", "port": 9000, "host": "10.0.0.1", "httpHeaders": [header]}
    first, second = asked([{"tcpSocket": {"port": 8081}}, {"httpGet": http_get}])
    assert first == Probe("127.0.0.1", 8081)
    assert (second.host, second.port) == ("10.0.0.1", 9000)
    assert b"GET /ready HTTP/1.1\r\nHost: model.example\r\n" in second.request


@pytest.mark.parametrize(
    "probe",
    [
        {"tcpSocket": {"port": "http"}},
        {"exec": {"command": ["true"]}},
        {"grpc": {"port": 0}},
        {"httpGet": {"port": 8080, "path": "/", "scheme": "HTTPS"}},
    ],
)
def test_a_probe_that_only_kubelet_can_run_becomes_a_connection(probe: object) -> None:
    assert asked(probe) == (Probe("127.0.0.1", 8080),)


def test_without_a_probe_a_connection_must_do() -> None:
    assert probes_of({}, UPSTREAM) == (Probe("127.0.0.1", 8080),)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "3",
        '"x"',
        '{"httpGet": {"path": "/\\r\\nX: y", "port": 1}}',
        '{"httpGet": {"path": "/", "port": 1, "httpHeaders": [{}]}}',
    ],
)
def test_a_probe_that_cannot_be_read_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ConfigError, match=VARIABLE):
        probes_of({VARIABLE: text}, UPSTREAM)


QUESTION = (
    b"GET / HTTP/1.1\r\nHost: pod\r\nUser-Agent: kube-probe/1.33\r\nK-Network-Probe: queue\r\n\r\n"
)
READY = asked({"httpGet": {"path": "/v2/health/ready", "port": 1}})[0]


def at(server: ScriptedServer) -> Probe:
    return replace(READY, port=server.port)


def ask(proxy: RunningProxy, question: bytes = QUESTION) -> Answer:
    wire = proxy.connect()
    wire.send(question)
    answer = read_answer(wire, question.partition(b" ")[0].decode())
    wire.close()
    return answer


@pytest.mark.parametrize(("status", "told"), [(b"200", 200), (b"302", 200), (b"503", 503)])
def test_the_agent_is_ready_when_the_model_servers_own_probe_passes(
    server: ScriptedServer, status: bytes, told: int
) -> None:
    with running_proxy(server.port, probes=(at(server),)) as proxy:
        wire = proxy.connect()
        wire.send(QUESTION)
        asked_server = server.accept()
        assert asked_server.head().startswith(b"GET /v2/health/ready HTTP/1.1\r\n")
        asked_server.send(b"HTTP/1.1 %b X\r\nContent-Length: 0\r\n\r\n" % status)
        answer = read_answer(wire)
        assert answer.status == told
        assert answer.body == (b"queue" if told == 200 else answer.body)


@pytest.mark.parametrize("says", [b"", b"nonsense\r\n", b"HTTP/1.1\r\n", b"x" * (128 << 10)])
def test_a_model_server_that_answers_nonsense_is_not_ready(
    server: ScriptedServer, says: bytes
) -> None:
    with running_proxy(server.port, probes=(at(server),)) as proxy:
        wire = proxy.connect()
        wire.send(QUESTION)
        asked_server = server.accept()
        asked_server.head()
        with contextlib.suppress(OSError):
            asked_server.send(says)
        asked_server.close()
        assert read_answer(wire).status == 503


def test_a_model_server_that_is_silent_or_not_there_is_not_ready(server: ScriptedServer) -> None:
    silent = replace(at(server), timeout_seconds=0.05)
    with running_proxy(server.port, probes=(silent,)) as proxy:
        assert ask(proxy).status == 503
    absent = Probe("127.0.0.1", server.port)
    server.close()
    with running_proxy(server.port, probes=(absent,)) as proxy:
        assert ask(proxy).status == 503


def test_a_connection_that_is_taken_suffices_for_a_tcp_probe(server: ScriptedServer) -> None:
    with running_proxy(server.port, probes=(Probe("127.0.0.1", server.port),)) as proxy:
        answer = ask(proxy)
        assert (answer.status, answer.body) == (200, b"queue")
        assert ask(proxy, QUESTION.replace(b"GET", b"HEAD", 1)).body == b""


def test_the_question_is_neither_forwarded_nor_recorded_and_others_are(
    server: ScriptedServer,
) -> None:
    with (
        dummy_recorder() as recorder,
        running_proxy(server.port, recorder=recorder.path, probes=()) as proxy,
    ):
        assert ask(proxy).status == 200
        assert server.has_nobody()
        wire = proxy.connect()
        wire.send(QUESTION.replace(b"GET", b"POST", 1))
        asked_server = server.accept()
        asked_server.head()
        asked_server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert read_answer(wire).status == 200
        (capture,) = recorder.wait(1)
        assert capture.request.head.startswith(b"POST")


def test_a_question_with_a_body_and_one_that_is_taken_back_harm_nobody(
    server: ScriptedServer,
) -> None:
    with running_proxy(server.port, probes=(at(server),)) as proxy:
        gone = proxy.connect()
        gone.send(QUESTION)
        server.accept()
        gone.reset()
        wire = proxy.connect()
        wire.send(QUESTION[:-2] + b"Content-Length: 4\r\n\r\nab")
        asked_server = server.accept()
        asked_server.head()
        asked_server.send(b"HTTP/1.1 200 OK\r\n\r\n")
        assert read_answer(wire).status == 200


def test_a_proxy_that_ends_is_not_ready_and_still_takes_requests(server: ScriptedServer) -> None:
    limits = Limits(grace_seconds=20, quiet_seconds=5)
    with running_proxy(server.port, limits=limits, probes=()) as proxy:
        assert ask(proxy).status == 200
        proxy.ask_to_stop()
        wait_until(lambda: proxy.proxy.draining)
        assert ask(proxy).status == 503
        wire = proxy.connect()
        wire.send(b"GET /v2 HTTP/1.1\r\nHost: pod\r\n\r\n")
        asked_server = server.accept()
        asked_server.head()
        asked_server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert read_answer(wire).body == b"ok"
        proxy.proxy.settings = replace(
            proxy.proxy.settings, limits=replace(limits, quiet_seconds=0)
        )
