"""All that the page of a row says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.services import served_as
from sidelight.tensors import Column, Columns
from sidelight_dashboard.exchanges.neighbours import neighbours_of
from sidelight_dashboard.exchanges.opening import OpenedRow, open_row
from sidelight_dashboard.exchanges.pictures import is_picture
from sidelight_dashboard.exchanges.values import json_value
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.links import query
from sidelight_dashboard.rows.flags import (
    Flag,
    Naming,
    flagged_rows,
    flags_of,
    namings_of,
)
from sidelight_dashboard.rows.placing import Place, Reference, reference_at
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS, iso
from sidelight_dashboard.words.numbers import number_words
from sidelight_dashboard.words.wording import LONGEST, Wording, is_computed

AROUND_NS = 1800 * NS


@dataclass(frozen=True)
class Field:
    """One column of the row: `label` and `words` by the glossary, `value` as JSON.

    `place` says where it lies in the reference. `is_text` is for what wants lines of its own,
    `is_picture` for what has an image file.
    """

    name: str
    label: str
    value: Any
    words: str
    place: Place | None
    is_text: bool = False
    is_picture: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known of the exchange, headers and bodies apart."""

    id: str
    correlation_id: str
    time_ns: int
    duration_ns: int
    status: int
    outcome: str
    protocol: str


@dataclass(frozen=True)
class RowTold:
    """`before` and `after` are addresses of the same model's exchanges next to this one.

    `no_inputs`, `no_outputs` and `no_reference` say why there are none; `hidden` how many columns
    redaction keeps back; `flagged_rows` which rows of this exchange any detector flagged.
    """

    exchange: str
    row: int
    rows: int
    model: str
    version: str
    facts: Facts
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    no_inputs: str
    no_outputs: str
    reference_rows: int
    no_reference: str
    hidden: int
    flags: tuple[Flag, ...]
    alarms: tuple[Naming, ...]
    flagged_rows: tuple[int, ...]
    before: str | None
    after: str | None


def told_row(showing: Showing, exchange: str, row: int) -> RowTold:
    """Raises as `open_row` does."""
    opened = open_row(showing, exchange, row)
    model = showing.settings.models[opened.model]
    hidden, address = hidden_of(model), opened.address
    reference = reference_at(showing, opened.model, opened.exchange.time_ns)
    wording, kinds = Wording(model.glossary), {**model.features, **model.outputs}
    near = neighbours_of(showing.log, address, served_as(opened.model, model))
    return RowTold(
        str(address),
        row,
        opened.rows,
        opened.model,
        opened.version,
        _facts(opened),
        tuple(_fields(opened.inputs, kinds, wording, reference)),
        tuple(_answers(opened.outputs, kinds, wording, reference)),
        opened.no_inputs,
        opened.no_outputs,
        reference.rows,
        reference.missing,
        len(hidden.names),
        flags_of(showing, address, row, hidden),
        namings_of(showing, opened.model, address, row),
        tuple(sorted(flagged_rows(showing, address))),
        None if near.before is None else str(near.before),
        None if near.after is None else str(near.after),
    )


def around(time_ns: int) -> str:
    """The query of the model's pages for what happened about that time."""
    return query(**{"from": iso(time_ns - AROUND_NS), "to": iso(time_ns + AROUND_NS)})


def _fields(
    columns: Columns | None,
    kinds: dict[str, FeatureSettings],
    wording: Wording,
    reference: Reference,
) -> Iterator[Field]:
    for column in columns or ():
        value, kind = json_value(column), kinds.get(column.name)
        is_text = isinstance(value, str) and (
            len(value) > LONGEST or (kind is not None and kind.kind == "text")
        )
        yield Field(
            column.name,
            wording.column(column.name),
            value,
            value if is_text else _words(column, value, wording),
            reference.place(column.name, value),
            is_text,
            _is_picture(column, kind),
        )


def _answers(
    columns: Columns | None,
    kinds: dict[str, FeatureSettings],
    wording: Wording,
    reference: Reference,
) -> Iterator[Field]:
    for field in _fields(columns, kinds, wording, reference):
        if is_computed(field.value):
            field = replace(field, words=wording.answered(field.name, field.value))
        yield field


def _words(column: Column, value: Any, wording: Wording) -> str:
    if value is not None:
        return wording.coded(column.name, value)
    if column.is_tensor:
        shape = " × ".join(map(str, column.values.shape[1:]))
        return f"{shape} {'numbers' if column.kind == 'number' else 'values'}"
    if column.kind == "bytes":
        return f"{len(column.values[0]):,} bytes"
    if column.kind == "number" and (column.valid is None or column.valid[0]):
        return number_words(column.values[0]) if np.isinf(column.values[0]) else "not a number"
    return "missing"


def _is_picture(column: Column, kind: FeatureSettings | None) -> bool:
    """A matrix is one only where the configuration says so; a file always is."""
    shape = kind.shape if kind else ()
    is_declared = kind is not None and kind.kind == "image"
    return is_picture(column, shape) and (is_declared or column.kind == "bytes")


def _facts(opened: OpenedRow) -> Facts:
    one = opened.exchange
    return Facts(
        one.id,
        one.correlation_id,
        one.time_ns,
        one.duration_ns,
        one.status,
        one.outcome,
        one.protocol,
    )
