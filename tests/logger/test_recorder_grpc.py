"""Exchanges of gRPC: the model from the message, the status from the trailers."""

from __future__ import annotations

from dataclasses import replace

import grpc  # type: ignore[import-untyped]
import numpy as np
import pytest

from sidelight.events import Exchange
from sidelight.events.exchange import Outcome
from sidelight.protocols.decoding import decode_inputs, decode_outputs
from sidelight.protocols.grpc.frames import framed
from sidelight.protocols.v2_grpc import encode_request, encode_response
from sidelight.tensors import Column, Columns
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.wire.captures import Capture, Side
from tests.logger.captures import MINT

INFER = "/inference.GRPCInferenceService/ModelInfer"
ROWS = Columns((Column("age", np.array([31.0, 45.5])),))


def capture(
    code: str | None = "0",
    *,
    path: str = INFER,
    outcome: Outcome = "answered",
    content_type: str = "application/grpc",
) -> Capture:
    head = f"POST {path} HTTP/2\r\ncontent-type: {content_type}\r\n\r\n".encode()
    body = framed(encode_request(ROWS, "income", "7"))
    status = "" if code is None else f"grpc-status: {code}\r\n"
    answer_head = f"HTTP/2 200 \r\ncontent-type: application/grpc\r\n{status}\r\n".encode()
    answer = framed(encode_response(ROWS))
    return Capture(
        *(MINT(), 1, 2, outcome),
        Side(head, body, len(body)),
        Side(answer_head, answer, len(answer)),
    )


def described(one: Capture) -> Exchange:
    exchange = describe(one, 1, Origin("source", "log"))
    assert exchange is not None
    return exchange


def test_rows_and_names_are_read_from_the_messages() -> None:
    exchange = described(capture())
    assert (exchange.protocol, exchange.model, exchange.version) == ("grpc", "income", "7")
    for columns in (decode_inputs(exchange), decode_outputs(exchange)):
        assert [column.name for column in columns] == ["age"]


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_code_has_a_status(code: grpc.StatusCode) -> None:
    number = str(code.value[0])
    exchange = described(capture(number))
    assert (exchange.status == 200) is (number == "0")
    assert exchange.extensions == ({} if number == "0" else {"grpcstatus": number})


@pytest.mark.parametrize(
    ("code", "outcome", "content_type", "status"),
    [
        ("99", "answered", "application/grpc+proto", 500),
        (None, "answered", "application/grpc", 500),
        (None, "unanswered", "application/grpc", 200),
        ("5", "answered", "application/json", 200),
        ("5", "answered", "application/grpc-web", 200),
        ("5", "answered", "application/grpc;charset=utf-8", 404),
    ],
)
def test_a_code_counts_where_grpc_was_spoken(
    code: str | None, outcome: Outcome, content_type: str, status: int
) -> None:
    assert described(capture(code, outcome=outcome, content_type=content_type)).status == status


@pytest.mark.parametrize("method", ["RepositoryModelLoad", "ModelStreamInfer"])
def test_what_is_no_inference_is_recorded_as_grpc_all_the_same(method: str) -> None:
    exchange = described(capture(path=f"/inference.GRPCInferenceService/{method}"))
    assert exchange.protocol == "grpc"


def test_the_first_message_of_a_stream_names_the_model() -> None:
    one = capture()
    both = one.request.body + framed(encode_request(ROWS, "other"))
    assert (
        described(replace(one, request=Side(one.request.head, both, len(both)))).model == "income"
    )
    cut = Side(one.request.head, one.request.body[:20], len(both))
    assert described(replace(one, request=cut)).model == "income"
