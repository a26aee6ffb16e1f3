"""Real senders: KServe's Go agent, and our own logger's sink; killed receivers."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import orjson
import pytest
import yaml

from sidelight.config.settings import LogSettings
from sidelight.events.halves import Half, recognised
from sidelight.log import Log, open_log
from sidelight.log.topics import HALVES
from tests.logger.captures import ANSWER
from tests.logger.commanding import PATH, model_server, running
from tests.logger.commanding import Client as Caller
from tests.logger.joining import stored_in
from tests.logger.kserve_agent import kserve_agent
from tests.logger.receiving import Client, half, joined, receiver
from tests.logger.sinks import wait_until
from tests.ports import free_port


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with closing(open_log(LogSettings(url=str(tmp_path / "log"), partitions=2))) as log:
        yield log


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_kserves_own_agent_is_taken_and_paired(tmp_path: Path, log: Log) -> None:
    probe = '{"tcpSocket":{"port":1}}'
    flags = ["--inference-service", "income", "--namespace", "prod", "--metadata-headers", "X-Team"]
    with (
        model_server() as model,
        receiver(log, receiver={"token": "s3cret"}) as client,
        kserve_agent(
            tmp_path,
            probe,
            *("--component-port", model.rpartition(":")[2]),
            *("--log-url", f"http://127.0.0.1:{client.port}/s3cret", *flags),
        ) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as calling,
    ):
        for number in range(40):
            headers = {"Content-Type": "application/json", "X-Team": "blue"}
            if number % 2:
                headers["Ce-Id"] = f"call-{number}"
            calling.request("POST", PATH, b'{"inputs":[],"id":"%d"}' % number, headers)
            assert calling.getresponse().read() == ANSWER
        wait_until(lambda: client.metric("sidelight_receiver_events_total") == 80, "the events")
        assert client.metric("sidelight_receiver_refused_total") == 0
    found = joined(log)
    assert {one.outcome for one in found} == {"answered"}
    assert sorted(int(orjson.loads(one.request.content)["id"]) for one in found) == [*range(40)]
    assert {one.response.content for one in found} == {ANSWER}
    assert {one.headers["x-team"] for one in found} == {"blue"}
    assert {one.extensions["inferenceservicename"] for one in found} == {"income"}
    named = [one.correlation_id for one in found if one.correlation_id.startswith("call-")]
    assert sorted(named) == sorted(f"call-{number}" for number in range(1, 40, 2))
    # What it says about a sink that answers something else than 200.
    assert b"error: <nil>" in (tmp_path / "agent.log").read_bytes()


@pytest.mark.parametrize("form", ["kserve", "exchange"])
def test_our_own_logger_is_a_sender_too(tmp_path: Path, log: Log, form: str) -> None:
    with model_server() as model, receiver(log, receiver={"token": "s3cret"}) as client:
        (edge_place := tmp_path / "edge").mkdir()
        url = f"http://127.0.0.1:{client.port}/s3cret"
        sink = json.dumps({"central": {"url": url, "form": form}})
        with running(edge_place, "--upstream", model, SIDELIGHT_LOGGER__SINKS=sink) as edge:
            with closing(Caller(edge.address("traffic"))) as caller:
                caller.ask(30)
                wanted = 60 if form == "kserve" else 30
                events = "sidelight_receiver_events_total"
                wait_until(lambda: client.metric(events) == wanted, "the events")
            assert edge.stop() == 0
    found = joined(log)
    assert sorted(one.correlation_id for one in found) == caller.answered
    assert {(one.protocol, one.model, one.path) for one in found} == {("v2", "income", PATH)}


def test_what_was_answered_is_there_however_often_the_receiver_is_killed(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "sidelight.yaml"
    told = {"log": str(tmp_path / "log"), "receiver": {"listen": f"127.0.0.1:{port}"}}
    config.write_text(yaml.safe_dump(told))
    client, answered = Client(port), []
    for round_ in range(3):
        process = started(config)
        try:
            wait_until(lambda: listens(port), "the receiver")
            killed_at = time.monotonic() + 0.5
            for number in range(round_ * 100_000, (round_ + 1) * 100_000):
                if time.monotonic() > killed_at:
                    process.kill()
                try:
                    assert client.say(half("request", number)).status == 200
                except (OSError, HTTPException):
                    break
                answered.append(f"client-{number}")
        finally:
            process.kill()
            process.wait()
    process = started(config)
    wait_until(lambda: listens(port), "the receiver")
    assert client.say(half("request", 999_999)).status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    with closing(open_log(LogSettings(url=str(tmp_path / "log")))) as log:
        found = [recognised(stored.record) for stored in stored_in(log, HALVES)]
    kept = {one.pair_id for one in found if isinstance(one, Half)}
    assert len(answered) > 10
    assert kept >= {*answered, "client-999999"}


def started(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sidelight.command", "receiver", "--config", str(config)]
    with (config.parent / "receiver.log").open("ab") as said:
        return subprocess.Popen(command, stderr=said)
