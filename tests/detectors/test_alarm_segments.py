"""Sequential alarms of segments, from panes as a decider is given them."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import orjson

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import DRIFT, Fitted, fit
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from tests.detectors.traffic import MODEL, SECOND, START_NS

SHARES = {"at": 0.5, "de": 0.3, "fr": 0.16, "li": 0.04}
PANE, QUIET, CHANGED = 250, 30, 60


def drawn(rng: np.random.Generator, count: int, shift: float = 0.0) -> Columns:
    """Four columns; `shift` moves the first where the country is Liechtenstein, 4 % of rows."""
    country = rng.choice(np.array(list(SHARES), object), count, p=list(SHARES.values()))
    values = rng.standard_normal((count, 4))
    values[country == "li", 0] += shift
    return Columns.of(country=country, **{f"x{n}": values[:, n] for n in range(4)})


@cache
def plan(by: str | None) -> Plan:
    model = ModelSettings.model_validate({"detectors": {"drift": {"by": by}}})
    reference: Fitted = fit(drawn(np.random.default_rng(0), 20_000), model)
    return Plan(MODEL, reference, DetectorsSettings())


def alarms(of: Plan, seed: int, shift: float, restart: bool = False) -> list[Alarm]:
    """Those of a stream of panes, the last two thirds changed; through records and snapshots."""
    rng, decider = np.random.default_rng(seed), Decider(of, 1)
    counted: dict[str, int] = {}
    found: list[Any] = []
    for begin, end in pairwise(range(0, (QUIET + CHANGED + 1) * PANE, PANE)):
        rows = drawn(rng, PANE, shift if begin >= QUIET * PANE else 0.0)
        samples = [
            Sample(begin + n, START_NS + (begin + n) * SECOND, "", rows.take(slice(n, n + 10)))
            for n in range(0, PANE, 10)
        ]
        scored = score(of, samples, counted)
        counted = dict(scored.counted)
        place = (0, begin, end, START_NS + end * SECOND, of.bucket_ns)
        pane = Pane(MODEL, of.id, *place, scored.slices, scored.flags)
        if restart and begin % (10 * PANE) == 0:
            saved, decider = orjson.loads(orjson.dumps(decider.saved())), Decider(of, 1)
            decider.restore(saved)
        found += decider.accept(Pane.from_record(pane.to_record()))
    return [one for one in found if isinstance(one, Alarm) and one.detector == DRIFT]


def test_a_change_of_a_small_segment_that_the_whole_hides_is_found_and_named() -> None:
    assert alarms(plan(None), 1, shift=1.0) == []
    found = alarms(plan("country"), 1, shift=1.0)

    assert [one.change for one in found] == ["raised"]
    assert [(one.segment, one.column) for one in found[0].suspects] == [("li", "x0")]
    assert alarms(plan("country"), 1, shift=1.0, restart=True) == found


def test_quiet_segments_raise_no_alarm() -> None:
    assert [alarms(plan("country"), seed, shift=0.0) for seed in (2, 3, 4)] == [[], [], []]


def test_what_segments_keep_is_bounded_by_their_number_not_by_rows() -> None:
    whole, apart = (plan(by).rules()[DRIFT] for by in (None, "country"))
    alone, together = (len(orjson.dumps(rule.saved())) for rule in (whole, apart))
    # The grid's segments and "(other)", where the reference has rows; each at a third.
    assert together < alone * (1 + 5 * 0.6)
