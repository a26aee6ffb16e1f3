"""Counts what becomes of posts, by the kind of their event."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock

from sidelight.events.http import HttpMessage
from sidelight_logger.shipper.carrying.fates import SinkRefused
from sidelight_logger.shipper.http.posting import Sink
from sidelight_logger.wire.sinks import POST_BOUNDS, Posts

_TYPES = {
    "org.kubeflow.serving.inference.request": "request",
    "org.kubeflow.serving.inference.response": "response",
}


class PostCounts:
    """Shared by the connections of one sink; may be read from another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._posts = {kind: Posts() for kind in (*_TYPES.values(), "other")}

    def sent(self, kind: str, seconds: float) -> None:
        with self._lock:
            old = self._posts[kind]
            counts = list(old.counts)
            counts[bisect_left(POST_BOUNDS, seconds)] += 1
            total = old.seconds + seconds
            self._posts[kind] = Posts(old.sent + 1, old.refused, total, tuple(counts))

    def refused(self, kind: str) -> None:
        with self._lock:
            old = self._posts[kind]
            self._posts[kind] = replace(old, refused=old.refused + 1)

    def read(self) -> Mapping[str, Posts]:
        with self._lock:
            return dict(self._posts)


class Counted:
    """A sink whose posts are counted."""

    def __init__(
        self, sink: Sink, counts: PostCounts, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sink = sink
        self._counts = counts
        self._clock = clock

    def send(self, message: HttpMessage) -> None:
        kind = _kind(message)
        began = self._clock()
        try:
            self._sink.send(message)
        except SinkRefused:
            self._counts.refused(kind)
            raise
        self._counts.sent(kind, self._clock() - began)

    def close(self) -> None:
        self._sink.close()


def _kind(message: HttpMessage) -> str:
    type_ = next((value for name, value in message.headers if name == "ce-type"), "")
    return _TYPES.get(type_, "other")
