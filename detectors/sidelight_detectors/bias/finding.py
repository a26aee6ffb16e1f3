"""What is said of groups: of each how many, of each two how far apart and whether that is fair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sidelight_detectors.nulls import with_nan

UNFAIR: Final = "unfair"
FAIR: Final = "fair"
UNKNOWN: Final = "not enough data"

Judged = Literal["unfair", "fair", "not enough data"]


@dataclass(frozen=True, slots=True)
class GroupFinding:
    """One group: its rows, and how many of them have a label.

    `rate` is the share of favourable decisions, in regression the mean prediction; where labels are
    compared it is of the labelled rows, and 0 in regression.
    `calibration_error` is the expected one over ten bins of probability, NaN without labels.
    """

    attribute: str
    group: str
    rows: int
    rate: float
    labelled: int = 0
    calibration_error: float = math.nan

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> GroupFinding:
        return cls(**with_nan(saved))


@dataclass(frozen=True, slots=True)
class GapFinding:
    """One metric of one group beside the privileged one.

    `rows` and `against_rows` are the fewest rows that a rate rests on, on either side. `value` lies
    between `low` and `high` with the finding's confidence; `allowed_low` and `allowed_high` bound
    what is of no concern. The verdict is by an interval widened so that all groups' verdicts of
    this metric hold together: *unfair* when all of it is outside, *fair* when all of it is inside.
    `seen_80` and `seen_90` are the smallest gap (of a ratio the largest below 1) that would be
    called unfair with that chance in per cent; NaN where none would.
    """

    metric: str
    attribute: str
    group: str
    against: str
    rows: int
    against_rows: int
    value: float
    low: float
    high: float
    allowed_low: float
    allowed_high: float
    verdict: Judged
    seen_80: float
    seen_90: float

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> GapFinding:
        return cls(**with_nan(saved))


@dataclass(frozen=True, slots=True)
class BiasFinding:
    """A window's decisions between groups, or what came true of them.

    `rows` were decided about; `labelled` of them have a label. `is_final` when no more labels are
    waited for, and of what needs none.
    """

    rows: int
    window: int
    confidence: float
    is_final: bool
    groups: tuple[GroupFinding, ...]
    gaps: tuple[GapFinding, ...]

    @property
    def is_drift(self) -> bool:
        """Whether any gap is unfair."""
        return any(gap.verdict == UNFAIR for gap in self.gaps)

    @property
    def labelled(self) -> int:
        """Rows with a label; 0 where decisions alone are compared."""
        own = self.groups[0].attribute if self.groups else ""
        return sum(group.labelled for group in self.groups if group.attribute == own)

    @property
    def has_labels(self) -> bool:
        """Whether it is of what came true, not of decisions alone."""
        return self.labelled > 0

    @property
    def unfair(self) -> tuple[GapFinding, ...]:
        return tuple(gap for gap in self.gaps if gap.verdict == UNFAIR)

    @property
    def verdict(self) -> Judged:
        """*fair* only when every gap is."""
        if self.is_drift:
            return "unfair"
        return "fair" if all(gap.verdict == FAIR for gap in self.gaps) else "not enough data"

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> BiasFinding:
        groups = tuple(map(GroupFinding.from_json, saved["groups"]))
        return cls(
            **{**saved, "groups": groups, "gaps": tuple(map(GapFinding.from_json, saved["gaps"]))}
        )
