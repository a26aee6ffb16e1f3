"""Whose values are shown beside the reference's."""

from __future__ import annotations

from dataclasses import replace

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.compared import Compared, compared
from sidelight_dashboard.drift import windows
from sidelight_dashboard.drift.links import Shown
from sidelight_dashboard.showing import Showing


def values(showing: Showing, shown: Shown) -> Compared | None:
    """The rows that are asked for, under the newest plan that has the column if one has.

    Those of the newest window come from the slots it lies in, so there may be some more.
    """
    if shown.against:
        return None
    found = compared(showing, _stretch(showing, shown))
    holding = (one for one in found if one.column(shown.feature))
    return next(holding, next(iter(found), None))


def _stretch(showing: Showing, shown: Shown) -> Chosen:
    newest = windows.windows(showing.store, shown.chosen, "", most=1)
    if shown.rows == "all" or not newest:
        return shown.chosen
    return replace(shown.chosen, begin_ns=newest[0].begin_ns, end_ns=newest[0].end_ns)
