"""One request on its way through the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from sidelight.events.exchange import Outcome
from sidelight_logger.correlation import NO_IDS, REQUEST_ID, TRACEPARENT, Ids
from sidelight_logger.middleware.heads import RequestHead, response_head, with_trailers
from sidelight_logger.middleware.telling import tell
from sidelight_logger.proxy.recording import Recording

Message = MutableMapping[str, Any]


class Passing:
    """Passes the messages on at once, both ways, and tells the recording of each afterwards.

    `returned` is what the answer gets as far as the application has not set it itself.
    """

    __slots__ = (
        *("_answer", "_awaits_trailers", "_bodiless", "_ended", "_gone", "_receive", "_recording"),
        *("_returned", "_send", "_unread"),
    )

    def __init__(
        self,
        recording: Recording,
        head: RequestHead,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        returned: Ids,
    ) -> None:
        self._recording = recording
        self._receive = receive
        self._send = send
        self._returned = returned
        self._bodiless = head.bodiless
        self._unread = head.length
        self._answer = b""
        self._awaits_trailers = False
        self._gone = False
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        if not self._ended:
            try:
                self._received(message)
            except Exception as exc:  # nothing of ours may cost the application a request
                self._give_up(exc)
        return message

    async def send(self, message: Message) -> None:
        if self._returned != NO_IDS and message["type"] == "http.response.start":
            await self._send(_correlated(message, self._returned))
        else:
            await self._send(message)
        if not self._ended:
            try:
                self._sent(message)
            except Exception as exc:  # likewise
                self._give_up(exc)

    def end(self) -> None:
        """The application has done its part."""
        if not self._ended:
            try:
                self._end("abandoned" if self._gone else "unanswered")
            except Exception as exc:  # likewise
                tell(exc)

    def _give_up(self, cause: Exception) -> None:
        tell(cause)
        self.end()

    def _received(self, message: Message) -> None:
        if message["type"] == "http.request":
            body = _bytes(message)
            self._unread = max(0, self._unread - len(body)) if message.get("more_body") else 0
            self._recording.request(body)
        elif message["type"] == "http.disconnect":
            self._gone = True

    def _sent(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            self._recording.response(b"", b"" if self._bodiless else _bytes(message))
            if not message.get("more_body") and not self._awaits_trailers:
                self._end("answered")
        elif kind == "http.response.start":
            self._awaits_trailers = message.get("trailers", False)
            self._answer = response_head(message["status"], message.get("headers", ()))
            self._recording.response(self._answer, b"")
        elif kind == "http.response.trailers":
            self._answer = with_trailers(self._answer, message.get("headers", ()))
            if not message.get("more_trailers"):
                self._recording.response(self._answer, b"")
                self._end("answered")

    def _end(self, outcome: Outcome) -> None:
        self._ended = True
        if self._unread:
            self._recording.unread(self._unread)
        self._recording.end(outcome)


def _correlated(message: Message, returned: Ids) -> Message:
    headers = [*message.get("headers", ())]
    told = {name.lower(): value for name, value in headers}
    missing = returned.missing_in(Ids(told.get(REQUEST_ID), told.get(TRACEPARENT)))
    return {**message, "headers": [*headers, *missing]}


def _bytes(message: Message) -> bytes:
    body = message.get("body", b"")
    return body if type(body) is bytes else bytes(body)
