"""`sidelight logger` as a user runs it: three processes between a client, a model and a sink."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log, topics
from sidelight.log.scope import scope
from tests.logger.captures import ANSWER
from tests.logger.sinks import SinkServer, sink_server, wait_until

PATH = "/v2/models/income/infer"


class Model(BaseHTTPRequestHandler):
    """Answers every POST like a V2 server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def model() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


class Logger:
    """The command in a process of its own; reads what it says."""

    def __init__(self, folder: Path, *flags: str) -> None:
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "SIDELIGHT_LOGGER__METRICS": "127.0.0.1:0",
            "SIDELIGHT_LOG__URL": str(folder / "log"),
            "TMPDIR": str(folder),
        }
        line = [sys.executable, "-m", "sidelight.command", "logger", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*line, *flags], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def address(self, what: str) -> str:
        pattern = re.compile(rf"\s+{what}\s+http://(\S+?)(?:/metrics)?(?:\s|$)")
        wait_until(lambda: any(map(pattern.match, self.said)), f"the address of {what}")
        return next(match[1] for line in self.said if (match := pattern.match(line)))

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        return self.sample(f"sidelight_logger_{name}")

    def sample(self, name: str) -> float:
        with urlopen(f"http://{self.address('metrics')}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        assert found, name
        return sum(map(float, found))

    def kill(self, part: str) -> None:
        """Kill -9 one of the three and wait until another has taken its place."""
        pids = self._pids(part)
        os.kill(pids[-1], signal.SIGKILL)
        wait_until(lambda: len(self._pids(part)) > len(pids), f"another {part}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._reading.join()
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)

    def _pids(self, part: str) -> list[int]:
        events = [json.loads(line) for line in self.said if line.startswith("{")]
        started = [e for e in events if e.get("event") == "process started"]
        return [int(event["pid"]) for event in started if event["process"] == part]


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[Logger]:
    logger = Logger(folder, *flags)
    try:
        yield logger
    finally:
        if logger.process.poll() is None:
            logger.process.kill()
            logger.process.wait()


class Client:
    """Sends numbered requests, one after the other; asks again when the connection breaks."""

    def __init__(self, address: str, prefix: str = "e") -> None:
        self.prefix = prefix
        self._connection = http.client.HTTPConnection(address, timeout=30)
        self.answered: list[str] = []

    def ask(self, count: int) -> None:
        for _ in range(count):
            id_ = f"{self.prefix}{len(self.answered):05d}"
            while not self._ask(id_):
                self._connection.close()
            self.answered.append(id_)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, id_: str) -> bool:
        headers = {"Content-Type": "application/json", "Ce-Id": id_}
        try:
            self._connection.request("POST", PATH, b'{"inputs":[]}', headers)
            answer = self._connection.getresponse()
            assert (answer.status, answer.read()) == (200, ANSWER)
        except (ConnectionError, http.client.HTTPException):
            return False
        return True


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
        assert shipped(server) == client.answered
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
            logger.kill("shipper")
            client.ask(60)
            logger.kill("recorder")
            client.ask(60)
            wait_until(lambda: logger.metric("proxy_exchanges_total") == 240, "the counters")
            lost = logger.metric("proxy_dropped_total")
            kept = recorded(tmp_path)
            wait_until(lambda: len(recorded(tmp_path)) + lost >= 240, "the account")
        assert logger.stop() == 0
        kept = recorded(tmp_path)
        assert shipped(server) == [one.correlation_id for one in kept]
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
