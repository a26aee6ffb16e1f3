"""The promises about false alarms in words, each with what it rests on."""

from __future__ import annotations

from sidelight.config.detecting.drift import DriftSettings
from sidelight_detectors.alarms.bets import Null


def of_windows(alpha: float, columns: int) -> str:
    return (
        f"The chance that any drift alarm ever raised on this model version is false is at most "
        f"{alpha:g}, as long as rows are drawn independently and like the reference's. "
        f"Window k spends 6/(pi k)^2 of it, shared by {columns} columns. "
        "Rows that depend on each other void the promise. Other detectors have promises of their "
        "own; where several run, the chances add up."
    )


def of_sequential(drift: DriftSettings, null: Null) -> str:
    return f"{_often(drift)} {_false(drift, null)} {_RESTS[drift.alarm.block]} {_DEPENDENCE}"


def _often(drift: DriftSettings) -> str:
    alarm = drift.alarm
    if alarm.run_length is not None:
        return (
            f"On this model version at least {alarm.run_length:,} {alarm.block}s pass on average "
            "before a false alarm, over the draw of the reference and of the traffic."
        )
    return (
        "The chance that any drift alarm ever raised on this model version is false is at most "
        f"{alarm.false_alarms:g}, over the draw of the reference and of the traffic."
    )


def _false(drift: DriftSettings, null: Null) -> str:
    wide = float((null.highest - null.shares).max(initial=0.0))
    return (
        "False is an alarm while no column's distribution is further from the reference, at any of "
        f"its cuts, than the tolerance ({drift.tolerance:g}) or than the reference's own error can "
        f"explain (up to {wide:.3g})."
    )


_RESTS = {
    "row": (
        "It rests on rows being exchangeable, the reference's and the traffic's: rows of one "
        "client, request or day that resemble each other void it; declare their block."
    ),
    "request": (
        "It rests on requests being exchangeable, whatever the dependence between the rows of one; "
        "each counts as much as any other, however many rows it has. Requests of one client or day "
        "that resemble each other void it."
    ),
    "day": (
        "It rests on days (UTC) being exchangeable, whatever the dependence between the rows of "
        "one; each counts as much as any other and is judged when it is over. A season voids it."
    ),
}

_DEPENDENCE = (
    "It holds whatever the dependence between columns. Other detectors have promises of their own; "
    "where several run, the chances add up."
)
