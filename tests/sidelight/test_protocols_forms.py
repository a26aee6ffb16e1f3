"""The protocol of a body without its path."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from sidelight.events.exchange import Body
from sidelight.protocols import v1, v2, v2_binary
from sidelight.protocols.forms import UNKNOWN, Form, request_form, response_form
from sidelight.tensors import Columns

COLUMNS = Columns.of(age=np.arange(3.0), sex=np.array(["f", "m", "f"], object))


def body(content: bytes, encoding: str = "") -> Body:
    return Body(content, "application/json", encoding, size=len(content))


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (v1.encode_request(COLUMNS), "v1"),
        (v1.encode_request(COLUMNS, "matrix"), "v1"),
        (b'{"signature_name":"x","inputs":{"a":[1],"b":[2]}}', "v1"),
        (b'{"inputs":[[1,2]]}', "v1"),
        (v2.encode_request(COLUMNS), "v2"),
        (v2.encode_request(COLUMNS.select(["age"]), "matrix"), "v2"),
        (v2_binary.encode_request(COLUMNS).content, "v2"),
        (b"", ""),
        (b"[1]", ""),
        (b"{", ""),
        (b"\x00\x01", ""),
        (b'{"text_input":"hello"}', ""),
    ],
)
def test_requests(content: bytes, form: str) -> None:
    assert request_form(body(content)).protocol == form
    assert request_form(body(gzip.compress(content), "gzip")).protocol == form


def test_an_answer_of_v2_names_its_model() -> None:
    told = b'{"model_name":"income","model_version":"3","outputs":[]}'
    assert response_form(body(told)) == Form("v2", "income", "3")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (v1.encode_response(COLUMNS.select(["age"])), "v1"),
        (b'{"outputs":[[0.5]]}', "v1"),
        (v2.encode_response(COLUMNS), "v2"),
        (v2_binary.encode_response(COLUMNS).content, "v2"),
        (b'{"explanations":{}}', ""),
        (b'{"error":"no"}', ""),
        (b'{"model_name":1,"outputs":[{"name":"a","datatype":"FP64"}]}', "v2"),
    ],
)
def test_responses(content: bytes, form: str) -> None:
    assert response_form(body(content)).protocol == form


def test_what_cannot_be_unpacked_is_unknown() -> None:
    assert request_form(body(b"\x1f\x8bbroken")) == UNKNOWN
