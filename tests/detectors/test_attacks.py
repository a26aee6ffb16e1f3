"""Real attacks by the Adversarial Robustness Toolbox, and on texts: seen while they run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sidelight.events.exchanges import from_record
from sidelight.protocols.decoding import decode_inputs
from tests.detectors.attacking import adaptive, families, recording
from tests.detectors.attacking.served import serving
from tests.detectors.attacking.targets import TARGETS
from tests.detectors.attacking.watched import NOBODY, Stream, folded, mixed, plan_of, report

EVERY = [(name, family) for name in ("digits", "census") for family in families.FAMILIES]
EVERY += [("reviews", "spoil"), ("reviews", "replace")]
SOME = [("digits", "square"), ("census", "simba"), ("reviews", "replace")]

UNTUNED = 100
"""The first of the victims that nothing was tuned on."""

LONG = 30
"""Queries of an attempt that is held to the promise; shorter ones are printed."""


@pytest.mark.parametrize(("name", "family"), SOME)
def test_an_attack_is_seen_while_it_runs(name: str, family: str) -> None:
    target = TARGETS[name]()
    plan = plan_of(target, 20)
    tried = recording.attempt(target, family, 1, limit=60)

    found = folded(plan, mixed([tried], target.benign, between=1, before=40))

    assert found.flagged[0] <= 60
    assert not found.false


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "family"), EVERY)
def test_nearly_all_of_a_hundred_attacks_are_seen(name: str, family: str) -> None:
    target = TARGETS[name]()
    plan = plan_of(target, 8)

    seen, short = [], []
    for one in recording.attempts(target, family, 100, UNTUNED):
        at = folded(plan, mixed([one], target.benign, 1, 100)).flagged.get(0)
        if len(one.queries) >= LONG:
            seen.append(at is not None)
        else:
            short.append((len(one.queries), at))

    print(
        f"{name} {family}: {sum(seen)} of {len(seen)} seen; short ones (queries, seen at) {short}"
    )
    assert len(seen) >= 50
    assert np.mean(seen) >= 0.95


@pytest.mark.soak
def test_one_query_in_a_thousand_is_seen() -> None:
    target = TARGETS["census"]()
    tried = [recording.attempt(target, "simba", victim, limit=60) for victim in range(4)]

    found = folded(plan_of(target, 250), mixed(tried, target.benign, 1000, 2000))

    assert len(found.flagged) >= 3
    assert not found.false


@pytest.mark.parametrize("name", ["digits", "census", "reviews"])
def test_rows_sent_again_and_batches_scored_twice_are_no_attack(name: str) -> None:
    target = TARGETS[name]()
    rows = recording.replayed(target.benign, 5_000, seed=3)

    found = folded(plan_of(target, 250), Stream(rows, np.full(len(rows), NOBODY)))

    assert found.episodes == 0


def test_the_log_tells_what_the_rows_alone_tell() -> None:
    target = TARGETS["census"]()
    plan = plan_of(target, 8)
    stream = mixed([recording.attempt(target, "simba", 0, limit=40)], target.benign, 1, 50)

    assert report(plan, target, stream).flagged == folded(plan, stream).flagged != {}


def test_pictures_that_are_rounded_before_they_are_sent_are_seen() -> None:
    target = TARGETS["digits"]()
    tried = families.attempt(target, "simba", 1, 60, disguise=adaptive.rounded)

    found = folded(plan_of(target, 8), mixed([tried], target.benign, 1, 100))

    assert 0 in found.flagged


def test_an_attack_over_http_is_told_with_its_queries(tmp_path: Path) -> None:
    target = TARGETS["reviews"]()
    with serving(tmp_path, target) as place:
        place.ask(target.benign.take(slice(0, 40)))
        tried = recording.attempt(target, "replace", 1, 60, place.ask)
        told = place.first_attack()
        raised = place.alarms()[0]
        record = place.log.get(told.queries[-1].address).record
        asked = decode_inputs(from_record(record))["text"].values[told.queries[-1].row]

    assert (raised.detector, raised.change) == ("adversarial", "raised")
    assert asked in tried.queries["text"].values
