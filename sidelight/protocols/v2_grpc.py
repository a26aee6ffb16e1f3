"""The Open Inference Protocol over gRPC: ``ModelInfer`` messages as columns and back.

    decode_request(message, limits)                                        -> Columns
    decode_response(message, limits)                                       -> Columns
    encode_request(columns, model, version, form, name, contents)          -> bytes
    encode_response(columns, contents)                                     -> bytes

Messages are serialized protobuf without the five bytes that gRPC puts before each
(`sidelight.protocols.grpc.frames`). Importing this needs protobuf, else `MissingExtra` is raised.

Source: Open Inference Protocol, "Inference Request" over gRPC (`open_inference.proto`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.binary_form import binary_tensor_from
from sidelight.protocols.documents import Place, refuse_long
from sidelight.protocols.grpc.contents import read_contents, write_contents
from sidelight.protocols.grpc.open_inference import (
    DecodeError,
    Message,
    ModelInferRequest,
    ModelInferResponse,
)
from sidelight.protocols.grpc.parameters import read_choices, write_choices
from sidelight.protocols.heads import Head, read_head
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.raw import read_raw, write_raw
from sidelight.protocols.tensor import Tensor
from sidelight.protocols.v2 import (
    Form,
    read_document,
    request_document,
    request_tensors,
    response_document,
)
from sidelight.protocols.v2_tensors import Reader, refuse_many
from sidelight.tensors import Columns

Contents = Literal["raw", "typed"]
"""Where elements stand: one byte string a tensor, or a field of the tensor's datatype."""

_AnyMessage = TypeVar("_AnyMessage", bound=Message)


def decode_request(message: bytes, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The inputs of a ``ModelInferRequest`` as columns, what it says beside them in `parameters`.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    request = _parsed(ModelInferRequest, message, limits)
    refuse_many(len(request.inputs), "inputs", limits)
    refuse_many(len(request.outputs), "outputs", limits)
    document = _document(request)
    document["inputs"] = list(request.inputs)
    document["outputs"] = [_asked(output) for output in request.outputs] or None
    read = _reader(request.inputs, request.raw_input_contents, "raw_input_contents")
    return read_document(document, "inputs", limits, read)


def decode_response(message: bytes, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The outputs of a ``ModelInferResponse`` as columns; errors as `decode_request`."""
    response = _parsed(ModelInferResponse, message, limits)
    refuse_many(len(response.outputs), "outputs", limits)
    document = _document(response)
    document["outputs"] = list(response.outputs)
    read = _reader(response.outputs, response.raw_output_contents, "raw_output_contents")
    return read_document(document, "outputs", limits, read)


def encode_request(
    columns: Columns,
    model: str,
    version: str = "",
    form: Form = "columns",
    name: str = "input-0",
    contents: Contents = "raw",
) -> bytes:
    """The columns as a ``ModelInferRequest``; `name` is that of the one input of a "matrix".

    A null among floats is sent as NaN. Raises `DataMismatch` naming the column or parameter that
    the message cannot carry: other nulls, a dtype without a datatype, FP16 in typed contents.
    """
    tensors = request_tensors(columns, form, name, binary_tensor_from)
    document = request_document(columns, form)
    request = ModelInferRequest()
    with _whole_characters():
        _describe(request, document | {"model_name": model, "model_version": version})
        for position, asked in enumerate(document.get("outputs", ())):
            _ask(request, asked, f"outputs[{position}]")
        _write(tensors, request.inputs, request.raw_input_contents, contents)
    return request.SerializeToString()


def encode_response(columns: Columns, contents: Contents = "raw") -> bytes:
    """The columns as a ``ModelInferResponse``; what is said beside them as in `v2`."""
    tensors = [binary_tensor_from(column) for column in columns]
    response = ModelInferResponse()
    with _whole_characters():
        _describe(response, response_document(columns.parameters))
        _write(tensors, response.outputs, response.raw_output_contents, contents)
    return response.SerializeToString()


def _parsed(kind: type[_AnyMessage], message: bytes, limits: Limits) -> _AnyMessage:
    refuse_long(message, limits)
    try:
        return kind.FromString(message)
    except DecodeError as exc:
        raise MalformedPayload(
            f"is no {kind.DESCRIPTOR.name} ({exc}); send all of the message", where="body"
        ) from exc


def _document(message: ModelInferRequest | ModelInferResponse) -> dict[str, Any]:
    """What the message says beside its tensors, as JSON has it."""
    return {
        "id": message.id or None,
        "model_name": message.model_name or None,
        "model_version": message.model_version or None,
        "parameters": read_choices(message.parameters),
    }


def _asked(output: ModelInferRequest.InferRequestedOutputTensor) -> dict[str, Any]:
    parameters = read_choices(output.parameters)
    return {"name": output.name} | ({"parameters": parameters} if parameters else {})


def _reader(tensors: Sequence[Any], raw: Sequence[bytes], where: str) -> Reader:
    """How the tensors are read: all from `raw`, or each from its own contents."""
    if not raw:
        return _read_typed
    if len(raw) != len(tensors):
        raise MalformedPayload(
            f"has {len(raw)} elements for {len(tensors)} tensors; send one a tensor", where=where
        )
    return _Raw(raw, where).read


def _read_typed(item: Any, where: str, limits: Limits) -> Tensor:
    return read_contents(_head(item, where, limits), item.contents, where)


class _Raw:
    """Raw contents, one taken by each tensor after the other."""

    def __init__(self, contents: Sequence[bytes], where: str) -> None:
        self._contents = contents
        self._where = where
        self._next = 0

    def read(self, item: Any, where: str, limits: Limits) -> Tensor:
        """A tensor with the next contents."""
        if item.contents.ListFields():
            raise MalformedPayload(
                f"is there beside {self._where}; send one of them", where=f"{where}.contents"
            )
        position, self._next = self._next, self._next + 1
        place = Place(f"{self._where}[{position}]")
        return read_raw(_head(item, where, limits), memoryview(self._contents[position]), place)


def _head(item: Any, where: str, limits: Limits) -> Head:
    said = {
        "name": item.name,
        "datatype": item.datatype,
        "shape": list(item.shape),
        "parameters": read_choices(item.parameters),
    }
    return read_head(said, where, limits)


@contextmanager
def _whole_characters() -> Iterator[None]:
    """protobuf takes UTF-8 alone, Python text may hold surrogates."""
    try:
        yield
    except UnicodeError as exc:
        raise DataMismatch(f"a name or parameter holds half a character ({exc})") from exc


def _describe(message: ModelInferRequest | ModelInferResponse, document: dict[str, Any]) -> None:
    for name in ("id", "model_name", "model_version"):
        setattr(message, name, document.get(name, ""))
    write_choices(document.get("parameters", {}), message.parameters)


def _ask(request: ModelInferRequest, asked: Any, where: str) -> None:
    if not isinstance(asked, dict) or not isinstance(asked.get("name"), str):
        raise DataMismatch(f"{where} is no object with a name; gRPC asks for outputs by name")
    output = request.outputs.add(name=asked["name"])
    write_choices(asked.get("parameters") or {}, output.parameters)


def _write(tensors: Sequence[Tensor], to: Any, raw: Any, contents: Contents) -> None:
    for tensor in tensors:
        item = to.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        write_choices(tensor.parameters, item.parameters)
        if contents == "typed":
            write_contents(tensor, item.contents)
        else:
            raw.append(write_raw(tensor))
