"""The receiver over HTTP: who asks for what, and what each sender expects for an answer.

KServe's agent and ModelMesh take nothing but 200 for success; a Knative broker takes any body that
is no event for a failure. So what is taken is answered with 200 and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from sidelight.errors import SidelightError
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import code_of
from sidelight_logger.receiver import modelmesh
from sidelight_logger.receiver.admission import CHALLENGE, Admission
from sidelight_logger.receiver.handshake import consent
from sidelight_logger.receiver.intake import Intake
from sidelight_logger.receiver.metrics import ReceiverMetrics
from sidelight_logger.receiver.post import Room, posted
from sidelight_logger.receiver.reading import Reading
from sidelight_logger.receiver.refusals import CODES, NoSuchPlace, WrongMethod, reason_of

EVENTS = "/"
RETRY_SECONDS = {429: "1", 503: "5"}
"""What a sender is told to wait: until there is room, until the log takes something again."""


@dataclass(frozen=True)
class Desk:
    """Where posts go: what reads those of each path, and into which log they are taken."""

    readings: Mapping[str, Reading]
    intake: Intake
    room: Room
    max_bytes: int
    metrics: ReceiverMetrics

    async def take(self, reading: Reading, scope: Scope, receive: Receive) -> None:
        """Returns when the log has what was posted."""
        async with posted(scope, receive, self.room, self.max_bytes) as post:
            said = await asyncio.wrap_future(self.intake.take(partial(reading, post)))
            self.metrics.body_bytes.inc(len(post.body))
        for one in said:
            self.metrics.events.labels(one.kind).inc()


@dataclass(frozen=True)
class Receiver:
    """The ASGI app. `allowed` are the origins whose handshake is answered; all when empty."""

    admission: Admission
    desk: Desk
    allowed: Collection[str]
    registry: CollectorRegistry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._page(scope) or await self._answer(scope, receive)
        await answer(scope, receive, send)

    def _page(self, scope: Scope) -> Response | None:
        """For those who watch the process; the token is not asked of them."""
        pages: dict[str, Callable[[], Response]] = {
            "/metrics": self._metrics,
            "/healthz": lambda: PlainTextResponse("alive\n"),
            "/readyz": lambda: PlainTextResponse(_ready(self.desk.intake.trouble)),
        }
        page = pages.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        return page() if page else None

    def _metrics(self) -> Response:
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            return await self._routed(scope, receive)
        except SidelightError as exc:
            return self._refused(exc)

    async def _routed(self, scope: Scope, receive: Receive) -> Response:
        path = self.admission.path(scope)
        reading = self.desk.readings.get(path)
        if reading is None:
            raise NoSuchPlace(
                f"nothing is here; post CloudEvents to {EVENTS}, ModelMesh's payloads to "
                f"{modelmesh.PATH}"
            )
        match scope["method"]:
            case "POST":
                await self.desk.take(reading, scope, receive)
                return Response()
            case "OPTIONS":
                headers = {name.decode(): v.decode("latin-1") for name, v in scope["headers"]}
                return Response(headers=consent(headers, self.allowed))
        raise WrongMethod(f"{scope['method'][:16]} is not taken here; use POST or OPTIONS")

    def _refused(self, error: SidelightError) -> Response:
        self.desk.metrics.refused.labels(reason_of(error)).inc()
        status = code_of(error, CODES)
        # What is left of the body is not read, so nothing else can follow it.
        headers = {"connection": "close"}
        match status:
            case 401:
                headers |= CHALLENGE
            case 405:
                headers |= consent({}, ())
            case 429 | 503:
                headers["retry-after"] = RETRY_SECONDS[status]
        # The log's own words name places of this machine, and are in our lines already.
        told = "the log takes nothing now; send it again later" if status == 503 else str(error)
        return json_answer({"error": told}, status, headers)


def _ready(trouble: str) -> str:
    """Ready whatever the log says: senders had better hear from us when to come again."""
    return f"ready\n{trouble}\n" if trouble else "ready\n"
