"""What an alarm has gathered by a window is told with the window."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight_detectors.results.events import output_event, output_of, output_record
from sidelight_detectors.results.findings import Alarm, DriftResult, Output
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.traffic import plan, rows, traffic
from tests.detectors.watching import replayed, watch

EVIDENCE = {"rule": "sequential"}


def _outputs(one: Plan) -> list[Output]:
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(100, 1), 5))
    log.append(INFERENCE, traffic(rows(300, 2, shift=1.5), 5, first=100))
    watch(log, [one], one.service.model_copy(update={"run_rows": 20}))
    return [*replayed(log, one)]


@pytest.fixture(scope="module")
def outputs() -> list[Output]:
    return _outputs(plan(window=40, alarm=EVIDENCE))


def test_evidence_grows_over_windows_until_the_alarm_is_raised(outputs: list[Output]) -> None:
    windows = [one for one in outputs if isinstance(one, DriftResult)]
    raised = next(one for one in outputs if isinstance(one, Alarm))
    before = [one for one in windows if one.seen.last_ns < raised.time_ns]
    after = [one for one in windows if one.seen.last_ns > raised.time_ns]
    assert before
    assert after
    for one in windows:
        assert one.e_value is not None
        assert one.e_value_threshold == raised.threshold
    assert all((one.e_value or 0.0) < raised.threshold for one in before)
    assert {one.e_value for one in after} == {raised.evidence}


def test_evidence_is_on_the_wire_and_comes_back(outputs: list[Output]) -> None:
    window = next(one for one in outputs if isinstance(one, DriftResult))
    data = orjson.loads(output_event(window).data or b"")["data"]
    assert data["e_value"] == window.e_value
    assert data["e_value_threshold"] == window.e_value_threshold
    for one in outputs:
        assert output_of(output_record(one)) == one


def test_a_window_of_an_older_release_comes_back_without_evidence(outputs: list[Output]) -> None:
    window = next(one for one in outputs if isinstance(one, DriftResult))
    older = replace(window, e_value=None, e_value_threshold=None)
    data = orjson.loads(output_event(older).data or b"")["data"]
    assert not {"e_value", "e_value_threshold"} & set(data)
    assert output_of(output_record(older)) == older


def test_where_windows_raise_the_alarm_no_evidence_is_told() -> None:
    windows = [one for one in _outputs(plan(window=40)) if isinstance(one, DriftResult)]
    assert windows
    assert all(one.e_value is None for one in windows)


def test_a_segment_has_no_evidence_of_its_own() -> None:
    segmented = plan(window=40, by="sex", min_reference_rows=100, alarm=EVIDENCE)
    windows = [one for one in _outputs(segmented) if isinstance(one, DriftResult)]
    assert {one.about.segment for one in windows} >= {"", "m"}
    for one in windows:
        assert (one.e_value is None) == bool(one.about.segment)
