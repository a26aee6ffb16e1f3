"""Rows that resemble each other: blocks count once, and too few of them are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError

from sidelight.config.detecting.drift import AlarmSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.alarms.band import band_of_blocks
from sidelight_detectors.alarms.blocks import BLOCKS, UNIT, Blocks, least_blocks
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule
from sidelight_detectors.alarms.stakes import stakes_of_blocks
from sidelight_detectors.alarms.units import DAY_NS
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.indexed import Origin
from sidelight_detectors.summary import Summary
from tests.detectors.traffic import plan

ROWS = 8
"""Of a request: all but the same row, sent again and again."""


def bursts(rng: np.random.Generator, requests: int, shift: float = 0.0) -> Columns:
    """Requests of `ROWS` rows that hardly differ; the column `of` tells them apart."""
    centres = np.repeat(rng.normal(shift, 1, requests), ROWS)
    kinds = np.repeat(rng.choice(np.array(["a", "b"], object), requests), ROWS)
    of = np.repeat(np.arange(requests), ROWS)
    return Columns.of(x=centres + rng.normal(0, 0.01, len(centres)), kind=kinds, of=of)


def fitted(reference: Columns, **alarm: Any) -> Fitted:
    drift = {"tolerance": 0.0, "alarm": alarm}
    document = {
        "features": {"x": "numeric", "kind": "categorical"},
        "detectors": {"drift": drift},
    }
    return fit(reference, ModelSettings.model_validate(document))


def summed(of: Fitted, rows: Columns, numbers: Any = None) -> Summary:
    exchange = rows["of"].values if numbers is None else numbers
    origin = Origin(exchange, np.zeros(len(rows), np.int64))
    return of.summarise(replace(of.index(rows), origin=origin))


def rule_of(of: Fitted) -> AlarmRule:
    return replace(plan(), fitted=of).rules()["drift"]


def raised(of: Fitted, panes: Iterator[Summary]) -> bool:
    rule = rule_of(of)
    return any(rule.observe({WHOLE: pane}) for pane in panes)


def test_bursts_cry_wolf_by_row_and_not_by_request() -> None:
    by_row, by_request, found = 0, 0, 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        reference = bursts(rng, 300)
        rows, requests = fitted(reference), fitted(reference, block="request", block_by="of")
        seen = [bursts(rng, 40) for _ in range(300)]
        by_row += raised(rows, (summed(rows, one) for one in seen))
        by_request += raised(requests, (summed(requests, one) for one in seen))
        changed = (summed(requests, bursts(rng, 40, shift=1.5)) for _ in range(100))
        found += raised(requests, changed)

    assert by_row >= 2
    assert by_request == 0
    assert found == 6


def test_a_request_counts_once_whatever_its_rows_and_their_order() -> None:
    rng = np.random.default_rng(0)
    of = fitted(bursts(rng, 300), block="request", block_by="of")
    rows = bursts(rng, 5)
    order = rng.permutation(len(rows))
    whole = summed(of, rows)
    first = rows["of"].values < 2
    parts = summed(of, rows.take(first)) + summed(of, rows.take(~first))

    assert whole == summed(of, rows.take(order)) == parts
    assert whole.sums[BLOCKS][:2].tolist() == [5, 5]
    assert whole.sums[BLOCKS][2:].max() <= 5 * UNIT


def test_rows_of_unknown_origin_are_in_no_request() -> None:
    of = fitted(bursts(np.random.default_rng(0), 300), block="request", block_by="of")
    pane = of.summarise(of.index(bursts(np.random.default_rng(1), 5)))

    assert not pane.sums[BLOCKS].any()
    assert rule_of(of).observe({WHOLE: pane}) is None


def test_a_day_is_judged_when_it_is_over_and_counts_once() -> None:
    rng = np.random.default_rng(0)
    of = fitted(bursts(rng, 400), block="day", block_by="of")
    rule = rule_of(of)
    days = []
    for day in range(60):
        for part in range(3):
            pane = of.summarise(of.index(bursts(rng, 50, shift=3.0)))
            if rule.observe({WHOLE: pane}, day * DAY_NS + part):
                days.append((day, part))
        saved, rule = orjson.loads(orjson.dumps(rule.saved())), rule_of(of)
        rule.restore(saved)

    assert len(days) == 1
    assert days[0][1] == 0, "with the first pane of the next day"


def test_rows_of_a_day_that_is_over_are_in_none() -> None:
    rng = np.random.default_rng(0)
    of = fitted(bursts(rng, 400), block="day", block_by="of")
    pane, rule = of.summarise(of.index(bursts(rng, 50))), rule_of(of)
    rule.observe({WHOLE: pane}, 5 * DAY_NS)
    before = rule.saved()
    rule.observe({WHOLE: pane}, 4 * DAY_NS)

    assert rule.saved() == before


def test_too_few_blocks_are_not_enough_data() -> None:
    least = least_blocks(0.05 / 2 / 2)
    rng = np.random.default_rng(0)
    fitted(bursts(rng, least), block="request", block_by="of")
    with pytest.raises(NotEnoughData, match=f"{least - 1} blocks of 'of'.*at least {least}"):
        fitted(bursts(rng, least - 1), block="request", block_by="of")


def test_the_column_of_blocks_must_be_there() -> None:
    with pytest.raises(ConfigError, match="has no column 'household'"):
        fitted(bursts(np.random.default_rng(0), 50), block="request", block_by="household")


@pytest.mark.parametrize(
    "wrong",
    [
        {"block": "request"},
        {"block_by": "of"},
        {"block": "client", "block_by": "of"},
        {"rule": "windows", "block": "day", "block_by": "of"},
        {"rule": "windows", "run_length": 1000},
    ],
)
def test_settings_that_promise_what_is_not_kept_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlarmSettings.model_validate(wrong)


def test_a_saved_reference_keeps_its_blocks(tmp_path: Any) -> None:
    of = fitted(bursts(np.random.default_rng(0), 300), block="request", block_by="of")
    of.save(tmp_path / "fitted.npz")
    again = Fitted.load(tmp_path / "fitted.npz")
    rows = bursts(np.random.default_rng(1), 5)

    assert again.plan == of.plan
    assert summed(again, rows) == summed(of, rows)
    assert "requests being exchangeable" in replace(plan(), fitted=again).promise


def test_the_null_holds_what_rounding_can_take_from_a_request_of_a_million_rows() -> None:
    blocks = fitted(bursts(np.random.default_rng(0), 300), block="request", block_by="of").parts[
        BLOCKS
    ]
    assert isinstance(blocks, Blocks)
    null, counts = stakes_of_blocks(blocks, 0.0, 0.025).null, blocks.count[blocks.cuts.column]
    band = band_of_blocks(blocks.cuts, blocks.sums / UNIT / counts, counts.astype(float), 0.025)
    lost = 1 - 1_000_000 * (UNIT // 1_000_000) / UNIT
    assert (null.highest >= band.upper + lost).all()
    assert (null.lowest <= band.lower - lost).all()
