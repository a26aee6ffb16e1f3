"""V2 bodies with binary tensors as documents and back: what is not changed stays bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

from sidelight.protocols.documents import Place, parse_object, told, write_object
from sidelight.protocols.heads import read_head
from sidelight.protocols.json_end import WHITE_SPACE
from sidelight.protocols.limits import Limits
from sidelight.protocols.raw import read_raw, write_raw
from sidelight.protocols.v2_binary import cut
from sidelight.protocols.v2_tensors import BINARY_SIZE
from sidelight.redaction.forms.cells import TensorDocument, Unread, as_tensor
from sidelight.redaction.forms.v2 import SIDES
from sidelight.redaction.reasons import Unredactable


def read_binary(content: bytes, json_length: int | None, limits: Limits) -> dict[str, Any]:
    """The document; raises `MalformedPayload` unless each byte is some tensor's."""
    head, rest = cut(content, json_length)
    document = parse_object(head, limits)
    at = 0
    for tensor in _tensors(document):
        tensor.pop(BINARY_SIZE, None)  # ours below, where it marks what came as bytes
        said = tensor.get("parameters")
        if type(said) is dict and BINARY_SIZE in said:
            at = _take(tensor, said.pop(BINARY_SIZE), rest, at, limits)
    if bytes(rest[at:]).strip(WHITE_SPACE if not at else b""):
        raise Unredactable("malformed", f"{len(rest) - at} bytes are no tensor's")
    return document


def write_binary(document: dict[str, Any]) -> tuple[bytes, int | None]:
    """The body, and the length of its JSON where bytes follow."""
    parts: list[bytes] = []
    for tensor in _tensors(document):
        data, came_as_bytes = tensor.get("data"), tensor.pop(BINARY_SIZE, False)
        if isinstance(data, Unread):
            parts.append(bytes(data.origin))
        elif came_as_bytes:
            parts.append(write_raw(as_tensor(tensor)))
        else:
            continue
        del tensor["data"]
        tensor["parameters"] = {**(tensor.get("parameters") or {}), BINARY_SIZE: len(parts[-1])}
    head = write_object(document)
    return b"".join((head, *parts)), len(head) if parts else None


def fill(document: dict[str, Any]) -> None:
    """All elements as JSON, where paths may be about them. Raises `Unredactable`."""
    for tensor in _tensors(document):
        data = tensor.get("data")
        if not isinstance(data, Unread):
            continue
        try:
            cells = [cell.decode() if type(cell) is bytes else cell for cell in data.read()]
        except UnicodeDecodeError as exc:
            raise Unredactable("form", "bytes that are no text have no JSON path") from exc
        tensor["data"] = cells
        tensor.pop(BINARY_SIZE, None)
        if tensor["datatype"] in ("FP16", "BF16"):
            tensor["datatype"] = "FP32"


def _take(tensor: TensorDocument, size: Any, rest: memoryview, at: int, limits: Limits) -> int:
    if type(size) is not int or not 0 <= size <= len(rest) - at or tensor.get("data") is not None:
        raise Unredactable("malformed", f"{BINARY_SIZE} is {told(size)[:40]}")
    head = read_head(tensor, "tensor", limits)
    content = rest[at : at + size]
    tensor["data"] = Unread(partial(_cells, head, content), content)
    tensor[BINARY_SIZE] = True
    return at + size


def _cells(head: Any, content: memoryview) -> list[Any]:
    cells: list[Any] = read_raw(head, content, Place("tensor")).values.ravel().tolist()
    return cells


def _tensors(document: dict[str, Any]) -> list[TensorDocument]:
    sides = [document.get(side) for side in SIDES]
    return [item for side in sides if type(side) is list for item in side if type(item) is dict]
