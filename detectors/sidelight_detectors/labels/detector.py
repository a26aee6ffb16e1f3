"""The detector `labels`: how good the model really was, as labels come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.labels import LabelsSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight_detectors.contract import Observation, Packed, Sums
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.labels.classes import (
    ClassQuality,
    bands_of,
    edges_of,
    positive_of,
    stands_for,
)
from sidelight_detectors.labels.contract import Settling
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.labels.fold import LabelsFold
from sidelight_detectors.labels.joining import Terms
from sidelight_detectors.labels.naming import NAME
from sidelight_detectors.labels.numbers import NumberQuality, scale_of
from sidelight_detectors.outcomes import Outcome, learn_outcome, unpack_outcome
from sidelight_detectors.streaming.folds import Watched

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

MIN_LABELLED = 20
"""Labels that a window needs before anything is said of it."""

_NS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class LabelsDetector:
    """Realised performance by event-time windows.

    Sees: what the model gets wrong, once labels tell. Misses: rows that never get a label, and
    whether those that do are like the others.

    Parameters
    ----------
    reference:
        The sums of the reference's own labels; zeros where it has none.
    """

    outcome: Outcome
    quality: ClassQuality | NumberQuality
    reference: Sums
    settings: LabelsSettings

    size = 0
    inputs = ()
    headers = ()

    def observe(self, rows: Indexed) -> Observation:
        return Observation(np.zeros(0, np.int64), trail=self.trail(rows))

    def trail(self, rows: Indexed) -> NDArray[np.uint8]:
        """What is to be known of rows when their labels come."""
        return self.quality.trail(self.outcome.answers(rows), self.outcome.probabilities(rows))

    def number_of_label(self, value: Any) -> float:
        return self.outcome.number_of_label(value)

    @property
    def settled_size(self) -> int:
        """Rows, then what labels tell."""
        return 1 + self.quality.size

    def awaited(self, trail: NDArray[np.uint8]) -> Sums:
        sums = np.zeros(self.settled_size, np.int64)
        sums[0] = len(trail)
        return sums

    def labelled(self, trail: NDArray[np.uint8], values: NDArray[np.float64]) -> Sums:
        return np.concatenate([[0], self.quality.labelled(trail, values)])

    def settle(self, sums: Sums, is_final: bool) -> LabelsFinding:
        rows = int(sums[0])
        found = self.quality.finding(rows, sums[1:], self.reference, is_final=is_final)
        if found.labelled < MIN_LABELLED:
            raise NotEnoughData(
                f"{found.labelled} of {rows} rows have a label; {MIN_LABELLED} are needed"
            )
        return found

    def fold(self, watched: Watched) -> LabelsFold:
        parts = {name: part for name, part in watched.parts.items() if isinstance(part, Settling)}
        return LabelsFold(
            watched, parts or {NAME: self}, terms_of(self.settings), self.settings.min_coverage
        )

    def pack(self) -> Packed:
        header = {
            "settings": self.settings.model_dump(mode="json"),
            "outcome": self.outcome.pack(),
        }
        arrays = {"reference": self.reference}
        if isinstance(self.quality, NumberQuality):
            return Packed({**header, "scale": self.quality.scale}, arrays)
        return Packed(header, {**arrays, "edges": self.quality.edges, "bands": self.quality.bands})


def terms_of(settings: LabelsSettings) -> Terms:
    return Terms(
        round(settings.window_seconds * _NS),
        round(settings.wait_seconds * _NS),
        settings.max_rows,
        round(settings.early_seconds * _NS),
    )


def fit_labels(reference: Reference) -> LabelsDetector | None:
    """Learns the outcome, the bins of its scores, and how good the model was on the reference."""
    settings, asked = reference.model.detectors.labels, reference.model.outcome
    if settings is None:
        return None
    if asked is None:
        raise ConfigError(
            "detectors.labels: 'outcome' is not set; say under it which output holds the decision"
        )
    outcome = learn_outcome(asked, reference.table)
    quality = _quality(outcome, reference)
    detector = LabelsDetector(outcome, quality, np.zeros(quality.size, np.int64), settings)
    if asked.label is None or asked.label not in reference.table:
        return detector
    truth = outcome.numbers(reference.table[asked.label])
    known = ~np.isnan(truth)
    trail = detector.trail(reference.rows)
    return replace(detector, reference=quality.labelled(trail[known], truth[known]))


def unpack_labels(packed: Packed, grid: Grid, features: int) -> LabelsDetector:
    settings = LabelsSettings.model_validate(packed.header["settings"])
    outcome = unpack_outcome(packed.header["outcome"])
    quality: ClassQuality | NumberQuality
    if outcome.is_regression:
        quality = NumberQuality(float(packed.header["scale"]))
    else:
        quality = ClassQuality(outcome, packed.arrays["edges"], packed.arrays["bands"])
    reference = np.asarray(packed.arrays["reference"], np.int64)
    if reference.shape != (quality.size,):
        raise ValueError(f"{reference.shape} sums of the reference, not {quality.size}")
    return LabelsDetector(outcome, quality, reference, settings)


def _quality(outcome: Outcome, reference: Reference) -> ClassQuality | NumberQuality:
    _refuse_unwatched(outcome, reference)
    answers = outcome.answers(reference.rows)
    if outcome.is_regression:
        label = outcome.settings.label
        known = [] if label is None or label not in reference.table else [reference.table[label]]
        return NumberQuality(scale_of(answers, *map(outcome.numbers, known)))
    probabilities = outcome.probabilities(reference.rows)
    if probabilities is None:
        return ClassQuality(outcome, np.zeros((0, 0)), np.zeros(0))
    one = len(outcome.classes) == 2
    scores = probabilities[:, [positive_of(outcome)]] if one else probabilities
    bands = bands_of(stands_for(outcome, answers, probabilities))
    return ClassQuality(outcome, edges_of(scores), bands)


def _refuse_unwatched(outcome: Outcome, reference: Reference) -> None:
    """Only watched outputs are there when rows are scored."""
    for name in outcome.outputs:
        if name not in reference.model.outputs:
            raise ConfigError(f"outcome: {name!r} is not watched; declare it under 'outputs'")
