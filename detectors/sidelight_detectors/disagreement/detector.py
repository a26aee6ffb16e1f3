"""Single rows that a model answers unlike everything beside them: the detector `disagreement`.

An adversarial example is made to lie among rows of one answer and get another; it then lies close
to where the answers change. Both can be seen without asking the model: the reference holds rows
with answers, and the row came with its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.disagreement import DisagreementSettings, Evidence
from sidelight.errors import NotEnoughData
from sidelight_detectors.content import content_of
from sidelight_detectors.contract import Observation, Packed, RowScores
from sidelight_detectors.disagreement.answers import learn_answers, unpack_answers
from sidelight_detectors.disagreement.measures import (
    Measures,
    Told,
    fit_measures,
    unpack_measures,
)
from sidelight_detectors.disagreement.sharing import shared_out
from sidelight_detectors.flagging import FLAGGING_SUMS, Flagging, flagging_by, sums_of, ticks
from sidelight_detectors.grid import Grid
from sidelight_detectors.guarantee import Guarantee
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.combined import Tail, tail_of
from sidelight_detectors.packing import integers
from sidelight_detectors.split import held_out

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

WEIGHTS: Mapping[Evidence, float] = {"answers": 4, "margin": 2, "tails": 1, "distance": 1}
"""What each kind of evidence has to say; chosen in `benchmarks.disagreement`."""


@dataclass(frozen=True, eq=False)
class DisagreementDetector:
    """Evidence of several kinds, each by its rarity in the reference, added up.

    Parameters
    ----------
    content:
        Hex sha256 of the reference rows: what all floats follow from.
    rarity:
        How rare each kind of evidence is among reference rows; a kind that the reference does not
        know has none.
    """

    settings: DisagreementSettings
    content: str
    measures: Measures
    rarity: Mapping[Evidence, Tail]
    flagging: Flagging

    @property
    def size(self) -> int:
        return FLAGGING_SUMS

    @property
    def inputs(self) -> tuple[str, ...]:
        """None beside the watched ones: answers are read as they were sent."""
        return ()

    @property
    def headers(self) -> tuple[str, ...]:
        return ()

    @property
    def method(self) -> str:
        return "nearest-answers"

    @property
    def expected_rate(self) -> float:
        return self.settings.rate

    @property
    def rate_bound(self) -> float | None:
        return self.guarantee.bound

    @property
    def guarantee(self) -> Guarantee:
        return self.flagging.guarantee

    def observe(self, rows: Indexed) -> Observation:
        scores = self.score(rows)
        return Observation(sums_of(scores), scores)

    def score(self, rows: Indexed) -> RowScores:
        """Scores and p-values, and for flagged rows what makes the score and why."""
        told = self.measures.told(rows, self.measures.near(rows))
        nats = nats_of(self.rarity, told)
        scores = added(nats, len(rows))
        p_values = self.flagging.p_values(scores)
        flagged = self.flagging.flags(p_values)
        contributions = np.zeros((len(rows), rows.cells.shape[1]))
        strange = np.flatnonzero(flagged)
        if len(strange):
            own = {name: part[strange] for name, part in nats.items()}
            contributions[strange] = shared_out(self.measures, rows.take(strange), own)
        reasons = {int(row): reasons_of(told, int(row)) for row in strange}
        return RowScores(scores, p_values, contributions, flagged, reasons)

    def pack(self) -> Packed:
        header = {
            "settings": self.settings.model_dump(mode="json"),
            "content": self.content,
            "answers": self.measures.answers.pack(),
        }
        # As with outliers: all else follows from these rows and settings.
        derived = self.measures.pack() | {"calibration": self.flagging.calibration}
        for name, tail in self.rarity.items():
            derived[f"{name}_tail"] = np.array([tail.at, tail.nats])
            derived[f"{name}_slope"] = np.array([tail.slope])
        return Packed(header, {}, derived)


def nats_of(rarity: Mapping[Evidence, Tail], told: Told) -> Told:
    """What each kind adds to the score, ``(n,)``; nothing where it is not known."""
    weight = {name: WEIGHTS[name] / sum(map(WEIGHTS.__getitem__, rarity)) for name in rarity}
    found = {name: weight[name] * tail.of(told[name]) for name, tail in rarity.items()}
    return {name: np.where(np.isnan(part), 0.0, part) for name, part in found.items()}


def added(nats: Told, rows: int) -> NDArray[np.float64]:
    return np.asarray(sum(nats.values(), np.zeros(rows)))


def reasons_of(told: Told, row: int) -> tuple[str, ...]:
    """What is known of the answer of a row, for people."""
    unlike, close = told["answers"][row], told["margin"][row]
    told_of = {"unlike the nearest rows' answers by": unlike, "margin": 1 - close}
    return tuple(f"{text} {value:.3g}" for text, value in told_of.items() if not np.isnan(value))


def fit_disagreement(reference: Reference) -> DisagreementDetector | None:
    """Fits on a random share of the reference and calibrates on the rest.

    Raises
    ------
    ConfigError
        There is no `outcome`, an output of it is not watched, or the evidence asked for is not
        there.
    NotEnoughData
        No p-value could be as small as the rate, or the reference has no answers.
    """
    settings = reference.model.detectors.disagreement
    if settings is None:
        return None
    answers, rows = learn_answers(reference), reference.rows
    out = held_out(len(rows), settings.calibration)
    grid, features = reference.grid, reference.features
    measures, others = fit_measures(answers, grid, features, rows.take(~out), settings.neighbours)
    rarity = _rarity(settings, measures.told(others, measures.near(others)))
    aside = rows.take(out)
    found = added(nats_of(rarity, measures.told(aside, measures.near(aside))), len(aside))
    flagging = flagging_by(settings, ticks(found), is_held_out=True)
    content = content_of(rows, len(grid.columns))
    return DisagreementDetector(settings, content, measures, rarity, flagging)


def _rarity(settings: DisagreementSettings, told: Told) -> dict[Evidence, Tail]:
    """Of the kinds asked for that reference rows know of."""
    known = {name: told[name][~np.isnan(told[name])] for name in settings.evidence}
    if not any(map(len, known.values())):
        raise NotEnoughData(
            f"detectors.disagreement.evidence: the reference has no {' and no '.join(known)}; "
            "name other evidence, or the outputs with probabilities under 'outcome'"
        )
    return {name: tail_of(values) for name, values in known.items() if len(values)}


def unpack_disagreement(packed: Packed, grid: Grid, features: int) -> DisagreementDetector:
    settings = DisagreementSettings.model_validate(packed.header["settings"])
    answers, arrays = unpack_answers(packed.header["answers"]), packed.derived
    measures = unpack_measures(answers, arrays, grid, features)
    rarity = {
        name: _tail(arrays[f"{name}_tail"], arrays[f"{name}_slope"])
        for name in settings.evidence
        if f"{name}_tail" in arrays
    }
    flagging = flagging_by(settings, integers(arrays["calibration"], None), is_held_out=True)
    content = str(packed.header["content"])
    return DisagreementDetector(settings, content, measures, rarity, flagging)


def _tail(lines: NDArray[np.float64], slope: NDArray[np.float64]) -> Tail:
    return Tail(lines[0], lines[1], float(slope[0]))
