"""Questions over kept-alive connections, each with a deadline, repeated where that is safe."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import orjson

from sidelight.config.settings import PredictorSettings
from sidelight.errors import PredictorError, PredictorTimeout
from sidelight.predictors.credentials import Credentials
from sidelight.predictors.recalling import recall_in_force
from sidelight.predictors.remote import TOO_LARGE, WORDS, Answer, Question, waits
from sidelight.predictors.spending import Spent
from sidelight.probes import Mark

RETRIED = (502, 503, 504)
LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
"""The connection was refused, or ended before the whole answer had come."""
READ = 65_536
"""Bytes of a server's words that are looked at."""
JSON_LENGTH = "inference-header-content-length"


@dataclass
class Poster:
    """Posts questions to one URL. Everything here runs in one event loop.

    `told` is how errors name the server, `mark` what proves that a question is ours.
    """

    url: str
    told: str
    settings: PredictorSettings
    tls: ssl.SSLContext | Literal[True]
    credentials: Credentials
    mark: Mark | None = None
    _session: aiohttp.ClientSession | None = field(default=None, init=False)
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.settings.max_in_flight)

    async def ask_all(self, questions: Sequence[Question], spent: Spent) -> list[Answer]:
        """The answers, in order; the first failure cancels the rest and is raised."""
        tasks = [asyncio.ensure_future(self._ask(question, spent)) for question in questions]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def fetch(self, url: str, seconds: float) -> bytes | None:
        """The body of a GET, None unless it is answered with 200 in time."""
        try:
            headers = self.credentials.headers()
            async with (
                asyncio.timeout(seconds),
                self._open().get(url, headers=headers, allow_redirects=False) as response,
            ):
                return await self._body(response) if response.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, PredictorError):
            return None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, question: Question, spent: Spent) -> Answer:
        seconds = self.settings.timeout_seconds
        async with self._turns:
            try:
                async with asyncio.timeout(seconds):
                    return await self._ask_patiently(question, spent)
            except TimeoutError as exc:
                raise PredictorTimeout(f"{self.told}: no answer within {seconds:g} s") from exc

    async def _ask_patiently(self, question: Question, spent: Spent) -> Answer:
        """Ask again after what may pass by itself; a prediction changes nothing at the server."""
        for wait in waits(self.settings.retries):
            try:
                return await self._ask_once(question, spent)
            except PredictorError as exc:
                if exc.status not in RETRIED:
                    raise
            except LOST:
                pass
            await asyncio.sleep(wait)
        try:
            return await self._ask_once(question, spent)
        except LOST as exc:
            raise PredictorError(f"{self.told}: {_why_lost(exc)}") from exc

    async def _ask_once(self, question: Question, spent: Spent) -> Answer:
        if _is_taken_back():
            raise asyncio.CancelledError
        spent.add(question.rows)
        try:
            async with self._open().post(
                self.url, data=question.body, headers=self._headers(question), allow_redirects=False
            ) as response:
                body = await self._body(response)
        except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as exc:
            raise PredictorError(f"{self.told}: {exc}") from exc
        if response.status != 200:
            words = self.credentials.concealed(_words(body))[:WORDS]
            told = f"{self.told}: answered {response.status}: {words}"
            raise PredictorError(told, status=response.status)
        length = response.headers.get(JSON_LENGTH)
        return Answer(body, None if length is None else self._whole(length))

    def _headers(self, question: Question) -> dict[str, str]:
        said = self.credentials.headers()
        said |= {"accept-encoding": "identity", "content-type": "application/json"}
        if (json_length := question.json_length) is not None:
            said |= {"content-type": "application/octet-stream", JSON_LENGTH: str(json_length)}
        return said if self.mark is None else said | self.mark.of(question.body)

    def _whole(self, length: str) -> int:
        if not (length.isascii() and length.isdecimal() and len(length) <= 20):
            raise PredictorError(f"{self.told}: {JSON_LENGTH} of the answer is {length[:40]!r}")
        return int(length)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self.settings.max_answer_bytes
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise PredictorError(
                    f"{self.told}: the answer is larger than {limit} bytes", status=TOO_LARGE
                )
        return bytes(body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=0, ssl=self.tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


class _Connector(aiohttp.TCPConnector):
    """Looks again once there is a connection: a call may be taken back while it is made."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        if _is_taken_back():
            connection.release()
            raise asyncio.CancelledError
        return connection


def _is_taken_back() -> bool:
    """Looked at before we send: what cancels this task comes from a thread, perhaps a turn late."""
    recall = recall_in_force()
    return recall is not None and recall.recalled


def _words(body: bytes) -> str:
    """What the server said: the message of its JSON error, else the text."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:READ].decode("utf-8", "replace").strip() or "(no words)"
    if isinstance(told, dict):
        told = told.get("error", told.get("detail", told))
    return told if isinstance(told, str) else orjson.dumps(told).decode()


def _why_lost(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientConnectorError):
        return f"cannot connect: {exc.os_error.strerror or exc.os_error}"
    return str(exc) or type(exc).__name__
