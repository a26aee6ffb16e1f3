"""Binary tensors byte by byte: the specification's examples, and what is refused where."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.protocols import v2_binary
from sidelight.protocols.json_end import end_of_object
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.v2_binary import Answer
from sidelight.tensors import Column, Columns

# The specification's request, but that its second input has as many rows as its first.
REQUEST_HEAD = b"""{
  "model_name" : "mymodel",
  "inputs" : [
    {
      "name" : "input0",
      "shape" : [ 2, 2 ],
      "datatype" : "UINT32",
      "parameters" : {
        "binary_data_size" : 16
      }
    },
    {
      "name" : "input1",
      "shape" : [ 2 ],
      "datatype" : "BOOL",
      "parameters" : {
        "binary_data_size" : 2
      }
    }
  ],
  "outputs" : [
    {
      "name" : "output0",
      "parameters" : {
        "binary_data" : true
      }
    }
  ]
}"""
REQUEST_TAIL = (
    b"\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\xff\xff\xff\xff"  # input0
    b"\x01\x00"  # input1
)
RESPONSE_HEAD = b"""{
  "outputs" : [
    {
      "name" : "output0",
      "shape" : [ 3, 2 ],
      "datatype"  : "FP32",
      "parameters" : {
        "binary_data_size" : 24
      }
    }
  ]
}"""
RESPONSE_TAIL = bytes.fromhex("0000803f 000000c0 00000000 00004040 0000807f 0000c07f")


def body(*inputs: dict[str, Any], tail: bytes = b"") -> bytes:
    return json.dumps({"inputs": inputs}).encode() + tail


def tensor(size: Any, **change: Any) -> dict[str, Any]:
    return {
        "name": "x",
        "shape": [2],
        "datatype": "INT32",
        "parameters": {"binary_data_size": size},
    } | change


def refusal(
    content: bytes, json_length: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> MalformedPayload:
    with pytest.raises(MalformedPayload) as caught:
        v2_binary.decode_request(content, json_length, limits)
    return caught.value


@pytest.mark.parametrize("json_length", [None, len(REQUEST_HEAD)])
def test_the_specifications_request_is_read(json_length: int | None) -> None:
    columns = v2_binary.decode_request(REQUEST_HEAD + REQUEST_TAIL, json_length)

    assert columns.names == ("input0", "input1")
    assert columns["input0"].values.tolist() == [[1, 2], [3, 4294967295]]
    assert columns["input0"].values.dtype == np.uint32
    assert columns["input1"].values.tolist() == [True, False]
    assert columns["input0"].parameters == {}
    assert columns.parameters == {
        "model_name": "mymodel",
        "outputs": [{"name": "output0", "parameters": {"binary_data": True}}],
    }


@pytest.mark.parametrize("json_length", [None, len(RESPONSE_HEAD)])
def test_the_specifications_response_is_read(json_length: int | None) -> None:
    columns = v2_binary.decode_response(RESPONSE_HEAD + RESPONSE_TAIL, json_length)

    np.testing.assert_array_equal(
        columns["output0"].values, np.array([[1, -2], [0, 3], [np.inf, np.nan]], np.float32)
    )


@pytest.mark.parametrize(
    ("datatype", "raw", "values"),
    [
        ("BOOL", "0100", [True, False]),
        ("UINT8", "00ff", [0, 255]),
        ("UINT16", "0100ffff", [1, 65535]),
        ("UINT32", "01000000ffffffff", [1, 2**32 - 1]),
        ("UINT64", "0100000000000000ffffffffffffffff", [1, 2**64 - 1]),
        ("INT8", "807f", [-128, 127]),
        ("INT16", "0080ff7f", [-(2**15), 2**15 - 1]),
        ("INT32", "00000080ffffff7f", [-(2**31), 2**31 - 1]),
        ("INT64", "0000000000000080ffffffffffffff7f", [-(2**63), 2**63 - 1]),
        ("FP16", "003e00fc", [1.5, -np.inf]),
        ("BF16", "c03f80ff", [1.5, -np.inf]),
        ("FP32", "0000c03f000080ff", [1.5, -np.inf]),
        ("FP64", "000000000000f83f000000000000f0ff", [1.5, -np.inf]),
        ("BYTES", "02000000c3a900000000", ["é", ""]),
        ("BYTES", "01000000ff0100000061", [b"\xff", b"a"]),
    ],
)
def test_every_datatype_is_little_endian(datatype: str, raw: str, values: list[Any]) -> None:
    tail = bytes.fromhex(raw)
    content = body(tensor(len(tail), datatype=datatype), tail=tail)
    columns = v2_binary.decode_request(content)

    assert columns["x"].values.tolist() == values
    if datatype != "BF16":
        written = v2_binary.encode_request(columns)
        assert written.content[written.json_length :] == tail
        assert f'"datatype":"{datatype}"'.encode() in written.content


def test_bf16_becomes_float32_as_numpy_has_no_bfloat16() -> None:
    content = body(tensor(4, datatype="BF16"), tail=bytes.fromhex("803f0141"))

    values = v2_binary.decode_request(content)["x"].values

    assert values.dtype == np.float32
    assert values.tolist() == [1.0, 8.0625]


def test_json_and_binary_tensors_stand_in_one_body() -> None:
    content = body(
        {"name": "a", "shape": [2], "datatype": "BYTES", "data": ['"}', None]},
        tensor(8),
        {"name": "b", "shape": [2, 1], "datatype": "FP64", "data": [[0.5], [1]]},
        tensor(2, name="y", datatype="UINT8"),
        tail=b"\1\0\0\0\2\0\0\0\3\4",
    )

    columns = v2_binary.decode_request(content)

    assert columns["a"].values.tolist() == ['"}', ""]
    assert columns["a"].valid is not None
    assert [columns[name].values.tolist() for name in "xby"] == [[1, 2], [0.5, 1.0], [3, 4]]


@pytest.mark.parametrize("shape", [[0], [0, 3], [0, 0]])
@pytest.mark.parametrize("datatype", ["FP32", "BF16", "BOOL", "BYTES"])
def test_tensors_without_elements_are_read(shape: list[int], datatype: str) -> None:
    content = body(tensor(0, shape=shape, datatype=datatype))

    assert v2_binary.decode_request(content)["x"].values.shape == tuple(shape)
    assert v2_binary.decode_request(content + b"\n")["x"].values.shape == tuple(shape)


def test_numbers_are_not_copied() -> None:
    rows = 1 << 18
    sent = v2_binary.encode_request(Columns((Column("x", np.zeros(rows)),)))
    content = b" " * (-sent.json_length % 8) + sent.content
    tracemalloc.start()
    try:
        found = v2_binary.decode_request(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < rows
    assert not found["x"].values.flags.writeable


@pytest.mark.parametrize(
    ("change", "tail", "where"),
    [
        ({"size": 7}, b"1234567", "inputs[0].data"),
        ({"size": 9}, b"123456789", "inputs[0].data"),
        ({"size": 8}, b"1234567", "inputs[0].parameters.binary_data_size"),
        ({"size": 0}, b"", "inputs[0].data"),
        ({"size": -8}, b"12345678", "inputs[0].parameters.binary_data_size"),
        ({"size": 2**64}, b"12345678", "inputs[0].parameters.binary_data_size"),
        ({"size": 8.0}, b"12345678", "inputs[0].parameters.binary_data_size"),
        ({"size": "8"}, b"12345678", "inputs[0].parameters.binary_data_size"),
        ({"size": True}, b"1", "inputs[0].parameters.binary_data_size"),
        ({"size": None}, b"12345678", "inputs[0].data"),
        ({"size": 8}, b"123456789", "body"),
        ({"size": 8}, b"\n12345678", "body"),
        ({"size": 8, "data": [1, 2]}, b"12345678", "inputs[0].data"),
        ({"size": 8, "datatype": "INT128"}, b"12345678", "inputs[0].datatype"),
        ({"size": 8, "shape": []}, b"12345678", "inputs[0].shape"),
        ({"size": 8, "shape": [-2]}, b"12345678", "inputs[0].shape"),
        ({"size": 2, "datatype": "BOOL"}, b"\1\2", "inputs[0].data[1]"),
        ({"size": 2, "datatype": "BOOL", "shape": [1, 2]}, b"\1\xff", "inputs[0].data[0][1]"),
        ({"size": 4, "datatype": "BYTES"}, b"\0\0\0\0", "inputs[0].data[1]"),
        ({"size": 3, "datatype": "BYTES"}, b"\0\0\0", "inputs[0].data[0]"),
        ({"size": 9, "datatype": "BYTES"}, b"\1\0\0\0a\1\0\0\0", "inputs[0].data[1]"),
        ({"size": 8, "datatype": "BYTES"}, b"\xff\xff\xff\xff1234", "inputs[0].data[0]"),
        ({"size": 9, "datatype": "BYTES"}, b"\0\0\0\0\0\0\0\0x", "inputs[0].data"),
        ({"size": 1, "datatype": "BYTES", "shape": [0]}, b"x", "inputs[0].data"),
    ],
)
def test_elements_that_do_not_fit_are_refused_where_they_stand(
    change: dict[str, Any], tail: bytes, where: str
) -> None:
    content = body(tensor(**change), tail=tail)

    assert refusal(content).where == where
    assert refusal(content, len(content) - len(tail)).where == where


@pytest.mark.parametrize("content_type", ["str", "base64", "datetime"])
def test_bytes_that_are_not_of_their_content_type_are_refused(content_type: str) -> None:
    sent = tensor(5, shape=[1], datatype="BYTES")
    sent["parameters"]["content_type"] = content_type

    assert refusal(body(sent, tail=b"\1\0\0\0\xff")).where == "inputs[0].data[0]"


@pytest.mark.parametrize("json_length", [0, -1, 10**9])
def test_a_length_that_is_not_of_the_json_is_refused(json_length: int) -> None:
    assert "Content-Length" in str(refusal(REQUEST_HEAD + REQUEST_TAIL, json_length))


@pytest.mark.parametrize("off", [-1, 1])
def test_a_length_that_is_off_by_one_is_refused(off: int) -> None:
    assert refusal(REQUEST_HEAD + REQUEST_TAIL, len(REQUEST_HEAD) + off).where == "body"


def test_sizes_that_agree_with_a_length_but_not_with_the_shape_are_refused() -> None:
    head = REQUEST_HEAD.replace(b"[ 2, 2 ]", b"[ 2, 3 ]")

    assert "takes 24" in str(refusal(head + REQUEST_TAIL))


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        ({"shape": [2**40, 2**40], "size": 8}, DEFAULT_LIMITS),
        ({"shape": [0, 2**62, 2**62], "size": 0}, DEFAULT_LIMITS),
        ({"shape": [2**40], "size": 8, "datatype": "BYTES"}, DEFAULT_LIMITS),
        ({"shape": [1] * 40, "size": 4}, DEFAULT_LIMITS),
        ({"size": 8}, Limits(body_bytes=100)),
        ({"size": 8}, Limits(elements=1)),
    ],
)
def test_beyond_a_limit_nothing_is_allocated(change: dict[str, Any], limits: Limits) -> None:
    content = body(tensor(**change), tail=b"12345678")
    tracemalloc.start()
    try:
        error = refusal(content, None, limits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(error, LimitExceeded)
    assert peak < 1 << 17


def test_a_shape_that_claims_elements_of_bytes_allocates_none() -> None:
    content = body(tensor(0, shape=[1 << 22], datatype="BYTES"))
    tracemalloc.start()
    try:
        refusal(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1 << 17


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"[]", b"\x00" * 20, b'{"a": "', b'{"a": "\\', b'{"a": {}', b'x{"a":1}'],
)
def test_without_a_whole_object_there_is_no_end(content: bytes) -> None:
    with pytest.raises(MalformedPayload):
        end_of_object(content)


JSON_TEXT = st.text(st.sampled_from('{}[]"\\\n é\ud7ff:,'), max_size=12)


@given(
    st.recursive(JSON_TEXT, lambda inner: st.dictionaries(JSON_TEXT, inner) | st.lists(inner)),
    st.binary(max_size=30),
    st.sampled_from([b"", b" ", b"\r\n\t "]),
    st.booleans(),
)
def test_the_end_of_an_object_is_found_whatever_follows(
    value: Any, tail: bytes, before: bytes, ascii_only: bool
) -> None:
    head = before + json.dumps({"a": value}, ensure_ascii=ascii_only).encode()

    assert end_of_object(head + tail) == len(head)


@pytest.mark.parametrize(
    "part", [b'"', b'\\"', b"{", b'{"', b'"\\', b'"{', b"\\", b'"\\\\"', b'{"a":"'], ids=repr
)
def test_the_end_is_looked_for_in_one_pass(part: bytes) -> None:
    # In time that grows with the square of the length this would take hours.
    with pytest.raises(MalformedPayload):
        end_of_object(b'{"binary_data_size":"' + part * 2_000_000)


@pytest.mark.parametrize("answer", ["binary", "json"])
def test_the_outputs_are_asked_for_in_the_form_named(answer: Answer) -> None:
    body = v2_binary.encode_request(Columns.of(x=[1]), answer=answer)
    head = json.loads(body.content[: body.json_length])

    assert head["parameters"]["binary_data_output"] is (answer == "binary")
    assert body.headers == {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(body.json_length),
    }


def test_what_is_written_is_what_the_specification_says() -> None:
    columns = Columns(
        (
            Column("a", np.array([[1, 2]], np.int16)),
            Column("b", np.array(["é"], object)),
            Column("c", np.array([True])),
        )
    )
    body = v2_binary.encode_response(columns)

    assert json.loads(body.content[: body.json_length]) == {
        "model_name": "",
        "outputs": [
            {
                "name": "a",
                "shape": [1, 2],
                "datatype": "INT16",
                "parameters": {"binary_data_size": 4},
            },
            {
                "name": "b",
                "shape": [1, 1],
                "datatype": "BYTES",
                "parameters": {"content_type": "str", "binary_data_size": 6},
            },
            {
                "name": "c",
                "shape": [1, 1],
                "datatype": "BOOL",
                "parameters": {"binary_data_size": 1},
            },
        ],
    }
    assert body.content[body.json_length :] == b"\1\0\2\0\2\0\0\0\xc3\xa9\1"


def test_arrays_that_are_not_contiguous_or_big_endian_are_written_alike() -> None:
    values = np.arange(6, dtype=">i4").reshape(2, 3)[:, ::-1]

    found = v2_binary.decode_request(
        v2_binary.encode_request(Columns((Column("x", values),))).content
    )

    assert found["x"].values.tolist() == [[2, 1, 0], [5, 4, 3]]
    assert found["x"].values.dtype == np.dtype("int32")
