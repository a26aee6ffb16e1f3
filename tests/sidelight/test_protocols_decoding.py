"""Bodies as they are on the wire: encodings, content types, cut and missing ones."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import pytest

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v2_binary, v2_grpc
from sidelight.protocols.decoding import decode_inputs, decode_outputs, model_version
from sidelight.protocols.grpc.frames import framed
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.tensors import Columns

REQUEST = b'{"inputs":[{"name":"x","shape":[2],"datatype":"INT64","data":[1,2]}]}'
RESPONSE = (
    b'{"model_name":"m","model_version":"7",'
    b'"outputs":[{"name":"y","shape":[2],"datatype":"FP64","data":[0.5,1]}]}'
)


def body(content: bytes, **more: Any) -> Body:
    return replace(
        Body(content=content, content_type="application/json", size=len(content)), **more
    )


def exchange(**change: Any) -> Exchange:
    found = Exchange(
        id="1",
        source="/test",
        time_ns=0,
        duration_ns=0,
        method="POST",
        path="/v2/models/m/infer",
        protocol="v2",
        model="m",
        version="revision-1",
        status=200,
        outcome="answered",
        request=body(REQUEST),
        response=body(RESPONSE),
    )
    return replace(found, **change)


def refusal(request: Body, limits: Limits = DEFAULT_LIMITS, **change: Any) -> MalformedPayload:
    with pytest.raises(MalformedPayload) as caught:
        decode_inputs(exchange(request=request, **change), limits)
    return caught.value


def raw_deflate(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(content) + machine.flush()


def test_both_sides_of_an_exchange_are_read_by_its_protocol() -> None:
    assert decode_inputs(exchange())["x"].values.tolist() == [1, 2]
    assert decode_outputs(exchange())["y"].values.tolist() == [0.5, 1.0]

    v1 = exchange(
        protocol="v1",
        request=body(b'{"instances":[1,2]}'),
        response=body(b'{"predictions":[3,4]}'),
    )
    assert decode_inputs(v1)["instances"].values.tolist() == [1, 2]
    assert decode_outputs(v1)["predictions"].values.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (gzip.compress(REQUEST, mtime=0), "gzip"),
        (gzip.compress(REQUEST, mtime=0), "GZIP "),
        (gzip.compress(REQUEST, mtime=0), "x-gzip"),
        (gzip.compress(REQUEST, mtime=0), ""),
        (zlib.compress(REQUEST), "deflate"),
        (raw_deflate(REQUEST), "deflate"),
        (REQUEST, "identity"),
    ],
)
def test_content_encodings_are_undone_also_when_gzip_is_not_named(
    content: bytes, encoding: str
) -> None:
    found = decode_inputs(exchange(request=body(content, content_encoding=encoding)))

    assert found["x"].values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (REQUEST, "gzip"),
        (REQUEST, "deflate"),
        (REQUEST, "br"),
        (gzip.compress(REQUEST, mtime=0)[:-1], "gzip"),
        (gzip.compress(REQUEST, mtime=0)[:-9], "gzip"),
        (gzip.compress(REQUEST, mtime=0) + b"x", "gzip"),
        (gzip.compress(REQUEST, mtime=0) + gzip.compress(b"", mtime=0), "gzip"),
        (b"\x1f\x8b", ""),
        (zlib.compress(REQUEST)[:-5], "deflate"),
        (gzip.compress(REQUEST, mtime=0), "gzip, gzip"),
    ],
)
def test_damaged_cut_and_unknown_encodings_are_refused(content: bytes, encoding: str) -> None:
    assert refusal(body(content, content_encoding=encoding)).where == "body"


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000), mtime=0)
    tracemalloc.start()
    try:
        error = refusal(body(bomb, content_encoding="gzip"), Limits(decompressed_bytes=1 << 16))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(error, LimitExceeded)
    assert peak < 1 << 20


def test_the_two_byte_limits_bound_the_wire_and_what_comes_out_of_it() -> None:
    padded = REQUEST + b" " * 1000
    packed = body(gzip.compress(padded, mtime=0), content_encoding="gzip")
    wire = len(packed.content)

    decode_inputs(exchange(request=packed), Limits(body_bytes=wire, decompressed_bytes=len(padded)))
    assert isinstance(refusal(packed, Limits(body_bytes=wire - 1)), LimitExceeded)
    assert isinstance(refusal(packed, Limits(decompressed_bytes=len(padded) - 1)), LimitExceeded)
    assert isinstance(refusal(body(padded), Limits(body_bytes=100)), LimitExceeded)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        "",
    ],
)
def test_json_is_read_under_every_name_it_comes_with(content_type: str) -> None:
    assert decode_inputs(exchange(request=body(REQUEST, content_type=content_type)))


@pytest.mark.parametrize(
    "content_type",
    ["application/protobuf", "application/json; charset=utf-16", "image/png", "json"],
)
def test_other_content_types_are_refused_by_name(content_type: str) -> None:
    assert "send" in str(refusal(body(REQUEST, content_type=content_type)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"truncated": True, "size": 9000}, "of 9000 bytes were kept; raise logger.max_body"),
        ({"content": b"", "size": 9000}, "9000 bytes were not kept"),
        ({"content": b"", "size": 0}, "empty"),
        ({"json_length": 10}, "is not JSON"),
    ],
)
def test_a_body_that_is_not_whole_is_refused(change: dict[str, Any], told: str) -> None:
    assert told in str(refusal(replace(body(REQUEST), **change)))


def test_a_json_length_of_the_whole_body_is_no_binary_tensor() -> None:
    assert decode_inputs(exchange(request=body(REQUEST, json_length=len(REQUEST))))


@pytest.mark.parametrize(
    ("change", "told"),
    [({"protocol": ""}, "no inference route"), ({"protocol": "smtp"}, "'smtp' is not read")],
)
def test_a_protocol_without_a_decoder_is_refused(change: dict[str, Any], told: str) -> None:
    assert told in str(refusal(body(REQUEST), **change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"outcome": "unanswered"}, "unanswered"),
        ({"outcome": "abandoned"}, "abandoned"),
        ({"status": 500}, "status 500"),
    ],
)
def test_an_exchange_without_an_answer_has_no_outputs(change: dict[str, Any], told: str) -> None:
    with pytest.raises(MalformedPayload, match=told):
        decode_outputs(exchange(**change))


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({}, "7"),
        ({"response": body(gzip.compress(RESPONSE, mtime=0), content_encoding="gzip")}, "7"),
        ({"response": body(b'{"model_version":null}')}, "revision-1"),
        ({"response": body(b'{"model_version":7}')}, "revision-1"),
        ({"response": body(b"not json")}, "revision-1"),
        ({"response": Body()}, "revision-1"),
        ({"status": 404}, "revision-1"),
        ({"protocol": "v1"}, "revision-1"),
    ],
)
def test_the_version_is_the_answers_else_the_exchanges(
    change: dict[str, Any], version: str
) -> None:
    assert model_version(exchange(**change)) == version


COLUMNS = Columns.of(x=[1, 2])
BINARY = v2_binary.encode_request(COLUMNS)
ANSWER = v2_binary.encode_response(
    Columns(Columns.of(y=[0.5, 1]).columns, {"model_name": "m", "model_version": "7"})
)
MESSAGE = v2_grpc.encode_request(COLUMNS, "m")
REPLY = v2_grpc.encode_response(
    Columns(Columns.of(y=[0.5, 1]).columns, {"model_name": "m", "model_version": "7"})
)


@pytest.mark.parametrize("json_length", [None, BINARY.json_length])
@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/json", ""])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_binary_tensors_are_read_also_where_headers_were_lost(
    json_length: int | None, content_type: str, encoding: str
) -> None:
    content = gzip.compress(BINARY.content, mtime=0) if encoding else BINARY.content
    sent = body(
        content, content_type=content_type, json_length=json_length, content_encoding=encoding
    )

    assert decode_inputs(exchange(request=sent))["x"].values.tolist() == [1, 2]


def test_a_binary_answer_has_outputs_and_a_version() -> None:
    answered = exchange(response=body(ANSWER.content, content_type=""))

    assert decode_outputs(answered)["y"].values.tolist() == [0.5, 1]
    assert model_version(answered) == "7"
    assert model_version(replace(answered, response=body(ANSWER.content[:20]))) == "revision-1"


def test_v1_has_no_binary_tensors() -> None:
    sent = body(b'{"instances":[1]}\0', json_length=17)

    assert "binary tensors" in str(refusal(sent, protocol="v1"))


def grpc(request: bytes, response: bytes = REPLY, **more: Any) -> Exchange:
    return exchange(
        protocol="grpc",
        model="",
        request=body(request, **{"content_type": "application/grpc"} | more),
        response=body(response, content_type="application/grpc+proto"),
    )


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (MESSAGE, ""),
        (framed(MESSAGE), ""),
        (framed(MESSAGE), "gzip"),
        (gzip.compress(MESSAGE, mtime=0), "gzip"),
        (gzip.compress(MESSAGE, mtime=0), ""),
        (
            b"\1"
            + len(gzip.compress(MESSAGE, mtime=0)).to_bytes(4)
            + gzip.compress(MESSAGE, mtime=0),
            "gzip",
        ),
    ],
)
def test_grpc_messages_are_read_with_and_without_their_frame(content: bytes, encoding: str) -> None:
    sent = grpc(content, framed(REPLY), content_encoding=encoding)

    assert decode_inputs(sent)["x"].values.tolist() == [1, 2]
    assert decode_inputs(sent).parameters["model_name"] == "m"
    assert decode_outputs(sent)["y"].values.tolist() == [0.5, 1]
    assert model_version(sent) == "7"


def test_a_grpc_answer_without_a_message_has_no_outputs_and_no_version() -> None:
    sent = grpc(MESSAGE, b"")

    with pytest.raises(MalformedPayload, match="empty"):
        decode_outputs(sent)
    assert model_version(sent) == "revision-1"


@pytest.mark.parametrize(
    "change", [{"content_type": "application/json"}, {"content_encoding": "snappy"}]
)
def test_a_grpc_body_that_is_not_protobuf_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedPayload):
        decode_inputs(grpc(MESSAGE, **change))


def test_a_grpc_bomb_is_refused_without_being_unpacked() -> None:
    packed = gzip.compress(bytes(50_000_000), mtime=0)
    bomb = b"\1" + len(packed).to_bytes(4) + packed
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            decode_inputs(grpc(bomb), Limits(decompressed_bytes=1 << 16))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1 << 20
