"""Which columns of a body are shown: the model's own, in their order, without redacted ones."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.redaction.naming import names_of
from sidelight.tensors import Column, Columns
from sidelight_dashboard.hiding import Hidden, hidden_of
from sidelight_dashboard.redacting import NO_REDACTION, Redaction, redaction_of


@dataclass(frozen=True)
class Side:
    """The columns of a model's inputs or outputs, as far as anybody says which they are.

    `wide` are those that hold many numbers a row: pictures, embeddings.
    """

    is_input: bool
    names: tuple[str, ...]
    wide: frozenset[str]
    hidden: Hidden
    redaction: Redaction = NO_REDACTION
    """Of columns that are shown, for what is older than the rules."""

    def shown(self, rows: Columns) -> Columns:
        """What may be shown, the model's own columns first and in their order.

        A matrix without names may hold a redacted column: where its width is not that of the
        model's columns it is not shown. Raises `DataMismatch` where nothing is left.
        """
        named = self._named(rows)
        kept = (*named, *self._others(rows, named)) if named else self._certain(rows)
        found = tuple(one for one in kept if one.name not in self.hidden)
        return Columns(found, rows.parameters)

    def _named(self, rows: Columns) -> Columns | None:
        """The model's columns by name or by place; None where they do not fit."""
        for names in (self.names, tuple(one for one in self.names if one not in self.hidden)):
            try:
                if names:
                    return rows.select(names)
            except DataMismatch:
                continue
        return None

    def _others(self, rows: Columns, named: Columns) -> tuple[Column, ...]:
        """What was sent beside the model's columns."""
        is_by_place = not set(named.names) & set(rows.names)
        if self._is_ruled or is_by_place:
            return ()
        return tuple(one for one in rows if one.name not in named.names)

    def _certain(self, rows: Columns) -> tuple[Column, ...]:
        if not self._is_ruled:
            return rows.columns
        there = tuple(one for one in rows if self._is_certain(one))
        if not there:
            raise DataMismatch(
                "redaction drops or changes some of the model's columns, and those that were sent"
                " cannot be told apart; declare the model's features in their order"
            )
        return there

    @property
    def _is_ruled(self) -> bool:
        return bool(self.hidden or self.redaction.columns)

    def _is_certain(self, column: Column) -> bool:
        is_declared = column.name in self.names or not self.names
        return is_declared and (not column.is_tensor or column.name in self.wide)


@dataclass(frozen=True)
class Sides:
    """Both of a model."""

    inputs: Side
    outputs: Side


def sides_of(model: ModelSettings) -> Sides:
    """What is known of the model's columns."""
    inputs, outputs = names_of(model)
    hidden = hidden_of(model)
    wide = frozenset(n for n, one in model.features.items() if one.kind in ("image", "tensor"))
    rules = redaction_of(model)
    return Sides(
        Side(True, inputs, wide, hidden, rules),
        Side(False, outputs, frozenset(outputs), hidden, rules),
    )
