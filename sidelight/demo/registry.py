"""An office that learns, late, who is employed, and tells the detectors: hours in seconds."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from threading import Event, Lock, Thread

import numpy as np
import orjson
from numpy.typing import NDArray

from sidelight.demo.prepare import MODEL
from sidelight.demo.traffic import Answered
from sidelight.errors import SidelightError

LATE_SECONDS = 2.0
"""How late a label is on average: exponentially distributed."""

LATEST_SECONDS = 7.0
"""What is not known by then never will be."""

NEVER = 0.07
"""Further labels that never come."""

POST_SECONDS = 0.25

Due = tuple[float, list[object]]


class Registry:
    """Sends labels while it is open; `truth` are those of each phase's rows."""

    def __init__(self, address: str, truth: Mapping[str, NDArray[np.int64]], seed: int) -> None:
        self._address, self._truth = address, truth
        self._random = np.random.default_rng(seed)
        self._lock, self._closed = Lock(), Event()
        self._due: list[Due] = []
        self._thread = Thread(target=self._work, daemon=True)
        self._failure: Exception | None = None

    def hear(self, answered: Answered) -> None:
        """The rows of this request will be known, each after a while of its own, or never."""
        labels = self._truth[answered.id.partition("-")[0]][answered.rows]
        late = self._random.exponential(LATE_SECONDS, len(labels))
        late[self._random.random(len(labels)) < NEVER] = np.inf
        now = time.monotonic()
        told = [
            (now + after, [answered.id, row, int(label)])
            for row, (after, label) in enumerate(zip(late.tolist(), labels, strict=True))
            if after <= LATEST_SECONDS
        ]
        with self._lock:
            self._due += told

    @property
    def waiting(self) -> list[Due]:
        """Labels that are not known yet: when they will be, and what they say."""
        with self._lock:
            return list(self._due)

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """What is not known by now is not told; raises what went wrong."""
        self._closed.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            while not self._closed.wait(POST_SECONDS):
                self._post(self._taken())
        except (OSError, http.client.HTTPException, SidelightError) as exc:
            self._failure = exc

    def _taken(self) -> list[list[object]]:
        now = time.monotonic()
        with self._lock:
            due = [label for at, label in self._due if at <= now]
            self._due = [one for one in self._due if one[0] > now]
        return due

    def _post(self, labels: list[list[object]]) -> None:
        if not labels:
            return
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            body = orjson.dumps({"model": MODEL, "labels": labels})
            connection.request("POST", "/feedback", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 202:
            raise SidelightError(f"feedback was answered {response.status}: {answer[:300]!r}")
