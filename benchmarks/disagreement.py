"""Adversarial examples found one by one, without asking the model: what `disagreement` finds.

    python -m benchmarks.disagreement [--attempts 30] [--queries 600]

Real models (a perceptron on digits, a forest on people of a census, logistic regression on film
reviews) are attacked as in `benchmarks.attacks`. Of each attack the last adversarial example
counts: what the attacker would use. Printed are the shares of them that are flagged, by kind of
evidence, beside the share of benign rows, at two rates; and rows a second.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping

import numpy as np

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.contract import RowScores
from sidelight_detectors.fitted import Fitted, fit
from tests.detectors.attacking import families, wording
from tests.detectors.attacking.spaces import space_of
from tests.detectors.attacking.targets import TARGETS, Target

BENIGN = 4000
RATES = (0.01, 0.05)
KINDS = (
    ("answers",),
    ("answers", "margin"),
    ("answers", "margin", "tails"),
    ("answers", "margin", "tails", "distance"),
)


def answered(target: Target, rows: Columns) -> Columns:
    """Rows with the model's probabilities, a column a class."""
    found = target.probabilities(rows)
    told = {f"p{place}": column for place, column in enumerate(found.T)}
    return Columns((*rows.columns, *Columns.of(**told).columns))


def fitted_for(target: Target, evidence: tuple[str, ...], rate: float) -> Fitted:
    outputs = {str(place): f"p{place}" for place in range(target.classes)}
    settings = {
        "features": dict(target.features),
        "outputs": dict.fromkeys(outputs.values(), "numeric"),
        "outcome": {"probability": outputs, "favorable": ["1"]},
        "detectors": {"disagreement": {"evidence": evidence, "rate": rate}},
    }
    return fit(answered(target, target.reference), ModelSettings.model_validate(settings))


def scored(fitted: Fitted, rows: Columns) -> RowScores:
    found = fitted.score(fitted.index(rows), "disagreement")
    assert found is not None
    return found


def examples(target: Target, attempts: int, limit: int) -> Iterator[tuple[str, Columns]]:
    """By family: the last adversarial example of each attack that had one."""
    known = families.FAMILIES if target.name != "reviews" else wording.FAMILIES
    attempt = families.attempt if target.name != "reviews" else wording.attempt
    for family in known:
        tried = [attempt(target, family, victim, limit) for victim in range(attempts)]
        last = [_last(target, one.victim, one.queries) for one in tried if one.success]
        if last:
            yield f"{family} {len(last)}/{attempts}", Columns.concatenate(last)


def _last(target: Target, victim: int, queries: Columns) -> Columns:
    chosen = target.victims.take(slice(victim, victim + 1))
    truth = int(target.probabilities(chosen).argmax())
    fooled = target.probabilities(queries).argmax(axis=1) != truth
    if target.name != "reviews":
        space = space_of(target, chosen)
        start, points = space.points(chosen), space.points(queries)
        fooled &= np.array([space.is_small(start, point[None]) for point in points])
    place = int(np.flatnonzero(fooled)[-1])
    return queries.take(slice(place, place + 1))


def report(target: Target, found: Mapping[str, Columns]) -> None:
    benign = answered(target, target.benign.take(slice(0, BENIGN)))
    adversarial = {family: answered(target, rows) for family, rows in found.items()}
    print(f"{target.name}: {len(benign)} benign rows; {', '.join(found)} attacks that succeeded")
    for rate in RATES:
        for evidence in KINDS:
            fitted = fitted_for(target, evidence, rate)
            indexed = fitted.index(benign)
            began = time.perf_counter()
            fitted.observe(indexed)
            speed = len(benign) / (time.perf_counter() - began)
            shares = [scored(fitted, rows).flagged.mean() for rows in adversarial.values()]
            told = " ".join(f"{share:6.0%}" for share in shares)
            quiet = scored(fitted, benign).flagged.mean()
            print(f"  {rate:4.0%} {'+'.join(evidence):32} {told}  {quiet:6.2%} {speed:9,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--attempts", type=int, default=30)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--only", choices=[*TARGETS])
    arguments = parser.parse_args()
    print(f"python -m benchmarks.disagreement --attempts {arguments.attempts}")
    print("rate, evidence, share flagged by attack, of benign rows, benign rows/s")
    for name, target in TARGETS.items():
        if arguments.only in (None, name):
            made = target()
            report(made, dict(examples(made, arguments.attempts, arguments.queries)))


if __name__ == "__main__":
    main()
