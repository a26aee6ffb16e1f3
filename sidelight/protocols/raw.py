"""Elements as bytes: little-endian, row-major, nothing between them.

Binary tensors and gRPC's raw contents are written alike. A BYTES element is its length (four bytes,
unsigned) and as many bytes; a BOOL is one byte, 0 or 1. There are no nulls.

Source: Open Inference Protocol, "Binary tensor data extension" and `raw_input_contents`.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.datatypes import DATATYPES
from sidelight.protocols.documents import Place
from sidelight.protocols.elements import index_of
from sidelight.protocols.heads import BFLOAT16, Head
from sidelight.protocols.tensor import Tensor

_LENGTH = struct.Struct("<I")
_WIRE = {
    name: known.dtype.newbyteorder("<") for name, known in DATATYPES.items() if name != "BYTES"
} | {"BOOL": np.dtype("u1"), BFLOAT16: np.dtype("<u2")}


def read_raw(head: Head, content: memoryview, place: Place) -> Tensor:
    """The tensor whose elements these bytes are.

    Numbers are not copied where they lie aligned, and are then read-only. BF16 becomes float32,
    which holds each of its values. BYTES are an object array of ``bytes``. Raises
    `MalformedPayload` at `place` unless the bytes are those of the head's shape.
    """
    if head.datatype == "BYTES":
        return _tensor(head, _cells(head, bytes(content), place))
    dtype = _WIRE[head.datatype]
    wanted = head.elements * dtype.itemsize
    if len(content) != wanted:
        raise MalformedPayload(
            f"has {len(content)} bytes, shape {list(head.shape)} of {head.datatype} takes "
            f"{wanted}; send {wanted} or correct the shape",
            where=place.at(()),
        )
    values = np.ndarray(head.shape, dtype, content)
    if not values.flags.aligned:
        # Not every C code below numpy can do with elements that lie across words.
        values = values.copy()
    if head.datatype == BFLOAT16:
        return _tensor(head, (values.astype(np.uint32) << 16).view(np.float32))
    if head.datatype == "BOOL":
        return _tensor(head, _booleans(values, place))
    return _tensor(head, values.astype(dtype.newbyteorder("="), copy=False))


def write_raw(tensor: Tensor) -> bytes:
    """The elements as bytes; `DataMismatch` names the column whose text is not UTF-8."""
    if tensor.datatype != "BYTES":
        return tensor.values.astype(_WIRE[tensor.datatype], copy=False).tobytes()
    parts: list[bytes] = []
    for cell in as_bytes(tensor):
        parts += (_LENGTH.pack(len(cell)), cell)
    return b"".join(parts)


def as_bytes(tensor: Tensor) -> list[bytes]:
    """The elements of BYTES, text as UTF-8; `DataMismatch` names the column that is not."""
    cells = tensor.values.ravel().tolist()
    try:
        return [cell.encode() if isinstance(cell, str) else cell for cell in cells]
    except UnicodeEncodeError as exc:
        raise DataMismatch(f"column {tensor.name!r} holds half a character ({exc})") from exc


def _tensor(head: Head, values: NDArray[Any]) -> Tensor:
    return Tensor(head.name, head.datatype, values, None, head.parameters)


def _booleans(values: NDArray[Any], place: Place) -> NDArray[Any]:
    strange = values > 1
    if strange.any():
        odd = int(strange.argmax())
        raise MalformedPayload(
            f"is the byte {values.flat[odd]}; BOOL takes 0 and 1",
            where=place.at(index_of(odd, values.shape)),
        )
    return values.view(np.bool_)


def _cells(head: Head, content: bytes, place: Place) -> NDArray[Any]:
    cells: list[bytes] = []
    at, size = 0, len(content)
    for position in range(head.elements):
        start = at + _LENGTH.size
        length = _LENGTH.unpack_from(content, at)[0] if start <= size else size
        at = start + length
        if at > size:
            raise MalformedPayload(
                f"ends within its {size} bytes; each element is its length in four bytes, "
                "then as many bytes",
                where=place.at(index_of(position, head.shape)),
            )
        cells.append(content[start:at])
    if at != size:
        raise MalformedPayload(
            f"has {size} bytes, its {len(cells)} elements take {at}; send {at} or correct the "
            "shape",
            where=place.at(()),
        )
    values = np.empty(len(cells), object)
    values[:] = cells
    return values.reshape(head.shape)
