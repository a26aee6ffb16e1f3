"""What stands behind every line over time: alarms, deployed versions, new plans."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.drawing.figures import Shape, mark, span
from sidelight_dashboard.store.opening import Store

MOST = 100
"""Spans, and marks of each kind: more could not be told apart."""


def backdrop(store: Store, chosen: Chosen, detectors: Sequence[str]) -> list[Shape]:
    """Alarms of these detectors on the chosen version, and what began in the chosen time."""
    return [
        *_alarms(store, chosen, detectors),
        *(mark(at_ns, f"version {name or '(none told)'}") for name, at_ns in _new(store, chosen)),
        *(mark(at_ns, "new plan") for at_ns in _plans(store, chosen)),
    ]


def _alarms(store: Store, chosen: Chosen, detectors: Sequence[str]) -> list[Shape]:
    """An alarm that is of no version stands behind all of them."""
    found = store.series.rows(
        "SELECT raised_ns, cleared_ns FROM alarm WHERE model = ? AND raised_ns <= ?"
        " AND coalesce(cleared_ns, ?) >= ? AND version IN (?, '')"
        " AND detector IN (SELECT value FROM json_each(?)) ORDER BY raised_ns DESC LIMIT ?",
        (
            chosen.model,
            chosen.end_ns,
            chosen.end_ns,
            chosen.begin_ns,
            chosen.version,
            json.dumps(list(detectors)),
            MOST,
        ),
    )
    return [
        span(max(raised_ns, chosen.begin_ns), min(cleared_ns or chosen.end_ns, chosen.end_ns))
        for raised_ns, cleared_ns in found
    ]


def _new(store: Store, chosen: Chosen) -> list[tuple[str, int]]:
    return store.series.rows(
        "SELECT version, first_ns FROM version WHERE model = ? AND first_ns BETWEEN ? AND ?"
        " ORDER BY first_ns DESC LIMIT ?",
        (chosen.model, chosen.begin_ns, chosen.end_ns, MOST),
    )


def _plans(store: Store, chosen: Chosen) -> list[int]:
    """All that counted rows of the version but the first, which begins with it."""
    found = store.series.rows(
        "SELECT time_ns FROM plan WHERE model = ? AND EXISTS (SELECT 1 FROM slot WHERE"
        " slot.model = plan.model AND slot.version = ? AND slot.plan = plan.plan) ORDER BY 1",
        (chosen.model, chosen.version),
    )
    later = [at_ns for (at_ns,) in found[1:]]
    return [at_ns for at_ns in later if chosen.begin_ns <= at_ns <= chosen.end_ns][-MOST:]
