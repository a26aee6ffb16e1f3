"""CBPE: confidence-based performance estimation, the detector `performance`.

If a calibrated classifier says 0.9 of 100 rows it is right about 90 times: who knows the
probabilities knows the expected confusion matrix without a label. The idea and the name are those
of NannyML's estimator (Jakub Bialek et al., "Estimating Model Performance Under Covariate Shift
Without Labels", arXiv:2401.08348).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sidelight.config.detecting.performance import PerformanceSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight_detectors.cells import Counts, NumericCells, elements_of, numbers_of
from sidelight_detectors.contract import Observation, Packed
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.packing import integers
from sidelight_detectors.performance.calibration import UNIT, identity, isotonic
from sidelight_detectors.performance.finding import MetricFinding, PerformanceFinding
from sidelight_detectors.performance.metrics import METRICS, Estimate, area, estimates
from sidelight_detectors.spending import spend
from sidelight_detectors.summary import Summary
from sidelight_detectors.texts import text_of, texts_of

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

MIN_ROWS = 20
"""Rows with all probabilities that a window needs."""

_TWO_SIDED = 1.959963984540054
"""Normal quantile of the 95 % bounds that are told."""


@dataclass(frozen=True, eq=False)
class PerformanceDetector:
    """Expected confusion matrix of each window, from the cells of the probabilities.

    Parameters
    ----------
    rows, positive:
        For each probability, flat one after the other: reference rows in each of its cells, and how
        many of them are of its class.
    confusion:
        Of the reference, flat ``(k * k,)``: rows by answered class, then by true class.
    """

    grid: Grid
    rows: Counts
    positive: Counts
    confusion: Counts
    settings: PerformanceSettings

    @property
    def size(self) -> int:
        """Rows with all probabilities, then the expected confusion matrix in 1/`UNIT` rows."""
        return 1 + len(self.confusion)

    def observe(self, rows: Indexed) -> Observation:
        complete = self._scored.complete(rows)
        kept = rows if complete.all() else rows.take(complete)
        answered, expected = self._scored.answers(kept), self._expected(kept)
        sums = [np.array([len(kept)])]
        sums += [expected[answered == place].sum(axis=0) for place in range(expected.shape[1])]
        return Observation(np.concatenate(sums).astype(np.int64, copy=False))

    def judge(self, summary: Summary, number: int) -> PerformanceFinding:
        sums = summary.sums["performance"]
        rows = int(sums[0])
        if rows < MIN_ROWS:
            raise NotEnoughData(
                f"window {number} has {rows} rows with probabilities; at least {MIN_ROWS} needed"
            )
        alpha = spend(self.settings.false_alarms, number)
        confusion = _square(sums[1:] / UNIT)
        known = int(self.confusion.sum())
        weight = known / (known + rows)
        areas = self._areas(self.grid.split(summary.counts))
        told = estimates(confusion, areas, weight, _TWO_SIDED)
        metric = self.settings.metric
        upper = estimates(confusion, areas, weight, float(ndtri(1 - alpha)))[metric].high
        return PerformanceFinding(
            rows,
            known,
            number,
            alpha,
            self.settings.tolerance,
            metric,
            upper,
            upper < self._reference[metric].value - self.settings.tolerance,
            tuple(_told(name, told[name], self._reference[name]) for name in METRICS),
            self._scored.classes,
            tuple(tuple(map(float, line)) for line in confusion),
        )

    @property
    def promise(self) -> str:
        """What is promised about false alarms, and what it rests on."""
        return (
            f"As long as probabilities stay as well calibrated as on the reference's labels and "
            f"rows are drawn independently, the chance that an alarm is ever raised on this model "
            f"version though {self.settings.metric} has not fallen by more than "
            f"{self.settings.tolerance:g} is about {self.settings.false_alarms:g} at most. Labels "
            f"that change while probabilities do not are not seen at all."
        )

    def pack(self) -> Packed:
        header = {"settings": self.settings.model_dump(mode="json")}
        counts = {"rows": self.rows, "positive": self.positive, "confusion": self.confusion}
        return Packed(header, counts)

    def _expected(self, rows: Indexed) -> NDArray[np.int64]:
        """Calibrated probability of each class, ``(n, k)`` in 1/`UNIT`; rounded row by row."""
        cells = rows.cells[:, self._scored.places]
        found = [table[line] for table, line in zip(self._tables, cells.T, strict=True)]
        if len(found) == 1:
            return np.column_stack([UNIT - found[0], found[0]])
        raw = np.column_stack(found).astype(float)
        total = raw.sum(axis=1, keepdims=True)
        even = np.full_like(raw, 1 / len(found))
        shares = np.divide(raw, total, out=even, where=total > 0)
        rounded: NDArray[np.float64] = np.rint(shares * UNIT)
        return rounded.astype(np.int64)

    def _areas(self, counts: list[Counts]) -> list[tuple[float, float, float]]:
        rows = [counts[place][:-2] for place in self._scored.places]
        return [
            area(seen.astype(float), seen * (table[:-2] / UNIT))
            for seen, table in zip(rows, self._tables, strict=True)
        ]

    @cached_property
    def _scored(self) -> Scored:
        return scored_by(self.grid, self.settings)

    @cached_property
    def _tables(self) -> list[NDArray[np.int64]]:
        cells = self._scored.cells
        if self.settings.calibration == "none":
            return [identity(one) for one in cells]
        ends = np.cumsum([one.size for one in cells])[:-1]
        pairs = zip(cells, np.split(self.rows, ends), np.split(self.positive, ends), strict=True)
        return [isotonic(one, rows, positive) for one, rows, positive in pairs]

    @cached_property
    def _reference(self) -> dict[str, Estimate]:
        ends = np.cumsum([one.size for one in self._scored.cells])[:-1]
        pairs = zip(np.split(self.rows, ends), np.split(self.positive, ends), strict=True)
        areas = [area(rows.astype(float), positive.astype(float)) for rows, positive in pairs]
        return estimates(_square(self.confusion.astype(float)), areas, 1.0, _TWO_SIDED)


@dataclass(frozen=True, eq=False)
class Scored:
    """The outputs that hold probabilities, and what the model answers by them.

    Parameters
    ----------
    classes:
        Their texts; with one probability the negative class is ``not`` the positive one.
    places:
        Of the probabilities in the grid.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    places: tuple[int, ...]
    cells: tuple[NumericCells, ...]
    threshold: float

    def complete(self, rows: Indexed) -> NDArray[np.bool_]:
        """Rows with a number for every probability, ``(n,)``."""
        own = rows.cells[:, self.places]
        ends = np.array([cells.missing.start for cells in self.cells])
        return np.asarray(((own >= 0) & (own < ends)).all(axis=1), bool)

    def answers(self, rows: Indexed) -> NDArray[np.intp]:
        """The class each complete row is answered with, ``(n,)``, from the values themselves."""
        if not len(rows):
            return np.zeros(0, np.intp)
        columns = [rows.column(name) for name in self.names]
        values = [numbers_of(column)[0] for column in columns if column is not None]
        if len(values) == 1:
            return (values[0] >= self.threshold).astype(np.intp)
        return np.asarray(np.column_stack(values).argmax(axis=1), np.intp)


def scored_by(grid: Grid, settings: PerformanceSettings) -> Scored:
    """`ConfigError` when a probability is not a watched numeric column, or there is only one."""
    asked = settings.probability
    positive = text_of(settings.positive)
    table = {positive: asked} if isinstance(asked, str) else asked
    if not isinstance(asked, str) and len(asked) < 2:
        raise ConfigError("detectors.performance.probability: name at least two classes")
    names = tuple(table.values())
    places = tuple(grid.names.index(name) for name in names if name in grid.names)
    cells = [grid.columns[place] for place in places]
    numeric = tuple(one for one in cells if isinstance(one, NumericCells))
    if len(numeric) < len(names):
        raise ConfigError(
            f"detectors.performance.probability: {', '.join(names)} must be watched numeric "
            f"columns; declare them under 'outputs'"
        )
    classes = tuple(table) if len(table) > 1 else (f"not {positive}", positive)
    return Scored(classes, names, places, numeric, settings.threshold)


def fit_performance(reference: Reference) -> PerformanceDetector | None:
    """Calibrates on the reference rows that have a label and all probabilities."""
    settings = reference.model.detectors.performance
    if settings is None:
        return None
    scored = scored_by(reference.grid, settings)
    if settings.label not in reference.table:
        raise ConfigError(f"detectors.performance.label: no reference column {settings.label!r}")
    values, valid = elements_of(reference.table[settings.label])
    texts = np.array(list(texts_of(values)), object)
    kept = scored.complete(reference.rows) & (True if valid is None else valid)
    if kept.sum() < MIN_ROWS:
        raise NotEnoughData(
            f"detectors.performance: {kept.sum()} reference rows have a label and probabilities; "
            f"at least {MIN_ROWS} are needed"
        )
    own = reference.rows.take(kept)
    truth = _truth(texts[kept], scored.classes, settings)
    counts = [_counted(own, scored, place, truth) for place in range(len(scored.names))]
    width = len(scored.classes)
    confusion = np.bincount(scored.answers(own) * width + truth, minlength=width**2)
    rows, positive = (np.concatenate(part).astype(np.int64) for part in zip(*counts, strict=True))
    return PerformanceDetector(reference.grid, rows, positive, confusion.astype(np.int64), settings)


def unpack_performance(packed: Packed, grid: Grid, features: int) -> PerformanceDetector:
    settings = PerformanceSettings.model_validate(packed.header["settings"])
    scored = scored_by(grid, settings)
    cells = sum(one.size for one in scored.cells)
    rows, positive = (integers(packed.arrays[name], cells) for name in ("rows", "positive"))
    confusion = integers(packed.arrays["confusion"], len(scored.classes) ** 2)
    return PerformanceDetector(grid, rows, positive, confusion, settings)


def _truth(
    texts: NDArray[np.object_], classes: tuple[str, ...], settings: PerformanceSettings
) -> NDArray[np.intp]:
    if isinstance(settings.probability, str):
        truth = np.asarray(texts == classes[1], np.intp)
        if not truth.any():
            raise ConfigError(
                f"detectors.performance.positive: no reference row has {classes[1]!r} in "
                f"{settings.label!r}, as {texts[0]!r}; name the positive class as the label says it"
            )
        return truth
    strange = sorted({*texts} - {*classes})
    if strange:
        raise ConfigError(
            f"detectors.performance.label: class {strange[0]!r} has no probability; "
            f"'probability' names {', '.join(classes)}"
        )
    return np.array([classes.index(text) for text in texts], np.intp)


def _counted(
    rows: Indexed, scored: Scored, place: int, truth: NDArray[np.intp]
) -> tuple[Counts, Counts]:
    cells, size = rows.cells[:, scored.places[place]], scored.cells[place].size
    # With one probability it is that of the second class.
    own = truth == (place if len(scored.names) > 1 else 1)
    return np.bincount(cells, minlength=size), np.bincount(cells[own], minlength=size)


def _told(metric: str, found: Estimate, reference: Estimate) -> MetricFinding:
    return MetricFinding(metric, found.value, found.low, found.high, reference.value)


def _square(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    width = round(len(flat) ** 0.5)
    return flat.reshape(width, width)
