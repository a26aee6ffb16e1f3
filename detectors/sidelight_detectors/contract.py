"""What a detector is, in four steps.

    fit      reference rows              -> Fitted (frozen; its bytes are the plan's identity)
    index    a batch of rows             -> Indexed: one integer a row and column
    observe  an indexed batch            -> Summary: additive integers; scores of its rows
    judge    the sum of a window         -> a Finding: DriftFinding ...

The scorer indexes and observes, in any number of processes; the decider adds summaries and judges.
A detector of one model is a `Part` of its `Fitted`: it adds its own sums to every summary, scores
rows, judges windows, or does several of these (`sidelight_detectors.parts` knows them all).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.nulls import with_nan

if TYPE_CHECKING:
    from sidelight_detectors.guarantee import Guarantee
    from sidelight_detectors.indexed import Indexed
    from sidelight_detectors.summary import Summary

Sums = NDArray[np.int64]
"""What a part adds up over rows: integers, or reals in fixed point; shape ``(size,)``."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How far one column of one window is from the reference, by one way of measuring.

    `value` is the measure as defined; `effect` is the value with its expectation without a change
    taken off, so zero on average when nothing has changed. `low` and `high` bound what `effect`
    estimates with 95 % confidence, and include `error`: what the cells cannot tell (0 where they
    tell all).
    """

    name: str
    value: float
    effect: float
    low: float
    high: float
    error: float = 0.0

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Measure:
        """Reads its fields; JSON has no NaN and writes null."""
        return cls(**with_nan(saved))


@dataclass(frozen=True, slots=True)
class ColumnFinding:
    """One column of one window against the reference.

    `distance` is D for ks and cvm and total variation for chi2, in [0, 1]; `distance_error` bounds
    its distance from the exact value (0 in exact mode). `p_value` is in (0, 1].
    `threshold` is the p-value up to which the column counts as changed in this window
    (`sidelight_detectors.drift.naming`).
    `effect` is the distance with what chance gives taken off; `low` and `high` bound the true
    distance with 95 % confidence (`sidelight_detectors.drift.effect`).
    `drifted` needs both: p_value <= threshold and effect > tolerance.
    `rows` of the window held this column. 0 means not enough data: statistic, distance and effect
    are then NaN and the p-value is 1. `measures` are the other measures that were asked for.
    """

    column: str
    method: str
    statistic: float
    distance: float
    distance_error: float
    p_value: float
    threshold: float
    drifted: bool
    rows: int = 0
    effect: float = math.nan
    low: float = 0.0
    high: float = 1.0
    measures: tuple[Measure, ...] = ()

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> ColumnFinding:
        """Reads its fields; JSON has no NaN and writes null."""
        measures = tuple(map(Measure.from_json, saved.get("measures", ())))
        return cls(**{**with_nan(saved), "measures": measures})

    @property
    def rank(self) -> tuple[float, float]:
        """Sorts findings: what is surely large first, by `low`, then by the effect."""
        return (-self.low, -self.effect if self.rows else math.inf)


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A window against the reference. `alpha` is what this window spends of the promise."""

    rows: int
    reference_rows: int
    window: int
    alpha: float
    tolerance: float
    columns: tuple[ColumnFinding, ...]

    @property
    def is_drift(self) -> bool:
        return any(column.drifted for column in self.columns)

    @property
    def drifted(self) -> tuple[ColumnFinding, ...]:
        """The columns that drifted, the largest lower bound first."""
        return tuple(sorted((one for one in self.columns if one.drifted), key=_rank))

    @property
    def worst(self) -> ColumnFinding:
        """The column with the largest lower bound: one that drifted, if any did."""
        seen = [column for column in self.columns if column.rows]
        return min(self.drifted or seen or self.columns, key=_rank)


@dataclass(frozen=True, slots=True)
class DriftGlance:
    """Whether a window drifted, and no more: of windows that say what is known already."""

    rows: int
    is_drift: bool


_rank = attrgetter("rank")


class Finding(Protocol):
    """What a detector says of one window against the reference; a frozen dataclass."""

    @property
    def rows(self) -> int: ...

    @property
    def is_drift(self) -> bool:
        """Whether this window speaks for an alarm."""
        ...


@dataclass(frozen=True, slots=True)
class RowScores:
    """Scores of a batch of rows; larger is stranger.

    `scores` (n,), `p_values` (n,) conformal, `contributions` (n, n_columns) adding up to `scores`
    (of flagged rows; 0 where a row is not flagged), `flagged` (n,) which rows count as outliers.
    `reasons` names what is wrong with a flagged row, by its number, where a detector can.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    contributions: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    reasons: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a part saw in a batch: `sums`, and the scores of its rows if it scores rows.

    `trail` is what its fold is to know of each row (`streaming.folds`): shape ``(n, width)`` uint8,
    the width always the same.
    """

    sums: Sums
    scores: RowScores | None = None
    trail: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Packed:
    """A part as it is stored.

    `header` (JSON) and `arrays` are its identity and must be equal in every process that fits the
    same rows; `derived` follows from them up to the platform's last bits and only saves time.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    derived: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Part(Protocol):
    """One detector of a fitted reference. Frozen; safe to share by threads; no I/O."""

    @property
    def size(self) -> int:
        """Length of its sums; 0 when it adds nothing to a summary."""
        ...

    def observe(self, rows: Indexed) -> Observation:
        """Its sums over a batch, the same under any cut and order of rows."""
        ...

    def pack(self) -> Packed: ...


@runtime_checkable
class Flagger(Protocol):
    """A part that flags rows, and what it says of how many."""

    @property
    def method(self) -> str: ...

    @property
    def expected_rate(self) -> float:
        """The share of rows like the reference's that is flagged, averaged over references."""
        ...

    @property
    def rate_bound(self) -> float | None:
        """What that share is at most on this one reference; None where it is not known."""
        ...

    @property
    def guarantee(self) -> Guarantee:
        """Both, and what they rest on; its text is for people."""
        ...


@runtime_checkable
class Judge(Protocol):
    """A part that judges windows."""

    def judge(self, summary: Summary, number: int) -> Finding:
        """The window with this number, from 1; `NotEnoughData` when it cannot be judged."""
        ...


@runtime_checkable
class Asking(Protocol):
    """A part that looks at more than the watched columns; it finds all of it in `Indexed.sent`."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the request, as they are sent; one that is not there is no error."""
        ...

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers of the request, in lower case, found in `Indexed.origin`."""
        ...


@runtime_checkable
class Promising(Protocol):
    """A judge that says itself what it promises about false alarms."""

    @property
    def promise(self) -> str:
        """What is promised, and what that rests on."""
        ...
