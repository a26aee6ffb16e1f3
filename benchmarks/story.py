"""The demo's story told over many seeds, without the wire: how soon is the change found, how often
is there a false alarm? Every seed draws its own training rows, reference, order and arrivals.

    python -m benchmarks.story [--seeds 20] [--window 700]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidelight.config.settings import ModelSettings
from sidelight.demo import data, model, scenario
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.indexed import Indexed


@dataclass(frozen=True)
class Telling:
    """One seed: windows before the change, false alarms in them, windows from onset to alarm."""

    seed: int
    quiet_windows: int
    false_alarms: int
    delay_windows: int | None
    accuracy_quiet: float
    accuracy_opened: float
    flagged_quiet: float


def tell(folder: Path, seed: int, window: int) -> Telling:
    """The story of one seed."""
    story = scenario.build(folder, seed)
    trees = model.train(story.training, seed)
    watched = [_answered(trees, survey) for survey in (story.reference, story.quiet, story.opened)]
    settings = ModelSettings.model_validate(_settings(window))
    fitted = fit(watched[0], settings)
    quiet = [fitted.index(watched[1].take(cut)) for cut in _windows(len(watched[1]), window)]
    opened = [fitted.index(watched[2].take(cut)) for cut in _windows(len(watched[2]), window)]
    verdicts = [
        fitted.judge(fitted.summarise(cells), number).is_drift
        for number, cells in enumerate([*quiet, *opened], 1)
    ]
    after = verdicts[len(quiet) :]
    return Telling(
        seed,
        len(quiet),
        sum(verdicts[: len(quiet)]),
        after.index(True) + 1 if any(after) else None,
        model.accuracy(trees, story.quiet),
        model.accuracy(trees, story.opened),
        _flagged(fitted, quiet, settings),
    )


def _settings(window: int) -> dict[str, object]:
    kinds = dict.fromkeys(data.FEATURES, "categorical") | {"AGEP": "numeric"}
    return {
        "features": kinds,
        "outputs": {"probability": "numeric", "prediction": "categorical"},
        "detectors": {"drift": {"window": window}, "outlier": {"rate": 0.01}},
    }


def _answered(trees: object, survey: data.Survey) -> Columns:
    probability = trees.predict_proba(model.matrix(survey.people))[:, 1]  # type: ignore[attr-defined]
    answers = (
        Column("probability", probability),
        Column("prediction", (probability >= 0.5).astype(np.int64)),
    )
    return Columns((*survey.people.columns, *answers))


def _windows(rows: int, window: int) -> list[slice]:
    return [slice(start, start + window) for start in range(0, rows - window + 1, window)]


def _flagged(fitted: Fitted, windows: list[Indexed], settings: ModelSettings) -> float:
    scores = [fitted.score(rows) for rows in windows]
    rate = settings.detectors.outlier.rate if settings.detectors.outlier else 0.0
    return float(np.mean([score.p_values <= rate for score in scores if score is not None]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--window", type=int, default=700)
    parser.add_argument("--data", type=Path, default=Path("build/data"))
    options = parser.parse_args()
    folder = data.fetch(options.data)
    print("seed  windows  false alarms  delay (windows)  accuracy quiet -> opened  flagged")
    tellings = [tell(folder, seed, options.window) for seed in range(options.seeds)]
    for one in tellings:
        print(
            f"{one.seed:4}  {one.quiet_windows:7}  {one.false_alarms:12}  {one.delay_windows!s:>15}"
            f"  {one.accuracy_quiet:13.3f} -> {one.accuracy_opened:.3f}   {one.flagged_quiet:8.4f}"
        )
    print(
        f"{sum(one.false_alarms > 0 for one in tellings)} of {len(tellings)} runs with a false "
        f"alarm; alarm one window after the onset in "
        f"{sum(one.delay_windows == 1 for one in tellings)}"
    )


if __name__ == "__main__":
    main()
