from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient

from sidelight.demo.broker import Broker, BrokerUnavailable, Listeners, NodeSettings
from sidelight.demo.broker.jars import jars
from sidelight.demo.broker.properties import server_properties
from tests.kafka import Kafka, require_kafka


def topics(bootstrap: str) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return set(admin.list_topics())
    finally:
        admin.close()


def create(bootstrap: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    finally:
        admin.close()


def test_the_run_has_one_broker_that_answers(kafka_broker: Kafka) -> None:
    assert isinstance(topics(kafka_broker.bootstrap), set)


def test_every_log_address_of_the_run_has_a_prefix_of_its_own(kafka_broker: Kafka) -> None:
    assert kafka_broker.fresh_url() != kafka_broker.fresh_url()


def test_a_broker_is_paused_resumed_killed_and_comes_back_with_its_topics(
    own_broker: Broker,
) -> None:
    create(own_broker.bootstrap, "kept")
    first = own_broker.pid
    assert first is not None
    own_broker.pause()
    deadline = time.monotonic() + 20
    while psutil.Process(first).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    own_broker.resume()
    assert "kept" in topics(own_broker.bootstrap)
    own_broker.kill()
    assert not psutil.pid_exists(first)
    own_broker.start()
    assert own_broker.pid != first
    assert "kept" in topics(own_broker.bootstrap)


def test_the_broker_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    require_kafka()
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from sidelight.demo.broker import Broker\n"
        "broker = Broker(Path(sys.argv[1]))\n"
        "broker.start()\n"
        "print(broker.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "kafka")], capture_output=True, check=False
    )
    pid = int(done.stdout)
    if psutil.pid_exists(pid):
        psutil.wait_procs([psutil.Process(pid)], timeout=20)
    assert not psutil.pid_exists(pid)


def test_a_port_that_is_taken_is_an_error_that_names_the_servers_log(tmp_path: Path) -> None:
    require_kafka()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = Listeners.free("PLAINTEXT")
        listeners = Listeners({"PLAINTEXT": taken.getsockname()[1]}, free.controller)
        broker = Broker(tmp_path / "kafka", listeners=listeners)
        with pytest.raises(BrokerUnavailable, match=r"server\.log"):
            broker.start()
        assert broker.pid is None


def test_missing_java_and_maven_are_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match=r"Java 17.* and Maven; install with `apt-get"):
        jars(tmp_path)


def test_without_java_a_test_is_skipped_unless_it_must_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CI", "SIDELIGHT_REQUIRE_KAFKA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(pytest.skip.Exception, match="install with"):
        require_kafka()
    for name, value in (("CI", "true"), ("SIDELIGHT_REQUIRE_KAFKA", "1")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(pytest.fail.Exception, match="install with"):
                require_kafka()


def test_every_protocol_has_a_port_of_its_own(tmp_path: Path) -> None:
    listeners = Listeners.free("PLAINTEXT", "SASL_SSL")
    ports = {*listeners.clients.values(), listeners.controller}
    assert len(ports) == 3
    text = server_properties(tmp_path, listeners, NodeSettings(properties={"a.b": "c"}))
    assert "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL" in text
    assert "a.b=c\n" in text


def kafka(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidelight.demo.broker", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_broker_to_play_with_stays_until_it_is_stopped(tmp_path: Path) -> None:
    require_kafka()
    folder, port = str(tmp_path / "kafka"), next(iter(Listeners.free("PLAINTEXT").clients.values()))
    assert kafka("status", folder).returncode == 1
    started = kafka("start", folder, "--port", str(port))
    try:
        assert f"log: kafka://127.0.0.1:{port}/sidelight" in started.stdout
        assert kafka("start", folder).stdout == started.stdout
        assert isinstance(topics(f"127.0.0.1:{port}"), set)
        other = kafka("start", str(tmp_path / "other"), "--port", str(port))
        assert other.stderr == f"kafka: port {port} is in use; choose another with --port\n"
        assert f"127.0.0.1:{port}" in kafka("status", folder).stdout
    finally:
        stopped = kafka("stop", folder)
    assert stopped.stdout.endswith("stopped\n")
    assert kafka("status", folder).stdout == f"no Kafka of {folder} runs\n"
