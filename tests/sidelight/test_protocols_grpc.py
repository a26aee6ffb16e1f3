"""gRPC messages byte by byte, what is refused where, frames, names, and the messages' own pool."""

from __future__ import annotations

import ast
import gzip
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import DataMismatch, LimitExceeded, MalformedPayload
from sidelight.protocols import v2_grpc
from sidelight.protocols.grpc import open_inference
from sidelight.protocols.grpc.frames import framed, is_framed, unframed
from sidelight.protocols.grpc.names import Names, names_in
from sidelight.protocols.grpc.open_inference import (
    COMPILED,
    DecodeError,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
)
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.tensors import Column, Columns

# Written by hand from the field numbers of the specification.
REQUEST = bytes.fromhex(
    "0a 01 6d"  # 1 model_name: m
    "12 01 33"  # 2 model_version: 3
    "1a 02 6131"  # 3 id: a1
    "22 07 0a 01 61 12 02 10 07"  # 4 parameters: a is the int64 7
    "2a 19"  # 5 inputs
    "   0a 01 78"  # 1 name: x
    "   12 04 46503332"  # 2 datatype: FP32
    "   1a 02 02 01"  # 3 shape: 2, 1
    "   2a 0a 32 08 0000803f 000000c0"  # 5 contents, 6 fp32_contents: 1, -2
    "32 05 0a 03 6f7574"  # 6 outputs, 1 name: out
)
RAW_RESPONSE = bytes.fromhex(
    "0a 01 6d"  # 1 model_name: m
    "2a 0f"  # 5 outputs
    "   0a 01 79"  # 1 name: y
    "   12 04 46503136"  # 2 datatype: FP16
    "   1a 02 02 02"  # 3 shape: 2, 2
    "   22 00"  # 4 parameters: one that says nothing
    "32 08 003c 00c0 007c 007e"  # 6 raw_output_contents: 1, -2, infinity, NaN
)


def test_a_request_of_typed_contents_is_read() -> None:
    columns = v2_grpc.decode_request(REQUEST)

    assert columns["x"].values.tolist() == [1.0, -2.0]
    assert columns["x"].values.dtype == np.float32
    assert columns.parameters == {
        "model_name": "m",
        "model_version": "3",
        "id": "a1",
        "parameters": {"a": 7},
        "outputs": [{"name": "out"}],
    }


def test_a_response_of_raw_contents_is_read() -> None:
    columns = v2_grpc.decode_response(RAW_RESPONSE)

    np.testing.assert_array_equal(
        columns["y"].values, np.array([[1, -2], [np.inf, np.nan]], np.float16)
    )
    assert columns.parameters == {"model_name": "m"}


def test_what_is_written_is_what_the_field_numbers_say() -> None:
    column = Column("x", np.array([1.0, -2.0], np.float32))
    said = {"id": "a1", "parameters": {"a": 7}, "outputs": [{"name": "out"}]}
    written = v2_grpc.encode_request(Columns((column,), said), "m", "3", contents="typed")

    request = ModelInferRequest.FromString(written)
    assert request.parameters.pop("content_type").string_param == "pd"
    assert request.SerializeToString(deterministic=True) == REQUEST


def request(contents: dict[str, Any] | None = None, raw: Any = (), **change: Any) -> bytes:
    """A request of one input "x", of two INT64 where nothing else is said."""
    message = ModelInferRequest(model_name="m")
    item = message.inputs.add(**{"name": "x", "datatype": "INT64", "shape": [2]} | change)
    for field, cells in (contents or {}).items():
        getattr(item.contents, field).extend(cells)
    message.raw_input_contents.extend(raw)
    return message.SerializeToString()


def refusal(message: bytes, limits: Limits = DEFAULT_LIMITS) -> MalformedPayload:
    with pytest.raises(MalformedPayload) as caught:
        v2_grpc.decode_request(message, limits)
    return caught.value


@pytest.mark.parametrize(
    ("datatype", "field", "values"),
    [
        ("BOOL", "bool_contents", [True, False]),
        ("INT8", "int_contents", [-128, 127]),
        ("INT16", "int_contents", [-(2**15), 2**15 - 1]),
        ("INT32", "int_contents", [-(2**31), 2**31 - 1]),
        ("INT64", "int64_contents", [-(2**63), 2**63 - 1]),
        ("UINT8", "uint_contents", [0, 255]),
        ("UINT16", "uint_contents", [0, 2**16 - 1]),
        ("UINT32", "uint_contents", [0, 2**32 - 1]),
        ("UINT64", "uint64_contents", [0, 2**64 - 1]),
        ("FP32", "fp32_contents", [1.5, -np.inf]),
        ("FP64", "fp64_contents", [1e300, -np.inf]),
        ("BYTES", "bytes_contents", ["é", ""]),
        ("BYTES", "bytes_contents", [b"\xff", b"a"]),
    ],
)
def test_every_datatype_has_its_field(datatype: str, field: str, values: list[Any]) -> None:
    cells = [cell.encode() if isinstance(cell, str) else cell for cell in values]
    columns = v2_grpc.decode_request(request({field: cells}, datatype=datatype))

    assert columns["x"].values.tolist() == values
    written = ModelInferRequest.FromString(v2_grpc.encode_request(columns, "m", contents="typed"))
    assert written.inputs[0].datatype == datatype
    assert list(getattr(written.inputs[0].contents, field)) == cells


def test_half_precision_is_sent_raw_alone() -> None:
    columns = Columns((Column("x", np.array([1.5], np.float16)),))

    with pytest.raises(DataMismatch, match="'x' is FP16"):
        v2_grpc.encode_request(columns, "m", contents="typed")
    assert v2_grpc.decode_request(v2_grpc.encode_request(columns, "m"))["x"].values == 1.5


@pytest.mark.parametrize(
    ("message", "where"),
    [
        (request({"int64_contents": [1]}), "inputs[0].contents.int64_contents"),
        (request({"int64_contents": [1, 2, 3]}), "inputs[0].contents.int64_contents"),
        (request({}), "inputs[0].contents.int64_contents"),
        (request({"int_contents": [1, 2]}), "inputs[0].contents"),
        (request({"int64_contents": [1, 2], "bool_contents": [True]}), "inputs[0].contents"),
        (
            request({"int_contents": [1, 128]}, datatype="INT8"),
            "inputs[0].contents.int_contents[1]",
        ),
        (
            request({"uint_contents": [2**16, 1]}, datatype="UINT16", shape=[1, 2]),
            "inputs[0].contents.uint_contents[0][0]",
        ),
        (request({"fp32_contents": [1, 2]}, datatype="FP16"), "inputs[0].datatype"),
        (request({"fp32_contents": [1, 2]}, datatype="BF16"), "inputs[0].datatype"),
        (request({"int64_contents": [1, 2]}, datatype="int64"), "inputs[0].datatype"),
        (request({"int64_contents": [1, 2]}, datatype=""), "inputs[0].datatype"),
        (request({"int64_contents": [1, 2]}, shape=[]), "inputs[0].shape"),
        (request({"int64_contents": [1, 2]}, shape=[-1, -2]), "inputs[0].shape"),
        (request({"int64_contents": [1, 2]}, raw=[bytes(16)]), "inputs[0].contents"),
        (request(raw=[bytes(15)]), "raw_input_contents[0]"),
        (request(raw=[bytes(8), bytes(8)]), "raw_input_contents"),
        (request(raw=[b"\1\2"], datatype="BOOL"), "raw_input_contents[0][1]"),
        (request(raw=[b"\0\0\0\0\5"], datatype="BYTES"), "raw_input_contents[0][1]"),
        (ModelInferRequest(model_name="m").SerializeToString(), "inputs"),
        (b"", "inputs"),
        (REQUEST[:-1], "body"),
        (b"\x0a\x01\xff", "body"),
        (b"\xff" * 12, "body"),
        (b'{"inputs": []}', "body"),
    ],
)
def test_a_malformed_message_is_refused_where_it_is_wrong(message: bytes, where: str) -> None:
    assert refusal(message).where == where


def test_a_content_type_that_is_no_text_is_refused() -> None:
    message = ModelInferRequest.FromString(request({"int64_contents": [1, 2]}))
    message.inputs[0].parameters["content_type"].int64_param = 1

    where = refusal(message.SerializeToString()).where
    assert where == "inputs[0].parameters.content_type"


def test_contents_that_hold_nothing_may_stand_beside_raw_ones() -> None:
    message = ModelInferRequest.FromString(request(raw=[bytes(16)]))
    message.inputs[0].contents.CopyFrom(InferTensorContents())

    assert v2_grpc.decode_request(message.SerializeToString())["x"].values.tolist() == [0, 0]


def test_parameters_of_every_kind_are_read() -> None:
    message = ModelInferRequest.FromString(request({"int64_contents": [1, 2]}))
    said = message.parameters
    said["bool"].bool_param = False
    said["int"].int64_param = -1
    said["text"].string_param = ""
    said["double"].double_param = 0.5
    said["uint"].uint64_param = 2**64 - 1
    said["nothing"].Clear()

    assert v2_grpc.decode_request(message.SerializeToString()).parameters["parameters"] == {
        "bool": False,
        "int": -1,
        "text": "",
        "double": 0.5,
        "uint": 2**64 - 1,
    }


def test_fields_that_are_not_packed_and_fields_nobody_knows_are_taken() -> None:
    shape = REQUEST.replace(bytes.fromhex("1a020201"), bytes.fromhex("18021801"))
    unknown = shape + bytes.fromhex("a206 03 616263")

    assert v2_grpc.decode_request(unknown)["x"].values.tolist() == [1.0, -2.0]


@pytest.mark.parametrize(
    ("message", "limits"),
    [
        (REQUEST, Limits(body_bytes=len(REQUEST) - 1)),
        (REQUEST, Limits(elements=1)),
        (request({}, shape=[2**40, 2**40]), DEFAULT_LIMITS),
        (request({}, shape=[0, 2**40, 2**40]), DEFAULT_LIMITS),
        (request(raw=[b""], shape=[1] * 17), DEFAULT_LIMITS),
        (b"\x2a\x00" * 5000, DEFAULT_LIMITS),
        (REQUEST + b"\x32\x00" * 5000, DEFAULT_LIMITS),
    ],
)
def test_beyond_a_limit_is_refused_as_that(message: bytes, limits: Limits) -> None:
    assert isinstance(refusal(message, limits), LimitExceeded)


def compressed(message: bytes, packed: bytes) -> bytes:
    return b"\1" + len(packed).to_bytes(4) + packed


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (framed(REQUEST), ""),
        (framed(REQUEST), "gzip"),
        (compressed(REQUEST, gzip.compress(REQUEST, mtime=0)), "gzip"),
        (compressed(REQUEST, gzip.compress(REQUEST, mtime=0)), ""),
        (compressed(REQUEST, zlib.compress(REQUEST)), "deflate"),
    ],
)
def test_the_message_is_taken_out_of_its_frame(content: bytes, encoding: str) -> None:
    assert is_framed(content)
    assert unframed(content, encoding, 10_000) == REQUEST
    assert names_in(content) == Names("m", "3", "a1")


def test_a_message_is_no_frame() -> None:
    assert framed(b"ab") == b"\0\0\0\0\2ab"
    assert not is_framed(b"")
    for tag in range(1 << 3, 1 << 7):
        assert not is_framed(bytes([tag]))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (framed(REQUEST)[:-1], ""),
        (framed(REQUEST)[:4], ""),
        (framed(REQUEST) + b"\0", ""),
        (framed(REQUEST) + framed(REQUEST), ""),
        (compressed(REQUEST, REQUEST), ""),
        (compressed(REQUEST, gzip.compress(REQUEST, mtime=0)[:-1]), "gzip"),
        (compressed(REQUEST, gzip.compress(REQUEST, mtime=0)), "snappy"),
        (compressed(REQUEST, gzip.compress(bytes(20_000), mtime=0)), "gzip"),
    ],
)
def test_a_frame_that_is_not_one_whole_message_is_refused(content: bytes, encoding: str) -> None:
    with pytest.raises(MalformedPayload):
        unframed(content, encoding, 10_000)


def test_the_last_name_counts_as_in_protobuf() -> None:
    message = REQUEST + b"\x0a\x01n"

    assert ModelInferRequest.FromString(message).model_name == "n"
    assert names_in(message) == Names("n", "3", "a1")


def test_a_field_of_a_group_that_nobody_knows_is_no_name() -> None:
    message = bytes.fromhex("6b 0a 01 78 6c") + REQUEST

    assert ModelInferRequest.FromString(message).model_name == "m"
    assert names_in(bytes.fromhex("6b 0a 01 78 6c")) == Names()
    assert names_in(message) == Names("m", "3", "a1")


def test_a_message_that_was_cut_still_names_its_model() -> None:
    assert names_in(REQUEST[:12]) == Names("m", "3", "a1")
    assert names_in(framed(REQUEST)[:11]) == Names("m", "3")
    assert names_in(b"\1\0\0\0\x09" + gzip.compress(REQUEST, mtime=0)[:-9]).model == "m"
    assert names_in(b"\1\0\0\0\x09 no gzip") == Names()


@pytest.mark.parametrize("field", [b"\x20\x01", b"\x22\x00"])
def test_millions_of_fields_are_not_gone_through_for_a_name(field: bytes) -> None:
    """Who goes through them all takes ten seconds, and finds the last name."""
    assert names_in(REQUEST + field * (4 << 20) + b"\x0a\x01n") == Names("m", "3", "a1")


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.integers(0, 300))
def test_names_are_those_that_protobuf_reads(
    model: str, version: str, id: str, elements: int
) -> None:
    asked = ModelInferRequest(model_name=model, model_version=version, id=id)
    answer = ModelInferResponse(model_name=model, model_version=version, id=id)
    for tensors in (asked.inputs, answer.outputs):
        tensors.add(name="x", shape=[elements]).contents.int64_contents.extend(range(elements))
    answer.raw_output_contents.append(bytes(elements))

    assert names_in(asked.SerializeToString()) == Names(model, version, id)
    assert names_in(answer.SerializeToString()) == Names(model, version, id)


@given(st.binary(max_size=40))
def test_names_are_looked_for_in_anything(content: bytes) -> None:
    names_in(content)
    try:
        request = ModelInferRequest.FromString(content)
    except DecodeError:
        return
    if not is_framed(content):
        assert names_in(content).model == request.model_name


def test_names_are_read_without_protobuf_and_numpy() -> None:
    code = (
        "import sys, sidelight.protocols.grpc.names;"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'google.protobuf', 'grpc')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


CONFLICT = """
from google.protobuf import descriptor_pb2, descriptor_pool
other = descriptor_pb2.FileDescriptorProto(name="grpc_service.proto", package="inference")
message = other.message_type.add(name="ModelInferRequest")
message.field.add(name="other", number=1, type=9, label=1)
other.service.add(name="GRPCInferenceService")
"""
REGISTER = "descriptor_pool.Default().Add(other)\n"
USE = """
from sidelight.protocols.v2_grpc import decode_request
assert decode_request(bytes.fromhex({message!r})).names == ("x",)
"""


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_the_names_may_be_taken_in_the_pool_that_others_use(first: str) -> None:
    use = USE.format(message=REQUEST.hex())
    steps = [REGISTER, use] if first == "theirs" else [use, REGISTER]
    found = python(CONFLICT + "".join(steps))

    assert found.returncode == 0, found.stderr


def test_without_protobuf_only_grpc_is_refused_and_says_how_to_install_it() -> None:
    found = python(
        "import sys\n"
        "sys.modules['google.protobuf'] = None\n"
        "from sidelight.errors import MissingExtra\n"
        "from sidelight.protocols import decoding, v2_binary\n"
        "try:\n"
        "    from sidelight.protocols import v2_grpc\n"
        "except MissingExtra as error:\n"
        "    print(error)\n"
    )

    assert "pip install 'sidelight[grpc]'" in found.stdout, found.stderr


def test_reading_json_imports_no_protobuf() -> None:
    code = "import sys, sidelight.protocols.decoding; sys.exit('google.protobuf' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_compiled_messages_are_those_of_the_proto_file(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    from sidelight.protocols.grpc.compiling import compile_proto

    compile_proto(tmp_path / "again.binpb")

    assert (tmp_path / "again.binpb").read_bytes() == COMPILED.read_bytes()


def test_the_stub_names_every_message_and_field() -> None:
    stub = ast.parse(Path(open_inference.__file__).with_suffix(".pyi").read_text())
    messages = [node for node in stub.body if isinstance(node, ast.ClassDef)]
    pool = ModelInferRequest.DESCRIPTOR.file

    assert {one.name for one in messages} == set(pool.message_types_by_name)
    for message in messages:
        told = dict(fields_told(message, message.name))
        assert told == dict(fields_there(pool.message_types_by_name[message.name], message.name))
    assert pool.services_by_name["GRPCInferenceService"].full_name == open_inference.SERVICE


def fields_told(node: ast.ClassDef, name: str) -> Iterator[tuple[str, set[str]]]:
    attributes = {
        one.target.id
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    yield name, attributes | methods - {"__init__"}
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            yield from fields_told(inner, f"{name}.{inner.name}")


def fields_there(descriptor: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    yield name, set(descriptor.fields_by_name)
    for inner in descriptor.nested_types:
        if not inner.GetOptions().map_entry:
            yield from fields_there(inner, f"{name}.{inner.name}")
