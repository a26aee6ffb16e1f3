"""Whether attacks are looked for, among how many rows, and under which promise."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_dashboard.showing import Showing


@dataclass(frozen=True)
class Looked:
    """`rows` of all versions came in that time; `client` is the header by which clients are told
    apart, empty where they are not; `drift` the id of drift's newest alarm of that time."""

    is_watched: bool
    rows: int
    client: str
    false_episodes: float | None
    quiet_seconds: float | None
    drift: str = ""


def looked(showing: Showing, model: str, begin_ns: int, end_ns: int) -> Looked:
    """By the configuration, and by the rows that were counted."""
    ((rows,),) = showing.store.series.rows(
        "SELECT coalesce(sum(rows), 0) FROM slot"
        " WHERE model = ? AND first_ns <= ? AND last_ns >= ?",
        (model, end_ns, begin_ns),
    )
    watching = showing.settings.models[model].detectors.adversarial
    if watching is None:
        return Looked(False, rows, "", None, None)
    return Looked(
        True,
        rows,
        watching.client or "",
        watching.false_episodes,
        watching.quiet_seconds,
        _drift(showing, model, begin_ns, end_ns),
    )


def _drift(showing: Showing, model: str, begin_ns: int, end_ns: int) -> str:
    found = showing.store.series.rows(
        "SELECT id FROM alarm WHERE model = ? AND detector = 'drift' AND raised_ns <= ?"
        " AND coalesce(cleared_ns, ?) >= ? ORDER BY raised_ns DESC LIMIT 1",
        (model, end_ns, end_ns, begin_ns),
    )
    return next((id_ for (id_,) in found), "")
