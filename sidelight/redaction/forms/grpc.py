"""``ModelInfer`` messages as V2 documents and back. Needs protobuf, else `MissingExtra`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.documents import Place
from sidelight.protocols.grpc.contents import read_contents, write_contents
from sidelight.protocols.grpc.open_inference import (
    DecodeError,
    ModelInferRequest,
    ModelInferResponse,
)
from sidelight.protocols.grpc.parameters import read_choices, write_choices
from sidelight.protocols.heads import Head, read_head
from sidelight.protocols.limits import Limits
from sidelight.protocols.raw import read_raw, write_raw
from sidelight.redaction.forms.cells import TensorDocument, Unread, as_tensor
from sidelight.redaction.reasons import Unredactable

_NAMES = ("id", "model_name", "model_version")
_KINDS = {"inputs": ModelInferRequest, "outputs": ModelInferResponse}

Redact = Callable[[dict[str, Any]], dict[str, Any]]


def redacted_message(message: bytes, side: str, redact: Redact, limits: Limits) -> bytes:
    """The message with its tensors under `side` redacted; raises `MalformedPayload`.

    It is made anew of what the protocol has: fields that nobody knows are not kept.
    """
    try:
        read: Any = _KINDS[side].FromString(message)
    except DecodeError as exc:
        raise Unredactable("malformed", "it is no ModelInfer message") from exc
    raw = list(getattr(read, f"raw_{side[:-1]}_contents"))
    tensors = list(getattr(read, side))
    if raw and len(raw) != len(tensors):
        raise Unredactable("malformed", f"{len(raw)} raw contents for {len(tensors)} tensors")
    read.DiscardUnknownFields()
    document = {name: getattr(read, name) for name in _NAMES if getattr(read, name)}
    document["parameters"] = read_choices(read.parameters)
    document[side] = [
        _document(item, raw[at] if raw else None, limits) for at, item in enumerate(tensors)
    ]
    if side == "inputs" and read.outputs:
        document["outputs"] = [
            {"name": asked.name, "parameters": read_choices(asked.parameters)}
            for asked in read.outputs
        ]
    return _written(redact(document), side, bool(raw))


def _document(item: Any, raw: bytes | None, limits: Limits) -> TensorDocument:
    said = {
        "name": item.name,
        "datatype": item.datatype,
        "shape": list(item.shape),
        "parameters": read_choices(item.parameters),
    }
    if raw is not None and item.contents.ListFields():
        raise Unredactable("malformed", "a tensor has raw and typed contents")
    read = partial(_cells, read_head(said, "tensor", limits), item, raw)
    return said | {"data": Unread(read, item.contents if raw is None else raw)}


def _cells(head: Head, item: Any, raw: bytes | None) -> list[Any]:
    if raw is None:
        values = read_contents(head, item.contents, "tensor").values
    else:
        values = read_raw(head, memoryview(raw), Place("tensor")).values
    cells: list[Any] = values.ravel().tolist()
    return cells


def _written(document: dict[str, Any], side: str, in_raw: bool) -> bytes:
    message: Any = _KINDS[side]()
    try:
        for name in _NAMES:
            setattr(message, name, document.get(name) or "")
        write_choices(document.get("parameters") or {}, message.parameters)
        for tensor in document[side]:
            _write(tensor, message, side, in_raw)
        for asked in document.get("outputs", ()) if side == "inputs" else ():
            output = message.outputs.add(name=asked["name"])
            write_choices(asked.get("parameters") or {}, output.parameters)
    except (DataMismatch, TypeError, ValueError) as exc:
        raise MalformedPayload("cannot be written again", where="body") from exc
    written: bytes = message.SerializeToString()
    return written


def _write(tensor: TensorDocument, message: Any, side: str, in_raw: bool) -> None:
    item = getattr(message, side).add()
    item.name, item.datatype = tensor["name"], tensor["datatype"]
    item.shape.extend(tensor["shape"])
    write_choices(tensor.get("parameters") or {}, item.parameters)
    data, raw = tensor["data"], getattr(message, f"raw_{side[:-1]}_contents")
    is_unread = isinstance(data, Unread)
    if in_raw:
        raw.append(data.origin if is_unread else write_raw(as_tensor(tensor)))
    elif is_unread:
        item.contents.CopyFrom(data.origin)
    else:
        write_contents(as_tensor(tensor), item.contents)
