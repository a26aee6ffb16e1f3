"""A model server on loopback: V2 over HTTP, and a function that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from sidelight.events.exchange import PURPOSE_HEADER
from sidelight.protocols import v2
from sidelight.tensors import Columns


@dataclass
class Answering:
    """Where it is, and of each question the header of a probe and the body."""

    url: str
    asked: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def answering(answer: Callable[[Columns], Columns], port: int = 0) -> Iterator[Answering]:
    """A server until the block ends; any free port when none is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.asked.append((self.headers.get(PURPOSE_HEADER, ""), body))
            content = v2.encode_response(answer(v2.decode_request(body)))
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    told = Answering(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
