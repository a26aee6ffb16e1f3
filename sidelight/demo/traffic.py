"""Asks as clients would: real rows in requests of different sizes, several at a time."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, get_ident, local
from typing import Final

import numpy as np

from sidelight.errors import PredictorError
from sidelight.protocols import v2
from sidelight.tensors import Columns

CLIENTS: Final = 4
"""Requests under way at once."""
CLIENT: Final = "X-Client"
"""Header in which a client says who it is."""
LARGEST_REQUEST: Final = 20
"""Rows; each size from one to this is as likely as another."""


@dataclass(frozen=True)
class Answered:
    """A request that was answered: the id its client gave it, and which rows it held."""

    id: str
    rows: slice


class Clients:
    """Callers of one model behind one address, each with a connection that it keeps."""

    def __init__(self, host: str, port: int, model: str) -> None:
        self._host, self._port = host, port
        self._path = f"/v2/models/{model}/infer"
        self._connections = local()
        self._counting = Lock()
        self.asked = 0
        """Requests that were answered."""

    def send(
        self, rows: Columns, name: str, seed: int, on_answer: Callable[[Answered], None]
    ) -> None:
        """Send all rows in order, in requests whose ids begin with `name`.

        Returns when the last answer has come; `on_answer` hears of each, in order.
        """
        requests = [*cuts(len(rows), np.random.default_rng(seed))]
        named = [(f"{name}-{number}", cut) for number, cut in enumerate(requests)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            for answered in pool.map(lambda one: self._answered(rows, *one), named):
                on_answer(answered)

    def ask(self, rows: Columns, id_: str, client: str) -> Columns:
        """The model's answer to some rows, in one request."""
        connection = self._connection()
        headers = {"Content-Type": "application/json", "X-Request-Id": id_, CLIENT: client}
        connection.request("POST", self._path, v2.encode_request(rows), headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise PredictorError(f"the model answered {response.status}: {body[:200]!r}")
        with self._counting:
            self.asked += 1
        return v2.decode_response(body)

    def _answered(self, rows: Columns, id_: str, cut: slice) -> Answered:
        self.ask(rows.take(cut), id_, f"client-{get_ident() % 1000}")
        return Answered(id_, cut)

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._connections, "one"):
            self._connections.one = http.client.HTTPConnection(self._host, self._port, timeout=30)
        connection: http.client.HTTPConnection = self._connections.one
        return connection


def cuts(rows: int, rng: np.random.Generator) -> Iterator[slice]:
    start = 0
    while start < rows:
        stop = min(rows, start + int(rng.integers(1, LARGEST_REQUEST + 1)))
        yield slice(start, stop)
        start = stop
