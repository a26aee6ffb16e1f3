"""KServe's own agent and the logger, side by side: the same flags, requests, probes and events."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.logger.captures import ANSWER
from tests.logger.commanding import PATH, model_server, running
from tests.logger.kserve_agent import kserve_agent
from tests.logger.sinks import SinkServer, Taken, sink_server, wait_until

NOT_COMPARED = {
    *("ce-time", "ce-recordedtime", "ce-id"),
    *("host", "user-agent", "accept-encoding", "content-length", "traceparent"),
}
KUBELET = {"User-Agent": "kube-probe/1.33", "K-Network-Probe": "queue"}
FLAGS = (
    *("--source-uri", "http://pod/", "--log-mode", "all", "--inference-service", "income"),
    *("--namespace", "shop", "--endpoint", "", "--component", "predictor", "--workers=3"),
    *("--metadata-headers", "X-Tenant,X-Plan", "--metadata-annotations", "team=risk,b=c"),
    *("--log-marshaller-port", "9083", "--probe-period", "1s", "--log-batch-size", "1"),
)
REQUESTS: tuple[tuple[dict[str, str], bytes], ...] = (
    ({"Content-Type": "application/json", "Ce-Id": "one"}, b'{"inputs": []}'),
    ({"Ce-Id": "two", "X-Tenant": "a", "X-Plan": "b", "X-Other": "c"}, b"\x00\xff" * 2000),
    ({"Content-Type": "application/json; charset=utf-8", "Ce-Id": "three"}, b""),
)


@contextmanager
def agent(folder: Path, model: str, sink: SinkServer, probe: str) -> Iterator[str]:
    flags = (*FLAGS, "--component-port", model.rpartition(":")[2], "--log-url", sink.url)
    with kserve_agent(folder, probe, *flags) as port:
        yield f"127.0.0.1:{port}"


@contextmanager
def logger(folder: Path, model: str, sink: SinkServer, probe: str) -> Iterator[str]:
    flags = (*FLAGS, "--component-port", model.rpartition(":")[2], "--log-url", sink.url)
    with running(folder, *flags, SERVING_READINESS_PROBE=probe) as started:
        yield started.address("traffic")
        assert started.stop() == 0


SIDECARS = {"agent": agent, "logger": logger}


def ask(address: str, method: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(address, timeout=30)) as client:
        client.request(method, PATH, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read()


def events(sidecar: str, folder: Path, model: str) -> dict[tuple[str, str], Taken]:
    """What the sink got, by id and type."""
    (place := folder / sidecar[0]).mkdir()  # short, for a socket lies in it
    probe = json.dumps({"tcpSocket": {"port": int(model.rpartition(":")[2]), "host": "127.0.0.1"}})
    with sink_server() as sink, SIDECARS[sidecar](place, model, sink, probe) as address:
        for headers, body in REQUESTS:
            assert ask(address, "POST", headers, body) == (200, ANSWER)
        assert ask(address, "GET", KUBELET, b"") == (200, b"queue")
        wait_until(lambda: len(sink.taken) >= 2 * len(REQUESTS), "the events")
    assert len(sink.taken) == 2 * len(REQUESTS)
    return {(one.id, one.headers["ce-type"]): one for one in sink.taken}


def test_the_sink_gets_of_each_request_what_it_got_from_the_agent(tmp_path: Path) -> None:
    with model_server() as model:
        theirs, ours = (events(sidecar, tmp_path, model) for sidecar in ("agent", "logger"))
    assert theirs.keys() == ours.keys()
    for key, event in theirs.items():
        told = {name: text for name, text in event.headers.items() if name not in NOT_COMPARED}
        mine = ours[key].headers
        assert {name: mine.get(name) for name in told} == told
        assert event.body == ours[key].body


@pytest.mark.parametrize("sidecar", SIDECARS)
def test_without_its_model_server_neither_is_ready(tmp_path: Path, sidecar: str) -> None:
    probe = json.dumps({"tcpSocket": {"port": 1, "host": "127.0.0.1"}})
    with (
        model_server() as model,
        sink_server() as sink,
        SIDECARS[sidecar](tmp_path, model, sink, probe) as address,
    ):
        assert ask(address, "GET", KUBELET, b"")[0] == 503
