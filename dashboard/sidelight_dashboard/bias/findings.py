"""What the detectors said of groups, labels and performance: `finding` of the results on the wire.

A number that could not be had (NaN) or has no end (infinity) is None, as in the JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

Number = float | None

UNFAIR: Final = "unfair"
FAIR: Final = "fair"
UNKNOWN: Final = "not enough data"

Verdict = Literal["unfair", "fair", "not enough data"]


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its rows, those with a label, and its share of favourable decisions.

    In regression `rate` is the mean prediction.
    """

    attribute: str
    group: str
    rows: int
    rate: Number
    labelled: int = 0
    calibration_error: Number = None

    @property
    def coverage(self) -> Number:
        """The share of rows with a label."""
        return self.labelled / self.rows if self.rows else None


@dataclass(frozen=True, slots=True)
class Gap:
    """One metric of one group beside the privileged one, `against`.

    `rows` and `against_rows` are the fewest rows that a rate of either side rests on; `seen_80` and
    `seen_90` the smallest gap (of a ratio the largest) that would be called unfair with that chance
    in per cent.
    """

    metric: str
    attribute: str
    group: str
    against: str
    rows: int
    against_rows: int
    value: Number
    low: Number
    high: Number
    allowed_low: float
    allowed_high: float
    verdict: Verdict
    seen_80: Number
    seen_90: Number

    @property
    def key(self) -> tuple[str, str, str]:
        """The same in every window."""
        return self.metric, self.attribute, self.group

    @property
    def excess(self) -> float:
        """How far the interval lies beyond what is allowed; below 0 it reaches into it."""
        above = _less(self.low, self.allowed_high)
        below = _less(self.allowed_low, self.high)
        return max(above, below)


@dataclass(frozen=True, slots=True)
class Bias:
    """Decisions between groups, or what came true of them, in one window."""

    rows: int
    window: int
    confidence: float
    is_final: bool
    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]

    @property
    def verdict(self) -> Verdict:
        """*fair* only when every gap is."""
        return verdict_of([gap.verdict for gap in self.gaps])

    @property
    def worst_first(self) -> tuple[Gap, ...]:
        """Unfair gaps, then those that are not known, then fair ones."""
        ranks = (UNFAIR, UNKNOWN, FAIR)
        return tuple(sorted(self.gaps, key=lambda gap: (ranks.index(gap.verdict), -gap.excess)))


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with 95 % bounds, and its value in the reference."""

    metric: str
    estimate: Number
    low: Number
    high: Number
    reference: Number


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of a band of predicted probability: its mean, and the share that came true."""

    rows: int
    predicted: Number
    came_true: Number
    low: Number
    high: Number


@dataclass(frozen=True, slots=True)
class Labels:
    """Realised performance: `labelled` of `rows` predictions have a label.

    `confusion` are rows by answered class, then by true class; its last line is of answers that are
    none of the classes.
    """

    rows: int
    labelled: int
    is_final: bool
    metrics: tuple[Metric, ...]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: tuple[Band, ...] = ()
    calibration_error: Number = None
    brier_score: Number = None
    warnings: tuple[str, ...] = ()

    @property
    def coverage(self) -> Number:
        """The share of rows with a label."""
        return self.labelled / self.rows if self.rows else None

    @property
    def answered(self) -> tuple[tuple[str | None, tuple[int, ...]], ...]:
        """Each answered class with its rows by true class; None for other answers, if any."""
        lines: Iterator[tuple[str | None, tuple[int, ...]]]
        lines = zip(chain(self.classes, [None]), self.confusion, strict=False)
        return tuple((name, counts) for name, counts in lines if name is not None or any(counts))


@dataclass(frozen=True, slots=True)
class Estimated:
    """Performance estimated without labels (CBPE); `metric` is the one that is judged."""

    rows: int
    reference_rows: int
    tolerance: float
    metric: str
    upper: Number
    is_drift: bool
    metrics: tuple[Metric, ...]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()

    @property
    def judged(self) -> Metric:
        """The metric that decides."""
        untold = Metric(self.metric, None, None, None, None)
        return next((one for one in self.metrics if one.metric == self.metric), untold)


@dataclass(frozen=True, slots=True)
class Flip:
    """Rows of `group` asked about again as if of the group `other`: `changed` had another decision.

    `least` is what the rate is at least by the false-alarm promise.
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

    @property
    def key(self) -> tuple[str, str, str]:
        """The same in every window."""
        return self.attribute, self.group, self.other


@dataclass(frozen=True, slots=True)
class Flips:
    """A window of rows that were asked about."""

    partition: int
    number: int
    rows: int
    tolerance: float
    rates: tuple[Flip, ...]

    @property
    def verdict(self) -> Verdict:
        """*fair* only when every pair is."""
        return verdict_of([one.verdict for one in self.rates])

    @property
    def worst_first(self) -> tuple[Flip, ...]:
        return tuple(sorted(self.rates, key=lambda one: -one.least))


def verdict_of(all_of: Sequence[Verdict]) -> Verdict:
    """*unfair* when any is, *fair* only when all are."""
    if UNFAIR in all_of:
        return UNFAIR
    return FAIR if set(all_of) == {FAIR} else UNKNOWN


Finding = Bias | Labels | Estimated | Flips


def _less(own: Number, other: Number) -> float:
    return float("-inf") if own is None or other is None else own - other
