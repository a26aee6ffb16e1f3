"""When windows become an alarm: one with drift raises it, quiet ones in a row clear it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Change = Literal["raised", "cleared"]


@dataclass(frozen=True, slots=True)
class AlarmState:
    """One model version's alarm: the id of the result that raised it (empty when all is quiet).

    `quiet` counts the windows without drift since the last one with drift.
    """

    raised_by: str = ""
    quiet: int = 0

    @property
    def active(self) -> bool:
        return bool(self.raised_by)

    def after_drift(self, result_id: str) -> tuple[AlarmState, Change | None]:
        """The state after a window with drift, and the change there is to tell, if any."""
        if self.active:
            return AlarmState(self.raised_by), None
        return AlarmState(result_id), "raised"

    def after_quiet(self, clear_after: int) -> tuple[AlarmState, Change | None]:
        """The state after a window without drift, and the change there is to tell, if any."""
        if not self.active:
            return self, None
        if self.quiet + 1 >= clear_after:
            return AlarmState(), "cleared"
        return AlarmState(self.raised_by, self.quiet + 1), None
