"""Which features have an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidelight.tensors import Column

if TYPE_CHECKING:
    from sidelight_explainers.subject import Subject


def ordered_features(subject: Subject) -> frozenset[str]:
    """Numbers and times that the configuration does not call categorical."""
    told = subject.settings.features
    return frozenset(
        column.name
        for column in subject.rows()
        if _has_order(column) and not (column.name in told and told[column.name].kind != "numeric")
    )


def _has_order(column: Column) -> bool:
    return column.kind in ("number", "time") and not column.is_tensor
