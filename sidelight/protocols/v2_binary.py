"""The Open Inference Protocol with binary tensors: a JSON head, then the elements as bytes.

The head says of each binary tensor how many bytes are its (``binary_data_size``); they follow in
order. ``Inference-Header-Content-Length`` tells where the head ends. KServe's logger loses that
header, so the end is then found by reading.

    decode_request(content, json_length, limits)    -> Columns
    decode_response(content, json_length, limits)   -> Columns
    encode_request(columns, form, name, answer)     -> BinaryBody (content, json_length, headers)
    encode_response(columns)                        -> BinaryBody

Source: Open Inference Protocol, "Binary tensor data extension".
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sidelight.errors import MalformedPayload
from sidelight.protocols.binary_form import binary_tensor_from
from sidelight.protocols.documents import Place, parse_object, refuse_long, told, write_object
from sidelight.protocols.heads import read_head
from sidelight.protocols.json_end import WHITE_SPACE, end_of_object
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.raw import read_raw, write_raw
from sidelight.protocols.tensor import Tensor, tensor_from
from sidelight.protocols.v2 import (
    Form,
    read_document,
    request_document,
    request_tensors,
    response_document,
)
from sidelight.protocols.v2_tensors import BINARY_SIZE, head_of, json_of, with_data
from sidelight.tensors import Column, Columns

CONTENT_TYPE = "application/octet-stream"

Answer = Literal["binary", "json"]
"""How the outputs are asked for; an output that asks for itself beats it."""

_SIZE_KEY = BINARY_SIZE.encode()
_ANSWER_KEY = "binary_data_output"


@dataclass(frozen=True, slots=True)
class BinaryBody:
    """The bytes of a body, and how many of them are its JSON head."""

    content: bytes
    json_length: int

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that say what the body is."""
        return {
            "Content-Type": CONTENT_TYPE,
            "Inference-Header-Content-Length": str(self.json_length),
        }


def decode_request(
    content: bytes, json_length: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> Columns:
    """The inputs of a request as columns, as `v2.decode_request`; binary, JSON or both.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else. Numbers are
    read-only where they are the bytes of `content` themselves.
    """
    return _decode(content, json_length, "inputs", limits)


def decode_response(
    content: bytes, json_length: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> Columns:
    """The outputs of a response as columns, as `v2.decode_response`; binary, JSON or both.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else. Numbers are
    read-only where they are the bytes of `content` themselves.
    """
    return _decode(content, json_length, "outputs", limits)


def encode_request(
    columns: Columns, form: Form = "columns", name: str = "input-0", answer: Answer = "binary"
) -> BinaryBody:
    """The columns as a request of binary tensors; `name` is that of the one input of a "matrix".

    A null among floats is sent as NaN. Raises `DataMismatch` naming the column that binary tensors
    cannot carry: other nulls, a dtype without a datatype.
    """
    tensors = request_tensors(columns, form, name, binary_tensor_from)
    document = request_document(columns, form)
    document["parameters"] = {**document.get("parameters", {}), _ANSWER_KEY: answer == "binary"}
    return _body(document, "inputs", tensors)


def encode_response(columns: Columns) -> BinaryBody:
    """The columns as a response of binary tensors; what is said beside them as in `v2`."""
    names = {column.name for column in columns}
    return encode_outputs(columns.columns, columns.parameters, names)


def encode_outputs(
    outputs: Sequence[Column], parameters: Mapping[str, Any], binary: Container[str]
) -> BinaryBody:
    """A response of outputs that need not have as many rows each: those in `binary` as bytes, the
    others as JSON. `parameters` as of the `Columns` of `v2.encode_response`.

    Raises `DataMismatch` naming the column that its form cannot carry.
    """
    heads: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for column in outputs:
        if column.name not in binary:
            heads.append(json_of(tensor_from(column)))
            continue
        tensor = binary_tensor_from(column)
        parts.append(write_raw(tensor))
        heads.append(head_of(_sized(tensor, len(parts[-1]))))
    head = write_object(response_document(parameters) | {"outputs": heads})
    return BinaryBody(b"".join((head, *parts)), len(head))


def head_of_body(content: bytes, json_length: int | None, limits: Limits) -> dict[str, Any]:
    """The JSON head alone, its tensors not looked at. Raises `MalformedPayload`."""
    return parse_object(cut(content, json_length)[0], limits)


def _decode(content: bytes, json_length: int | None, key: str, limits: Limits) -> Columns:
    refuse_long(content, limits)
    head, rest = cut(content, json_length)
    return read_parts(parse_object(head, limits), rest, key, limits)


def read_parts(document: dict[str, Any], rest: memoryview, key: str, limits: Limits) -> Columns:
    """The tensors under `key` of a parsed head, with the bytes behind it, as columns.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    elements = _Elements(rest)
    columns = read_document(document, key, limits, elements.read)
    elements.refuse_more()
    return columns


def is_binary(content: bytes, json_length: int | None) -> bool:
    """False where the whole body is JSON; True where it may be more."""
    return _SIZE_KEY in content or json_length not in (None, len(content))


def cut(content: bytes, json_length: int | None) -> tuple[bytes, memoryview]:
    """The JSON head and the bytes behind it; `MalformedPayload` where the head does not end."""
    if json_length is None:
        # Of what is no binary body the JSON parser names what is wrong.
        end = end_of_object(content) if is_binary(content, None) else len(content)
    elif 0 < json_length <= len(content):
        end = json_length
    else:
        raise MalformedPayload(
            f"Inference-Header-Content-Length is {json_length}, the body has {len(content)} bytes; "
            "send the length of the JSON that it begins with",
            where="body",
        )
    return content[:end], memoryview(content)[end:]


class _Elements:
    """The bytes behind the head, taken by one tensor after the other."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._at = 0

    def read(self, item: Any, where: str, limits: Limits) -> Tensor:
        """A tensor, its elements from here or from its own ``data``."""
        head = read_head(item, where, limits)
        if BINARY_SIZE not in head.parameters:
            return with_data(head, item.get("data"), where, limits)
        if item.get("data") is not None:
            raise MalformedPayload(
                f"is there beside {BINARY_SIZE}; send one of them", where=f"{where}.data"
            )
        size = head.parameters.pop(BINARY_SIZE)
        content = self._take(size, f"{where}.parameters.{BINARY_SIZE}")
        return read_raw(head, content, Place(f"{where}.data"))

    def _take(self, size: Any, where: str) -> memoryview:
        left = len(self._content) - self._at
        if type(size) is not int or not 0 <= size <= left:
            raise MalformedPayload(
                f"is {told(size)}; {left} bytes are left of the body", where=where
            )
        start, self._at = self._at, self._at + size
        return self._content[start : self._at]

    def refuse_more(self) -> None:
        """Raise `MalformedPayload` when bytes are left that are no tensor's."""
        left = len(self._content) - self._at
        # Where no tensor is binary, white space behind the JSON is still its own.
        if left and (self._at or bytes(self._content).strip(WHITE_SPACE)):
            raise MalformedPayload(
                f"{left} bytes are no tensor's; the {BINARY_SIZE} of all tensors must add up to "
                f"the {len(self._content)} bytes behind the JSON",
                where="body",
            )


def _body(document: dict[str, Any], key: str, tensors: Sequence[Tensor]) -> BinaryBody:
    parts = [write_raw(tensor) for tensor in tensors]
    document[key] = [
        head_of(_sized(tensor, len(part))) for tensor, part in zip(tensors, parts, strict=True)
    ]
    head = write_object(document)
    return BinaryBody(b"".join((head, *parts)), len(head))


def _sized(tensor: Tensor, size: int) -> Tensor:
    return replace(tensor, parameters={**tensor.parameters, BINARY_SIZE: size})
