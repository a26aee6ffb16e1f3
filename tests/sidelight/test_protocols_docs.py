"""docs/protocols.md runs, and tells the limits and messages that are."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sidelight.errors import MalformedPayload
from sidelight.protocols import v1, v2, v2_binary, v2_grpc
from sidelight.protocols.limits import Limits

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text()


def binary(size: int) -> bytes:
    head = (
        '{"inputs":[{"name":"x","shape":[2],"datatype":"INT32",'
        '"parameters":{"binary_data_size":%d}}]}'
    )
    return (head % size).encode()


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    exec(compile(example, "docs/protocols.md", "exec"), {})  # noqa: S102


def test_every_limit_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \| ([\d]+) ?(MiB|Mi)?", PAGE, re.MULTILINE)
    scale = {"MiB": 1 << 20, "Mi": 1 << 20, "": 1}

    assert {name: int(size) * scale[unit] for name, size, unit in told} == {
        field.name: field.default for field in fields(Limits)
    }


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        (
            v2.decode_request,
            b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"UINT8","data":[[1,2],[3,300]]}]}',
        ),
        (
            v2.decode_request,
            b'{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP64","data":[1,2,3,4,5]}]}',
        ),
        (v1.decode_request, b'{"instances":[[1,2],[3]]}'),
        (v1.decode_request, b'{"instances":[1],"instances":[2]}'),
        (v2_binary.decode_request, binary(7) + b"1234567"),
        (v2_binary.decode_request, binary(8) + b"1234567"),
        (v2_grpc.decode_request, b"\x2a\x00\x3a\x00\x3a\x00"),
    ],
)
def test_the_messages_told_are_those_given(decode: object, body: bytes) -> None:
    assert callable(decode)
    with pytest.raises(MalformedPayload) as caught:
        decode(body)

    assert f"\n{caught.value}\n" in PAGE
