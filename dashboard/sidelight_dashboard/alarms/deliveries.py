"""Who was told of an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sidelight_dashboard.alarms.told import State
from sidelight_dashboard.store.opening import Store

Outcome = Literal["waiting", "taken", "given up"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """One change for one receiver. `error` is why the newest try failed, empty where none did.

    Times are nanoseconds of this machine's clock: since when it waited, and when it ended or is
    tried next.
    """

    receiver: str
    change: State
    outcome: Outcome
    tries: int
    since_ns: int
    due_ns: int
    error: str

    @property
    def words(self) -> str:
        """``given up after 12 tries: it answers 503``."""
        tried = f" after {self.tries} tries" if self.tries > 1 else ""
        return f"{self.outcome}{tried}" + (f": {self.error}" if self.error else "")


def deliveries(store: Store, alarm: str) -> tuple[Delivered, ...]:
    """Of that alarm, `raised` first."""
    found = store.kept.rows(
        "SELECT receiver, change, state, tries, since_ns, due_ns, error FROM delivery"
        " WHERE alarm = ? ORDER BY change DESC, receiver",
        (alarm,),
    )
    return tuple(Delivered(*row) for row in found)
