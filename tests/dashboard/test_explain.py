"""Rows explained: asked for, followed, drawn, kept, and refused with the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Response

from sidelight_dashboard.explaining.explaining import MOST_RUNNING
from sidelight_dashboard.explaining.keeping import kept_one
from tests.dashboard.browsing import client
from tests.dashboard.explained import HTML, Asking, asking, dashboard, logged
from tests.dashboard.scraping import until
from tests.explainers.explaining_services import Held, model, service
from tests.explainers.serving import model_app, probability_of_yes, served
from tests.ports import free_port


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Three methods, of which one explains the model and no row."""
    with asking(tmp_path_factory.mktemp("at"), shapley={}, anchor={}, ale={}) as found:
        yield found


def test_an_explanation_is_asked_for_and_kept(at: Asking) -> None:
    told = at.when(at.ask(), "done")

    data = told["explanation"]["data"]
    moved = sum(one["contribution"] for one in data["attributions"])
    expected = probability_of_yes(np.array([[1.0, -0.5, 2.0]]))[0]
    assert data["prediction"] == pytest.approx(expected)
    assert data["base_value"] + moved == pytest.approx(expected)
    kept = kept_one(at.showing.store, told["id"])
    assert kept is not None
    assert kept.explanation == told["explanation"]


def test_a_link_to_an_explanation_outlives_the_dashboard_and_the_explain_service(
    tmp_path: Path,
) -> None:
    with asking(tmp_path) as at:
        address = at.ask()
        told = at.when(address, "done")
    with dashboard(tmp_path, f"http://127.0.0.1:{free_port()}") as later:
        again = later.client.get(address).json()
        page = later.client.get(address.removeprefix("/api"), headers=HTML)

    assert again["explanation"] == told["explanation"]
    assert page.status_code == 200
    assert "What raised it most" in page.text


def test_what_was_kept_before_a_column_was_redacted_is_not_sent_after(tmp_path: Path) -> None:
    with asking(tmp_path) as at:
        address = at.ask()
        assert "f0" in str(at.when(address, "done")["explanation"]["data"])
    redact = {"columns": {"f0": "drop"}}
    with dashboard(tmp_path, f"http://127.0.0.1:{free_port()}", redact=redact) as later:
        told = later.client.get(address).json()["explanation"]["data"]
        page = later.client.get(address.removeprefix("/api"), headers=HTML).text

    assert [one["feature"] for one in told["attributions"]] == ["f1", "f2"]
    assert "f0" not in str(told)
    assert "f1 = -0.5" in page
    assert "f0 =" not in page
    assert "What redacted columns do is not shown." in page


def test_the_page_of_a_row_offers_methods_and_lists_what_was_explained(at: Asking) -> None:
    told = at.when(at.ask("anchor"), "done")
    page = at.client.get(at.row, headers=HTML).text

    assert re.findall(r'name="method" value="(\w+)"', page) == ["shapley", "anchor"]
    assert f'href="/explanations/{told["id"]}"' in page


def test_the_first_method_answers_who_names_none(at: Asking) -> None:
    answer = at.client.post("/api/explanations", json={"exchange": at.place})

    assert answer.json()["method"] == "shapley"


def test_a_form_asks_and_leads_to_the_explanation(at: Asking) -> None:
    form = {"method": "shapley", "budget": "64", "options": '{"seed": 7}'}
    answer = at.client.post(f"{at.row}/explanations", data=form, follow_redirects=False)
    assert answer.status_code == 303
    told = at.when(f"/api{answer.headers['location']}", "done")

    assert told["options"] == {"seed": 7, "budget": 64}
    assert told["explanation"]["meta"]["params"]["seed"] == 7


def test_progress_is_told_and_what_is_known_by_then_is_shown(tmp_path: Path) -> None:
    held = Held()
    with asking(tmp_path, held, shapley={"budget": 4096, "whitebox": False}) as at:
        address = at.ask()
        assert held.asked.wait(30)
        told = at.client.get(address).json()
        page = at.client.get(address.removeprefix("/api"), headers=HTML).text
        held.go.set()
        events = at.client.get(f"{address}/events").text

    assert told["state"] == "running"
    assert "<progress" in page
    assert "Cancel" in page
    names = re.findall(r"^event: (\w+)$", events, re.MULTILINE)
    assert names[-1] == "done"
    assert set(names[:-1]) <= {"partial"}


def test_a_cancelled_explanation_asks_the_model_no_more(tmp_path: Path) -> None:
    held = Held()
    with asking(tmp_path, held) as at:
        address = at.ask()
        assert held.asked.wait(30)
        assert at.client.delete(address).status_code == 204
        told = at.client.get(address).json()
        page = at.client.get(address.removeprefix("/api"), headers=HTML).text
        held.go.set()

    assert told["state"] == "cancelled"
    assert "Ask again on the row" in page
    assert kept_one(at.showing.store, told["id"]) is None


def test_more_than_can_be_followed_are_asked_to_wait(tmp_path: Path) -> None:
    held = Held()
    with asking(tmp_path, held) as at:
        asked = [at.ask() for _ in range(MOST_RUNNING)]
        refused = at.client.post("/api/explanations", json={"exchange": at.place})
        held.go.set()
        for address in asked:
            at.when(address, "done")
        again = at.client.post("/api/explanations", json={"exchange": at.place})

    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    assert again.status_code == 202


def test_a_dashboard_that_ends_takes_back_what_it_asked(tmp_path: Path) -> None:
    held = Held()
    with service(model(held), logged(tmp_path)) as explainers:
        with dashboard(tmp_path, str(explainers.base_url).rstrip("/")) as at:
            at.ask()
            assert held.asked.wait(30)
        cancelled = 'sidelight_explainers_jobs{state="cancelled"} 1.0'
        until(lambda: cancelled in explainers.get("/metrics").text)
        held.go.set()


def test_a_kept_explanation_can_be_forgotten(at: Asking) -> None:
    address = at.ask()
    at.when(address, "done")
    assert at.client.delete(address).status_code == 204
    gone = at.client.get(address)
    twice = at.client.delete(address)

    assert gone.status_code == twice.status_code == 404
    assert "ask again on the row's page" in gone.json()["error"]


def test_without_the_explain_service_the_page_says_how_to_start_it(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with dashboard(tmp_path, url) as at:
        page = at.client.get(at.row, headers=HTML)
        asked = {"exchange": at.place, "method": "shapley"}
        refused = at.client.post("/api/explanations", json=asked)

    assert page.status_code == 200
    assert url in page.text
    assert "sidelight explainers --config" in page.text
    assert refused.status_code == 503
    assert "does not answer" in refused.json()["error"]


def test_what_the_service_refuses_is_told_in_its_words(at: Asking) -> None:
    told = at.when(at.ask(budget=1), "failed")
    page = at.client.get(f"/explanations/{told['id']}", headers=HTML).text

    assert "budget" in told["error"]
    assert "greater than or equal to 2" in told["error"]
    assert "There is no explanation" in page


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"method": "none"}, 400, "there are shapley"),
        ({"options": {"exchange": "inference/0/1"}}, 400, "stands beside the options"),
        ({"options": {"seed": 1 << 70}}, 400, "cannot be sent on"),
        ({"exchange": "inference/0/99"}, 404, "holds nothing at inference/0/99"),
        ({"exchange": "alarms/0/0"}, 400, "is no address of an exchange"),
        ({"row": 2}, 404, "the first is 0; there is no row 2"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_at_once(
    at: Asking, asked: dict[str, object], status: int, words: str
) -> None:
    usual = {"exchange": at.place, "row": 0, "method": "shapley"}
    answer = at.client.post("/api/explanations", json={**usual, **asked})

    assert answer.status_code == status
    assert words in answer.json()["error"]


def dying() -> FastAPI:
    """An explain service that takes a job and is gone in the middle of it."""
    app = FastAPI()

    @app.get("/v2/models/m")
    def metadata() -> dict[str, Any]:
        return {"methods": [{"name": "x", "explains": "one row", "description": "", "options": {}}]}

    @app.post("/v1/models/m:explain", status_code=202)
    def explain(response: Response) -> dict[str, str]:
        response.headers["location"] = "/jobs/1"
        return {}

    @app.get("/jobs/1/events")
    def events() -> Response:
        return Response(": alive\n\nevent: par", media_type="text/event-stream")

    return app


def test_a_service_that_dies_in_the_middle_is_told(tmp_path: Path) -> None:
    with served(dying()) as url, dashboard(tmp_path, url) as at:
        told = at.when(at.ask("x"), "failed")
        page = at.client.get(f"/explanations/{told['id']}", headers=HTML).text

    assert "stopped before it was done; ask again" in told["error"]
    assert "Ask again on the row" in page


def test_what_is_no_explain_service_is_told_as_such(tmp_path: Path) -> None:
    with served(model_app()) as url, dashboard(tmp_path, url) as at:
        offered = at.client.get("/api/models/m/methods").json()

    assert offered["methods"] == []
    assert "does not answer as an explain service does" in offered["error"]


def test_a_token_that_may_only_read_is_offered_no_form(at: Asking) -> None:
    tokens = {"reader": {"token": "reads", "scopes": ["read"]}}
    settings = at.showing.settings
    section = settings.dashboard.model_validate(
        {**settings.dashboard.model_dump(mode="json"), "tokens": tokens}
    )
    told = settings.model_copy(update={"dashboard": section})
    bearer = {"authorization": "Bearer reads", **HTML}
    with client(replace(at.showing, settings=told)) as reading:
        page = reading.get(at.row, headers=bearer).text
        refused = reading.post(f"{at.row}/explanations", headers=bearer)

    assert "Log in with one that has the scope" in page
    assert "<form" not in page.partition('id="explain"')[2]
    assert refused.status_code == 403
