"""A table of sums as a finding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sidelight.config.detecting.bias import BiasSettings
from sidelight.errors import NotEnoughData
from sidelight_detectors.bias.asked import Scale
from sidelight_detectors.bias.counting import Layout
from sidelight_detectors.bias.finding import BiasFinding, GapFinding, GroupFinding
from sidelight_detectors.bias.judging import gaps_of
from sidelight_detectors.bias.metrics import AWAITED, FAVORED, ROWS, SCALE
from sidelight_detectors.bias.table import Table
from sidelight_detectors.contract import Sums


def tell_decisions(
    table: Table, layout: Layout, scale: Scale, sums: Sums, settings: BiasSettings, number: int
) -> BiasFinding:
    """What decisions alone say; `NotEnoughData` when no two groups are large enough."""
    columns, gaps = table.columns(sums), _gaps(table, sums, settings)
    rows = columns[:, ROWS]
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = columns[:, FAVORED] / rows
    if layout.is_regression:
        rates = scale.low + scale.width * rates / SCALE
    groups = tuple(
        GroupFinding(*table.groups.names[place], int(rows[place]), float(rates[place]))
        for place in np.flatnonzero(rows)
    )
    total = _first(table, rows)
    return BiasFinding(total, number, settings.confidence, True, groups, gaps)


def tell_labels(
    table: Table, layout: Layout, sums: Sums, settings: BiasSettings, is_final: bool
) -> BiasFinding:
    """What came true of decisions; `NotEnoughData` when no two groups are large enough."""
    gaps = _gaps(table, sums, settings)
    groups = tuple(_labelled(table, layout, sums))
    total = _first(table, table.columns(sums)[:, AWAITED])
    return BiasFinding(total, 0, settings.confidence, is_final, groups, gaps)


def _labelled(table: Table, layout: Layout, sums: Sums) -> Iterator[GroupFinding]:
    """Of each group how many rows, how many with a label, and the share decided favourably."""
    columns = table.columns(sums)
    labelled = columns[:, list(layout.counted)].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = columns[:, list(layout.favored)].sum(axis=1) / labelled
    errors = layout.calibration_errors(columns)
    for place in np.flatnonzero(columns[:, AWAITED]):
        yield GroupFinding(
            *table.groups.names[place],
            int(columns[place, AWAITED]),
            float(rates[place]),
            int(labelled[place]),
            float(errors[place]),
        )


def _gaps(table: Table, sums: Sums, settings: BiasSettings) -> tuple[GapFinding, ...]:
    if not table.metrics:
        raise NotEnoughData("'metrics' of detectors.bias asks for none that these rows tell")
    least = settings.min_support
    gaps = gaps_of(table, table.tally(sums), settings.confidence, least)
    if not any(min(gap.rows, gap.against_rows) >= least for gap in gaps):
        raise NotEnoughData(f"no two groups have {least} rows each (detectors.bias.min_support)")
    return gaps


def _first(table: Table, rows: Sums) -> int:
    """Rows of all groups of one attribute: each row is in one of them."""
    return int(rows[: len(table.groups.groupings[0].groups)].sum())
