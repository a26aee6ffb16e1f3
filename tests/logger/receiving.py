"""The receiver over a log, answering on a port of its own, and events as others encode them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from sidelight.config import Settings
from sidelight.events import Exchange
from sidelight.log import Log
from sidelight_logger.receiver.serving import receiving, served
from tests.logger.joining import START, exchanges_in, join, request_body, response_body


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


@dataclass
class Client:
    """Asks a receiver, each time over a connection of its own."""

    port: int

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "/") -> Answer:
        return self.ask("POST", path, headers, body)

    def say(self, event: CloudEvent, path: str = "/", **headers: str) -> Answer:
        """The event in binary mode, as the SDK writes it."""
        message = sdk.to_binary(event, JSONFormat())
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.post(plain(message.body), {**message.headers, **named}, path)

    def raw(self, sent: bytes) -> bytes:
        """What comes back, until the receiver closes."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            with suppress(ConnectionError):
                connection.sendall(sent)
            answered = b""
            with suppress(ConnectionError):
                while more := connection.recv(1 << 16):
                    answered += more
            return answered

    def metric(self, name: str) -> float:
        """The sum over labels, or the one sample that is named with its label."""
        text = self.ask("GET", "/metrics", {}).body.decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        found = [float(value) for key, value in lines if key == name or key.startswith(name + "{")]
        assert found, name
        return sum(found)

    def refused(self, reason: str) -> float:
        return self.metric(f'sidelight_receiver_refused_total{{reason="{reason}"}}')


@contextmanager
def receiver(log: Log, **settings: Any) -> Iterator[Client]:
    """A receiver of this process; `settings` as the file has them."""
    told = Settings.model_validate({"receiver": {}, **settings})
    assert told.receiver is not None
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with receiving(told, log) as app, served(listener, app, told.receiver, threading.Event()):
        yield Client(port)


def half(side: str, number: int, data: Any = None, **changed: Any) -> CloudEvent:
    """What KServe's agent says, as an event of the SDK."""
    attributes: dict[str, Any] = {
        "id": f"client-{number}",
        "source": "http://localhost:9081/",
        "type": f"org.kubeflow.serving.inference.{side}",
        "time": START,
        "datacontenttype": "application/json",
        "inferenceservicename": "income",
        "namespace": "prod",
        "component": "predictor",
        "endpoint": "",
        "metadata": "{}",
        **changed,
    }
    body = request_body(number) if side == "request" else response_body(number)
    return CloudEvent(attributes, orjson.loads(body) if data is None else data)


def joined(log: Log) -> list[Exchange]:
    """What the joiner makes of what is in the log now."""
    join(log)
    return exchanges_in(log)


def plain(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
