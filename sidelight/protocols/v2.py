"""The Open Inference Protocol (V2) in JSON, requests and responses, as columns and back.

Source: Open Inference Protocol, "Inference Request JSON Object" and "Inference Response JSON
Object"; MLServer's content types. What peers do differently is in `docs/protocols.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.documents import Place, parse_object, refuse_deep, write_object
from sidelight.protocols.heads import expect, read_parameters
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.tensor import Tensor, column_from, matrix_from, tensor_from
from sidelight.protocols.v2_tensors import Reader, json_of, read_tensor, read_tensors
from sidelight.tensors import Column, Columns

Form = Literal["columns", "matrix"]
"""columns: one input a column, by name. matrix: one input holding all columns in order."""


def decode_request(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The inputs of a request as columns; its `id`, `parameters` and `outputs` in `parameters`.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    return read_document(parse_object(body, limits), "inputs", limits)


def decode_response(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The outputs of a response as columns; the model's name and version, `id` and `parameters`
    in `parameters`. No outputs at all is an answer too (MLServer's detectors between batches).

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    return read_document(parse_object(body, limits), "outputs", limits)


def encode_request(columns: Columns, form: Form = "columns", name: str = "input-0") -> bytes:
    """The columns as a request; `name` is that of the one input in the form "matrix".

    NaN and NaT are sent as null. Raises `DataMismatch` naming the column JSON cannot carry.
    """
    tensors = request_tensors(columns, form, name, tensor_from)
    document = request_document(columns, form)
    return write_object(document | {"inputs": [json_of(tensor) for tensor in tensors]})


def encode_response(columns: Columns) -> bytes:
    """The columns as a response, one output a column.

    `model_name`, `model_version`, `id` and `parameters` come from ``columns.parameters``.
    NaN and NaT are sent as null. Raises `DataMismatch` naming the column JSON cannot carry.
    """
    outputs = [json_of(tensor_from(column)) for column in columns]
    return write_object(response_document(columns.parameters) | {"outputs": outputs})


def read_document(
    document: dict[str, Any], key: str, limits: Limits, read: Reader = read_tensor
) -> Columns:
    """The tensors under `key` of a parsed document as columns; `read` knows their elements.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    if key == "inputs" and document.get(key) == []:
        raise MalformedPayload("is empty; send at least one tensor", where=key)
    tensors = read_tensors(document.get(key), key, limits, read)
    for i, tensor in enumerate(tensors):
        if tensor.shape[0] != tensors[0].shape[0]:
            raise MalformedPayload(
                f"has {tensor.shape[0]} rows, {key}[0] has {tensors[0].shape[0]}; "
                "the first size of all shapes must agree",
                where=f"{key}[{i}].shape",
            )
    found = tuple(
        column_from(tensor, Place(f"{key}[{i}].data")) for i, tensor in enumerate(tensors)
    )
    return Columns(found, read_envelope(document, key, limits))


def read_envelope(document: dict[str, Any], key: str, limits: Limits) -> dict[str, Any]:
    """What the document says beside its tensors; null and absent are the same."""
    said: dict[str, Any] = {}
    for name in ("id", "model_name", "model_version"):
        if document.get(name) is not None:
            expect(document[name], str, "text", name)
            said[name] = document[name]
    if document.get("parameters") is not None:
        parameters = read_parameters(document["parameters"], "parameters", limits)
        said |= {"parameters": parameters} if parameters else {}
    if key == "inputs" and document.get("outputs") is not None:
        expect(document["outputs"], list, "a list of the outputs wanted", "outputs")
        refuse_deep(document["outputs"], "outputs", limits)
        said["outputs"] = document["outputs"]
    return said


def request_tensors(
    columns: Columns, form: Form, name: str, convert: Callable[[Column], Tensor]
) -> Sequence[Tensor]:
    """The inputs of a request in this form; `convert` says how elements are written.

    Raises `DataMismatch` for no columns at all, and for columns that fit no matrix.
    """
    if not columns.columns:
        raise DataMismatch("there are no columns to send; a request needs one at least")
    if form == "matrix":
        return [matrix_from(columns, name, convert)]
    return [convert(column) for column in columns]


def request_document(columns: Columns, form: Form) -> dict[str, Any]:
    """What a request says beside its inputs."""
    kept = dict(columns.parameters.get("parameters") or {})
    kept.pop("content_type", None)
    document = _said(columns.parameters, ("id", "outputs"))
    said = kept | _content_type(columns, form)
    return document | ({"parameters": said} if said else {})


def response_document(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a response says beside its outputs; `parameters` as in its `Columns`."""
    names = ("model_name", "model_version", "id", "parameters")
    return {"model_name": "", **_said(parameters, names)}


def _said(parameters: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: parameters[name] for name in names if name in parameters}


def _content_type(columns: Columns, form: Form) -> dict[str, str]:
    """`pd` makes KServe and MLServer see every input; without it they read the first alone."""
    if form == "columns" and not any(column.is_tensor for column in columns):
        return {"content_type": "pd"}
    return {"content_type": "np"} if form == "matrix" or len(columns.columns) == 1 else {}
