"""Whether the other services of the configuration are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import orjson

from sidelight.config.addresses import Listen
from sidelight.config.services import configured, receiver
from sidelight.config.settings import Settings

State = Literal["up", "not ready", "no answer", "not asked yet"]

_TIMEOUT = aiohttp.ClientTimeout(total=3)
_LONGEST = 300
"""Characters of what a service says."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of them, at the address that this configuration has for it."""

    name: str
    url: str
    state: State
    why: str = ""


def services_of(settings: Settings) -> tuple[Service, ...]:
    """Those that this configuration runs, at known ports, none of them asked yet."""
    found = (
        Service(name, _ADDRESSES[name](settings), "not asked yet")
        for name in configured(settings)
        if name in _ADDRESSES
    )
    return tuple(one for one in found if urlsplit(one.url).port)


async def ask(services: tuple[Service, ...]) -> tuple[Service, ...]:
    """All at the same time; takes three seconds at most."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session:
        return tuple(await asyncio.gather(*(_ask(session, one) for one in services)))


async def _ask(session: aiohttp.ClientSession, service: Service) -> Service:
    try:
        # Nothing is sent that anybody may not know, and the certificate is for callers' names.
        async with session.get(service.url, ssl=False, allow_redirects=False) as answer:
            body = await answer.content.read(1 << 16)
            if answer.status == 200:
                return Service(service.name, service.url, "up")
            return Service(service.name, service.url, "not ready", _why(answer.status, body))
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Service(service.name, service.url, "no answer")


def _why(status: int, body: bytes) -> str:
    """Its own words where it has some."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    words = told.get("error") if isinstance(told, dict) else None
    return str(words)[:_LONGEST] if words else f"it answers {status}"


def _explainers(settings: Settings) -> str:
    told = settings.dashboard.explainers
    if told is not None:
        url = told if "://" in told else f"http://{told}"
        return f"{url.rstrip('/')}/v2/health/ready"
    has_tls = settings.explainers.cert_file is not None
    return _at(settings.explainers.listen, "/v2/health/ready", has_tls)


def _receiver(settings: Settings) -> str:
    found = receiver(settings)
    return _at(found.listen, "/readyz", found.cert_file is not None)


def _at(listen: str, route: str, has_tls: bool = False) -> str:
    url = Listen.parse(listen).url + route
    return url.replace("http://", "https://", 1) if has_tls else url


_ADDRESSES: Mapping[str, Callable[[Settings], str]] = MappingProxyType(
    {
        "logger": lambda settings: _at(settings.logger.metrics, "/readyz"),
        "receiver": _receiver,
        "joiner": lambda settings: _at(settings.joiner.listen, "/readyz"),
        "detectors": lambda settings: _at(settings.detectors.listen, "/readyz"),
        "explainers": _explainers,
    }
)
