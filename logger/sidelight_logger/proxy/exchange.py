"""One request on its way to the model server, and the answer on its way back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sidelight.events.exchange import Outcome
from sidelight_logger.correlation import NO_IDS, Ids
from sidelight_logger.proxy.body import Body, request_body, response_body
from sidelight_logger.proxy.fields import find_head
from sidelight_logger.proxy.head import (
    RequestHead,
    ResponseHead,
    field_lines,
    forward_request,
    forward_response,
    parse_response,
)
from sidelight_logger.proxy.recording import Recording
from sidelight_logger.proxy.refusal import Refusal
from sidelight_logger.proxy.settings import ProxySettings
from sidelight_logger.proxy.upstream import UpstreamConnection, UpstreamPool

if TYPE_CHECKING:
    from sidelight_logger.proxy.client import ClientConnection

REPLAY_BYTES = 256 << 10
"""A request up to this length is kept until its answer begins, so that it can be sent again when
the connection it went out on turns out to be stale. A larger one goes out on a new connection."""

_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


class Exchange:
    """Carries bytes both ways, decides when a request is sent again and how the exchange ended."""

    def __init__(
        self,
        client: ClientConnection,
        settings: ProxySettings,
        pool: UpstreamPool,
        head: RequestHead,
        recording: Recording,
        given: Ids,
    ) -> None:
        self.returned = given if settings.return_request_id else NO_IDS
        self._given = given
        self._client = client
        self._settings = settings
        self._pool = pool
        self._head = head
        self._recording = recording
        self._request = request_body(head, settings.limits)
        self._connection: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._unsent: list[bytes] | None = []
        """What has been sent or waits for a connection; None once it cannot be needed again."""
        self._retriable = False
        self._slow_upstream = False
        self._head_bytes = b""
        self._answer: Body | None = None
        self._begun = False
        self._plain = False
        """The client gets the payload without chunks."""
        self._delimited = False
        """The client can tell a whole answer from a cut one."""
        self._persistent = False
        self._reusable = False
        self._over = False
        self._recorded = False

    @property
    def wants_body(self) -> bool:
        return not self._request.complete

    @property
    def blocks_request(self) -> bool:
        return self._connection is None or self._slow_upstream

    @property
    def answering(self) -> bool:
        """The answer has begun; an error can no longer be told in a status."""
        return self._begun

    def start(self, data: bytes) -> bytes:
        """Send the head and what is there of the body: what comes after the request."""
        head = self._head
        payload, rest = self._request.feed(data)
        self._recording.request(payload)
        authority = self._settings.upstream.authority
        wire = forward_request(head, authority=authority, given=self._given)
        self._retriable = head.length is not None and head.length <= REPLAY_BYTES
        self._unsent = [wire + self._request.frame(payload)]
        connection = self._pool.take() if self._retriable else None
        if connection is not None:
            self._connect_to(connection)
        else:
            self._connect()
        return rest

    def request_received(self, data: bytes) -> bytes:
        """More of the request's body: what comes after the request."""
        payload, rest = self._request.feed(data)
        self._recording.request(payload)
        wire = self._request.frame(payload)
        if self._unsent is not None:
            self._unsent.append(wire)
        if self._connection is not None and wire:
            self._connection.write(wire)
        return rest

    def abandon(self) -> None:
        """The client is gone, or its request cannot be read on."""
        self._end("abandoned")

    def block_answer(self, blocked: bool) -> None:
        if self._connection is not None:
            self._connection.block(blocked)

    def request_blocked(self, blocked: bool) -> None:
        self._slow_upstream = blocked
        self._client.request_blocked()

    def answer_received(self, data: bytes) -> None:
        self._unsent = None
        try:
            if self._answer is None:
                self._read_head(data)
            else:
                self._pass(self._answer, b"", b"", data)
        except Refusal as refusal:
            reason = f"the model server's answer cannot be read: {refusal.reason}"
            self._fail(Refusal(reason, 502))

    def answer_ended(self, cleanly: bool) -> None:
        if self._over:
            return
        if self._retriable and self._unsent is not None:
            self._connection = None
            self._connect()
            self._client.request_blocked()
        elif self._answer is not None and cleanly and self._answer.end():
            self._complete(self._answer, reusable=False)
        else:
            reason = "the model server closed the connection without an answer"
            self._fail(Refusal(reason, 502))

    def _connect(self) -> None:
        self._retriable = False
        self._connecting = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            connection = await self._pool.connect()
        except Refusal as refusal:
            self._connecting = None
            self._fail(refusal)
            return
        self._connecting = None
        self._connect_to(connection)
        self._unsent = None
        self._client.request_blocked()

    def _connect_to(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        connection.carry(self, b"".join(self._unsent or ()))
        if self._client.blocked:
            connection.block(True)

    def _read_head(self, data: bytes) -> None:
        """Pass interim answers on, and begin the final one."""
        searched = len(self._head_bytes)
        data = self._head_bytes + data if searched else data
        limits = self._settings.limits
        while end := find_head(data, searched, limits.head_bytes):
            raw, data, searched = data[:end], data[end:], 0
            head = parse_response(raw, limits.head_fields)
            if head.status >= 200:
                self._head_bytes = b""
                self._begin_answer(head, raw, data)
                return
            self._pass_interim(head)
        self._head_bytes = data

    def _pass_interim(self, head: ResponseHead) -> None:
        if head.status == 101:
            raise Refusal("it switches protocols, which nobody asked for")
        if self._head.modern:
            self._client.write(forward_response(head, []))

    def _begin_answer(self, head: ResponseHead, raw: bytes, data: bytes) -> None:
        body = response_body(head, self._head.method, self._settings.limits)
        self._answer = body
        self._plain = not self._head.modern
        chunked = head.chunked and not body.complete
        self._delimited = body.complete or head.length is not None or (chunked and not self._plain)
        self._reusable = head.persistent
        self._persistent = (
            self._head.persistent
            and self._delimited
            and self._request.complete
            and not self._client.leaving
        )
        extra = self._own_lines(head, chunked=chunked and not self._plain)
        self._pass(body, raw, forward_response(head, extra), data)

    def _own_lines(self, head: ResponseHead, *, chunked: bool) -> list[bytes]:
        extra = [_CHUNKED] if chunked else []
        if not self._persistent:
            extra.append(_CLOSE)
        elif not self._head.modern:
            extra.append(_KEEP)
        if self.returned is not NO_IDS:
            extra += field_lines(self.returned, head.ids)
        return extra

    def _pass(self, body: Body, raw_head: bytes, wire_head: bytes, data: bytes) -> None:
        payload, rest = body.feed(data)
        self._recording.response(raw_head, payload)
        if body.complete:
            self._record("answered")  # first: a kill in between must not hide an answer
        wire = wire_head + (payload if self._plain else body.frame(payload))
        if wire:
            self._begun = True
            self._client.write(wire)
        if body.complete:
            self._complete(body, reusable=self._reusable and not rest)

    def _complete(self, body: Body, *, reusable: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and reusable and self._request.complete:
            if self._client.blocked:
                connection.block(False)
            connection.release()
        elif connection is not None:
            connection.abort()
        self._end("answered")
        self._client.answered(persistent=self._persistent)

    def _fail(self, refusal: Refusal) -> None:
        if self._over:
            return
        self._end("unanswered")
        if self._begun:
            self._client.cut(delimited=self._delimited)
        else:
            self._client.refuse(refusal)

    def _end(self, outcome: Outcome) -> None:
        if self._over:
            return
        self._over = True
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._unsent = None
        self._record(outcome)

    def _record(self, outcome: Outcome) -> None:
        if not self._recorded:
            self._recorded = True
            self._recording.end(outcome)
