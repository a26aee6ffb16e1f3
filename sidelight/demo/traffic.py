"""Replays real rows as clients would send them: requests of different sizes, several at a time."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Final

import numpy as np

from sidelight.errors import PredictorError
from sidelight.protocols import v2
from sidelight.tensors import Columns

CLIENTS: Final = 4
"""Requests under way at once."""
LARGEST_REQUEST: Final = 20
"""Rows; each size from one to this is as likely as another."""


class Clients:
    """Callers of one model behind one address, each with a connection that it keeps."""

    def __init__(self, host: str, port: int, model: str) -> None:
        self._host, self._port = host, port
        self._path = f"/v2/models/{model}/infer"
        self._connections = local()

    def send(self, rows: Columns, seed: int, on_rows: Callable[[int], None]) -> int:
        """Send all rows in order of their request and return how many requests it took.

        Returns when the last answer has come; `on_rows` hears of each answered request.
        """
        requests = [rows.take(cut) for cut in cuts(len(rows), np.random.default_rng(seed))]
        with ThreadPoolExecutor(CLIENTS) as pool:
            for answered in pool.map(self._post, requests):
                on_rows(answered)
        return len(requests)

    def _post(self, rows: Columns) -> int:
        connection = self._connection()
        headers = {"Content-Type": "application/json"}
        connection.request("POST", self._path, v2.encode_request(rows), headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise PredictorError(f"the model answered {response.status}: {body[:200]!r}")
        return len(rows)

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
