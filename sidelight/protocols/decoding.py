"""From an exchange to the columns the model got and gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v1, v2_binary
from sidelight.protocols.bodies import json_bytes, message_bytes, tensor_bytes
from sidelight.protocols.grpc.names import names_in
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.tensors import Columns

Decoder = Callable[[Body, Limits], Columns]


def decode_inputs(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows the client sent.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`) naming what is wrong: a body that
    was cut, an unknown protocol, encoding or content type, or the part that is malformed. Raises
    `MissingExtra` for gRPC where protobuf is not installed.
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
    """The version the answer states (V2, gRPC), else the exchange's; whatever the answer holds."""
    stating = _VERSIONS.get(exchange.protocol)
    if stating is None or exchange.status >= 400:
        return exchange.version
    try:
        return stating(exchange.response, limits) or exchange.version
    except MalformedPayload:
        return exchange.version


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


def _v2_version(body: Body, limits: Limits) -> str:
    content, inner = tensor_bytes(body, limits)
    stated = v2_binary.head_of_body(content, body.json_length, inner).get("model_version")
    return stated if isinstance(stated, str) else ""


def _grpc_version(body: Body, limits: Limits) -> str:
    return names_in(message_bytes(body, limits)[0]).version


def _grpc_request(body: Body, limits: Limits) -> Columns:
    # Only here: protobuf takes long to import, and who logs no gRPC need not have it.
    from sidelight.protocols import v2_grpc

    return v2_grpc.decode_request(*message_bytes(body, limits))


def _grpc_response(body: Body, limits: Limits) -> Columns:
    from sidelight.protocols import v2_grpc

    return v2_grpc.decode_response(*message_bytes(body, limits))


_REQUESTS: dict[str, Decoder] = {"v1": _v1_request, "v2": _v2_request, "grpc": _grpc_request}
_RESPONSES: dict[str, Decoder] = {"v1": _v1_response, "v2": _v2_response, "grpc": _grpc_response}
_VERSIONS = {"v2": _v2_version, "grpc": _grpc_version}


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
