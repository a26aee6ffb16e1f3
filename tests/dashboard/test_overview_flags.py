from __future__ import annotations

import pytest
from scipy.stats import binom

from sidelight_dashboard.outliers.chance import BEYOND, Ordinary
from sidelight_dashboard.outliers.flaggers import KNOWN
from sidelight_dashboard.overview.flags import Slot, flags_status

OUTLIER = KNOWN["outlier"]
RATE = 0.01


def slot(number: int, flagged: int, rows: int = 1000) -> Slot:
    """Of minute `number`."""
    return Slot(number * 60, number * 60 + 59, rows, {"outlier": flagged})


def most_by_chance(rate: float) -> int:
    """The largest count of 1000 rows that is not more than chance."""
    return max(k for k in range(1000) if binom.sf(k - 1, 1000, rate) >= BEYOND)


def test_so_many_as_chance_explains_are_ok_and_one_more_is_to_be_watched() -> None:
    most = most_by_chance(RATE)
    assert flags_status(OUTLIER, [slot(9, most)], Ordinary(RATE)).word == "OK"
    status = flags_status(OUTLIER, [slot(9, most + 1)], Ordinary(RATE))
    assert status.word == "WATCH"
    assert "1,000 rows" in status.why


def test_what_the_rate_of_this_reference_may_be_counts_where_it_is_known() -> None:
    one_more = most_by_chance(RATE) + 1
    usual = Ordinary(RATE, bound=0.02)
    assert flags_status(OUTLIER, [slot(9, one_more)], usual).word == "OK"
    assert flags_status(OUTLIER, [slot(9, most_by_chance(0.02) + 1)], usual).word == "WATCH"


def test_since_when_is_the_beginning_of_the_run_of_stretches_alike() -> None:
    slots = [slot(9, 60), slot(8, 60), slot(7, 10), slot(6, 60)]
    status = flags_status(OUTLIER, slots, Ordinary(RATE))
    assert (status.word, status.since_ns, status.or_earlier) == ("WATCH", 8 * 60, False)


def test_small_slots_are_taken_together_until_a_rate_can_be_told() -> None:
    slots = [slot(number, flagged=5, rows=100) for number in range(20, 0, -1)]
    status = flags_status(OUTLIER, slots, Ordinary(RATE))
    assert "50 of the newest 1,000 rows" in status.why


def test_a_detector_that_had_no_rows_has_no_data() -> None:
    assert flags_status(OUTLIER, [], Ordinary(RATE)).word == "NO DATA"
    others = [Slot(0, 1, 1000, {"schema": 3})]
    assert flags_status(OUTLIER, others, Ordinary(RATE)).word == "NO DATA"


@pytest.mark.parametrize("rate", [0.0, 1e-9])
def test_a_rate_of_nothing_asks_for_no_endless_stretch(rate: float) -> None:
    slots = [slot(number, flagged=0, rows=60_000) for number in (3, 2, 1)]
    assert "120,000 rows" in flags_status(OUTLIER, slots, Ordinary(rate)).why
