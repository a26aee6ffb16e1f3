"""A real HTTP sink that takes events, fails on purpose, and keeps a ledger of what it took."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.logger.serving import Handler, HttpServer


@dataclass(frozen=True)
class Answer:
    """What the sink does with one event; `status` 0 breaks the connection without an answer."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    content: bytes = b"ok"


@dataclass(frozen=True)
class Taken:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["ce-id"]


class SinkServer(HttpServer):
    """Asks `script` what to do with each event, in the order in which they come."""

    def __init__(
        self, script: Callable[[Taken], Answer], certificate: tuple[Path, Path] | None = None
    ) -> None:
        self.taken: list[Taken] = []
        self.connections = 0
        super().__init__(self._handler(script))
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self._scheme = "https"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.address}/events"

    def ids(self) -> list[str]:
        return [taken.id for taken in self.taken]

    def _handler(self, script: Callable[[Taken], Answer]) -> type[Handler]:
        sink = self

        class Taking(Handler):
            def setup(self) -> None:
                super().setup()
                sink.connections += 1

            def do_POST(self) -> None:
                body = self.body()
                event = Taken({name.lower(): v for name, v in self.headers.items()}, body)
                answer = script(event)
                time.sleep(answer.wait_seconds)
                if answer.status == 0:
                    self.close_connection = True
                    return
                if 200 <= answer.status < 300:
                    sink.taken.append(event)
                self.send_response(answer.status)
                for name, text in answer.headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                with suppress(ConnectionError):  # who waited no longer
                    self.wfile.write(answer.content)

        return Taking


@contextmanager
def sink_server(
    script: Callable[[Taken], Answer] = lambda event: Answer(),
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[SinkServer]:
    """`certificate` and its key, for TLS."""
    server = SinkServer(script, certificate)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wait_until(condition: Callable[[], bool], what: str = "it", seconds: float = 60.0) -> None:
    """Wait for what must come; fails by name when it does not."""
    deadline, pause = time.monotonic() + seconds, 0.005
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(pause)
        pause = min(1.3 * pause, 0.1)  # whoever is waited for has the processor too
