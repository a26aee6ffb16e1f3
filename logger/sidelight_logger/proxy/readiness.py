"""Whether the model server is ready, asked as Kubernetes would: the probe of KServe's agent.

KServe gives the agent the model container's readiness probe in ``SERVING_READINESS_PROBE`` and has
kubelet ask the agent with ``K-Network-Probe: queue``; Knative does the same with its queue-proxy.
Source: knative/serving, ``pkg/queue/readiness`` and ``pkg/queue/health``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sidelight.errors import ConfigError

if TYPE_CHECKING:
    from sidelight.upstreams import Upstream

VARIABLE = "SERVING_READINESS_PROBE"

_TIMEOUT_SECONDS = 1.0
"""Kubernetes' own default."""
_HEAD_BYTES = 64 << 10


@dataclass(frozen=True)
class Probe:
    """One question; without a `request` a connection that is taken is the answer."""

    host: str
    port: int
    request: bytes = b""
    timeout_seconds: float = _TIMEOUT_SECONDS

    async def passes(self) -> bool:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._ask()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):
            return False

    async def _ask(self) -> bool:
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=_HEAD_BYTES)
        try:
            if not self.request:
                return True
            writer.write(self.request)
            line = await reader.readuntil(b"\r\n")
            return 200 <= int(line.split(b" ", 2)[1]) < 400
        except IndexError:
            return False
        finally:
            writer.transport.abort()


async def is_ready(probes: tuple[Probe, ...]) -> bool:
    """Whether all of them pass."""
    return all(await asyncio.gather(*(probe.passes() for probe in probes)))


def probes_of(environ: Mapping[str, str], upstream: Upstream) -> tuple[Probe, ...]:
    """What the variable asks for; a connection to the model server where it says nothing."""
    text = environ.get(VARIABLE, "")
    if not text:
        return (Probe(upstream.host, upstream.port),)
    try:
        said = orjson.loads(text)
        return tuple(_probe(one, upstream) for one in (said if isinstance(said, list) else [said]))
    except (ValueError, KeyError, AttributeError, TypeError) as exc:
        raise ConfigError(
            f"{VARIABLE} is {text[:80]!r}: {exc}; write a readiness probe of Kubernetes as JSON"
        ) from exc


def _probe(said: Mapping[str, Any], upstream: Upstream) -> Probe:
    """Commands and gRPC probes are kubelet's to run: a connection must do for them."""
    asked = said.get("httpGet")
    action = asked or said.get("tcpSocket") or {}
    host, port = action.get("host") or upstream.host, action.get("port")
    # KServe hands on names of ports too, which only kubelet can look up.
    at = port if isinstance(port, int) and port else upstream.port
    timeout = float(said.get("timeoutSeconds") or _TIMEOUT_SECONDS)
    secret = asked is not None and str(asked.get("scheme", "")).upper() == "HTTPS"
    request = _request(asked, host) if asked is not None and not secret else b""
    return Probe(host, at, request, timeout)


def _request(asked: Mapping[str, Any], host: str) -> bytes:
    headers = {one["name"]: one["value"] for one in asked.get("httpHeaders") or ()}
    named = {name.lower() for name in headers}
    if "user-agent" not in named:
        headers["User-Agent"] = "kube-probe/1.0"
    if "host" not in named:
        headers["Host"] = host
    path = asked.get("path") or "/"
    lines = [f"GET {path if path[0] == '/' else '/' + path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in it")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()
