"""What was said before a crash is not said again, however the work is cut after it."""

from __future__ import annotations

import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, INFERENCE, PANES, RESULTS
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.streaming import deciding
from sidelight_detectors.streaming.deciding import GROUP, DecidingPartition
from sidelight_detectors.streaming.outbox import Outbox
from tests.detectors.traffic import plan, rows, traffic
from tests.detectors.watching import (
    STILL,
    Crash,
    CrashingLog,
    Fuse,
    decided,
    records_of,
    replayed,
    watch,
)

PLAN = plan(window=40)


def panes_only(log: MemoryLog) -> MemoryLog:
    """A log in which the panes stand and nobody has decided yet."""
    other = MemoryLog()
    other.append(PANES, records_of(log, PANES))
    return other


def test_smaller_steps_after_a_crash_say_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = MemoryLog()
    scored.append(INFERENCE, traffic(rows(300, 1)) + traffic(rows(100, 2, shift=2.0)))
    watch(scored, [PLAN], DetectorsSettings(run_rows=10))
    log = panes_only(scored)

    crashing = CrashingLog(log, Fuse(3))
    decider = DecidingPartition(crashing, crashing.join(GROUP, PANES), 0, [PLAN], STILL)
    with pytest.raises(Crash):
        decided(decider)
    assert len(records_of(log, RESULTS)) > 10
    crashing.die()

    monkeypatch.setattr(deciding, "MAX_PANES", 1)
    for _ in range(len(records_of(log, PANES))):
        member = log.join(GROUP, PANES)
        again = DecidingPartition(log, member, 0, [PLAN], STILL)
        while again.position is None:
            again.step()
        again.close()
        member.leave()

    outputs = sorted(replayed(log, PLAN), key=lambda output: isinstance(output, Alarm))
    assert records_of(log, RESULTS) + records_of(log, ALARMS) == [
        output_record(output) for output in outputs
    ]


def test_what_is_not_known_to_be_committed_is_looked_for_again() -> None:
    log = MemoryLog()
    outbox = Outbox(log, RESULTS, 0)
    log.append(RESULTS, [Record(b"1", b"theirs"), Record(b"2", b"a"), Record(b"3", b"b")])
    for _ in outbox.recover(0, lambda record: record.key != b"theirs"):
        pass
    outbox.append([Record(b"2", b"a")])
    assert outbox.begin == 0
    outbox.append([Record(b"3", b"b"), Record(b"4", b"c")])
    assert outbox.begin == log.span(RESULTS, 0).end == 4
