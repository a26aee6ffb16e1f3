"""Real attacks on real models: which are seen, after how many queries, and what is seen in none.

    python -m benchmarks.attacks [--runs 100] [--first 100] [--benign 100000] [--batch 20]
        [--only digits]

A multi-layer perceptron on handwritten digits, a random forest on census rows and a TF-IDF
classifier of film reviews are attacked by HopSkipJump, Square and SimBA of the Adversarial
Robustness Toolbox, texts by DeepWordBug and a greedy search for words. Each attempt asks at most
200 different queries about one row, with an ordinary row after each, and begins again with another
seed when it ends: an attacker uses his budget. Four queries come in a run, which is how exactly
"queries until flagged" is known. The rows go into the detector past the log, which changes nothing
(`tests.detectors.test_attacks` holds both forms, and real processes over HTTP, to the same).

"before": flagged before the first adversarial example (or there was none). "in 200": flagged at
all; "of 30+": the same of attempts that asked at least 30 queries; "missed" tells how many of all
were not, and the queries of each. The detector was tuned on victims before `--first`.

Then ten attempts at once, each query followed by 1,000 ordinary rows an attempt; ordinary rows
alone, with retries and batches scored twice; and attackers who disguise their queries.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from sidelight.config.settings import ModelSettings
from sidelight.demo import data as survey
from sidelight.tensors import Columns
from sidelight_detectors.fitted import fit
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.attacking import families, recording
from tests.detectors.attacking.adaptive import DISGUISES
from tests.detectors.attacking.attempts import Attempt
from tests.detectors.attacking.targets import TARGETS, Target
from tests.detectors.attacking.watched import NOBODY, Stream, folded, mixed, plan_of

RUN_ROWS, RUN_ROWS_AT_WORK = 8, 250

LONG = 30
"""Queries that an attempt needs to tell much."""

Asked = Mapping[str, Any]
"""Settings of the detector."""


@dataclass(frozen=True)
class Outcome:
    """Of some attempts: queries until flagged (None: never) and until the first success."""

    flagged: Sequence[int | None]
    attempts: Sequence[Attempt]

    @property
    def line(self) -> str:
        seen = [at for at in self.flagged if at is not None]
        pairs = list(zip(self.flagged, self.attempts, strict=True))
        before = sum(at is not None and (a.success or at) >= at for at, a in pairs)
        missed = sorted(len(a.queries) for at, a in pairs if at is None)
        middle, most = np.percentile(seen, [50, 95]) if seen else (np.nan, np.nan)
        won = sum(a.success is not None for a in self.attempts)
        long = [at is not None for at, a in pairs if len(a.queries) >= LONG]
        return (
            f"{len(pairs):5} {won:5} {before / len(pairs):7.0%} {len(seen) / len(pairs):7.1%}"
            f" {sum(long):5}/{len(long):<4} {middle:5.0f} {most:5.0f} {len(missed):5}"
            f"  {' '.join(map(str, missed))}"
        )


HEAD = (
    f"{'':32} {'runs':>5} {'won':>5} {'before':>7} {'in 200':>7} {'of 30+':>10} {'median':>5}"
    f" {'95%':>4} missed"
)


def alone(plan: Plan, target: Target, attempts: Sequence[Attempt]) -> Outcome:
    """Each attempt for itself, one ordinary row after each query."""
    found = []
    for number, attempt in enumerate(attempts):
        others = target.benign.take(slice(37 * number % 1000, None))
        seen = folded(plan, mixed([attempt], others, between=1, before=100))
        found.append(seen.flagged.get(0))
    return Outcome(found, attempts)


def attacked(target: Target, runs: int, first: int, asked: Asked) -> None:
    plan = plan_of(target, RUN_ROWS, **asked)
    for family in recording.families_of(target):
        outcome = alone(plan, target, recording.attempts(target, family, runs, first))
        print(f"{target.name:10} {family:21} {outcome.line}", flush=True)


def disguised(target: Target, runs: int, first: int, asked: Asked) -> None:
    plan = plan_of(target, RUN_ROWS, **asked)
    for name, disguise in DISGUISES.get(target.name, {}).items():
        for family in families.FAMILIES:
            tried = [
                families.attempt(target, family, victim, recording.LIMIT, disguise=disguise)
                for victim in range(first, first + runs)
            ]
            line = alone(plan, target, tried).line
            print(f"{target.name:10} {family:13} {name:7} {line}", flush=True)


TURNS, AT_ONCE = 60, 10


def in_the_crowd(target: Target, first: int, asked: Asked) -> None:
    """Ten attempts, each query among 1,000 ordinary rows an attempt."""
    plan = plan_of(target, RUN_ROWS_AT_WORK, **asked)
    for family in recording.families_of(target):
        tried = recording.attempts(target, family, AT_ONCE, first)
        stream = mixed([_first(one, TURNS) for one in tried], target.benign, 1000, 10_000)
        found = folded(plan, stream)
        seen = sorted(found.flagged.values())
        print(
            f"{target.name:10} {family:21} {len(seen):3} of {AT_ONCE} flagged within {TURNS} "
            f"queries, after {seen}; {len(found.false)} false episodes",
            flush=True,
        )


def _first(attempt: Attempt, queries: int) -> Attempt:
    return Attempt(
        attempt.modality,
        attempt.family,
        attempt.victim,
        attempt.queries.take(slice(0, queries)),
        attempt.success,
    )


def false_episodes(name: str, plan: Plan, benign: Columns, count: int) -> None:
    rows = recording.replayed(benign, count, seed=1)
    begin = time.process_time()
    found = folded(plan, Stream(rows, np.full(len(rows), NOBODY)))
    seconds = time.process_time() - begin
    upper = stats.chi2.ppf(0.95, 2 * len(found.false) + 2) / 2
    each = count / 10_000
    print(
        f"{name:10} {count:9,} {len(found.false):9} {len(found.false) / each:11.2f}"
        f" {upper / each:11.2f} {count / seconds:9,.0f}",
        flush=True,
    )


def employment(asked: Asked) -> tuple[Plan, Columns]:
    """The survey: 2015 is the reference of 2018."""
    folder = survey.fetch(Path("build/data"))
    kinds = dict.fromkeys(survey.FEATURES, "categorical") | {"AGEP": "numeric"}
    document = {"features": kinds, "detectors": {"adversarial": asked}}
    settings = ModelSettings.model_validate(document)
    reference = survey.survey_2015(folder).people.take(_some(68_785, 20_000))
    service = plan_of(TARGETS["census"](), RUN_ROWS_AT_WORK).service
    later = survey.survey_2018(folder).people
    return Plan("employment", fit(reference, settings), service), later


def _some(rows: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.random.default_rng(0).permutation(rows)[:count]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=100)
    arguments.add_argument("--first", type=int, default=100)
    arguments.add_argument("--benign", type=int, default=100_000)
    arguments.add_argument("--batch", type=int)
    arguments.add_argument("--only", nargs="*", default=list(TARGETS))
    given = arguments.parse_args()
    asked: Asked = {} if given.batch is None else {"batch": given.batch}
    targets = [TARGETS[name]() for name in given.only]
    print(HEAD)
    for target in targets:
        attacked(target, given.runs, given.first, asked)
    print("\ndisguised")
    for target in targets:
        disguised(target, max(1, given.runs // 5), given.first, asked)
    print("\nten attempts at once, each query among 1,000 ordinary rows an attempt")
    for target in targets:
        in_the_crowd(target, given.first, asked)
    print("\nordinary       rows  episodes  per 10,000  95% bound  rows/s (index, print, fold)")
    for target in targets:
        plan = plan_of(target, RUN_ROWS_AT_WORK, **asked)
        false_episodes(target.name, plan, target.benign, given.benign)
    if "census" in given.only:
        plan, later = employment(asked)
        false_episodes(plan.model, plan, later, given.benign)


if __name__ == "__main__":
    main()
