"""What labels tell of a classifier: a confusion matrix, ranks of scores, bands of probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Sums
from sidelight_detectors.labels.finding import CalibrationFinding, LabelsFinding
from sidelight_detectors.labels.told import WIDE, told
from sidelight_detectors.outcomes import Outcome
from sidelight_detectors.performance.metrics import METRICS, Estimate, area, estimates, wilson
from sidelight_detectors.texts import text_of

UNKNOWN = 255
"""The answer of a row that says none."""

UNIT = 1 << 30
"""Fixed-point steps of a probability of 1."""

MAX_BINS = 512
"""Bins of a score: rows in one of them are ties to the AUC."""

BANDS = 20
"""Bands of probability that calibration is told in, with as many reference rows each."""

_NO_PROBABILITY = -1


@dataclass(frozen=True, eq=False)
class ClassQuality:
    """The sums of a classifier's labels.

    A row's trail is its answer (a byte), the probability it stands for (four bytes), and for each
    scored class the bin of its score (two bytes). Without probabilities the answer is all.

    Parameters
    ----------
    edges:
        Shape ``(scored classes, E)``: inner edges of the bins, NaN beyond the last; no rows where
        the model tells no probability.
    bands:
        Inner edges of the bands, ascending.
    """

    outcome: Outcome
    edges: NDArray[np.float64]
    bands: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Confusion matrix; bins by scored class and truth; rows, hits, sums, squares by band."""
        scores = self.scored * 2 * self._bins
        return (self._width + 1) * self._width + scores + (4 * self._bands if self.scored else 0)

    @property
    def scored(self) -> int:
        return len(self.edges)

    def trail(
        self, answers: NDArray[np.float64], probabilities: NDArray[np.float64] | None
    ) -> NDArray[np.uint8]:
        """Of rows with these answers (NaN unknown) and probabilities ``(n, classes)``."""
        known = np.where(np.isnan(answers), UNKNOWN, answers).astype(np.uint8)
        parts = [known[:, None]]
        if probabilities is not None and self.scored:
            stands = stands_for(self.outcome, answers, probabilities)
            parts.append(_fixed(stands)[:, None].view(np.uint8))
            scores = probabilities[:, self._scored_classes]
            bins = [_bin_of(*pair) for pair in zip(self.edges, scores.T, strict=True)]
            parts.append(np.column_stack(bins).astype("<u2").view(np.uint8))
        return np.concatenate(parts, axis=1)

    def labelled(self, trail: NDArray[np.uint8], values: NDArray[np.float64]) -> Sums:
        truth = values.astype(np.int64)
        answers = np.minimum(trail[:, 0].astype(np.int64), self._width)
        size = (self._width + 1) * self._width
        parts = [np.bincount(answers * self._width + truth, minlength=size)]
        if self.scored:
            parts += self._scores(trail, truth)
            parts += self._calibration(trail, answers, truth)
        return np.concatenate(parts).astype(np.int64, copy=False)

    def finding(self, rows: int, sums: Sums, reference: Sums, *, is_final: bool) -> LabelsFinding:
        confusion, _, bands = self._split(sums)
        calibration, error, brier = _calibrated(bands)
        found, before = self._estimates(sums), self._estimates(reference)
        return LabelsFinding(
            rows,
            int(confusion.sum()),
            is_final,
            tuple(told(name, found[name], before[name]) for name in self._metrics),
            tuple(self.outcome.classes),
            tuple(tuple(map(int, line)) for line in confusion),
            calibration,
            error,
            brier,
        )

    @property
    def _metrics(self) -> tuple[str, ...]:
        return METRICS if self.scored else tuple(name for name in METRICS if name != "roc_auc")

    def _estimates(self, sums: Sums) -> dict[str, Estimate]:
        confusion, scores, _ = self._split(sums)
        # Of two classes the positive one stands last, as `estimates` wants it.
        order = [1 - self._positive, self._positive] if self._width == 2 else slice(None)
        square = confusion[: self._width][order][:, order].astype(float)
        areas = [area(both.sum(axis=0).astype(float), both[1].astype(float)) for both in scores]
        return estimates(square, areas or [(math.nan, 0.0, 0.0)], 1.0, WIDE)

    def _split(self, sums: Sums) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Confusion ``(k + 1, k)``, scores ``(scored, 2, bins)``, bands ``(4, bands)``."""
        first = (self._width + 1) * self._width
        second = first + self.scored * 2 * self._bins
        return (
            sums[:first].reshape(self._width + 1, self._width),
            sums[first:second].reshape(self.scored, 2, self._bins),
            sums[second:].reshape(4, -1),
        )

    def _scores(self, trail: NDArray[np.uint8], truth: NDArray[np.int64]) -> list[Sums]:
        bins = np.ascontiguousarray(trail[:, 5:]).view("<u2").astype(np.int64)
        found = []
        for number, line in zip(self._scored_classes, bins.T, strict=True):
            known = line < self._bins
            codes = (truth[known] == number) * self._bins + line[known]
            found.append(np.bincount(codes, minlength=2 * self._bins))
        return found

    def _calibration(
        self, trail: NDArray[np.uint8], answers: NDArray[np.int64], truth: NDArray[np.int64]
    ) -> list[Sums]:
        units = np.ascontiguousarray(trail[:, 1:5]).view("<i4")[:, 0].astype(np.int64)
        known = units != _NO_PROBABILITY
        meant = self._positive if self._width == 2 else answers
        hits, units = (truth == meant)[known], units[known]
        band = np.searchsorted(self.bands, units / UNIT, side="right")
        apart = np.abs(hits * UNIT - units)
        squares = apart * apart >> 30
        weights = (np.ones(len(units), np.int64), hits.astype(np.int64), units, squares)
        return [_added(band, one, self._bands) for one in weights]

    @property
    def _width(self) -> int:
        return len(self.outcome.classes)

    @property
    def _bins(self) -> int:
        return self.edges.shape[1] + 1 if self.scored else 0

    @property
    def _bands(self) -> int:
        return len(self.bands) + 1

    @cached_property
    def _positive(self) -> int:
        return positive_of(self.outcome)

    @cached_property
    def _scored_classes(self) -> list[int]:
        return [self._positive] if self.scored == 1 else list(range(self.scored))


def positive_of(outcome: Outcome) -> int:
    """Of two classes the one that metrics are told of."""
    positive = text_of(outcome.settings.positive)
    if positive in outcome.classes:
        return outcome.classes.index(positive)
    return outcome.favorable[0] if outcome.favorable else len(outcome.classes) - 1


def stands_for(
    outcome: Outcome, answers: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of two classes the positive one's probability; of more that of the answer, NaN unknown."""
    if len(outcome.classes) == 2:
        return probabilities[:, positive_of(outcome)]
    known = ~np.isnan(answers)
    chosen = np.where(known, answers, 0).astype(np.intp)
    found = np.take_along_axis(probabilities, chosen[:, None], axis=1)[:, 0]
    return np.where(known, found, np.nan)


def edges_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner edges that cut these scores into bins, the same number for each column.

    A score between two edges has a bin of its own; where few values occur each of them has one.
    """
    columns = [_edges(column[~np.isnan(column)]) for column in scores.T]
    width = max((len(one) for one in columns), default=0)
    return np.array([np.pad(one, (0, width - len(one)), constant_values=np.nan) for one in columns])


def bands_of(stands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner edges of the bands of probability."""
    known = stands[~np.isnan(stands)]
    return np.unique(np.quantile(known, np.arange(1, BANDS) / BANDS)) if len(known) else known


def _edges(known: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.unique(known)
    if len(values) > MAX_BINS:
        ranks = np.linspace(0, len(known) - 1, MAX_BINS).round().astype(np.intp)
        values = np.unique(np.sort(known)[ranks])
    return values[1:]


def _bin_of(edges: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each score; one more than there are for NaN."""
    bins = np.searchsorted(edges[~np.isnan(edges)], scores, side="right")
    return np.where(np.isnan(scores), len(edges) + 1, bins)


def _fixed(values: NDArray[np.float64]) -> NDArray[np.int32]:
    units = np.rint(np.clip(values, 0, 1) * UNIT)
    return np.where(np.isnan(values), _NO_PROBABILITY, units).astype("<i4")


def _added(places: NDArray[np.intp], weights: NDArray[np.int64], size: int) -> Sums:
    sums = np.zeros(size, np.int64)
    np.add.at(sums, places, weights)
    return sums


def _calibrated(
    bands: NDArray[np.int64],
) -> tuple[tuple[CalibrationFinding, ...], float, float]:
    """Bands with rows, the expected calibration error, the Brier score."""
    total = int(bands[0].sum())
    if not total:
        return (), math.nan, math.nan
    found = [_band(*map(int, line[:3])) for line in bands.T if line[0]]
    error = sum(one.rows * abs(one.predicted - one.came_true) for one in found) / total
    return tuple(found), error, int(bands[3].sum()) / UNIT / total


def _band(rows: int, hits: int, units: int) -> CalibrationFinding:
    ends = wilson(hits, rows, 1.0, WIDE)
    return CalibrationFinding(rows, units / UNIT / rows, ends.value, ends.low, ends.high)
