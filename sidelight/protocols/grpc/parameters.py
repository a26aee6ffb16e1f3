"""Parameters between their protobuf form and the values that JSON has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight.errors import DataMismatch
from sidelight.protocols.grpc.open_inference import InferParameter

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)


def read_choices(parameters: Mapping[str, InferParameter]) -> dict[str, Any]:
    """The parameters as values; one that says nothing is None."""
    found = {}
    for name, parameter in parameters.items():
        choice = parameter.WhichOneof("parameter_choice")
        found[name] = getattr(parameter, choice) if choice else None
    return found


def write_choices(values: Mapping[str, Any], parameters: Any) -> None:
    """Put the values into a message's `parameters`; None is left out.

    Raises `DataMismatch` naming a value that is neither boolean, text nor a number of 64 bits.
    """
    for name, value in values.items():
        if value is not None:
            setattr(parameters[name], _choice(name, value), value)


def _choice(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "bool_param"
    if isinstance(value, int) and value in _INT64:
        return "int64_param"
    if isinstance(value, int) and value in _UINT64:
        return "uint64_param"
    if isinstance(value, float):
        return "double_param"
    if isinstance(value, str):
        return "string_param"
    raise DataMismatch(
        f"parameter {name!r} is of type {type(value).__name__}; gRPC takes text, booleans and "
        "numbers of 64 bits"
    )
