"""How many adversarial digits feature squeezing finds, by squeezer, and what it costs.

A perceptron on 3,000 handwritten digits behind HTTP (V2). It is asked about 1,000 others to
calibrate (half of them set the scale of each squeezer), about the last 500 of another 1,000 as
ordinary rows, and about pictures made by attacks of the Adversarial Robustness Toolbox from the
first of these. HopSkipJump, Square and SimBA ask the model only; Carlini and Wagner's knows it.
*largest of all* is what the raw distances would find together, without a scale of each.
Run: ``python -m benchmarks.squeezing``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.detecting.squeezing import SqueezingSettings
from sidelight.config.settings import PredictorSettings
from sidelight.predictors import open_predictor
from sidelight.predictors.contract import Predictor
from sidelight.tensors import Columns
from sidelight_detectors.squeezing.calibrating import Calibrations
from sidelight_detectors.squeezing.distance import answer_of, apart
from sidelight_detectors.squeezing.squeezers import Squeezer, fit_squeezers, stacked
from tests.detectors.answering import answering
from tests.detectors.squeezed_digits import FAMILIES, Digits, digits, fooling, ordinary

RATES = (0.05, 0.01)
ATTACKED, ORDINARY, BLOCK = 100, 500, 50

Distances = NDArray[np.float64]


def main() -> None:
    known = digits()
    right = (known.probabilities(known.others).argmax(axis=1) == known.truth).mean()
    squeezers = fit_squeezers(
        _rows(known.reference), {"picture": FeatureSettings(kind="image")}, SqueezingSettings()
    )
    names = [squeezer.name for squeezer in squeezers]
    print(f"\nmodel: {right:.1%} of other pictures right; squeezers: {', '.join(names)}\n")
    with answering(known.answer) as server:
        predictor = open_predictor("digits", PredictorSettings(url=server.url))
        reference = _distances(predictor, squeezers, known.reference)
        usual = _measured(predictor, squeezers, known)
        fooled = {name: _fooled(predictor, squeezers, known, name) for name in FAMILIES}
        predictor.close()
    for rate in RATES:
        _tell(rate, names, reference, {"ordinary": usual, **fooled})


def _measured(predictor: Predictor, squeezers: tuple[Squeezer, ...], known: Digits) -> Distances:
    begin = time.perf_counter()
    found = _distances(predictor, squeezers, ordinary(known, ORDINARY))
    seconds = time.perf_counter() - begin
    rows = ORDINARY * (1 + len(squeezers))
    print(f"{ORDINARY / seconds:,.0f} pictures/s, {rows / seconds:,.0f} rows/s asked, one thread")
    return found


def _fooled(
    predictor: Predictor, squeezers: tuple[Squeezer, ...], known: Digits, family: str
) -> Distances:
    pictures = fooling(known, family, ATTACKED)
    print(f"{family}: {len(pictures)} of {ATTACKED} pictures fool the model")
    return _distances(predictor, squeezers, pictures)


def _distances(
    predictor: Predictor, squeezers: tuple[Squeezer, ...], pictures: NDArray[np.float32]
) -> Distances:
    blocks = (pictures[begin : begin + BLOCK] for begin in range(0, len(pictures), BLOCK))
    answers = (answer_of(predictor(stacked(_rows(one), squeezers)), None) for one in blocks)
    return np.concatenate([apart(answer, len(squeezers)) for answer in answers])


def _rows(pictures: NDArray[np.float32]) -> Columns:
    return Columns.of(picture=pictures)


def _tell(rate: float, names: list[str], reference: Distances, asked: dict[str, Distances]) -> None:
    print(f"\nflagged at a rate of {rate:g}\n")
    print(f"{'squeezer':>16}" + "".join(f"{one:>16}" for one in asked))
    views: dict[str, Callable[[Distances], Distances]] = {
        **{name: partial(_column, place) for place, name in enumerate(names)},
        "largest of all": lambda distances: distances.max(axis=1, keepdims=True),
        "all": lambda distances: distances,
    }
    for name, view in views.items():
        calibrations = Calibrations(len(reference), rate)
        calibrations.add("1", np.arange(len(reference)), view(reference))
        calibrated = calibrations.of("1")
        assert calibrated is not None
        flagged = [(calibrated.p_values(view(one)) <= rate).mean() for one in asked.values()]
        print(f"{name:>16}" + "".join(f"{one:>16.1%}" for one in flagged))


def _column(place: int, distances: Distances) -> Distances:
    return distances[:, [place]]


if __name__ == "__main__":
    main()
