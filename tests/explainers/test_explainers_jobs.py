from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from sidelight.errors import PredictorError
from sidelight.tensors import Columns
from tests.explainers.explaining_services import ROW, V1, V2, Held, model, service
from tests.explainers.serving import score

ASYNC = {"prefer": "respond-async"}
BODY = {"instances": [ROW, {**ROW, "f0": -1.0}]}


def ended(client: httpx.Client, place: str) -> Any:
    """The status of the job when it runs no longer."""
    while (status := client.get(place).json())["state"] == "running":
        time.sleep(0.01)
    return status


def events(stream: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in stream.iter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        if key == "data":
            yield name, orjson.loads(value)


def comparable(answer: Any) -> Any:
    for one in answer["explanations"]:
        del one["data"]["quality"]
    return answer


def test_a_job_gives_what_the_request_would_have_got() -> None:
    with service(model()) as client:
        begun = client.post(V1, json=BODY, headers=ASYNC)
        assert begun.status_code == 202
        assert begun.headers["preference-applied"] == "respond-async"
        place = begun.headers["location"]
        assert begun.json()["links"]["self"] == place
        status = ended(client, place)
        assert (status["state"], status["model"], status["method"]) == ("done", "m", "shapley")
        assert status["explanations"] == 2
        result = client.get(status["links"]["result"])
        assert result.status_code == 200
        assert comparable(result.json()) == comparable(client.post(V1, json=BODY).json())


def test_a_v2_job_answers_in_v2() -> None:
    columns = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in ROW.items()
    ]
    with service(model()) as client:
        body = {"id": "a7", "inputs": columns}
        place = client.post(V2, json=body, headers=ASYNC).headers["location"]
        ended(client, place)
        told = client.get(f"{place}/result").json()
        assert (told["id"], told["outputs"][0]["name"]) == ("a7", "explanation")


def test_a_client_may_wait_a_while_before_it_is_a_job() -> None:
    held = Held()
    with service(model(held)) as client:
        headers = {"prefer": "respond-async, wait=1"}
        slow = client.post(V1, json=BODY, headers=headers)
        assert slow.status_code == 202
        held.go.set()
        quick = client.post(V1, json=BODY, headers={"prefer": "respond-async; wait=30, wait=30"})
        assert quick.status_code == 200
        assert len(quick.json()["explanations"]) == 2


def test_the_result_of_a_running_job_is_its_status() -> None:
    held = Held()
    with service(model(held)) as client:
        place = client.post(V1, json=BODY, headers=ASYNC).headers["location"]
        early = client.get(f"{place}/result")
        assert (early.status_code, early.json()["state"]) == (202, "running")
        held.go.set()
        assert ended(client, place)["state"] == "done"


def test_partial_explanations_are_streamed_with_shrinking_intervals() -> None:
    """Whoever comes late gets the newest at once, and the end names the state."""
    with service(model(shapley={"budget": 120})) as client:
        place = client.post(V1, json={"instances": [ROW]}, headers=ASYNC).headers["location"]
        with client.stream("GET", f"{place}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            told = list(events(stream))
        names = [name for name, _ in told]
        assert names[-1] == "done"
        assert set(names[:-1]) == {"partial"}
        last = told[-2][1]
        assert last["row"] == 0
        result = client.get(f"{place}/result").json()["explanations"][0]
        assert last["data"]["attributions"] == result["data"]["attributions"]
        with client.stream("GET", f"{place}/events") as stream:
            late = list(events(stream))
        assert [name for name, _ in late] == ["partial", "done"]


def test_a_cancelled_job_frees_the_predictor_and_says_so() -> None:
    held = Held()
    with service(model(held)) as client:
        place = client.post(V1, json=BODY, headers=ASYNC).headers["location"]
        assert held.asked.wait(30)
        with client.stream("GET", f"{place}/events") as stream:
            assert client.delete(place).status_code == 204
            assert list(events(stream))[-1][0] == "cancelled"
        assert ended(client, place)["state"] == "cancelled"
        gone = client.get(f"{place}/result")
        assert (gone.status_code, "cancelled" in gone.json()["error"]) == (410, True)
        calls = held.calls
        held.go.set()
        assert client.post(V1, json={"instances": [ROW]}).status_code == 200
        assert held.calls <= calls + 2
        assert client.delete(place).status_code == 204
        assert client.get(place).status_code == 404
        counted = client.get("/metrics").text
        assert 'sidelight_explainers_jobs_total{model="m",outcome="cancelled"} 1.0' in counted


def test_a_failed_job_gives_the_error_that_the_request_would_have_got() -> None:
    def failing(rows: Columns) -> Columns:
        raise PredictorError("the predictor is on fire")

    with service(model(failing)) as client:
        place = client.post(V1, json=BODY, headers=ASYNC).headers["location"]
        status = ended(client, place)
        assert (status["state"], status["code"]) == ("failed", 502)
        assert "on fire" in status["error"]
        result = client.get(f"{place}/result")
        assert (result.status_code, "on fire" in result.json()["error"]) == (502, True)


def test_a_bad_request_is_refused_before_it_is_a_job() -> None:
    with service(model()) as client:
        assert client.post(V1, json={"instances": []}, headers=ASYNC).status_code == 400


def test_jobs_that_nobody_knows_are_404() -> None:
    with service(model()) as client:
        for path in ("", "/result", "/events"):
            assert client.get(f"/jobs/nobody{path}").status_code == 404
        assert client.delete("/jobs/nobody").status_code == 404


def test_results_are_dropped_after_their_time() -> None:
    with service(model(), jobs={"keep_seconds": 0.2}) as client:
        place = client.post(V1, json=BODY, headers=ASYNC).headers["location"]
        while client.get(place).status_code == 200:
            time.sleep(0.02)
        assert client.get(f"{place}/result").status_code == 404


@pytest.mark.parametrize("bound", [{"limit": 2}, {"keep_bytes": 6000}])
def test_the_oldest_results_make_way(bound: dict[str, int]) -> None:
    with service(model(), jobs=bound) as client:
        places = []
        for _ in range(4):
            places.append(client.post(V1, json=BODY, headers=ASYNC).headers["location"])
            assert ended(client, places[-1])["state"] == "done"
        codes = [client.get(place).status_code for place in places]
        assert codes[0] == 404
        assert codes[-1] == 200
        assert codes == sorted(codes, reverse=True)


def test_more_jobs_than_the_limit_are_503() -> None:
    held = Held()
    with service(model(held), jobs={"limit": 1}) as client:
        assert client.post(V1, json=BODY, headers=ASYNC).status_code == 202
        full = client.post(V1, json=BODY, headers=ASYNC)
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        held.go.set()


def test_jobs_leave_room_for_those_who_wait() -> None:
    held, first = Held(), [True]

    def slow_for_the_first(rows: Columns) -> Columns:
        if first.pop() if first else False:
            return held(rows)
        return score(rows)

    with service(model(slow_for_the_first), workers=1, jobs={"workers": 1}) as client:
        client.post(V1, json={"instances": [ROW]}, headers=ASYNC)
        assert held.asked.wait(30)
        assert client.post(V1, json={"instances": [ROW]}).status_code == 200
        held.go.set()
