"""The recorder on a real socket and a real log: in order, acknowledged, accounted for."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from prometheus_client import CollectorRegistry

from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.events.ids import id_text
from sidelight.log import topics
from sidelight.log.contract import Log
from sidelight_logger.metrics.proxy import Snapshots
from sidelight_logger.metrics.recorder import RecorderMetrics
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.batch import Batch
from sidelight_logger.recorder.describing.description import Origin
from sidelight_logger.recorder.intake import Intake
from sidelight_logger.recorder.sequence import sequence
from sidelight_logger.recorder.server import Server
from sidelight_logger.wire import tally
from sidelight_logger.wire.acknowledgements import Acknowledgements
from sidelight_logger.wire.captures import Capture, Side, encode
from sidelight_logger.wire.sinks import SinkStats, encode_stats
from tests.logger.captures import capture, sample
from tests.logger.sinks import wait_until

MAX_FRAME_BYTES = 1 << 20


class Recorder:
    """A recorder in a thread."""

    def __init__(self, path: Path, log: Log) -> None:
        self.path = path
        self.registry = CollectorRegistry()
        self.cells = tally.private()
        metrics, snapshots = RecorderMetrics(self.registry), Snapshots(self.cells)
        self.registry.register(snapshots)
        batch = Batch(log, metrics)
        origin = Origin("/test", "me")
        intake = Intake(batch, origin, Policy(), sequence(log, "me"), metrics, snapshots)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._server = Server(self._listener, intake, batch, MAX_FRAME_BYTES, metrics.peers.set)
        self._stop = Event()
        self._thread = Thread(target=self._server.run, args=(self._stop.is_set, 10.0))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def sample(self, name: str, **labels: str) -> float:
        return sample(self.registry, name, **labels)


@contextmanager
def running(path: Path, log: Log) -> Iterator[Recorder]:
    recorder = Recorder(path, log)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        yield connection


def wire(captures: list[Capture]) -> bytes:
    return b"".join(part for one in captures for part in encode(one))


def acknowledged(connection: socket.socket, count: int) -> None:
    """Wait for the acknowledgement of `count` captures."""
    acknowledgements = Acknowledgements()
    while acknowledgements.feed(connection.recv(4096)) < count:
        continue


def recorded(log: Log) -> list[Exchange]:
    return [from_record(stored.record) for stored in log.read(topics.INFERENCE, 0, 0)]


def test_captures_are_appended_in_order_and_then_acknowledged(tmp_path: Path, log: Log) -> None:
    captures = [capture(body=b"%d" % number) for number in range(300)]
    stream = wire(captures)
    with running(tmp_path / "s", log), connected(tmp_path / "s") as connection:
        chance = random.Random(1)
        while stream:
            step = chance.randint(1, 5000)
            connection.sendall(stream[:step])
            stream = stream[step:]
        acknowledged(connection, 300)
        exchanges = recorded(log)
    assert [one.id for one in exchanges] == [id_text(one.id) for one in captures]
    assert [one.request.content for one in exchanges] == [b"%d" % n for n in range(300)]
    numbers = [one.sequence for one in exchanges]
    assert numbers == sorted(set(numbers))


def test_everything_received_is_recorded_left_out_or_counted(tmp_path: Path, log: Log) -> None:
    broken = Capture(b"0" * 16, 0, 0, "answered", Side(b"nonsense\r\n\r\n"), Side())
    probe = capture("/v2/health/live", method="GET")
    with running(tmp_path / "s", log) as recorder, connected(tmp_path / "s") as connection:
        connection.sendall(wire([capture(), probe, broken, capture(), probe]))
        acknowledged(connection, 5)
        assert recorder.sample("captures_received_total") == 5
        assert recorder.sample("exchanges_recorded_total") == 2
        assert recorder.sample("probes_left_out_total") == 2
        assert recorder.sample("recorder_dropped_total", reason="malformed") == 1
    assert len(recorded(log)) == 2


def test_probes_alone_are_acknowledged_too(tmp_path: Path, log: Log) -> None:
    with running(tmp_path / "s", log), connected(tmp_path / "s") as connection:
        connection.sendall(wire([capture("/metrics", method="GET")]))
        acknowledged(connection, 1)


def test_what_was_sent_before_a_stop_is_recorded(tmp_path: Path, log: Log) -> None:
    with running(tmp_path / "s", log), connected(tmp_path / "s") as connection:
        connection.sendall(wire([capture() for _ in range(50)]))
    assert len(recorded(log)) == 50


def test_a_peer_that_talks_nonsense_is_closed_and_the_others_go_on(
    tmp_path: Path, log: Log
) -> None:
    with (
        running(tmp_path / "s", log),
        connected(tmp_path / "s") as good,
        connected(tmp_path / "s") as bad,
    ):
        bad.sendall(b"\xff" * 64)
        assert bad.recv(1) == b""
        good.sendall(wire([capture()]))
        acknowledged(good, 1)
    assert len(recorded(log)) == 1


def test_a_frame_above_the_limit_closes_the_peer(tmp_path: Path, log: Log) -> None:
    with running(tmp_path / "s", log), connected(tmp_path / "s") as connection:
        connection.sendall((MAX_FRAME_BYTES + 1).to_bytes(4, "little") + b"\2")
        assert connection.recv(1) == b""


def test_a_peer_that_breaks_off_loses_only_its_last_half_frame(tmp_path: Path, log: Log) -> None:
    with running(tmp_path / "s", log) as recorder:
        with connected(tmp_path / "s") as connection:
            connection.sendall(wire([capture()]) + wire([capture()])[:-1])
            acknowledged(connection, 1)
        wait_until(lambda: recorder.sample("peers_connected") == 0)
    assert len(recorded(log)) == 1


def test_numbers_grow_over_a_restart_also_when_the_clock_goes_back(
    tmp_path: Path, log: Log
) -> None:
    with running(tmp_path / "s", log), connected(tmp_path / "s") as connection:
        connection.sendall(wire([capture()]))
        acknowledged(connection, 1)
    [exchange] = recorded(log)
    assert sequence(log, "me", lambda: 1)() == exchange.sequence + 1
    assert sequence(log, "another", lambda: 1)() == 1


def test_the_counters_of_proxy_and_shipper_are_shown(tmp_path: Path, log: Log) -> None:
    sink = SinkStats("http://sink/", delivered=4, waiting=3, dropped={"retired": 1})
    with running(tmp_path / "s", log) as recorder, connected(tmp_path / "s") as connection:
        connection.sendall(encode_stats(sink))
        delivered = ("sidelight_logger_sink_delivered_total", {"sink": "http://sink/"})
        wait_until(lambda: recorder.registry.get_sample_value(*delivered) == 4)
        recorder.cells[tally.ACCEPTED], recorder.cells[tally.SETTLED] = 9, 4
        recorder.cells[tally.DROPPED["recorder_lost"]] = 2
        recorder.cells[tally.LATENCY_NS] = 1_500_000_000
        assert recorder.sample("proxy_exchanges_total") == 9
        assert recorder.sample("proxy_waiting_exchanges") == 3
        assert recorder.sample("proxy_dropped_total", reason="recorder_lost") == 2
        assert recorder.sample("proxy_dropped_total", reason="buffer_full") == 0
        assert recorder.sample("proxy_exchange_seconds_sum") == 1.5
        assert recorder.sample("sink_delivered_total", sink="http://sink/") == 4
        assert recorder.sample("sink_waiting_records", sink="http://sink/") == 3
        labels = {"sink": "http://sink/", "reason": "retired"}
        assert recorder.sample("sink_dropped_total", **labels) == 1
