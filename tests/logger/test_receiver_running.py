"""The receiver as a process: beside the joiner, over TLS, with what it cannot use."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import yaml

from sidelight.config.settings import LogSettings
from sidelight.log import open_log
from sidelight.log.topics import HALVES, INFERENCE
from tests.logger.joining import exchanges_in
from tests.logger.receiving import Client, half
from tests.logger.sinks import wait_until
from tests.ports import free_port
from tests.sidelight.kafka_security import Authority


@contextmanager
def command(folder: Path, name: str, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    config = folder / "sidelight.yaml"
    config.write_text(yaml.safe_dump({"log": str(folder / "log"), **settings}))
    line = [sys.executable, "-m", "sidelight.command", name, "--config", str(config)]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def answers(port: int) -> bool:
    try:
        return Client(port).ask("GET", "/readyz", {}).status == 200
    except OSError:
        return False


def test_up_runs_receiver_and_joiner_and_both_end_in_order(tmp_path: Path) -> None:
    port, joiner = free_port(), free_port()
    settings = {
        "receiver": {"listen": f"127.0.0.1:{port}", "token": "s3cret"},
        "joiner": {"listen": f"127.0.0.1:{joiner}"},
    }
    with command(tmp_path, "up", **settings) as up:
        wait_until(lambda: answers(port) and answers(joiner), "receiver and joiner")
        for number in range(20):
            for side in ("response", "request"):
                assert Client(port).say(half(side, number), "/s3cret").status == 200
        with closing(open_log(LogSettings(url=str(tmp_path / "log")))) as log:
            wait_until(lambda: log.span(INFERENCE, 0).end == 20, "the exchanges")
            assert log.span(HALVES, 0).end == 40
            found = exchanges_in(log)
        up.send_signal(signal.SIGTERM)
        _, said = up.communicate(timeout=60)
    assert up.returncode == 0, said
    assert f"POST http://127.0.0.1:{port}  (whoever shows the token)" in said
    assert "s3cret" not in said
    assert {one.outcome for one in found} == {"answered"}


def test_it_speaks_tls_when_it_has_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    authority.create()
    certificate, key = authority.sign("service")
    port = free_port()
    told = {"cert_file": str(certificate), "key_file": str(key), "listen": f"127.0.0.1:{port}"}
    context = ssl.create_default_context(cafile=authority.certificate)

    def answers_safely() -> bool:
        with closing(HTTPSConnection("127.0.0.1", port, context=context, timeout=10)) as asked:
            try:
                asked.request("GET", "/healthz")
            except OSError:
                return False
            return asked.getresponse().status == 200

    with command(tmp_path, "receiver", receiver=told):
        wait_until(answers_safely, "the receiver")


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    bad = str(tmp_path / "bad.pem")
    told = {"cert_file": bad, "key_file": bad, "listen": "127.0.0.1:0"}
    with command(tmp_path, "receiver", receiver=told) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"receiver.cert_file {bad}" in said


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}
        with command(tmp_path, "receiver", receiver=told) as process:
            _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "receiver.listen: cannot listen on" in said
