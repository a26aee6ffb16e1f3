"""What changed from one row to another, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_dashboard.attacks.texts import Piece, pieces
from sidelight_dashboard.exchanges.pictures import is_picture, pixels
from sidelight_dashboard.exchanges.values import json_value
from sidelight_dashboard.words.wording import Wording

TEXT_LENGTH = 60
"""A longer string is told by its words that changed."""

GREY = 127.5
"""Of a picture of changes: nothing changed there."""

Kinds = Mapping[str, FeatureSettings]


@dataclass(frozen=True)
class Change:
    """One column. A text has `pieces`; of what is not told in a line `before` is empty, and `after`
    says how much changed. `is_compared` where the change can be seen (`difference`)."""

    column: str
    label: str
    before: str
    after: str
    pieces: tuple[Piece, ...] = ()
    is_compared: bool = False


def changes(before: Columns, after: Columns, kinds: Kinds, wording: Wording) -> tuple[Change, ...]:
    """Of two rows, the columns that are not the same, in the order of the later one."""
    return tuple(_changes(before, after, kinds, wording))


def difference(before: Column, after: Column, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A picture of what changed, (h, w) or (h, w, 3): grey where nothing did, lighter where numbers
    rose, the largest change black or white. Raises `DataMismatch` for what are no such pictures."""
    if not _are_numbers(before, after):
        raise DataMismatch(
            f"column {after.name!r} does not hold two pictures of one size as numbers"
        )
    apart = _apart(before, after)
    largest = float(np.abs(apart).max(initial=0.0)) or 1.0
    grey = np.rint(GREY + GREY * apart / largest).astype(np.uint8)
    return pixels(Column(after.name, grey), shape)


def _changes(before: Columns, after: Columns, kinds: Kinds, wording: Wording) -> Iterator[Change]:
    for column in after:
        label = wording.column(column.name)
        if column.name not in before:
            yield Change(column.name, label, "not sent", _words(column, wording))
        elif _differ(before[column.name], column):
            yield _change(before[column.name], column, kinds.get(column.name), wording)
    for column in before:
        if column.name not in after:
            yield Change(
                column.name, wording.column(column.name), _words(column, wording), "not sent"
            )


def _change(
    before: Column, after: Column, kind: FeatureSettings | None, wording: Wording
) -> Change:
    name, label = after.name, wording.column(after.name)
    if after.is_tensor or after.kind == "bytes":
        is_compared = is_seen(after, kind) and _are_numbers(before, after)
        return Change(name, label, "", _amount(before, after), (), is_compared)
    old, new = json_value(before), json_value(after)
    if isinstance(old, str) and isinstance(new, str) and _is_text(old, new, kind):
        told = pieces(old, new)
        spaces = all(piece.sort == "same" for piece in told)
        return Change(name, label, "", "other spaces" if spaces else "", () if spaces else told)
    return Change(name, label, _words(before, wording), _words(after, wording))


def is_seen(column: Column, kind: FeatureSettings | None) -> bool:
    """Whether the row's value is a picture."""
    return kind is not None and kind.kind == "image" and is_picture(column, kind.shape)


def _is_text(old: str, new: str, kind: FeatureSettings | None) -> bool:
    return (kind is not None and kind.kind == "text") or max(len(old), len(new)) > TEXT_LENGTH


def _words(column: Column, wording: Wording) -> str:
    if column.is_tensor:
        return f"{column.values[0].size:,} numbers"
    return wording.value(column.name, json_value(column)) or "(empty)"


def _differ(before: Column, after: Column) -> bool:
    if before.values.shape != after.values.shape:
        return True
    if not np.array_equal(before.known(), after.known()):
        return True
    known = after.known()
    return bool((before.values[known] != after.values[known]).any())


def _are_numbers(before: Column, after: Column) -> bool:
    kinds = {before.kind, after.kind}
    return kinds <= {"number", "boolean"} and before.values.shape == after.values.shape


def _amount(before: Column, after: Column) -> str:
    """How many numbers changed, and how far both are from each other."""
    if not _are_numbers(before, after):
        return "other content"
    apart = _apart(before, after)
    changed = int(np.count_nonzero(apart))
    return (
        f"{changed:,} of {apart.size:,} numbers, by {np.abs(apart).max():.3g} at most"
        f" (distance {np.linalg.norm(apart):.3g})"
    )


def _apart(before: Column, after: Column) -> NDArray[np.float64]:
    """The difference; 0 where either is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = after.values.astype(np.float64) - before.values.astype(np.float64)
    return np.where(np.isfinite(apart), apart, 0.0)
