"""Whatever comes in, either columns or one typed error that names the part comes out."""

from __future__ import annotations

import copy
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.errors import ConfigError, LimitExceeded, MalformedPayload
from sidelight.protocols import v1, v2
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns
from tests.sidelight.column_strategies import TEXT, some_columns

DECODERS = [v1.decode_request, v1.decode_response, v2.decode_request, v2.decode_response]
TIGHT = Limits(body_bytes=10_000, elements=100, depth=4, columns=5)


def refusal(decode: Callable[..., Columns], body: Any, limits: Limits = TIGHT) -> MalformedPayload:
    with pytest.raises(MalformedPayload) as caught:
        decode(body if isinstance(body, bytes) else json.dumps(body).encode(), limits)
    return caught.value


def tensor(**change: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [2], "datatype": "INT64", "data": [1, 2]} | change


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"instances": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"[]",
        b"1",
        b"null",
        b"{}",
        b'{"instances": [NaN]}',
        b'{"instances": [Infinity]}',
        b'{"instances": [1e999]}',
        b'{"instances": ["\\ud800"]}',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'{"instances": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    ],
)
def test_bytes_that_are_no_json_object_are_refused(
    decode: Callable[..., Columns], body: bytes
) -> None:
    refusal(decode, body, Limits())


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"shape": [3]}, "inputs[0].data"),
        ({"shape": []}, "inputs[0].shape"),
        ({"shape": [-2]}, "inputs[0].shape"),
        ({"shape": [-1, -2]}, "inputs[0].shape"),
        ({"shape": [2.0]}, "inputs[0].shape"),
        ({"shape": [True, 2]}, "inputs[0].shape"),
        ({"shape": ["2"]}, "inputs[0].shape"),
        ({"shape": 2}, "inputs[0].shape"),
        ({"shape": None}, "inputs[0].shape"),
        ({"shape": [3, 2], "data": [[1, 2, 3], [4, 5, 6]]}, "inputs[0].data"),
        ({"shape": [2, 2], "data": [[1, 2], [3]]}, "inputs[0].data[1]"),
        ({"shape": [2, 2], "data": [[1, 2], 3]}, "inputs[0].data[1]"),
        ({"data": [1, [2]]}, "inputs[0].data[1]"),
        ({"data": [[1], [[2]]]}, "inputs[0].data[1][0]"),
        ({"data": None}, "inputs[0].data"),
        ({"data": "12"}, "inputs[0].data"),
        ({"data": {"0": 1}}, "inputs[0].data"),
        ({"data": [1, {"b64": "aGk="}]}, "inputs[0].data[1]"),
        ({"data": [1, 2.0]}, "inputs[0].data[1]"),
        ({"data": [1, True]}, "inputs[0].data[1]"),
        ({"data": [1, "2"]}, "inputs[0].data[1]"),
        ({"data": [None, 2**63]}, "inputs[0].data[1]"),
        ({"data": [2**70, 1]}, "inputs[0].data[0]"),
        ({"datatype": "UINT8", "data": [1, 300]}, "inputs[0].data[1]"),
        ({"datatype": "UINT64", "data": [1, -1]}, "inputs[0].data[1]"),
        ({"datatype": "UINT64", "data": [2**64 - 1, -1]}, "inputs[0].data[1]"),
        ({"datatype": "INT8", "data": [128, 0]}, "inputs[0].data[0]"),
        ({"datatype": "FP32", "data": [1, 1e39]}, "inputs[0].data[1]"),
        ({"datatype": "FP64", "data": [1, "1"]}, "inputs[0].data[1]"),
        ({"datatype": "FP64", "data": [1, False]}, "inputs[0].data[1]"),
        ({"datatype": "BOOL", "data": [True, 1]}, "inputs[0].data[1]"),
        ({"datatype": "BYTES", "data": ["a", 1]}, "inputs[0].data[1]"),
        ({"datatype": "BYTES", "data": ["a", ["b"]]}, "inputs[0].data[1]"),
        ({"datatype": "BF16"}, "inputs[0].datatype"),
        ({"datatype": "int64"}, "inputs[0].datatype"),
        ({"datatype": None}, "inputs[0].datatype"),
        ({"datatype": ["INT64"]}, "inputs[0].datatype"),
        ({"name": None}, "inputs[0].name"),
        ({"name": 1}, "inputs[0].name"),
        ({"parameters": []}, "inputs[0].parameters"),
        ({"parameters": {"content_type": 1}}, "inputs[0].parameters.content_type"),
        ({"parameters": {"binary_data_size": 16}, "data": None}, "inputs[0].data"),
    ],
)
def test_a_malformed_tensor_is_refused_where_it_is_wrong(
    change: dict[str, Any], where: str
) -> None:
    assert refusal(v2.decode_request, {"inputs": [tensor(**change)]}).where == where


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("base64", "aGk"),
        ("base64", "aGk=="),
        ("base64", "a Gk="),
        ("base64", "é"),
        ("datetime", "yesterday"),
        ("datetime", ""),
        ("datetime", "2026-02-30"),
        ("datetime", "0001-01-01T00:00:00+14:00"),
        ("datetime", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_text_that_is_not_of_its_content_type_is_refused(content_type: str, text: str) -> None:
    sent = tensor(
        shape=[1], datatype="BYTES", data=[text], parameters={"content_type": content_type}
    )

    assert refusal(v2.decode_request, {"inputs": [sent]}).where == "inputs[0].data[0]"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"inputs": []}, "inputs"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [1]}, "inputs[0]"),
        ({"inputs": [tensor(), tensor()]}, "inputs[1].name"),
        ({"inputs": [tensor(), tensor(name="y", shape=[1], data=[1])]}, "inputs[1].shape"),
        ({"inputs": [tensor()], "id": 1}, "id"),
        ({"inputs": [tensor()], "parameters": "np"}, "parameters"),
        ({"inputs": [tensor()], "outputs": {}}, "outputs"),
    ],
)
def test_a_malformed_request_is_refused_where_it_is_wrong(body: Any, where: str) -> None:
    assert refusal(v2.decode_request, body).where == where


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"instances": 1}, "instances"),
        ({"instances": "abc"}, "instances"),
        ({"instances": None}, "instances"),
        ({"instances": [], "inputs": []}, "body"),
        ({"instances": {}}, "instances"),
        ({"instances": [{}]}, "instances"),
        ({"instances": {"a": 1}}, "instances.a"),
        ({"instances": {"a": [1], "b": [1, 2]}}, "instances.b"),
        ({"instances": [{"a": 1}, {"b": 1}]}, "instances[1]"),
        ({"instances": [{"a": 1}, 1]}, "instances[1]"),
        ({"instances": [{"a": 1}, {"a": "x"}]}, "instances[1].a"),
        ({"instances": [{"a": [1, 2]}, {"a": [1]}]}, "instances[1].a"),
        ({"instances": [{"a": [1, 2]}, {"a": [1, "x"]}]}, "instances[1].a[1]"),
        ({"instances": [{"a": {"b": 1}}]}, "instances[0].a"),
        ({"instances": [{"b64": "?"}]}, "instances[0]"),
        ({"instances": [1, "a"]}, "instances[1]"),
        ({"instances": [True, 1]}, "instances[1]"),
        ({"instances": [1, [2]]}, "instances[1]"),
        ({"instances": [[1, 2], [3]]}, "instances[1]"),
        ({"instances": [[1, 2], 3]}, "instances[1]"),
        ({"instances": [[1, "a"], ["b", 2]]}, "instances[1][0]"),
        ({"instances": [-1, 2**64 - 1]}, "instances[0]"),
    ],
)
def test_malformed_rows_are_refused_where_they_are_wrong(body: Any, where: str) -> None:
    assert refusal(v1.decode_request, body).where == where


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [1], "instances": [2]}',
        b'{"instances": [1], "inst\\u0061nces": [2]}',
        b'{"instances": [{"a": 1, "a": 2}]}',
        b'{"instances": [[{"b64": "aGk=", "b64": "aGk="}, 1]]}',
        b'{"instances": [{"a": ":", "a": ":"}]}',
    ],
)
def test_a_key_sent_twice_is_refused(body: bytes) -> None:
    assert "same key twice" in str(refusal(v1.decode_request, body))


def test_colons_and_quotes_in_text_are_no_keys() -> None:
    body = orjson.dumps({"instances": [{"a:": 'x":"', "b\\": "http://\\"}, {"a:": "", "b\\": ":"}]})

    assert v1.decode_request(body).names == ("a:", "b\\")


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [tensor(shape=[2**40, 2**40])]},
        {"inputs": [tensor(shape=[2**62], data=[])]},
        {"inputs": [tensor(shape=[0, 2**63 - 1, 2**63 - 1], data=[])]},
        {"inputs": [tensor(shape=[101], data=[0] * 101)]},
        {"inputs": [tensor(shape=[1] * 5, data=[1])]},
        {"inputs": [tensor(shape=[1] * 2000, data=[1])]},
        {"inputs": [tensor(shape=[1], data=[[[[[1]]]]])]},
        {"inputs": [tensor(name=str(i)) for i in range(6)]},
        {"inputs": [tensor(parameters={"a": {"b": {"c": {"d": {}}}}})]},
        {"inputs": [tensor()], "outputs": [[[[[]]]]]},
        {"inputs": [tensor(name="x" * 10_000)]},
    ],
)
def test_a_request_beyond_a_limit_is_refused_as_that(body: Any) -> None:
    assert isinstance(refusal(v2.decode_request, body), LimitExceeded)


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [[[[[1]]]]]},
        {"instances": [0] * 101},
        {"instances": [[0] * 11] * 10},
        {"instances": [dict.fromkeys("abcdef", 1)]},
        {"instances": {name: [1] for name in "abcdef"}},
        {"instances": [["a", 1, 1, 1, 1, 1]]},
    ],
)
def test_rows_beyond_a_limit_are_refused_as_that(body: Any) -> None:
    assert isinstance(refusal(v1.decode_request, body), LimitExceeded)


def test_a_huge_shape_allocates_nothing() -> None:
    body = orjson.dumps({"inputs": [tensor(shape=[2**21], data=[1])]})
    tracemalloc.start()
    try:
        refusal(v2.decode_request, body, Limits())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2**17


def test_an_error_does_not_repeat_a_long_text() -> None:
    long = "x" * 100_000

    assert len(str(refusal(v2.decode_request, {"inputs": [tensor(datatype=long)]}, Limits()))) < 300
    assert len(str(refusal(v1.decode_request, {"instances": [{long: 1}, {}]}, Limits()))) < 300


@pytest.mark.parametrize("depth", [0, 33])
def test_a_depth_that_numpy_does_not_have_is_no_limit(depth: int) -> None:
    with pytest.raises(ConfigError, match=f"depth is {depth}"):
        Limits(depth=depth)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXT,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def outcome(decode: Callable[..., Columns], body: bytes) -> None:
    """Anything but columns and `MalformedPayload` fails the test that calls this."""
    try:
        columns = decode(body, TIGHT)
    except MalformedPayload:
        return
    for column in columns:
        assert len(column) == len(columns)
        assert column.kind


@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_raise_anything_else(body: bytes) -> None:
    for decode in DECODERS:
        outcome(decode, body)


@given(st.sampled_from(["instances", "inputs", "predictions", "outputs"]), JSON)
def test_arbitrary_json_never_raises_anything_else(key: str, value: Any) -> None:
    for decode in DECODERS:
        outcome(decode, orjson.dumps({key: value}))


@given(some_columns(), st.data())
@settings(max_examples=200)
def test_mutated_requests_never_raise_anything_else(columns: Columns, data: st.DataObject) -> None:
    protocol = data.draw(st.sampled_from([v1, v2]))
    body, decode = protocol.encode_request(columns), protocol.decode_request
    outcome(decode, orjson.dumps(mutated(orjson.loads(body), data)))
    position = data.draw(st.integers(0, len(body) - 1))
    outcome(decode, body[:position] + data.draw(st.binary(max_size=2)) + body[position + 1 :])


def mutated(document: Any, data: st.DataObject) -> Any:
    """The document with one part, at any depth, replaced by other JSON or taken away."""
    changed = copy.deepcopy(document)
    parent: Any = changed
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return changed
        key = data.draw(st.sampled_from(keys))
        if not isinstance(parent[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            break
        parent = parent[key]
    if data.draw(st.booleans()):
        parent[key] = data.draw(JSON)
    else:
        del parent[key]
    return changed


@pytest.mark.soak
@given(some_columns(), st.data())
@settings(max_examples=5_000, deadline=None)
def test_many_mutated_requests_never_raise_anything_else(
    columns: Columns, data: st.DataObject
) -> None:
    for protocol in (v1, v2):
        document = orjson.loads(protocol.encode_request(columns))
        outcome(protocol.decode_request, orjson.dumps(mutated(document, data)))
