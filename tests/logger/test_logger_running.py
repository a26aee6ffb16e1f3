"""`sidelight logger` as a user runs it: three processes between a client, a model and a sink."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log, topics
from sidelight.log.scope import scope
from tests.logger.commanding import PATH, Client, Logger, model_server, running
from tests.logger.faults.serving import Reply, reply, serving
from tests.logger.sinks import SinkServer, sink_server, wait_until


@pytest.fixture
def model() -> Iterator[str]:
    with model_server() as address:
        yield address


def recorded(folder: Path) -> list[Exchange]:
    with closing(open_log(folder / "log")) as log:
        exchanges: list[Exchange] = []
        while found := log.read(topics.INFERENCE, 0, len(exchanges)):
            exchanges += [from_record(stored.record) for stored in found]
        return exchanges


def shipped(server: SinkServer) -> list[str]:
    return list(dict.fromkeys(server.ids()))


def accounted(logger: Logger) -> bool:
    """Every exchange that ended at the proxy was recorded, or is counted as dropped."""
    dropped = logger.metric("proxy_dropped_total") + logger.metric("recorder_dropped_total")
    recorded = logger.metric("exchanges_recorded_total")
    return logger.metric("proxy_exchanges_total") <= recorded + dropped


def test_exchanges_flow_to_log_and_sink_and_all_end_with_the_signal(
    tmp_path: Path, model: str
) -> None:
    flags = ("--upstream", model, "--namespace", "prod", "--metadata-headers", "Content-Type")
    with sink_server() as server, running(tmp_path, *flags, "--log-url", server.url) as logger:
        with closing(Client(logger.address("traffic"))) as client:
            client.ask(100)
            wait_until(lambda: logger.metric("proxy_exchanges_total") == 100, "the counters")
            wait_until(lambda: accounted(logger))
            client.ask(50)
        assert logger.stop() == 0
        assert sorted(shipped(server)) == sorted(client.answered)
    exchanges = recorded(tmp_path)
    assert [one.correlation_id for one in exchanges] == client.answered
    assert {one.extensions["namespace"] for one in exchanges} == {"prod"}
    assert exchanges[0].headers == {"content-type": "application/json"}
    assert not list(tmp_path.glob("sidelight-*")), "the socket's folder is removed"


def test_kills_of_recorder_and_shipper_cost_no_prediction_and_nothing_appended(
    tmp_path: Path, model: str
) -> None:
    flags = ("--upstream", model)
    with sink_server() as server, running(tmp_path, *flags, "--log-url", server.url) as logger:
        with closing(Client(logger.address("traffic"))) as client:
            client.ask(60)
            logger.kill("recorder")
            client.ask(60)
            logger.kill("shipper kserve")
            client.ask(60)
            logger.kill("recorder")
            client.ask(60)
            wait_until(lambda: logger.metric("proxy_exchanges_total") == 240, "the counters")
            lost = logger.metric("proxy_dropped_total")
            kept = recorded(tmp_path)
            wait_until(lambda: len(recorded(tmp_path)) + lost >= 240, "the account")
        assert logger.stop() == 0
        kept = recorded(tmp_path)
        assert sorted(shipped(server)) == sorted(one.correlation_id for one in kept)
    ids = [one.id for one in kept]
    assert ids == sorted(set(ids)), "in order, and none twice"
    numbers = [one.sequence for one in kept]
    assert numbers == sorted(set(numbers))
    assert len(kept) <= 240 <= len(kept) + lost


def test_a_killed_proxy_is_back_while_clients_wait(tmp_path: Path, model: str) -> None:
    with running(tmp_path, "--upstream", model) as logger:
        with closing(Client(logger.address("traffic"))) as client:
            client.ask(20)
            logger.kill("proxy")
            client.ask(20)
        assert logger.stop() == 0
    assert {one.correlation_id for one in recorded(tmp_path)} >= set(client.answered[20:])


def test_what_kills_under_concurrent_load_cost_is_counted(tmp_path: Path, model: str) -> None:
    """Each answered request is in the log once or among the dropped, and the account is even."""
    with running(tmp_path, "--upstream", model) as logger, ExitStack() as closed:
        address = logger.address("traffic")
        clients = [closed.enter_context(closing(Client(address, f"c{n}-"))) for n in range(4)]
        asking = [threading.Thread(target=client.ask, args=(250,)) for client in clients]
        for thread in asking:
            thread.start()
        for part in ("proxy", "recorder", "proxy"):
            goal = sum(len(client.answered) for client in clients) + 100
            wait_until(lambda goal=goal: sum(len(c.answered) for c in clients) >= goal)  # type: ignore[misc]
            logger.kill(part)
        for thread in asking:
            thread.join()
        wait_until(lambda: logger.metric("proxy_waiting_exchanges") == 0, "the account")
        dropped = logger.metric("proxy_dropped_total")
        accepted = logger.metric("proxy_exchanges_total")
        assert accepted == logger.metric("proxy_settled_total") + dropped
        assert logger.stop() == 0
    kept = [one.correlation_id for one in recorded(tmp_path)]
    answered = {id_ for client in clients for id_ in client.answered}
    assert len(answered) == 1000 <= accepted
    assert len(answered - set(kept)) <= dropped
    for client in clients:
        own = [id_ for id_ in kept if id_.startswith(client.prefix)]
        assert own == sorted(own), "in the client's order"


def test_the_banner_and_a_metric_say_what_the_log_survives(tmp_path: Path, model: str) -> None:
    with running(tmp_path, "--upstream", model) as logger:
        wait_until(lambda: logger.metric("peers_connected") == 1, "the proxy")
        found = scope(tmp_path / "log")
        assert any(found.sentence in line for line in logger.said)
        assert logger.sample("sidelight_log_outlives_container") == (found.survives == "node")
        assert logger.stop() == 0


def test_health_and_readiness_are_told(tmp_path: Path, model: str) -> None:
    with running(tmp_path, "--upstream", model) as logger:
        wait_until(lambda: logger.metric("peers_connected") == 1, "the proxy")
        page = http.client.HTTPConnection(logger.address("metrics"), timeout=10)
        for path, status in (("/healthz", 200), ("/nothing", 404)):
            page.request("GET", path)
            answer = page.getresponse()
            answer.read()
            assert answer.status == status
        page.close()
        assert logger.stop() == 0


def test_sinks_take_no_time_from_predictions_under_way(tmp_path: Path) -> None:
    asked = threading.Event()

    def slow(head: bytes, body: bytes) -> Reply:
        asked.set()
        return Reply(reply(body).data, after_seconds=2.5)

    sinks = {f"s{number}": {"url": "http://127.0.0.1:1/"} for number in range(3)}
    (tmp_path / "sidelight.yaml").write_text(json.dumps({"logger": {"sinks": sinks}}))
    with (
        serving(slow) as model,
        running(tmp_path, "--upstream", model, "--grace-seconds", "9") as logger,
        ThreadPoolExecutor(1) as pool,
    ):
        address = logger.address("traffic")
        answer = pool.submit(post, address)
        assert asked.wait(60)
        logger.process.send_signal(signal.SIGTERM)
        assert answer.result() == 200


def post(address: str) -> int:
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        connection.request("POST", PATH, b"{}", {"Content-Type": "application/json"})
        return connection.getresponse().status
