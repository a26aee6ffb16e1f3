"""Scoring on request: CloudEvents in every mode, V2 inference, limits, and nothing remembered."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from sidelight.events import http
from sidelight.events.exchanges import to_record
from sidelight.events.records import from_record
from sidelight.protocols import v2, v2_binary
from sidelight.tensors import Column, Columns
from sidelight_detectors.contract import RowScores
from sidelight_detectors.fitted import fit
from sidelight_detectors.service.http.answers import Wish, answer
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from tests.detectors.asking import asked, halves, send
from tests.detectors.traffic import MODEL, exchange, plan, rows, settings

PLAN = plan(window=100)
PART = rows(60, 5)
DRIFTED = rows(200, 6, shift=1.5)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with asked(PLAN) as one:
        yield one


def truth(part: Columns = PART) -> RowScores:
    """The scores of the log's path."""
    return PLAN.fitted.observe(PLAN.fitted.index(part)).scores["outlier"]


def test_a_request_event_of_kserve_is_answered_with_the_scores_of_its_rows(
    client: httpx.Client,
) -> None:
    request, _ = halves(PART)
    answered = send(client, http.to_binary(request), params={"detector": "outlier"})
    assert answered.status_code == 200
    data, expected = answered.json()["data"], truth()
    assert data["instance_score"] == expected.scores.tolist()
    found = np.array(data["feature_score"], np.float64)
    assert np.array_equal(found, expected.contributions, equal_nan=True)
    assert data["p_val"] == expected.p_values.tolist()
    assert data["is_outlier"] == expected.flagged.astype(int).tolist()
    assert answered.json()["meta"]["plan"] == PLAN.id


def test_the_answer_is_an_event_with_the_senders_id_and_extensions(client: httpx.Client) -> None:
    request, _ = halves(PART)
    answered = send(client, http.to_binary(request))
    (event,) = http.from_http(answered.headers.items(), answered.content)
    assert (event.id, event.type) == ("call-7", "io.sidelight.scored.v1")
    assert event.extensions == {"namespace": "shop", "inferenceservicename": MODEL}


def test_every_form_of_one_exchange_gets_one_answer(client: httpx.Client) -> None:
    request, response = halves(PART)
    ours = from_record(to_record(exchange(PART)))
    forms = [
        http.to_batch([request, response]),
        http.to_batch([response, request]),
        http.to_binary(ours),
        http.to_structured(ours),
    ]
    first, *others = [send(client, form).json() for form in forms]
    assert first["drift"]["data"]["n"] == len(PART)
    assert others == [first] * 3


def test_several_detectors_answer_by_name_and_one_alone_as_alibi_detect_does(
    client: httpx.Client,
) -> None:
    request, _ = halves(PART)
    both = send(client, http.to_structured(request)).json()
    assert set(both) == {"drift", "outlier"}
    header = {"Sidelight-Detector": "drift"}
    alone = send(client, http.to_structured(request), headers=header).json()
    assert alone == both["drift"]
    assert set(alone) == {"data", "meta"}


def test_drift_of_the_batch_is_that_of_a_first_window(client: httpx.Client) -> None:
    told = send(client, http.to_batch(halves(DRIFTED)), params={"detector": "drift"}).json()
    summary = PLAN.fitted.summarise(PLAN.fitted.index(DRIFTED))
    finding = PLAN.fitted.judge(summary, 1)
    assert told["data"]["is_drift"] == 1
    assert told["data"]["distance"] == [column.distance for column in finding.columns]
    assert told["data"]["p_val"] == [column.p_value for column in finding.columns]
    assert told["data"]["effect"] == [column.effect for column in finding.columns]
    assert told["meta"]["columns"] == ["age", "sex", "score"]


def test_a_small_batch_is_not_enough_data_for_drift(client: httpx.Client) -> None:
    request, _ = halves(PART.take(slice(0, 3)))
    told = send(client, http.to_binary(request), params={"detector": "drift"}).json()
    assert told["data"]["is_drift"] is None
    assert "20" in told["data"]["not_enough_data"]


def test_flagged_rows_are_those_the_log_would_tell_of(client: httpx.Client) -> None:
    part = rows(400, 9)
    part["age"].values[217] = 400.0
    flags = score(PLAN, [Sample(0, 0, "", part)]).flags
    data = send(client, http.to_batch(halves(part))).json()["outlier"]["data"]
    assert [at for at, flagged in enumerate(data["is_outlier"]) if flagged] == [
        flag.row for flag in flags
    ]
    for flag in flags:
        assert data["instance_score"][flag.row] == flag.score
        assert data["p_val"][flag.row] == flag.p_value


def test_scores_can_be_left_out_as_with_seldons_server(client: httpx.Client) -> None:
    request, _ = halves(PART)
    headers = {
        "Alibi-Detect-Return-Instance-Score": "false",
        "Alibi-Detect-Return-Feature-Score": "True",
    }
    data = send(client, http.to_binary(request), headers=headers).json()["outlier"]["data"]
    assert data["instance_score"] is None
    assert len(data["feature_score"]) == len(PART)
    query = {"return_feature_score": "false"}
    data = send(client, http.to_binary(request), headers=headers, params=query).json()
    assert data["outlier"]["data"]["feature_score"] is None


def test_a_compressed_event_is_read(client: httpx.Client) -> None:
    request, _ = halves(PART)
    plain = http.to_structured(request)
    packed = http.HttpMessage(plain.headers, gzip.compress(plain.body))
    answered = send(client, packed, headers={"Content-Encoding": "gzip"})
    assert answered.json() == send(client, plain).json()


def event(**changed: Any) -> http.HttpMessage:
    return http.to_binary(from_record(to_record(exchange(PART, **changed))))


@pytest.mark.parametrize(
    ("message", "query", "code", "told"),
    [
        (http.HttpMessage((), b"{}"), {}, 400, "specversion"),
        (http.to_batch(()), {}, 400, "0 events"),
        (http.to_batch(halves(PART)[:1] * 2), {}, 400, "no one exchange"),
        (http.to_binary(halves(PART)[1]), {}, 422, "a response alone has no features"),
        (event(model="nobody"), {}, 404, "no model 'nobody' is watched; there are income"),
        (event(), {"model": "who"}, 404, "no model 'who'"),
        (event(status=503), {}, 422, "not scored: failed"),
        (event(path="/other", protocol=""), {}, 422, "no V1 or V2 inference"),
        (event(), {"detector": "smell"}, 400, "'smell' is no detector of 'income'; it has drift"),
        (event(), {"outlier_type": "feature"}, 400, "outlier_type"),
        (event(), {"return_feature_score": "1"}, 400, "send true or false"),
    ],
)
def test_what_cannot_be_answered_is_told_with_the_way_out(
    client: httpx.Client, message: http.HttpMessage, query: dict[str, str], code: int, told: str
) -> None:
    answered = send(client, message, params=query)
    assert answered.status_code == code
    assert told in answered.json()["error"]


def test_a_model_may_be_named_by_the_query(client: httpx.Client) -> None:
    request, _ = halves(PART, model="income-predictor-default")
    assert send(client, http.to_binary(request)).status_code == 404
    answered = send(client, http.to_binary(request), params={"model": MODEL})
    assert answered.status_code == 200


def infer(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post(f"/v2/models/{MODEL}/infer", content=body, headers=headers)


def test_v2_columns_are_answered_with_tensors_of_every_detector(client: httpx.Client) -> None:
    answered = v2_answer(infer(client, v2.encode_request(PART)))
    expected = truth()
    assert answered["outlier.instance_score"] == expected.scores.tolist()
    assert answered["outlier.p_val"] == expected.p_values.tolist()
    assert answered["drift.is_drift"] == [0]
    finding = PLAN.fitted.judge(PLAN.fitted.summarise(PLAN.fitted.index(PART)), 1)
    assert answered["drift.p_val"] == [column.p_value for column in finding.columns]


def v2_answer(answered: httpx.Response) -> dict[str, list[float]]:
    assert answered.status_code == 200, answered.text
    return {one["name"]: one["data"] for one in answered.json()["outputs"]}


def test_one_detector_answers_with_mlservers_names(client: httpx.Client) -> None:
    said = Columns(PART.columns, {"parameters": {"detector": "outlier"}})
    told = v2_answer(infer(client, v2.encode_request(said)))
    assert list(told) == ["is_outlier", "instance_score", "p_val", "feature_score"]


def test_a_binary_request_gets_the_same_numbers_back_in_binary() -> None:
    numbers = settings()
    numbers = numbers.model_copy(update={"features": {"age": numbers.features["age"]}})
    one = Plan(MODEL, fit(rows(2000, seed=1), numbers), PLAN.service)
    part = PART.select(["age", "score"])
    with asked(one) as client:
        plain = v2_answer(infer(client, v2.encode_request(part)))
        forms: tuple[v2.Form, ...] = ("columns", "matrix")
        for form in forms:
            body = v2_binary.encode_request(part, form)
            answered = infer(client, body.content, **body.headers)
            length = int(answered.headers["inference-header-content-length"])
            head, _ = v2_binary.cut(answered.content, length)
            assert b'"drift.is_drift"' in head
            found = tensors(answered.content, length)
            assert set(found) == set(plain)
            for name, values in found.items():
                told = np.ravel(np.array(plain[name], np.float64))
                assert np.array_equal(values.ravel(), told, equal_nan=True), name


def tensors(content: bytes, length: int) -> dict[str, Any]:
    """The tensors of a binary answer, by the specification."""
    found, at = {}, length
    for head in json.loads(content[:length])["outputs"]:
        size = head["parameters"]["binary_data_size"]
        dtype = {"FP64": "<f8", "INT64": "<i8"}[head["datatype"]]
        found[head["name"]] = np.frombuffer(content[at : at + size], dtype).reshape(head["shape"])
        at += size
    assert at == len(content)
    return found


def test_asked_outputs_alone_are_answered_each_in_its_form(client: httpx.Client) -> None:
    wanted = [
        {"name": "drift.is_drift"},
        {"name": "outlier.p_val", "parameters": {"binary_data": True}},
    ]
    answered = infer(client, v2.encode_request(Columns(PART.columns, {"outputs": wanted})))
    length = int(answered.headers["inference-header-content-length"])
    head = httpx.Response(200, content=answered.content[:length]).json()
    drift, scores = head["outputs"]
    assert drift["data"] == [0]
    assert scores["parameters"]["binary_data_size"] == 8 * len(PART)
    assert answered.content[length:] == truth().p_values.tobytes()


def test_a_column_or_matrix_that_does_not_fit_is_named(client: httpx.Client) -> None:
    missing = infer(client, v2.encode_request(PART.select(["age"])))
    assert missing.status_code == 422
    assert "'sex' is missing" in missing.json()["error"]
    unknown = client.post("/v2/models/nobody/infer", content=b"{}")
    assert unknown.status_code == 404
    assert "there are income" in unknown.json()["error"]
    assert infer(client, b"{").status_code == 400
    assert infer(client, b"{}", **{"Inference-Header-Content-Length": "x"}).status_code == 400
    wide = Columns((Column("x", np.zeros((5, 7))),))
    assert infer(client, v2.encode_request(wide)).status_code == 422
    odd = Columns(PART.columns, {"outputs": [{"name": "smell"}]})
    assert "there are outlier.is_outlier" in infer(client, v2.encode_request(odd)).json()["error"]


def test_a_model_tells_its_columns_and_that_it_is_watched(client: httpx.Client) -> None:
    told = client.get(f"/v2/models/{MODEL}").json()
    inputs = [(one["name"], one["datatype"]) for one in told["inputs"]]
    assert inputs == [("age", "FP64"), ("sex", "BYTES"), ("score", "FP64")]
    assert client.get(f"/v2/models/{MODEL}/ready").json() == {"name": MODEL, "ready": True}
    assert client.get("/v2/models/nobody/ready").status_code == 404
    assert client.get("/v2").json()["name"] == "sidelight_detectors"
    assert "nothing" not in client.get("/v1/metrics").text


def test_large_bodies_and_many_rows_are_refused() -> None:
    with asked(PLAN, max_body=4096, max_rows=20) as client:
        body = v2.encode_request(rows(2000, 2))
        large = infer(client, body)
        assert large.status_code == 413
        assert "more than 4096 bytes" in large.json()["error"]
        many = infer(client, v2.encode_request(rows(21, 2)))
        assert many.status_code == 413
        assert "up to 20 at once" in many.json()["error"]
        assert infer(client, v2.encode_request(rows(20, 2))).status_code == 200


def test_there_are_never_more_under_way_than_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Semaphore(0), threading.Event()

    def slow(*given: Any) -> Any:
        entered.release()
        assert leave.wait(20)
        return answer(*given)

    monkeypatch.setattr("sidelight_detectors.service.http.scoring.answer", slow)
    codes: list[int] = []
    with asked(PLAN, workers=1, waiting=2) as client:
        body = v2.encode_request(PART)
        threads = [
            threading.Thread(target=lambda: codes.append(infer(client, body).status_code))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        assert entered.acquire(timeout=20)
        while codes.count(503) < 5:
            assert client.get("/healthz").status_code == 200
        assert not entered.acquire(blocking=False)
        leave.set()
        for thread in threads:
            thread.join()
        page = client.get("/metrics").text
    assert sorted(codes) == [200] * 3 + [503] * 5
    assert 'sidelight_detectors_requests_total{outcome="busy"} 5.0' in page
    assert 'sidelight_detectors_requests_total{outcome="answered"} 3.0' in page
    assert f'sidelight_detectors_requested_rows_total{{model="{MODEL}"}} 180.0' in page


def test_the_answer_to_rows_depends_on_no_other_rows() -> None:
    whole = answer(PLAN, PART, Wish(), 0).scores["outlier"]
    for at in range(0, 60, 7):
        lone = answer(PLAN, PART.take([at]), Wish(), 0).scores["outlier"]
        assert lone.scores[0] == whole.scores[at]
        assert lone.p_values[0] == whole.p_values[at]
