"""An exchange as KServe's payload logger sends it: a request and a response event with one id.

KServe's own attributes stand exactly as its agent writes them. What it leaves out (path, status,
model, content encoding, ...) follows in further extensions, which a peer ignores.
Source: kserve/kserve ``pkg/logger/worker.go``; `statuscode` from its pull request 6036.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import http
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import Attribute, CloudEvent
from sidelight.events.dataref import references_of
from sidelight.events.exchange import PURPOSE_HEADER, Body, Exchange, Outcome, Protocol
from sidelight.events.times import rfc3339

REQUEST_TYPE = "org.kubeflow.serving.inference.request"
RESPONSE_TYPE = "org.kubeflow.serving.inference.response"
_NAMES = ("inferenceservicename", "namespace", "component", "endpoint")
_ANNOTATIONS = "annotations"
_PROTOCOLS = frozenset(get_args(Protocol))
TEXTS = {
    "method": "method",
    "path": "path",
    "protocol": "protocol",
    "model": "modelname",
    "version": "modelversion",
    "traceparent": "traceparent",
    "tracestate": "tracestate",
    "purpose": "purpose",
}
"""Fields of an exchange that are text, and the extension each is."""


def to_events(exchange: Exchange, recorded_ns: int) -> tuple[CloudEvent, ...]:
    """The halves that were kept, the request first; `recorded_ns` becomes ``recordedtime``."""
    shared = _shared(exchange, recorded_ns)
    halves = []
    if _has_request(exchange):
        extensions = {**shared, **body_extensions(exchange.request)}
        halves.append(_half(exchange, REQUEST_TYPE, exchange.time_ns, exchange.request, extensions))
    if _has_response(exchange):
        extensions = {**shared, **body_extensions(exchange.response)}
        extensions["statuscode"] = exchange.status
        extensions["responsecontenttype"] = exchange.response.content_type
        ended_ns = exchange.time_ns + exchange.duration_ns
        halves.append(_half(exchange, RESPONSE_TYPE, ended_ns, exchange.response, extensions))
    return tuple(halves)


def to_http(event: CloudEvent) -> http.HttpMessage:
    """A half in binary mode. Quotes in JSON values stay as KServe leaves them, not encoded."""
    message = http.to_binary(event)
    # A percent sign of the value itself is %25 here, so %22 can only be a quote.
    headers = tuple((name, value.replace("%22", '"')) for name, value in message.headers)
    return http.HttpMessage(headers, message.body)


def pair(
    request: CloudEvent | None, response: CloudEvent | None, *, exchange_id: str, received_ns: int
) -> Exchange:
    """The exchange of two halves, or of the one that came.

    `received_ns` is its time when the halves have none. Halves of peers that do not send a status
    are of answers with 200, the only ones KServe logs. Raises `MalformedPayload` when an event is
    no half, or the two have different ids.
    """
    first = _checked(request, response)
    texts = {name: text_of(value) for name, value in first.extensions.items()}
    fields: dict[str, Any] = {field: texts.get(name, "") for field, name in TEXTS.items()}
    fields["model"] = fields["model"] or texts.get("inferenceservicename", "")
    if fields["protocol"] not in _PROTOCOLS:
        fields["protocol"] = ""  # somebody else's extension of that name
    headers = _from_metadata(texts.get("metadata", ""))
    # KServe's own logger tells of it only among the headers that it is told to keep.
    fields["purpose"] = fields["purpose"] or headers.get(PURPOSE_HEADER, "")
    started_ns = first.time_ns if first.time_ns is not None else received_ns
    ended_ns = response.time_ns if response and response.time_ns is not None else started_ns
    return Exchange(
        **fields,
        id=exchange_id,
        source=first.source,
        time_ns=started_ns,
        duration_ns=max(0, ended_ns - started_ns),
        status=_number(response, "statuscode", 200) or 0,
        outcome=_outcome(texts, response),
        request=_body(request),
        response=_body(response),
        correlation_id=first.id,
        headers=headers,
        extensions={
            **{name: texts[name] for name in (*_NAMES, _ANNOTATIONS) if name in texts},
            **references_of("request", request),
            **references_of("response", response),
        },
    )


def _shared(exchange: Exchange, recorded_ns: int) -> dict[str, Attribute]:
    kserve: dict[str, Attribute] = {name: exchange.extensions.get(name, "") for name in _NAMES}
    kserve["recordedtime"] = rfc3339(recorded_ns)
    kserve["metadata"] = metadata_of(exchange.headers)
    if _ANNOTATIONS in exchange.extensions:
        kserve[_ANNOTATIONS] = exchange.extensions[_ANNOTATIONS]
    ours = {name: getattr(exchange, field) for field, name in TEXTS.items()}
    if exchange.outcome == "abandoned":
        ours["outcome"] = exchange.outcome  # else its answer, which broke off, is taken for whole
    return {**kserve, "exchangeid": exchange.id, **{n: text for n, text in ours.items() if text}}


def _half(
    exchange: Exchange, type_: str, time_ns: int, body: Body, extensions: Mapping[str, Attribute]
) -> CloudEvent:
    return CloudEvent(
        id=exchange.correlation_id or exchange.id,
        source=exchange.source,
        type=type_,
        time_ns=time_ns,
        # KServe puts the request's content type on the response too.
        datacontenttype=exchange.request.content_type,
        extensions=extensions,
        data=body.content,
    )


def _kept_away(body: Body) -> bool:
    return body.size > 0 and not body.content and not body.truncated


def _has_request(exchange: Exchange) -> bool:
    return exchange.outcome != "unasked" and not _kept_away(exchange.request)


def _has_response(exchange: Exchange) -> bool:
    came = exchange.outcome != "unanswered" and exchange.status > 0
    return came and not _kept_away(exchange.response)


def body_extensions(body: Body) -> dict[str, Attribute]:
    """What is told of a body beside its content."""
    extensions: dict[str, Attribute] = {}
    if body.content_encoding:
        extensions["contentencoding"] = body.content_encoding
    if body.json_length is not None:
        extensions["jsonlength"] = body.json_length
    if body.sha256:
        extensions["bodysha256"] = body.sha256
    if body.truncated:
        extensions["truncatedfrom"] = str(body.size)  # beyond the 32 bits of an Integer, perhaps
    elif body.size != len(body.content):
        extensions["bodysize"] = str(body.size)
    return extensions


def _body(half: CloudEvent | None) -> Body:
    if half is None:
        return Body()
    content = half.data or b""
    own_type = half.extensions.get("responsecontenttype", half.datacontenttype)
    size = _number(half, "truncatedfrom", _number(half, "bodysize", len(content)))
    return Body(
        content,
        text_of(own_type),
        text_of(half.extensions.get("contentencoding", "")),
        _number(half, "jsonlength", None),
        size or 0,
        text_of(half.extensions.get("bodysha256", "")),
        truncated="truncatedfrom" in half.extensions,
    )


def _checked(request: CloudEvent | None, response: CloudEvent | None) -> CloudEvent:
    for half, type_ in ((request, REQUEST_TYPE), (response, RESPONSE_TYPE)):
        if half is not None and half.type != type_:
            raise MalformedPayload(f"is {half.type[:64]!r}, not {type_}", where="type")
    if request and response and request.id != response.id:
        raise MalformedPayload(f"{request.id!r} and {response.id!r} are two exchanges", where="id")
    first = request or response
    if first is None:
        raise MalformedPayload("no half of an exchange was given")
    return first


def _outcome(texts: Mapping[str, str], response: CloudEvent | None) -> Outcome:
    if texts.get("outcome") == "abandoned":
        return "abandoned"
    return "answered" if response else "unanswered"


def _number(half: CloudEvent | None, name: str, default: int | None) -> int | None:
    if half is None:
        return None
    if (value := half.extensions.get(name)) is None:
        return default
    text = text_of(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise MalformedPayload(f"{text[:32]!r} is no whole number", where=name)
    return int(text)


def metadata_of(headers: Mapping[str, str]) -> str:
    """Headers as KServe has them: Go's canonical names in order, a list of values each."""
    named = {name.title(): [value] for name, value in headers.items()}
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode()


def _from_metadata(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        metadata = orjson.loads(text)
        return {name.lower(): ", ".join(values) for name, values in metadata.items()}
    except (orjson.JSONDecodeError, AttributeError, TypeError) as exc:
        raise MalformedPayload(
            "not a JSON object of lists of header values", where="metadata"
        ) from exc
