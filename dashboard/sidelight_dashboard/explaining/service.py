"""Asks the explain service: what it offers, for an explanation as a job, how far that is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from sidelight.errors import LimitExceeded, SidelightError
from sidelight_dashboard.explaining.reaching import Way

ASK_SECONDS = 15.0
"""For the job's acceptance: the service may look through the log for the row first."""
OFFER_SECONDS = 2.0
"""A page waits for what is offered; it does not wait for long."""
SILENT_SECONDS = 60.0
"""A job's events say every 15 seconds that they live."""
MOST_BYTES = 64 << 20
"""Of one explanation: pictures' heat in JSON is large."""


class Unreachable(SidelightError):
    """The explain service does not answer."""


class Refused(SidelightError):
    """The explain service says no, and why; `status` is its code."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Method:
    """One that explains a row, as the service describes it; `options` is a JSON Schema."""

    name: str
    description: str
    options: Mapping[str, Any]

    def default(self, option: str) -> Any:
        """None where the method has no such option."""
        return self.options.get("properties", {}).get(option, {}).get("default")

    def largest(self, option: str) -> Any:
        """None where there is no such option or no bound."""
        return self.options.get("properties", {}).get(option, {}).get("maximum")


@dataclass(frozen=True)
class Event:
    """``partial`` with the explanation so far, or the name of the state it ended in."""

    name: str
    data: Mapping[str, Any]


class ExplainService:
    """A client of one service; used on one event loop."""

    def __init__(self, way: Way) -> None:
        self.url = way.url
        self._way = way
        self._session: aiohttp.ClientSession | None = None

    async def methods(self, model: str) -> tuple[Method, ...]:
        """What explains single rows of the model; raises `Unreachable`, `Refused`."""
        path = f"/v2/models/{quote(model, safe='')}"
        async with self._asked("GET", path, OFFER_SECONDS) as answer:
            told = await _json(answer)
        try:
            return tuple(map(_method, filter(_is_of_rows, told["methods"])))
        except (KeyError, TypeError) as exc:
            raise Refused(_strange(answer), 502) from exc

    async def begin(self, model: str, wishes: Mapping[str, Any]) -> str:
        """Where the job is; `wishes` name the exchange, the row, the method and its options."""
        body = orjson.dumps({"parameters": {"explain_parameters": wishes}})
        headers = {"prefer": "respond-async", "content-type": "application/json"}
        path = f"/v1/models/{quote(model, safe='')}:explain"
        async with self._asked("POST", path, ASK_SECONDS, body, headers) as answer:
            await _json(answer)
            if "location" not in answer.headers:
                raise Refused(_strange(answer), 502)
            return answer.headers["location"]

    async def events(self, place: str) -> AsyncIterator[Event]:
        """Partial explanations as they come, and at last how the job ended."""
        async with self._asked("GET", f"{place}/events", None) as answer:
            rest = b""
            async for piece in answer.content.iter_any():
                *whole, rest = (rest + piece).split(b"\n\n")
                if len(rest) > MOST_BYTES:
                    raise LimitExceeded(f"an explanation has more than {MOST_BYTES} bytes")
                for text in whole:
                    if (event := _event(text)) is not None:
                        yield event

    async def result(self, place: str) -> Mapping[str, Any]:
        """The one explanation of a job that is done."""
        async with self._asked("GET", f"{place}/result", ASK_SECONDS) as answer:
            told = await _json(answer)
        explanation: Mapping[str, Any] = told["explanations"][0]
        return explanation

    async def cancel(self, place: str) -> None:
        """End the job; one that is not there any more has ended."""
        async with self._asked("DELETE", place, OFFER_SECONDS):
            pass

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        path: str,
        seconds: float | None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(seconds, sock_connect=2.0, sock_read=SILENT_SECONDS)
        told = {**(headers or {}), **self._authorization()}
        try:
            async with self._open().request(
                method, self.url + path, data=body, headers=told, timeout=timeout, ssl=self._way.tls
            ) as answer:
                if answer.status >= 400:
                    raise Refused(await _error(answer), answer.status)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise Unreachable(
                f"the explain service at {self.url} does not answer ({_cause(exc)}); start it with:"
                " sidelight explainers --config FILE, or set dashboard.explainers to its address"
            ) from exc

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        return self._session

    def _authorization(self) -> dict[str, str]:
        token = self._way.token()
        return {"authorization": f"Bearer {token}"} if token else {}


async def _json(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    content = await answer.read()
    try:
        told: dict[str, Any] = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise Refused(_strange(answer), 502) from exc
    return told


def _is_of_rows(told: Mapping[str, Any]) -> bool:
    return bool(told["explains"] == "one row")


def _method(told: Mapping[str, Any]) -> Method:
    return Method(told["name"], told["description"], told["options"])


def _strange(answer: aiohttp.ClientResponse) -> str:
    return f"{answer.url} does not answer as an explain service does; see dashboard.explainers"


async def _error(answer: aiohttp.ClientResponse) -> str:
    content = await answer.read()
    try:
        return str(orjson.loads(content)["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"{answer.status} {answer.reason}: {_strange(answer)}"


def _event(text: bytes) -> Event | None:
    """None for a comment that only says that the stream lives."""
    lines = dict(line.split(b": ", 1) for line in text.split(b"\n") if b": " in line)
    if b"event" not in lines:
        return None
    return Event(lines[b"event"].decode(), orjson.loads(lines[b"data"]))


def _cause(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "not in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or "no connection"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return "it broke off"
    return str(error) or type(error).__name__
