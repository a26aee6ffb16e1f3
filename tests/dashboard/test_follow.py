"""What the log says is in the tables, once, whatever happened in between."""

from __future__ import annotations

from sidelight_dashboard.showing import Showing
from tests.detectors.traffic import MODEL


def test_rows_of_slots_are_the_rows_that_were_sent(showing: Showing) -> None:
    found = showing.store.series.rows(
        "SELECT version, SUM(rows) FROM slot WHERE model = ? GROUP BY version", (MODEL,)
    )

    assert found == [("1", 300), ("2", 300)]
