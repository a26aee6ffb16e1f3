"""Columns and texts in V2 documents, whichever way their elements came: JSON, bytes, gRPC.

A tensor is a column by its name, or holds the model's columns side by side.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any

from sidelight.protocols.v2_tensors import BINARY_SIZE
from sidelight.redaction.changes import ColumnChange
from sidelight.redaction.forms.cells import (
    TensorDocument,
    Unread,
    cells_of,
    changed,
    in_form,
    is_base64,
    put_cells,
    put_fewer,
    width_of,
)
from sidelight.redaction.members import redact_member
from sidelight.redaction.reasons import Unredactable
from sidelight.redaction.rules import Names, Rules, folded
from sidelight.redaction.texts import masked_cell

SIDES = ("inputs", "outputs")
_TENSOR = ("name", "shape", "datatype", "data", BINARY_SIZE)
_SILENT = ("BOOL", "FP16", "FP32", "FP64", "BF16")
_ASKED = {"name", "parameters"}
"""Of an output that a request asks for."""
_DOCUMENT = ("id", "model_name", "model_version", *SIDES)


def redact_v2(document: dict[str, Any], names: Names, rules: Rules) -> dict[str, Any]:
    """The document under the rules of columns; raises `Unredactable`."""
    if not any(type(document.get(side)) is list for side in SIDES):
        raise Unredactable("form", "there are neither inputs nor outputs")
    for key in list(document):
        if rules.only_named and not (key in SIDES or _is_model(key, document[key])):
            del document[key]
        elif key not in _DOCUMENT:
            redact_member(document, key, rules)
    for side in SIDES:
        if side in document:
            document[side] = _tensors(document[side], names, rules)
    return document


def mask_cells(tensor: TensorDocument, rules: Rules) -> None:
    """Patterns in elements that are no plain JSON: texts, also in base64, and whole numbers."""
    if tensor.get("datatype") in _SILENT:
        return
    if not isinstance(tensor.get("data"), Unread) and not is_base64(tensor):
        return
    cells = cells_of(tensor)
    change = in_form(tensor, partial(masked_cell, patterns=rules.patterns))
    masked = changed(cells, change)
    if masked != cells:
        put_cells(tensor, masked)


def _tensors(items: Any, names: Names, rules: Rules) -> list[TensorDocument]:
    if type(items) is not list or not all(map(_is_named, items)):
        raise Unredactable("malformed", "a tensor has no name")
    for item in items:
        for key in list(item):
            if key not in _TENSOR:
                redact_member(item, key, rules)
    tensors = [item for item in items if not item.keys() <= _ASKED]
    if not tensors:
        return [] if rules.only_named else items
    found = [_tensor(item, names, rules) for item in tensors]
    kept = [_bare(item) if rules.only_named else item for item in found if item is not None]
    if rules.only_named and not kept:
        raise Unredactable("columns", "none of the tensors is a column of the model")
    return kept


def _is_model(key: str, said: Any) -> bool:
    return key in ("model_name", "model_version") and type(said) is str


def _is_named(item: Any) -> bool:
    return type(item) is dict and type(item.get("name")) is str


def _tensor(item: TensorDocument, names: Names, rules: Rules) -> TensorDocument | None:
    """The tensor as it may be kept; None where it may not."""
    name = item["name"]
    if rule := rules.of(name):
        return None if rule.drops else _whole(item, rule)
    if folded(name) in names.known and (width_of(item) == 1 or rules.is_wide(name)):
        return item
    if len(names.own) > 1 and width_of(item) == len(names.own):
        return _side_by_side(item, names, rules)
    if len(names.own) == 1:
        rule = rules.of(names.own[0])
        return _whole(item, rule) if rule else item
    nameless = names.own or width_of(item) != 1
    if rules.only_named and not names.own:
        raise Unredactable("columns", "the model's columns are not declared")
    if rules.only_named and width_of(item) == 1:
        return None
    if rules.only_named or (nameless and rules.may_be_nameless(names)):
        raise Unredactable("columns", "a tensor is no column that is known; declare the features")
    return item


def _whole(item: TensorDocument, rule: ColumnChange) -> TensorDocument:
    put_cells(item, changed(cells_of(item), in_form(item, rule.change)))
    return _bare(item)


def _side_by_side(item: TensorDocument, names: Names, rules: Rules) -> TensorDocument | None:
    ruled = [rules.of(name) for name in names.own]
    if not any(ruled):
        return item
    cells, width = cells_of(item), len(names.own)
    kept = [
        changed(cells[at::width], in_form(item, rule.change)) if rule else cells[at::width]
        for at, rule in enumerate(ruled)
        if not (rule and rule.drops)
    ]
    if not kept:
        return None
    put = put_cells if any(rule and not rule.drops for rule in ruled) else put_fewer
    item["shape"] = [len(cells) // width, len(kept)]
    put(item, list(chain.from_iterable(zip(*kept, strict=True))))
    return _bare(item)


def _bare(item: TensorDocument) -> TensorDocument:
    """Without what is said beside the elements but how they are to be read."""
    said = item.get("parameters") or {}
    kept = {key: said[key] for key in ("content_type",) if key in said}
    bare = {key: item[key] for key in _TENSOR if key in item}
    return bare | ({"parameters": kept} if kept else {})
