"""Results and alarms on the wire: the same value back, alibi-detect's fields, readers."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from cloudevents.core.v1.event import CloudEvent

from sidelight.errors import MalformedPayload
from sidelight.events.records import from_record
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE, RESULTS
from sidelight_detectors.results.events import (
    ALARM_TYPE,
    DRIFT_TYPE,
    OUTLIER_TYPE,
    output_event,
    output_of,
    output_record,
)
from sidelight_detectors.results.findings import (
    About,
    Alarm,
    DriftResult,
    OutlierResult,
    Seen,
    UnjudgedResult,
)
from sidelight_detectors.results.reading import read_alarms, read_results
from sidelight_detectors.streaming.panes import Pane
from tests.detectors.traffic import MODEL, plan, rows, traffic
from tests.detectors.watching import panes_of, replayed, watch

PLAN = plan(window=40, alarm={"clear_after": 1})


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    found = MemoryLog()
    found.append(INFERENCE, traffic(rows(100, 1), 5, version="3"))
    found.append(INFERENCE, traffic(rows(100, 2, shift=2.0), 5, first=100, version="3"))
    found.append(INFERENCE, traffic(rows(100, 3), 5, first=200, version="3"))
    watch(found, [PLAN], PLAN.service.model_copy(update={"run_rows": 20}))
    return found


def test_every_output_comes_back_from_its_record(log: MemoryLog) -> None:
    outputs = [*replayed(log, PLAN), UnjudgedResult("x", About("m", "", "p"), "drift", SEEN, "few")]
    assert {type(output).__name__ for output in outputs} == {
        "Alarm",
        "DriftResult",
        "OutlierResult",
        "PromiseResult",
        "UnjudgedResult",
    }
    for output in outputs:
        assert output_of(output_record(output)) == output


SEEN = Seen(3, 0, (), 1, 2)


def test_a_window_keeps_the_fields_alibi_detect_gives(log: MemoryLog) -> None:
    result = next(output for output in replayed(log, PLAN) if isinstance(output, DriftResult))
    event = output_event(result)
    body = orjson.loads(event.data or b"")
    assert event.type == DRIFT_TYPE
    assert event.subject == MODEL
    assert set(body) == {"data", "meta"}
    assert set(body["data"]) >= {"is_drift", "distance", "p_val", "threshold"}
    assert len(body["data"]["p_val"]) == len(body["data"]["distance"]) == 3
    assert set(body["meta"]) >= {"name", "detector_type", "data_type", "version"}
    assert body["data"]["exchanges"] == [{"from": "inference/0/0", "to": "inference/0/7"}]


def test_a_flagged_row_keeps_the_fields_alibi_detect_gives(log: MemoryLog) -> None:
    result = next(output for output in replayed(log, PLAN) if isinstance(output, OutlierResult))
    event = output_event(result)
    data = orjson.loads(event.data or b"")["data"]
    assert event.type == OUTLIER_TYPE
    assert data["is_outlier"] == 1
    assert data["p_val"] <= data["threshold"] == 0.02
    assert set(data["feature_score"]) == {"age", "sex", "score"}
    assert data["instance_score"] == pytest.approx(sum(data["feature_score"].values()))


def test_events_are_what_the_cloudevents_sdk_takes_for_events(log: MemoryLog) -> None:
    for output in replayed(log, PLAN):
        event = output_event(output)
        CloudEvent(
            {
                "id": event.id,
                "source": event.source,
                "type": event.type,
                "specversion": "1.0",
                "subject": event.subject,
                **event.extensions,
            },
            event.data,
        )


def test_readers_go_on_where_they_were(log: MemoryLog) -> None:
    told = list(read_results(log))
    assert [each.output.id.encode() for each in told] == [
        stored.record.key for stored in log.read(RESULTS, 0, 0)
    ]
    rest = list(read_results(log, {0: told[3].address.offset + 1}))
    assert rest == told[4:]
    changes = [each.output.change for each in read_alarms(log)]
    assert changes == ["raised", "cleared"]
    raised = next(read_alarms(log)).output
    assert isinstance(raised, Alarm)
    assert output_event(raised).type == ALARM_TYPE


def test_a_record_that_holds_no_result_is_named(log: MemoryLog) -> None:
    with pytest.raises(MalformedPayload, match=r"io\.sidelight\.exchange"):
        output_of(log.read(INFERENCE, 0, 0)[0].record)
    (record, *_) = [stored.record for stored in log.read(RESULTS, 0, 0)]
    with pytest.raises(MalformedPayload):
        output_of(Record(b"{}", b"", record.headers))
    assert from_record(record).id


def test_a_pane_comes_back_from_its_record(log: MemoryLog, tmp_path: Path) -> None:
    panes = panes_of(log)
    assert any(pane.flags for pane in panes)
    for pane in panes:
        assert Pane.from_record(pane.to_record()) == pane
        assert pane.to_record().key == pane.to_record().key


@pytest.mark.parametrize("damaged", [b"", b"\0\0\0\5hello", b"\xff" * 50])
def test_bytes_that_are_no_pane_are_refused(damaged: bytes) -> None:
    with pytest.raises(MalformedPayload, match="not a pane"):
        Pane.from_record(Record(damaged))


def test_a_cut_pane_is_refused(log: MemoryLog) -> None:
    record = panes_of(log)[0].to_record()
    for length in range(0, len(record.value), 7):
        with pytest.raises(MalformedPayload):
            Pane.from_record(Record(record.value[:length]))
