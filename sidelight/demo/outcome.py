"""What came out of the story, whether it came out as promised, and the table that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sidelight.demo.attack import NAME as ATTACKER
from sidelight.demo.attack import Attempt
from sidelight.demo.fairness import Fairness
from sidelight.demo.prepare import FALSE_ALARMS, FLAGGED_RATE, Accuracy
from sidelight.demo.replay import Played
from sidelight.demo.watching import Caught, Flagged, Raised, Window


@dataclass(frozen=True)
class Search:
    """The attack that began with `row` of the quiet phase, and the attacks that were told of."""

    row: int
    attempt: Attempt
    caught: tuple[Caught, ...]

    @property
    def found(self) -> Caught | None:
        """What was told of the attacker."""
        return next((one for one in self.caught if ATTACKER in one.clients), None)

    def shortfalls(self) -> Iterator[str]:
        if self.found is None:
            yield "the attack was not caught"
        if len(self.caught) > (self.found is not None):
            yield f"{len(self.caught) - (self.found is not None)} attacks told of that were none"

    def told(self) -> str:
        attempt = self.attempt
        got = f"with question {attempt.succeeded_at}" if attempt.succeeded_at else "never"
        if self.found is None:
            return f"{attempt.asked} questions not caught; it succeeded {got}"
        return (
            f"from row {self.row:,} on {ATTACKER} asks {attempt.asked} times about one person: "
            f"caught at question {self.found.queries}; it succeeded {got}"
        )


@dataclass(frozen=True)
class Outcome:
    """The story in figures."""

    played: Played
    windows: tuple[Window, ...]
    raised: tuple[Raised, ...]
    flagged_quiet: int
    accuracy: Accuracy
    explained: Flagged | None
    explanation: Any
    search: Search
    fairness: Fairness

    @property
    def onset(self) -> int:
        """Rows before the change."""
        return self.played.onset_rows

    @property
    def quiet_windows(self) -> int:
        return sum(window.rows_until <= self.onset for window in self.windows)

    @property
    def false_alarms(self) -> int:
        return sum(alarm.rows_until <= self.onset for alarm in self.raised)

    @property
    def alarm(self) -> Raised | None:
        """The first alarm after the change."""
        return next((alarm for alarm in self.raised if alarm.rows_until > self.onset), None)

    @property
    def delay_rows(self) -> int | None:
        """Rows from the change to the alarm."""
        return None if self.alarm is None else self.alarm.rows_until - self.onset

    @property
    def flagged_rate(self) -> float:
        return self.flagged_quiet / self.onset

    def shortfalls(self) -> Iterator[str]:
        """What did not come out; nothing when the story did."""
        if self.false_alarms:
            yield f"{self.false_alarms} drift alarms before anything had changed"
        if self.alarm is None:
            yield "no drift alarm after the change"
        if not FLAGGED_RATE / 2 < self.flagged_rate < FLAGGED_RATE * 2:
            yield f"{self.flagged_rate:.2%} of quiet rows flagged, {FLAGGED_RATE:.0%} configured"
        if self.explanation is None:
            yield "no flagged row could be explained"
        yield from self.search.shortfalls()
        yield from self.fairness.shortfalls()

    def table(self) -> list[tuple[str, str]]:
        """Rows of the summary."""
        return [
            ("quiet phase", f"{self.onset:,} rows of 2015 in {self.quiet_windows} windows"),
            (
                "false alarms",
                f"{self.false_alarms} (promised: at most a {FALSE_ALARMS:.0%} chance of any)",
            ),
            ("the change", f"at row {self.onset:,}: 2018, group quarters 7 % -> 25 %"),
            ("its price", f"accuracy {self.accuracy.quiet:.3f} -> {self.accuracy.opened:.3f}"),
            ("drift alarm", self._told_alarm()),
            (
                "outliers",
                f"{self.flagged_rate:.2%} of quiet rows flagged ({FLAGGED_RATE:.0%} configured)",
            ),
            ("explanation", self._told_explanation()),
            ("attack", self.search.told()),
            *self.fairness.table(),
            ("traffic", self._told_traffic()),
        ]

    def _told_alarm(self) -> str:
        if self.alarm is None:
            return "none"
        worst = ", ".join(self.alarm.columns[:3])
        return f"{self.delay_rows:,} rows after the change: {worst}"

    def _told_explanation(self) -> str:
        if self.explanation is None or self.explained is None:
            return "none"
        values = self.explanation["data"]["attributions"]
        largest = sorted(values, key=lambda one: -abs(one["contribution"]))[:3]
        told = ", ".join(f"{one['feature']} {one['contribution']:+.2f}" for one in largest)
        return f"row {self.explained.row} of {self.explained.address}: {told}"

    def _told_traffic(self) -> str:
        played = self.played
        rate = played.rows / played.seconds
        return f"{played.rows:,} rows in {played.requests:,} requests, {rate:,.0f} rows/s"
