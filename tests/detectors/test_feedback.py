"""Feedback over HTTP goes into the log, or its sender is told why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry

from sidelight.config.addresses import Listen
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import http
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.feedback import FEEDBACK_TYPE, Feedback, from_record
from sidelight.events.labels import Label
from sidelight.events.records import to_record
from sidelight.events.seldon import FEEDBACK_TYPE as SELDON_TYPE
from sidelight.log import Address, Stored
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight_detectors.service.health import Readiness
from sidelight_detectors.service.http.app import create_app
from sidelight_detectors.service.http.feedback import FeedbackDoor
from sidelight_detectors.service.http.metrics import RequestMetrics
from sidelight_detectors.service.http.scoring import Scoring
from sidelight_detectors.service.http.server import serve
from sidelight_detectors.streaming.intake import Faulty, Labelled, Skipped, WatchedColumns, take
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.labelling import fitted
from tests.detectors.traffic import plan
from tests.detectors.watching import records_of

SERVICE = DetectorsSettings(max_rows=1000)
INCOME = Plan("income", fitted(), SERVICE, served_as="income-v3")
SILENT = plan(model="silent")


@contextmanager
def door(*plans: Plan, partitions: int = 1) -> Iterator[tuple[httpx.Client, MemoryLog]]:
    log, registry = MemoryLog(partitions), CollectorRegistry()
    by_name = {one.model: one for one in plans or (INCOME, SILENT)}
    scoring = Scoring(by_name, SERVICE, RequestMetrics(registry, list(by_name)))
    taking = FeedbackDoor(scoring, log)
    app = create_app(scoring, registry, lambda: Readiness(True, ""), taking)
    with (
        serve(Listen("127.0.0.1", 0), app) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield client, log


def labels(log: MemoryLog) -> list[tuple[str, int, Any]]:
    return [(label.subject, label.row, label.value) for one in told(log) for label in one.labels]


def told(log: MemoryLog) -> list[Feedback]:
    return [from_record(record) for record in records_of(log, INFERENCE)]


@pytest.fixture
def opened() -> Iterator[tuple[httpx.Client, MemoryLog]]:
    with door() as both:
        yield both


Opened = tuple[httpx.Client, MemoryLog]

SELDONS = {
    "response": {"meta": {"puid": "p-1"}, "data": {"ndarray": [[0.2], [0.8]]}},
    "reward": 1.0,
    "truth": {"data": {"ndarray": [[0], [1]]}},
}


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"id": "a", "label": 1}, [("a", 0, 1)]),
        ({"id": "a", "row": 3, "label": "1"}, [("a", 3, "1")]),
        ({"id": "a", "label": None}, [("a", 0, None)]),
        ({"id": "a", "labels": [0, 1, None]}, [("a", 0, 0), ("a", 1, 1), ("a", 2, None)]),
        ({"labels": [["a", 0, 1], ["b", 2, 0]]}, [("a", 0, 1), ("b", 2, 0)]),
        ([{"id": "a", "label": 1}, {"id": "b", "row": 1, "label": 0}], [("a", 0, 1), ("b", 1, 0)]),
        (SELDONS, [("p-1", 0, 0), ("p-1", 1, 1)]),
        ({**SELDONS, "truth": {"data": {"tensor": {"shape": [1, 1], "values": [1]}}}},
         [("p-1", 0, 1)]),
        ({**SELDONS, "truth": {"strData": "1"}}, [("p-1", 0, "1")]),
        ({**SELDONS, "truth": {"jsonData": [1, 0]}}, [("p-1", 0, 1), ("p-1", 1, 0)]),
    ],
)  # fmt: skip
def test_json_of_every_form_is_taken(opened: Opened, sent: Any, found: list[Any]) -> None:
    client, log = opened

    answer = client.post("/feedback", json=sent)

    assert answer.status_code == 202, answer.text
    assert answer.json()["labels"] == len(found)
    assert answer.json()["records"][0] == "inference/0/0"
    assert labels(log) == found
    assert {one.model for one in told(log)} == {"income-v3"}


def event(data: Any, **changed: Any) -> CloudEvent:
    told = {"id": "f-1", "source": "/shop", "type": FEEDBACK_TYPE, **changed}
    content = orjson.dumps(data)
    return CloudEvent(datacontenttype="application/json", data=content, **told)


@pytest.mark.parametrize(
    "message",
    [
        http.to_binary(event({"id": "a", "label": 1}, time_ns=5)),
        http.to_structured(event({"labels": [["a", 0, 1]]}, time_ns=5)),
        http.to_batch([event({"id": "a", "labels": [1]}, time_ns=5)]),
        http.to_binary(
            event(
                {"truth": {"data": {"ndarray": [1]}}},
                type=SELDON_TYPE,
                time_ns=5,
                extensions={"requestid": "a", "modelid": "income"},
            )
        ),
    ],
)
def test_cloudevents_in_any_mode_are_taken(opened: Opened, message: http.HttpMessage) -> None:
    client, log = opened

    answer = client.post("/feedback", headers=dict(message.headers), content=message.body)

    assert answer.status_code == 202, answer.text
    assert labels(log) == [("a", 0, 1)]
    assert [(one.id, one.time_ns) for one in told(log)] == [("f-1", 5)]


def test_a_time_is_kept_unless_it_is_yet_to_come(opened: Opened) -> None:
    client, log = opened

    for time in ("2026-01-02T03:04:05Z", "2999-01-01T00:00:00Z"):
        sent = {"id": "a", "label": 1, "time": time}
        assert client.post("/feedback", json=sent).status_code == 202

    first, second = told(log)
    assert first.time_ns == 1_767_323_045 * 10**9
    assert second.time_ns < 4 * 10**18


def test_what_is_said_of_one_id_keeps_its_order_in_one_partition() -> None:
    with door(partitions=4) as (client, log):
        sent = {"labels": [[f"id-{number % 7}", 0, number % 2] for number in range(40)]}
        answer = client.post("/feedback", json=sent)

        records = answer.json()["records"]
        assert 1 < len(records) <= 4
        for one in told(log):
            assert {Label(f"id-{n % 7}", 0, n % 2) for n in range(40)} >= set(one.labels)
        assert sorted(labels(log)) == sorted((f"id-{n % 7}", 0, n % 2) for n in range(40))
        assert len({one.id for one in told(log)}) == len(records)


@pytest.mark.parametrize(
    ("sent", "query", "code", "error"),
    [
        (b"{", "", 400, "body: not JSON"),
        (b"7", "", 400, "body: is 7; send a JSON object"),
        (b"[]", "", 400, "there is no label"),
        (b'{"id":"a"}', "", 400, "label: is missing; send a class"),
        (b'{"label":1}', "", 400, "id: is missing; name the exchange"),
        (b'{"id":"a","lable":1}', "", 400, "lable: is not known"),
        (b'{"id":"a","label":{"x":1}}', "", 400, "label: is {'x': 1}; send a class"),
        (b'{"id":"a","row":-1,"label":1}', "", 400, "row: is -1; send the number"),
        (b'{"id":"a","row":true,"label":1}', "", 400, "row: is True; send the number"),
        (b'[{"id":"a","label":1},{"id":5,"label":1}]', "", 400, "[1].id: is 5; name"),
        (b'{"labels":[["a",0]]}', "", 400, "labels[0]: is ['a', 0]; send [id, row, label]"),
        (b'{"id":"a","label":1,"time":"noon"}', "", 400, "'noon' is not an RFC 3339 time"),
        (b'{"response":{"meta":{"puid":"a"}},"reward":1}', "", 400, "truth: is missing"),
        (b'{"reward":1,"truth":{"strData":"1"}}', "", 400, "names no request"),
        (b'{"id":"a","label":"perhaps"}', "", 422, "label 'perhaps' is no class"),
        (b'{"id":"a","label":1}', "?model=silent", 422, "no detector of 'silent' wants labels"),
        (b'{"id":"a","label":1}', "?model=other", 404, "no model 'other' is watched"),
        (b'{"id":"a","label":1,"model":"other"}', "", 404, "no model 'other' is watched"),
        (orjson.dumps({"id": "a", "labels": [1] * 1001}), "", 413, "1001 labels"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_way_out(
    opened: Opened, sent: bytes, query: str, code: int, error: str
) -> None:
    client, log = opened

    answer = client.post(f"/feedback{query}", content=sent)

    assert answer.status_code == code
    assert error in answer.json()["error"]
    assert labels(log) == []


def test_an_event_of_another_type_is_refused(opened: Opened) -> None:
    client, _ = opened
    message = http.to_binary(event({"id": "a", "label": 1}, type="org.other"))

    answer = client.post("/feedback", headers=dict(message.headers), content=message.body)

    assert answer.status_code == 400
    assert "type: is 'org.other'; feedback is io.sidelight.feedback.v1" in answer.json()["error"]


def test_nobody_is_meant_where_two_models_want_labels() -> None:
    other = Plan("credit", INCOME.fitted, SERVICE)
    with door(INCOME, other) as (client, log):
        assert client.post("/feedback", json={"id": "a", "label": 1}).status_code == 404
        sent = {"id": "a", "label": 1, "model": "credit"}
        assert client.post("/feedback", json=sent).status_code == 202
        assert [one.model for one in told(log)] == ["credit"]


def taken(event: CloudEvent) -> tuple[str, Any]:
    """What the scorer makes of feedback in the log."""
    watched = {one.name_in_exchanges: WatchedColumns.by(one) for one in (INCOME, SILENT)}
    stored = Stored(Address(INFERENCE, 0, 7), to_record(event, b"k"), 10**18)
    return take(stored, watched, lambda _: True)


def seldon(data: Any, **extensions: str) -> CloudEvent:
    return event(data, type=SELDON_TYPE, extensions=extensions)


def test_seldons_feedback_on_the_log_is_read() -> None:
    truth = {"truth": {"data": {"ndarray": [[1]]}}}

    model, found = taken(seldon(truth, requestid="p-1", modelid="income"))

    assert model == "income"
    assert found == Labelled(7, 10**18, (("p-1", 0, 1.0),))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (seldon({"reward": 1}, requestid="p-1", modelid="income"), "malformed"),
        (event({"labels": [["a", "first", 1]]}), "malformed"),
        (event({"id": "a", "label": "perhaps"}), "mismatch"),
        (event({"id": "a", "label": 1}, extensions={"modelname": "silent"}), "feedback"),
        (event({"id": "a", "label": 1}, extensions={"modelname": "other"}), "unknown-model"),
    ],
)
def test_feedback_on_the_log_is_a_dead_letter_or_skipped(told: CloudEvent, reason: str) -> None:
    _, found = taken(told)

    assert isinstance(found, Faulty | Skipped)
    assert found.reason == reason
    assert found.time_ns == 0
