"""Whether attacks are looked for, among how many rows, and under which promise."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.compared import SLOTS, given
from sidelight_dashboard.showing import Showing


@dataclass(frozen=True)
class Looked:
    """`rows` of the chosen version came in the chosen time; `client` is the header by which clients
    are told apart, empty where they are not."""

    is_watched: bool
    rows: int
    client: str
    false_episodes: float | None
    quiet_seconds: float | None


def looked(showing: Showing, chosen: Chosen) -> Looked:
    """By the configuration, and by the rows that were counted."""
    ((rows,),) = showing.store.series.rows(
        f"SELECT coalesce(sum(rows), 0) {SLOTS}", dict(given(chosen))
    )
    watching = showing.settings.models[chosen.model].detectors.adversarial
    if watching is None:
        return Looked(False, rows, "", None, None)
    return Looked(
        True, rows, watching.client or "", watching.false_episodes, watching.quiet_seconds
    )
