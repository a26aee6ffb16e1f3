"""From an exchange to the columns the model got and gave."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v1, v2
from sidelight.protocols.compression import decompressed
from sidelight.protocols.documents import parse_object
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.tensors import Columns

Decoder = Callable[[bytes, Limits], Columns]

_REQUESTS: dict[str, Decoder] = {"v1": v1.decode_request, "v2": v2.decode_request}
_RESPONSES: dict[str, Decoder] = {"v1": v1.decode_response, "v2": v2.decode_response}

# curl's default, and what servers that never look accept: JSON all the same.
_JSON_TYPES = (
    "",
    "application/json",
    "text/json",
    "text/plain",
    "application/x-www-form-urlencoded",
)


def decode_inputs(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows the client sent.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`) naming what is wrong: a body that
    was cut, an unknown protocol, encoding or content type, or the part that is malformed.
    """
    return _decode(exchange.request, exchange.protocol, _REQUESTS, limits)


def decode_outputs(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows the model answered; errors as `decode_inputs`, also when there was no answer."""
    return _decode(answer_of(exchange), exchange.protocol, _RESPONSES, limits)


def answer_of(exchange: Exchange) -> Body:
    """The response; raises `MalformedPayload` when there is none or it tells of an error."""
    if exchange.outcome != "answered":
        raise MalformedPayload(
            f"there is none, the exchange is {exchange.outcome}", where="response"
        )
    if exchange.status >= 400:
        raise MalformedPayload(f"status {exchange.status} carries no outputs", where="response")
    return exchange.response


def model_version(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> str:
    """The version the answer states (V2), else the exchange's; whatever the answer holds."""
    if exchange.protocol != "v2" or exchange.status >= 400:
        return exchange.version
    try:
        body, inner = json_bytes(exchange.response, limits)
        stated = parse_object(body, inner).get("model_version")
    except MalformedPayload:
        return exchange.version
    return stated if type(stated) is str and stated else exchange.version


def _decode(body: Body, protocol: str, decoders: Mapping[str, Decoder], limits: Limits) -> Columns:
    decoder = decoders.get(protocol)
    if decoder is None:
        named = (
            f"protocol {protocol!r} is not read" if protocol else "the path is no inference route"
        )
        raise MalformedPayload(f"{named}; there are {', '.join(decoders)}", where="path")
    content, inner = json_bytes(body, limits)
    return decoder(content, inner)


def json_bytes(body: Body, limits: Limits) -> tuple[bytes, Limits]:
    """The JSON bytes of a body, and the limits that now apply to them.

    Raises `MalformedPayload` for a body that was cut or is not JSON, `LimitExceeded` beyond
    `limits`.
    """
    _refuse_partial(body)
    _refuse_other_types(body.content_type)
    if len(body.content) > limits.body_bytes:
        raise LimitExceeded(
            f"{len(body.content)} bytes, the limit is {limits.body_bytes}; send fewer rows at once",
            where="body",
        )
    content = decompressed(body.content, body.content_encoding, limits.decompressed_bytes)
    if body.json_length is not None and body.json_length != len(content):
        raise MalformedPayload("holds binary tensors; send all tensors as JSON", where="body")
    if content is body.content:
        return content, limits
    return content, replace(limits, body_bytes=limits.decompressed_bytes)


def _refuse_partial(body: Body) -> None:
    if body.truncated:
        raise MalformedPayload(
            f"{len(body.content)} of {body.size} bytes were kept; raise logger.max_body",
            where="body",
        )
    if not body.content:
        kept = f"its {body.size} bytes were not kept" if body.size else "it is empty"
        raise MalformedPayload(f"{kept}; there is nothing to decode", where="body")


def _refuse_other_types(content_type: str) -> None:
    essence, _, rest = content_type.lower().partition(";")
    essence = essence.strip()
    if essence not in _JSON_TYPES and not essence.endswith("+json"):
        raise MalformedPayload(
            f"content type {content_type[:60]!r} is not JSON; send application/json", where="body"
        )
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", rest)
    if charset and charset[1] not in ("utf-8", "utf8", "us-ascii"):
        raise MalformedPayload(
            f"charset {charset[1][:40]!r} is not UTF-8; send UTF-8", where="body"
        )
