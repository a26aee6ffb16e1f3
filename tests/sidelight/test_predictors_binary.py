from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import DataMismatch, PredictorError
from sidelight.predictors import open_predictor, spending
from sidelight.protocols import v2, v2_binary
from sidelight.tensors import Column, Columns
from tests.sidelight.predictor_servers import Answer, Seen, respond, serving

ROWS = Columns.of(x=[1.0, 2.0, 3.0])
ANSWER = Columns.of(y=np.array([0.5, 1.5, 2.5], np.float32))


def answered(answer: Answer, rows: Columns = ROWS, **settings: Any) -> tuple[Columns, Seen]:
    with serving(answer) as server:
        found = PredictorSettings(url=server.url, tensors="binary", **settings)
        predictor = open_predictor("m", found)
        try:
            return predictor(rows), server
        finally:
            predictor.close()


def in_binary(connection: socket.socket, _body: bytes) -> None:
    body = v2_binary.encode_response(ANSWER)
    respond(connection, 200, body.content, inference_header_content_length=str(body.json_length))


def without_length(connection: socket.socket, _body: bytes) -> None:
    respond(connection, 200, v2_binary.encode_response(ANSWER).content)


def in_json(connection: socket.socket, _body: bytes) -> None:
    respond(connection, 200, v2.encode_response(ANSWER))


@pytest.mark.parametrize("answer", [in_binary, without_length, in_json])
def test_an_answer_is_read_in_whatever_form_it_comes(
    answer: Callable[[socket.socket, bytes], None],
) -> None:
    found, _ = answered(answer)
    assert found["y"].values.tolist() == [0.5, 1.5, 2.5]
    assert found["y"].values.dtype == np.float32


def test_a_binary_answer_is_read_when_json_was_asked() -> None:
    with serving(in_binary) as server:
        predictor = open_predictor("m", PredictorSettings(url=server.url))
        assert predictor(ROWS)["y"].values.tolist() == [0.5, 1.5, 2.5]
        predictor.close()


def test_the_request_tells_where_its_json_ends_and_asks_for_binary() -> None:
    _, server = answered(in_binary, output="y[0]")
    head = server.heads[0].lower()
    assert b"content-type: application/octet-stream" in head
    length = re.search(rb"inference-header-content-length: (\d+)", head)
    assert length is not None
    asked = v2_binary.decode_request(server.requests[0], int(length[1]))
    assert asked["x"].values.tolist() == [1.0, 2.0, 3.0]
    assert asked.parameters["parameters"]["binary_data_output"] is True
    assert asked.parameters["outputs"] == [{"name": "y", "parameters": {"binary_data": True}}]


def test_parts_and_repetitions_are_as_with_json() -> None:
    failed: list[bytes] = []

    def once_busy(connection: socket.socket, body: bytes) -> None:
        if not failed:
            failed.append(body)
            respond(connection, 503, b"wait")
            return
        rows = v2_binary.decode_request(body)["x"].values
        answer = v2_binary.encode_response(Columns((Column("y", 2 * rows),)))
        length = str(answer.json_length)
        respond(connection, 200, answer.content, inference_header_content_length=length)

    with spending() as spent:
        found, _ = answered(once_busy, Columns.of(x=np.arange(100.0)), max_batch_rows=30)
    np.testing.assert_array_equal(found["y"].values, 2 * np.arange(100.0))
    assert spent.calls == 5


@pytest.mark.parametrize("status", [400, 415, 422, 500, 501])
def test_a_server_that_may_know_no_binary_tensors_names_the_setting(status: int) -> None:
    def refuse(connection: socket.socket, _body: bytes) -> None:
        respond(connection, status, b'{"error": "what is this?"}')

    told = r"what is this\?; if it knows no binary tensors, set models\.m\.predictor\.tensors to j"
    with pytest.raises(PredictorError, match=told) as caught:
        answered(refuse)
    assert caught.value.status == status


def test_a_model_that_is_not_there_is_no_matter_of_tensors() -> None:
    def refuse(connection: socket.socket, _body: bytes) -> None:
        respond(connection, 404, b'{"error": "no model m"}')

    with pytest.raises(PredictorError, match=r"answered 404: no model m$"):
        answered(refuse)


@pytest.mark.parametrize("length", ["0", "many", "-1", "1000000", "9" * 5000])
def test_a_length_that_is_none_is_the_servers_fault(length: str) -> None:
    def lie(connection: socket.socket, _body: bytes) -> None:
        content = v2_binary.encode_response(ANSWER).content
        respond(connection, 200, content, inference_header_content_length=length)

    with pytest.raises(PredictorError, match=r"(?i)inference-header-content-length"):
        answered(lie)


def test_what_binary_cannot_say_is_refused_before_anything_is_sent() -> None:
    values = np.array([1, 2])
    rows = Columns((Column("age", values, np.array([True, False])),))
    with serving(in_binary) as server:
        settings = PredictorSettings(url=server.url, tensors="binary")
        predictor = open_predictor("m", settings)
        with pytest.raises(DataMismatch, match="'age' holds 1 nulls"):
            predictor(rows)
        predictor.close()
    assert server.requests == []
