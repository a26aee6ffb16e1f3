"""What the rules of redaction make of what was logged before they were written.

The logger applies rules to what it writes, so what is older holds values as they were sent. They
are shown as they would be logged now. A value that was hashed looks like one (a whole number up to
2**48, 32 digits of a text) and stays. Of hashed numbers one in 280 is so small that it could be a
telephone number: it is hashed once more, for rather that than a number shown as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

import sidelight.panes as panes
from sidelight.config.capturing.redact import ColumnRule, RedactSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError
from sidelight.redaction import Rules, rules_of
from sidelight.redaction.changes import Change, ColumnChange
from sidelight.redaction.references import redacted_columns
from sidelight.redaction.rules import folded
from sidelight.redaction.texts import Patterns, masked_cell
from sidelight.tensors import Column, Columns

_OURS = re.compile(r"missing|never seen in the reference|\d+ others")
_HASHED_TEXT = re.compile(r"[0-9a-f]{32}")
_LEAST_HASHED, _OVER_HASHED = 10**12, 1 << 48


@dataclass(frozen=True)
class Redaction:
    """The rules of one model for columns that are kept, by folded name, and its patterns."""

    columns: Mapping[str, ColumnChange]
    buckets: frozenset[str]
    patterns: Patterns

    def __bool__(self) -> bool:
        return bool(self.columns or self.patterns)

    def rows(self, rows: Columns) -> tuple[Columns, frozenset[str]]:
        """As they would be logged now, and the names of columns that would be others."""
        told = [(one, self._row(one)) for one in rows]
        changed = frozenset(one.name for one, now in told if now is not one)
        return Columns(tuple(now for _, now in told if now is not None), rows.parameters), changed

    def compared(self, column: panes.Column) -> panes.Column:
        """Its categories as they would be logged; without bars that tell more than a rule does."""
        change = self._of(column.name)
        if change is None:
            return column
        if column.kind == "categorical":
            return _categories(column, change)
        fits = _in_buckets if folded(column.name) in self.buckets else _as_they_are
        return column if fits(column.bars, change) else replace(column, bars=())

    def _row(self, column: Column) -> Column | None:
        change = self._of(column.name)
        is_silent = not self.columns.get(folded(column.name)) and column.is_tensor
        if change is None or (is_silent and column.kind != "string"):
            return column
        rule = Rules({folded(column.name): ColumnChange(False, change)})
        (now,) = redacted_columns(Columns((column,)), rule)
        return column if _alike(column, now) else now

    def _of(self, name: str) -> Change | None:
        own = self.columns.get(folded(name))
        if own is None:
            return partial(masked_cell, patterns=self.patterns) if self.patterns else None
        return partial(_changed, own.change, self.patterns)


NO_REDACTION = Redaction({}, frozenset(), ())


def redaction_of(model: ModelSettings) -> Redaction:
    """Of settings that `as_logged` gave; where a key cannot be read nothing is kept of a value."""
    told = model.redact or RedactSettings()
    try:
        rules = rules_of([told])
    except ConfigError:
        rules = rules_of([_without_keys(told)])
    kept = {folded(name): one for name, one in told.columns.items() if one.action != "drop"}
    buckets = frozenset(name for name, one in kept.items() if one.action == "bucket")
    columns = {name: rules.columns[name] for name in kept}
    for name in (name for name, one in kept.items() if one.action == "hash"):
        columns[name] = ColumnChange(False, partial(_hashed_once, columns[name].change))
    return Redaction(columns, buckets, rules.patterns)


def _without_keys(told: RedactSettings) -> RedactSettings:
    drop = ColumnRule(action="drop")
    columns = {name: drop if one.action == "hash" else one for name, one in told.columns.items()}
    return told.model_copy(update={"columns": columns})


def _changed(change: Change, patterns: Patterns, value: Any) -> Any:
    return masked_cell(change(value), patterns)


def _hashed_once(change: Change, value: Any) -> Any:
    return value if _is_hashed(value) else change(value)


def _is_hashed(value: Any) -> bool:
    if isinstance(value, str):
        return _HASHED_TEXT.fullmatch(value) is not None
    if not isinstance(value, int | float) or not _LEAST_HASHED <= value < _OVER_HASHED:
        return False
    return float(value).is_integer()


def _alike(before: Column, now: Column) -> bool:
    is_known = before.valid is None or bool(before.valid.all())
    if is_known != (now.valid is None):
        return False
    if before.kind in ("number", "boolean"):
        return bool(np.array_equal(before.values.astype(np.float64), now.values, equal_nan=True))
    return bool(before.values.tolist() == now.values.tolist())


def _categories(column: panes.Column, change: Change) -> panes.Column:
    def named(categories: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(change(one) or "") for one in categories))

    bars = tuple(
        bar if _is_ours(bar.name) else replace(bar, name=str(change(bar.name) or ""))
        for bar in column.bars
    )
    return replace(column, bars=bars, gained=named(column.gained), lost=named(column.lost))


def _is_ours(name: str) -> bool:
    """What stands for no category, or for many."""
    return _OURS.fullmatch(name) is not None


def _as_they_are(bars: Sequence[panes.Bar], change: Change) -> bool:
    ends = (end for bar in bars for end in (bar.low, bar.high) if end is not None)
    return all(change(end) == end for end in ends)


def _in_buckets(bars: Sequence[panes.Bar], change: Change) -> bool:
    """Whether no bar is within a bucket, save its middle."""
    known = [(bar.low, bar.high) for bar in bars if bar.low is not None and bar.high is not None]
    return all(
        change(low) == low if low == high else change(low) != change(high) for low, high in known
    )
