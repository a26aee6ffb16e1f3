"""Which queries of an attack other detectors flagged as single rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sidelight_dashboard.attacks.episodes import Query
from sidelight_dashboard.outliers.flaggers import flagger_of
from sidelight_dashboard.store.opening import Store

Flags = Mapping[tuple[str, int], tuple[str, ...]]
"""Titles of detectors by exchange and row."""


def flags(store: Store, queries: Sequence[Query]) -> Flags:
    """Of rows that were told one by one: the strangest 100 of each run at most."""
    found = store.series.rows(
        "SELECT exchange, row, detector FROM flagged"
        " WHERE exchange IN (SELECT value FROM json_each(?)) ORDER BY detector",
        (json.dumps([query.exchange for query in queries]),),
    )
    told: dict[tuple[str, int], tuple[str, ...]] = {}
    for exchange, row, detector in found:
        told[exchange, row] = (*told.get((exchange, row), ()), flagger_of(detector).title)
    return told
