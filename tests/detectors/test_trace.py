"""Traces: a few bytes of each row of a run, in the order of the log."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sidelight.errors import MalformedPayload
from sidelight.log import Record
from sidelight_detectors.streaming.intake import Labelled, Sample, Sender
from sidelight_detectors.streaming.panes import Pane, trace_of
from sidelight_detectors.streaming.trace import NO_TRACE, UNKNOWN, Trace, subject_of
from sidelight_detectors.streaming.tracing import Trails, traced
from tests.detectors.traffic import START_NS, plan, rows

PLAN = plan(window=100)


def sample(offset: int, count: int, version: str = "1", sender: Sender | None = None) -> Sample:
    who = Sender(f"id-{offset}") if sender is None else sender
    return Sample(offset, START_NS + offset, version, rows(count, offset + 1), who)


def trails(samples: list[Sample], order: list[tuple[int, int]]) -> Trails:
    """Two bytes a row: the offset of its exchange and its number."""
    places = {one.offset: place for place, one in enumerate(samples)}
    sample = np.array([places[offset] for offset, _ in order], np.int64)
    row = np.array([row for _, row in order], np.int64)
    return Trails(samples, sample, row, {"told": np.array(order, np.uint8)})


def trace() -> Trace:
    """Exchanges 3, 4 and 6, whose rows were looked at in another order and in two batches."""
    samples = [
        sample(3, 2, sender=Sender("id-3", "order-3", "ann")),
        sample(4, 1, "2"),
        sample(6, 1, sender=Sender("id-6", "", "bob")),
    ]
    first = trails(samples[:2], [(4, 0), (3, 1), (3, 0)])
    labels = [Labelled(5, START_NS, (("id-1", 0, 1.0), ("id-1", 1, math.nan)))]
    return traced(PLAN, 7, 3, [trails(samples[2:], [(6, 0)]), first], labels)


def test_rows_stand_in_the_order_of_the_log() -> None:
    told = trace()

    assert told.trails["told"].tolist() == [[3, 0], [3, 1], [4, 0], [6, 0]]
    assert told.exchanges.offset.tolist() == [3, 4, 6]
    assert told.exchanges.rows.tolist() == [2, 1, 1]
    assert told.owner.tolist() == [0, 0, 1, 2]
    assert told.row.tolist() == [0, 1, 0, 0]


def test_a_trace_knows_versions_clients_and_ids() -> None:
    told = trace()

    assert [told.versions[place] for place in told.exchanges.version] == ["1", "2", "1"]
    assert [told.clients[place] for place in told.exchanges.client] == ["ann", "", "bob"]
    assert told.exchanges.subject.tolist() == [subject_of(f"id-{at}") for at in (3, 4, 6)]
    assert told.exchanges.correlation.tolist() == [subject_of("order-3"), UNKNOWN, UNKNOWN]


def test_feedback_becomes_labels() -> None:
    labels = trace().labels

    assert labels.subject.tolist() == [subject_of("id-1")] * 2
    assert labels.row.tolist() == [0, 1]
    assert labels.value[0] == 1.0
    assert math.isnan(labels.value[1])


def test_a_pane_brings_its_trace_over_the_log_whole_or_alone() -> None:
    pane = Pane("income", PLAN.id, 7, 3, 7, START_NS, PLAN.bucket_ns, trace=trace())
    record = pane.to_record()

    for told in (Pane.from_record(record).trace, trace_of(record)):
        assert told.to_bytes() == pane.trace.to_bytes()
        assert told.versions == ("1", "2")
        assert told.partition == 7
        assert told.trails["told"].tolist() == pane.trace.trails["told"].tolist()


def test_a_pane_without_a_trace_carries_none() -> None:
    record = Pane("income", PLAN.id, 0, 3, 7, START_NS, PLAN.bucket_ns).to_record()

    assert trace_of(record) is NO_TRACE
    assert NO_TRACE.to_bytes() == b""


@pytest.mark.parametrize("cut", [4, 20, 60, 90])
def test_what_is_cut_off_is_no_trace(cut: int) -> None:
    record = Pane("income", PLAN.id, 7, 3, 7, START_NS, PLAN.bucket_ns, trace=trace()).to_record()

    with pytest.raises(MalformedPayload):
        Pane.from_record(Record(record.value[:cut]))


def test_trails_of_other_rows_are_refused() -> None:
    told = trace()
    short = Trace(
        told.plan, 0, 0, told.versions, told.clients, told.exchanges,
        {"told": told.trails["told"][1:]},
    )  # fmt: skip

    with pytest.raises(ValueError, match="other than 4 rows"):
        Trace.from_bytes(short.to_bytes())
