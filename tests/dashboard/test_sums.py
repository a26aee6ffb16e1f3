"""What was added up before is taken again, as long as it is what was asked for."""

from __future__ import annotations

from pathlib import Path

from sidelight.log.testing import MemoryLog
from sidelight_dashboard.chosen import Asked, chosen
from sidelight_dashboard.comparing.compared import compared
from sidelight_dashboard.store.remembered import Remembered
from tests.dashboard.filled import detect, drifting, follow, settings_of, shown
from tests.detectors.traffic import MODEL, record, rows

DAY_SECONDS = 86_400
KEPT = 100


def test_rows_that_come_later_are_in_the_sum(tmp_path: Path) -> None:
    told, log = settings_of(tmp_path), MemoryLog()
    with shown(told, log) as showing:
        for day in range(3):
            part = rows(100, seed=day)
            detect(
                log, told, [record(part, day * DAY_SECONDS), record(part, day * DAY_SECONDS + 1)]
            )
            follow(showing)
            (found,) = compared(showing, chosen(showing, MODEL, asked("30d")))
            every = showing.store.series.rows("SELECT summary FROM slot")
            whole = showing.panes.add([summary for (summary,) in every])
            assert found.rows == 200 * (day + 1)
            assert found.comparison == showing.panes.compare(MODEL, found.plan, "", whole)


def test_a_shorter_stretch_is_not_the_longer_one(tmp_path: Path) -> None:
    told, log = settings_of(tmp_path, detectors={"bucket_seconds": 1}), MemoryLog()
    told = told.model_copy(
        update={"dashboard": told.dashboard.model_copy(update={"pane_seconds": 1.0})}
    )
    detect(log, told, drifting())
    with shown(told, log) as showing:
        follow(showing)
        (long,) = compared(showing, chosen(showing, MODEL, asked("1h")))
        (short,) = compared(showing, chosen(showing, MODEL, asked("10s")))

    assert (long.rows, long.comparison and long.comparison.rows) == (300, 300)
    assert short.rows < 150
    assert short.comparison is not None
    assert short.comparison.rows == short.rows


def asked(last: str) -> Asked:
    return Asked(version="", segment="", begin="", end="", last=last)


def test_a_sum_is_made_once_and_the_oldest_is_let_go() -> None:
    sums, made = Remembered[bytes](KEPT), list[int]()

    def of(number: int) -> bytes:
        def make() -> bytes:
            made.append(number)
            return b"%d" % number

        return sums.of((number,), make)

    assert [of(0), of(0), of(1)] == [b"0", b"0", b"1"]
    assert made == [0, 1]
    for number in range(2, KEPT + 1):
        of(number)
    of(1)
    of(0)
    assert made == [*range(KEPT + 1), 0]
