"""Elements in the typed fields of ``InferTensorContents``, read and written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.datatypes import DATATYPES
from sidelight.protocols.documents import Place
from sidelight.protocols.elements import index_of
from sidelight.protocols.grpc.open_inference import InferTensorContents
from sidelight.protocols.heads import Head
from sidelight.protocols.raw import as_bytes
from sidelight.protocols.tensor import Tensor
from sidelight.protocols.v2_tensors import refuse_other_count

_INTEGERS = {"INT8": "i4", "INT16": "i4", "INT32": "i4", "UINT8": "u4", "UINT16": "u4"}
_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def read_contents(head: Head, contents: InferTensorContents, where: str) -> Tensor:
    """The tensor whose elements stand in the field of its datatype.

    Raises `MalformedPayload` for FP16 and BF16, which have none, for elements in another field,
    another number than the shape says, and one beyond the range of its datatype.
    """
    field = _FIELDS.get(head.datatype)
    if field is None:
        raise MalformedPayload(
            f"is {head.datatype}, which has no typed contents; send it raw",
            where=f"{where}.datatype",
        )
    for found, _ in contents.ListFields():
        if found.name != field:
            raise MalformedPayload(
                f"holds {found.name}; {head.datatype} stands in {field} alone",
                where=f"{where}.contents",
            )
    cells, place = getattr(contents, field), Place(f"{where}.contents.{field}")
    refuse_other_count(head, len(cells), place)
    values = _array(head, cells, place)
    return Tensor(head.name, head.datatype, values.reshape(head.shape), None, head.parameters)


def write_contents(tensor: Tensor, contents: InferTensorContents) -> None:
    """Put the elements where they belong; `DataMismatch` names FP16, which is sent raw only."""
    field = _FIELDS.get(tensor.datatype)
    if field is None:
        raise DataMismatch(
            f"column {tensor.name!r} is {tensor.datatype}, which has no typed contents; send raw"
        )
    cells = as_bytes(tensor) if tensor.datatype == "BYTES" else tensor.values.ravel().tolist()
    getattr(contents, field).extend(cells)


def _array(head: Head, cells: Any, place: Place) -> NDArray[Any]:
    dtype = DATATYPES[head.datatype].dtype
    if head.datatype == "BYTES":
        found = np.empty(len(cells), object)
        found[:] = cells
        return found
    # As wide as protobuf has them: newer releases hand their memory over as it is.
    wide = np.array(cells, _INTEGERS.get(head.datatype, dtype))
    narrow = wide.astype(dtype, copy=False)
    if head.datatype in _INTEGERS and (lost := narrow != wide).any():
        odd = int(lost.argmax())
        raise MalformedPayload(
            f"is {wide[odd]}, which is no {head.datatype}",
            where=place.at(index_of(odd, head.shape)),
        )
    return narrow
