"""The comparisons with references that one request needs, each made once at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from sidelight_dashboard.comparing.compared import Compared, compared
from sidelight_dashboard.drift import windows
from sidelight_dashboard.drift.links import Rows, Shown
from sidelight_dashboard.drift.windows import Window
from sidelight_dashboard.showing import Showing


@dataclass(frozen=True)
class Comparisons:
    """What is shown, beside the reference."""

    showing: Showing
    shown: Shown

    @cached_property
    def window(self) -> Window | None:
        """The newest that was judged or refused."""
        found = windows.windows(self.showing.store, self.shown.chosen, self.shown.against, most=1)
        return next(iter(found), None)

    @cached_property
    def whole(self) -> tuple[Compared, ...]:
        """All rows of the stretch of time, the newest plan first."""
        return compared(self.showing, self.shown.chosen)

    @cached_property
    def newest(self) -> tuple[Compared, ...]:
        """The rows of the newest window, and what else is in the slots it lies in."""
        if self.window is None:
            return self.whole
        begin_ns, end_ns = self.window.begin_ns, self.window.end_ns
        stretch = replace(self.shown.chosen, begin_ns=begin_ns, end_ns=end_ns)
        return compared(self.showing, stretch)

    def holding(self, column: str, rows: Rows) -> Compared | None:
        """Those rows, under the newest plan that has the column if one has."""
        if self.shown.against:
            return None
        found = self.whole if rows == "all" else self.newest
        return next((one for one in found if one.column(column)), next(iter(found), None))
