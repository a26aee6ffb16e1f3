"""What the heads of an exchange say, each read once: most are those of the exchange before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from sidelight.protocols.routes import Route, route
from sidelight_logger.recorder.describing.grpc_status import is_grpc
from sidelight_logger.recorder.describing.heads import (
    Fields,
    parse_request,
    parse_response,
    whole_number,
)
from sidelight_logger.recorder.describing.probes import is_probe

_Read = TypeVar("_Read")

_CACHED_HEADS = 128
_CACHED_BYTES = 2 << 10
"""As in the proxy."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the body behind a head is written."""

    content_type: str = ""
    content_encoding: str = ""
    json_length: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's head. `is_probe`: nothing of it is recorded; `is_call`: of gRPC."""

    method: str
    path: str
    target: Route
    fields: Fields
    form: Form
    is_probe: bool
    is_call: bool
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A response's head; that of an answer which never came has status 0."""

    status: int
    fields: Fields
    form: Form


def _kept(read: Callable[[bytes], _Read]) -> Callable[[bytes], _Read]:
    recent = lru_cache(_CACHED_HEADS)(read)
    return lambda raw: recent(raw) if len(raw) <= _CACHED_BYTES else read(raw)


@_kept
def asked(raw: bytes) -> Asked:
    """Raises `MalformedPayload` when it cannot be read."""
    head = parse_request(raw)
    fields = head.fields
    target = route(head.method, head.path)
    return Asked(
        head.method,
        head.path,
        target,
        fields,
        _form(fields),
        is_probe(head, target),
        is_grpc(fields),
        fields.get("ce-id") or fields.get("x-request-id", ""),
    )


@_kept
def answered(raw: bytes) -> Answered:
    """Raises `MalformedPayload` when it cannot be read."""
    if not raw:
        return Answered(0, {}, Form())
    head = parse_response(raw)
    return Answered(head.status, head.fields, _form(head.fields))


def _form(fields: Fields) -> Form:
    return Form(
        fields.get("content-type", ""),
        fields.get("grpc-encoding" if is_grpc(fields) else "content-encoding", ""),
        whole_number(fields.get("inference-header-content-length")),
    )
