"""How often decisions change with a protected attribute alone, in one window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sidelight_detectors.alarms.rule import WHOLE, Suspect

Verdict = Literal["fair", "unfair", "not enough data"]


@dataclass(frozen=True, slots=True)
class FlipRate:
    """Rows of `group` that were asked about again as if they were of the group `other`.

    Of `rows` so many were `changed`: their decision was another one; `gained` of them then got a
    favorable decision that they had not, `lost` the reverse. `rate` is 0 without rows; `low` and
    `high` bound it with the confidence that was asked for (Clopper and Pearson). `least` is what it
    is at least by the false-alarm promise: above the tolerance the verdict is *unfair*; it is
    *fair* where `high` is not above the tolerance.
    """

    attribute: str
    group: str
    other: str
    rows: int
    changed: int
    gained: int
    lost: int
    rate: float
    low: float
    high: float
    least: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class FlipFinding:
    """A window of rows that were asked about; `number` counts from 1 in each partition.

    `alpha` is what this window spends of the promise, shared by all `rates`.
    """

    partition: int
    number: int
    rows: int
    alpha: float
    tolerance: float
    rates: tuple[FlipRate, ...]

    @property
    def is_drift(self) -> bool:
        """Whether a rate is unfair: what speaks for an alarm."""
        return any(one.verdict == "unfair" for one in self.rates)

    @property
    def reason(self) -> str:
        return "unfair"

    def suspects(self) -> tuple[Suspect, ...]:
        """The unfair pairs, the worst first; evidence is how far `least` is above the tolerance."""
        unfair = [one for one in self.rates if one.verdict == "unfair"]
        told = [
            Suspect(
                WHOLE,
                f"{one.attribute}: {one.group} as {one.other}",
                1.0 + one.least - self.tolerance,
            )
            for one in unfair
        ]
        return tuple(sorted(told, key=lambda one: -one.evidence))

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> FlipFinding:
        """Reads its fields."""
        return cls(**{**saved, "rates": tuple(FlipRate(**one) for one in saved["rates"])})
