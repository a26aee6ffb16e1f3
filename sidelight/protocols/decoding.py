"""From an exchange to the columns the model got and gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v1, v2_binary
from sidelight.protocols.bodies import json_bytes, tensor_bytes
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.tensors import Columns

Decoder = Callable[[Body, Limits], Columns]


def decode_inputs(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows the client sent.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`) naming what is wrong: a body that
    was cut, an unknown protocol, encoding or content type, or the part that is malformed.
    """
    return _decoder(exchange, _REQUESTS)(exchange.request, limits)


def decode_outputs(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows the model answered; errors as `decode_inputs`, also when there was no answer."""
    return _decoder(exchange, _RESPONSES)(answer_of(exchange), limits)


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
        content, inner = tensor_bytes(exchange.response, limits)
        head = v2_binary.head_of_body(content, exchange.response.json_length, inner)
    except MalformedPayload:
        return exchange.version
    stated = head.get("model_version")
    return stated if type(stated) is str and stated else exchange.version


def _v1_request(body: Body, limits: Limits) -> Columns:
    return v1.decode_request(*json_bytes(body, limits))


def _v1_response(body: Body, limits: Limits) -> Columns:
    return v1.decode_response(*json_bytes(body, limits))


def _v2_request(body: Body, limits: Limits) -> Columns:
    content, inner = tensor_bytes(body, limits)
    return v2_binary.decode_request(content, body.json_length, inner)


def _v2_response(body: Body, limits: Limits) -> Columns:
    content, inner = tensor_bytes(body, limits)
    return v2_binary.decode_response(content, body.json_length, inner)


_REQUESTS: dict[str, Decoder] = {"v1": _v1_request, "v2": _v2_request}
_RESPONSES: dict[str, Decoder] = {"v1": _v1_response, "v2": _v2_response}


def _decoder(exchange: Exchange, decoders: Mapping[str, Decoder]) -> Decoder:
    found = decoders.get(exchange.protocol)
    if found is None:
        named = (
            f"protocol {exchange.protocol!r} is not read"
            if exchange.protocol
            else "the path is no inference route"
        )
        raise MalformedPayload(f"{named}; there are {', '.join(decoders)}", where="path")
    return found
