"""The columns of both tables: what a decided row adds, and what it adds when its label is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.bias.groupings import Groups
from sidelight_detectors.bias.metrics import CONFUSION, SCALE
from sidelight_detectors.bias.trail import Decided
from sidelight_detectors.contract import Sums

BINS = 10
"""Bins of probability in which calibration within a group is told."""

_RESIDUAL = 3
_BIN = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns there are: of decisions or of numbers, with or without a score."""

    is_regression: bool
    has_scores: bool

    @property
    def decided_width(self) -> int:
        """Rows, then the favourable ones; in regression sums of predictions and their squares."""
        return 3 if self.is_regression else 2

    @property
    def counted(self) -> tuple[int, ...]:
        """Columns that add up to the rows with a label."""
        return (self.residual,) if self.is_regression else CONFUSION

    @property
    def favored(self) -> tuple[int, ...]:
        """Those of them with favourable decisions; nothing in regression."""
        return () if self.is_regression else CONFUSION[2:]

    @property
    def residual(self) -> int:
        """Where rows, sum and sum of squares of residuals begin, after what labels tell alone."""
        return 1 if self.is_regression else 1 + len(CONFUSION)

    @property
    def bins(self) -> int:
        """Where the bins of probability begin: of each rows, good ends and sum of probabilities."""
        return self.residual + _RESIDUAL

    @property
    def settled_width(self) -> int:
        if not self.has_scores:
            return self.residual
        return self.bins + (0 if self.is_regression else _BIN * BINS)

    def decided(self, groups: Groups, rows: Decided) -> Sums:
        """What rows add as soon as they are decided about."""
        known = rows.known
        codes, one = rows.codes[known], np.ones(int(known.sum()), np.int64)
        if self.is_regression and rows.scores is not None:
            score = rows.scores[known]
            columns = [one, score, _squares(score)]
        else:
            columns = [one, rows.decisions[known].astype(np.int64)]
        return groups.count(codes, np.column_stack(columns)).ravel()

    def awaited(self, groups: Groups, rows: Decided) -> Sums:
        """What rows add to the table of labels before these come."""
        known = rows.known
        found = np.zeros((len(groups), self.settled_width), np.int64)
        one = np.ones((int(known.sum()), 1), np.int64)
        found[:, :1] = groups.count(rows.codes[known], one)
        return found.ravel()

    def labelled(self, groups: Groups, rows: Decided, truth: NDArray[np.int64]) -> Sums:
        """What labels add to it.

        `truth` is 1 where it is favourable, else 0; in regression the number's place in the range
        of predictions, in units of 2^-30.
        """
        found = np.zeros((len(groups), self.settled_width), np.int64)
        kept = rows.known
        codes, truth = rows.codes[kept], truth[kept]
        if not self.is_regression:
            cell = 2 * rows.decisions[kept].astype(np.int64) + truth
            one = np.ones((len(cell), 1), np.int64)
            found[:, list(CONFUSION)] = groups.count_in_bins(codes, one, cell, len(CONFUSION))
        if rows.scores is not None:
            scores = rows.scores[kept]
            scored = scores >= 0
            self._scored(found, groups, codes[scored], scores[scored], truth[scored])
        return found.ravel()

    def _scored(
        self,
        found: NDArray[np.int64],
        groups: Groups,
        codes: NDArray[np.uint8],
        scores: NDArray[np.int64],
        truth: NDArray[np.int64],
    ) -> None:
        place = truth if self.is_regression else truth * SCALE
        residual = (place - scores + SCALE) // 2
        one = np.ones(len(scores), np.int64)
        columns = np.column_stack([one, residual, _squares(residual)])
        found[:, self.residual : self.bins] = groups.count(codes, columns)
        if not self.is_regression:
            bins = np.minimum(scores * BINS // SCALE, BINS - 1)
            columns = np.column_stack([one, truth, scores])
            found[:, self.bins :] = groups.count_in_bins(codes, columns, bins, BINS)

    def calibration_errors(self, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected calibration error of each group by its bins; NaN where none is told."""
        if self.is_regression or not self.has_scores:
            return np.full(len(columns), np.nan)
        rows, good, score = columns[:, self.bins :].reshape(len(columns), BINS, _BIN).T
        apart = np.abs(good - score / SCALE).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(apart / rows.sum(axis=0), np.float64)


def _squares(units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rounded up: bets on means (`audit.betting`) must not be paid for too little spread."""
    return -(-units * units // SCALE)
