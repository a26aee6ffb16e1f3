"""The demo's story told over many seeds, without the wire: how soon is the change found, how often
is there a false alarm? Every seed draws its own training rows, reference, order and arrivals.

    python -m benchmarks.story [--seeds 20] [--window 700]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.demo import data, model, scenario
from sidelight.tensors import Column, Columns
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule, Verdict
from sidelight_detectors.fitted import DRIFT, Fitted, fit
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.summary import Summary

RUN = 50
"""Rows of a run, as in the demo."""


@dataclass(frozen=True)
class Telling:
    """One seed: rows before the change, false alarms in them, rows from onset to alarm.

    `windows_alone` is the delay of the rule that raises an alarm with the first window that drifts.
    """

    seed: int
    quiet_rows: int
    false_alarms: int
    delay_rows: int | None
    windows_alone: int | None
    blamed: str
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
    windows = fit(watched[0], ModelSettings.model_validate(_settings(window, "windows")))
    plan = Plan("employment", fitted, DetectorsSettings())
    quiet = [fitted.index(watched[1].take(cut)) for cut in _cuts(len(watched[1]), RUN)]
    opened = [fitted.index(watched[2].take(cut)) for cut in _cuts(len(watched[2]), RUN)]
    verdicts = list(_verdicts(plan.rules()[DRIFT], map(fitted.summarise, [*quiet, *opened])))
    onset = RUN * len(quiet)
    found = [(row, verdict) for row, verdict in verdicts if row > onset]
    return Telling(
        seed,
        onset,
        len(verdicts) - len(found),
        found[0][0] - onset if found else None,
        _by_windows(windows, watched[2], window, len(watched[1]) // window),
        ", ".join(one.column for one in found[0][1].suspects[:3]) if found else "",
        model.accuracy(trees, story.quiet),
        model.accuracy(trees, story.opened),
        _flagged(fitted, quiet, settings),
    )


def _verdicts(rule: AlarmRule, panes: Iterable[Summary]) -> Iterator[tuple[int, Verdict]]:
    """Alarms raised, with the rows until then."""
    for number, pane in enumerate(panes, 1):
        verdict = rule.observe({WHOLE: pane})
        if verdict is not None and verdict.change == "raised":
            yield RUN * number, verdict


def _by_windows(fitted: Fitted, opened: Columns, window: int, before: int) -> int | None:
    for number, cut in enumerate(_cuts(len(opened), window), 1):
        summary = fitted.summarise(fitted.index(opened.take(cut)))
        if fitted.judge(summary, before + number).is_drift:
            return number * window
    return None


def _settings(window: int, rule: str = "sequential") -> dict[str, object]:
    kinds = dict.fromkeys(data.FEATURES, "categorical") | {"AGEP": "numeric"}
    return {
        "features": kinds,
        "outputs": {"probability": "numeric", "prediction": "categorical"},
        "detectors": {
            "drift": {"window": window, "alarm": {"rule": rule}},
            "outlier": {"rate": 0.01},
        },
    }


def _answered(trees: object, survey: data.Survey) -> Columns:
    probability = trees.predict_proba(model.matrix(survey.people))[:, 1]  # type: ignore[attr-defined]
    answers = (
        Column("probability", probability),
        Column("prediction", (probability >= 0.5).astype(np.int64)),
    )
    return Columns((*survey.people.columns, *answers))


def _cuts(rows: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, rows - size + 1, size)]


def _flagged(fitted: Fitted, runs: list[Indexed], settings: ModelSettings) -> float:
    scores = [fitted.score(rows) for rows in runs]
    rate = settings.detectors.outlier.rate if settings.detectors.outlier else 0.0
    return float(np.mean([score.p_values <= rate for score in scores if score is not None]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--window", type=int, default=700)
    parser.add_argument("--data", type=Path, default=Path("build/data"))
    options = parser.parse_args()
    folder = data.fetch(options.data)
    print(
        "seed    quiet  false  delay (rows)  by windows  accuracy quiet -> opened  flagged  blamed"
    )
    tellings = [tell(folder, seed, options.window) for seed in range(options.seeds)]
    for one in tellings:
        print(
            f"{one.seed:4}  {one.quiet_rows:7}  {one.false_alarms:5}  {one.delay_rows!s:>12}"
            f"  {one.windows_alone!s:>10}  {one.accuracy_quiet:14.3f} -> {one.accuracy_opened:.3f}"
            f"  {one.flagged_quiet:8.4f}  {one.blamed}"
        )
    delays = [one.delay_rows for one in tellings if one.delay_rows is not None]
    print(
        f"{sum(one.false_alarms > 0 for one in tellings)} of {len(tellings)} runs with a false "
        f"alarm; the change found in {len(delays)}, after {np.median(delays):,.0f} rows (median)"
    )


if __name__ == "__main__":
    main()
