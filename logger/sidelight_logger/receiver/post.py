"""One post as it came: its body, read within limits, and the few headers that matter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from starlette.types import Receive, Scope

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.http import CONTENT_TYPE, PREFIX
from sidelight.protocols.compression import decompressed
from sidelight.serving.refusals import Busy, TooSlow
from sidelight_logger.receiver.refusals import UnknownFormat

BODY_SECONDS = 30.0
"""How long a body may take to come: it holds room as long."""
_ENCODING = "content-encoding"
_READ = ("gzip", "x-gzip", "deflate")
_PLAIN = ("", "identity")


@dataclass(frozen=True, slots=True)
class Post:
    """Header names in lower case; those of CloudEvents, the content's type and encoding."""

    headers: tuple[tuple[str, str], ...]
    body: bytes

    def content(self, limit: int) -> bytes:
        """The body as it was before it was compressed for the way; `UnknownFormat`,
        `LimitExceeded`, `MalformedPayload`.

        Only where a header says so: a body that begins as gzip does may be what a model was sent.
        """
        encoding = dict(self.headers).get(_ENCODING, "").strip().lower()
        if encoding in _PLAIN:
            return self.body
        if encoding not in _READ:
            raise UnknownFormat(
                f"{encoding[:40]!r} is not read; send gzip, deflate or none", where=_ENCODING
            )
        return decompressed(self.body, encoding, limit)


class Room:
    """Bytes of bodies that may be in memory at once."""

    def __init__(self, bytes_: int) -> None:
        self.taken = 0
        self._bytes = bytes_

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Takes bytes when called, as they come, `Busy` when there is no room; all are free again
        at the end."""
        ours = 0

        def take(count: int) -> None:
            nonlocal ours
            if self.taken + count > self._bytes:
                raise Busy(f"{self.taken} bytes of events wait for the log; send it again later")
            self.taken += count
            ours += count

        try:
            yield take
        finally:
            self.taken -= ours


@asynccontextmanager
async def posted(scope: Scope, receive: Receive, room: Room, limit: int) -> AsyncIterator[Post]:
    """The post, which takes its room until the end. Raises `LimitExceeded` above `limit` bytes,
    `Busy`, `TooSlow`, `MalformedPayload` for headers that are no text."""
    headers = _headers(scope["headers"])
    _refuse_above(limit, _announced(scope["headers"]))
    with room.share() as take:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _whole(receive, take, limit)
        except TimeoutError as exc:
            raise TooSlow(f"the body did not come within {BODY_SECONDS:g} s") from exc
        yield Post(headers, body)


async def _whole(receive: Receive, take: Callable[[int], None], limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedPayload("ended before all of it came", where="body")
        chunk = message.get("body", b"")
        _refuse_above(limit, len(body) + len(chunk))
        take(len(chunk))
        body += chunk
        if not message.get("more_body", False):
            return bytes(body)


def _refuse_above(limit: int, count: int) -> None:
    if count > limit:
        raise LimitExceeded(
            f"more than {limit} bytes; send fewer at once, or raise receiver.max_event_bytes",
            where="body",
        )


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """What the sender says is to come; 0 when it does not."""
    lengths = (value for name, value in headers if name == b"content-length")
    return next((int(text) for text in lengths if text.isdigit()), 0)


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    named = ((name.decode("latin-1").lower(), value) for name, value in headers)
    return tuple((name, _text(name, value)) for name, value in named if _matters(name))


def _matters(name: str) -> bool:
    return name.startswith(PREFIX) or name in (CONTENT_TYPE, _ENCODING)


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise MalformedPayload(f"header is not UTF-8: {value[:32]!r}", where=name) from exc
