"""The logger where KServe's agent was: its arguments and environment, kubelet, a sink, an end."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.logger.captures import ANSWER
from tests.logger.commanding import PATH, Logger, model_server, running
from tests.logger.sinks import SinkServer, Taken, sink_server, wait_until

KUBELET = {"User-Agent": "kube-probe/1.33", "K-Network-Probe": "queue", "Connection": "close"}
REQUEST = b'{"inputs":[]}'


@pytest.fixture
def model() -> Iterator[str]:
    with model_server() as address:
        yield address


def as_agent(model: str, *flags: str) -> tuple[str, ...]:
    """What the webhook writes, without its fixed ports."""
    return (
        *("--source-uri", "", "--log-mode", "all", "--inference-service", "income"),
        *("--namespace", "shop", "--endpoint", "", "--component", "predictor"),
        *("--logger-tls-skip-verify", "false", "--component-port", model.rpartition(":")[2]),
        *flags,
    )


def ask(
    logger: Logger, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(logger.address("traffic"), timeout=30)) as client:
        client.request(method, path, body, headers)
        answer = client.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, answer.read()


def predict(logger: Logger, **headers: str) -> dict[str, str]:
    """The headers of the answer."""
    spelt = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Content-Type": "application/json", **spelt}
    status, told, body = ask(logger, "POST", PATH, sent, REQUEST)
    assert (status, body) == (200, ANSWER)
    return told


def halves(sink: SinkServer, count: int = 2) -> list[Taken]:
    wait_until(lambda: len(sink.taken) >= count, "the events")
    return sink.taken[:count]


def test_the_sink_gets_what_kserves_agent_would_send(tmp_path: Path, model: str) -> None:
    with sink_server() as sink:
        flags = (
            *("--log-url", sink.url, "--metadata-headers", "x-tenant,X-Plan"),
            *("--metadata-annotations", "team=risk"),
        )
        with running(tmp_path, *as_agent(model, *flags)) as logger:
            answer = predict(logger, ce_id="abc", x_tenant="t1", x_plan="p", x_other="no")
            request, response = halves(sink)
            assert logger.stop() == 0
    assert "x-request-id" in answer
    kserves = {
        "ce-specversion": "1.0",
        "ce-id": "abc",
        "ce-source": f"http://localhost:{logger.address('traffic').rpartition(':')[2]}/",
        "ce-inferenceservicename": "income",
        "ce-namespace": "shop",
        "ce-component": "predictor",
        "ce-endpoint": "",
        "content-type": "application/json",
        "ce-annotations": '{"team":"risk"}',
    }
    for half, name, body in ((request, "request", REQUEST), (response, "response", ANSWER)):
        assert half.headers["ce-type"] == f"org.kubeflow.serving.inference.{name}"
        assert half.headers.items() >= kserves.items()
        assert json.loads(half.headers["ce-metadata"]) == {"X-Tenant": ["t1"], "X-Plan": ["p"]}
        assert half.body == body


@pytest.mark.parametrize("mode", ["request", "response"])
def test_the_mode_says_which_half_is_sent(tmp_path: Path, model: str, mode: str) -> None:
    with sink_server() as sink:
        flags = as_agent(model, "--log-url", sink.url, f"--log-mode={mode}")
        with running(tmp_path, *flags) as logger:
            predict(logger)
            predict(logger)
            taken = halves(sink)
            assert logger.stop() == 0
    assert {one.headers["ce-type"].rpartition(".")[2] for one in taken} == {mode}
    assert len(sink.taken) == 2


def test_kubelet_asks_the_agent_and_learns_of_the_model_server(tmp_path: Path, model: str) -> None:
    port = int(model.rpartition(":")[2])
    missing = {"httpGet": {"path": "/", "port": port}}  # this server answers a GET with 501
    connected = {"tcpSocket": {"port": port}}
    with sink_server() as sink:
        for probe, status in ((missing, 503), (connected, 200)):
            flags = as_agent(model, "--log-url", sink.url)
            environ = {"SERVING_READINESS_PROBE": json.dumps(probe)}
            with running(tmp_path, *flags, **environ) as logger:
                assert ask(logger, "GET", "/", KUBELET)[0] == status
                predict(logger)
                halves(sink)
                assert logger.metric("captures_received_total") == 1, "no probe among them"
                assert logger.stop() == 0
                sink.taken.clear()


def test_after_the_signal_requests_are_taken_while_the_queue_proxy_sends_them(
    tmp_path: Path, model: str
) -> None:
    environ = {"SIDELIGHT_LOGGER__QUIET_SECONDS": "1.5"}
    with sink_server() as sink:
        flags = as_agent(model, "--log-url", sink.url, "--grace-seconds", "60")
        with running(tmp_path, *flags, **environ) as logger:
            predict(logger)
            logger.process.terminate()
            wait_until(lambda: ask(logger, "GET", "/", KUBELET)[0] == 503, "the proxy's end")
            predict(logger, ce_id="late")
            assert logger.process.wait(60) == 0
    assert sink.ids().count("late") == 2


def test_the_banner_says_what_the_log_survives(tmp_path: Path, model: str) -> None:
    with running(tmp_path, *as_agent(model, "--log-url", "")) as logger:
        logger.address("metrics")
        assert logger.stop() == 0
    assert any("log  " in line and "lies on" in line for line in logger.said)
