"""An attack across queries as the detectors told it, and its queries as the log has them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from sidelight.config.capturing.redact import RedactSettings
from sidelight.log.contract import Address
from sidelight.log.testing import MemoryLog
from sidelight.redaction.references import as_logged
from sidelight_dashboard.attacks.episodes import Episode, episodes
from sidelight_dashboard.attacks.figures import answers_figure, watched_output
from sidelight_dashboard.attacks.sequence import sequence
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import iso
from sidelight_detectors.results.findings import AttackResult, OutlierResult
from sidelight_detectors.results.reading import read_results
from tests.dashboard.attacked import (
    ORDINARY,
    QUERIES,
    TABLE,
    attacked_pictures,
    attacked_table,
    people,
)
from tests.dashboard.browsing import client
from tests.dashboard.filled import filled, settings_of
from tests.detectors.traffic import MODEL, START_NS

FOREVER = (0, 1 << 62)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    with attacked_table(tmp_path_factory.mktemp("table")) as found:
        yield found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    with attacked_pictures(tmp_path_factory.mktemp("pictures")) as found:
        yield found


def attack_on(showing: Showing) -> Episode:
    return episodes(showing.store, MODEL, *FOREVER)[0]


def test_where_the_rows_drifted_too_the_page_says_so(table: Showing) -> None:
    page = f"/models/{MODEL}/attacks"
    assert "look at the drift first" not in client(table).get(page).text
    alarm = ("d1", MODEL, "1", "", "drift", "p", START_NS, None, "", START_NS, "drift", None, None)
    with table.store.series.writing() as series:
        series.execute(
            "INSERT INTO alarm VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?, '[]', '[]', 'alarms/0/0', x'00')",
            alarm,
        )
    try:
        text = client(table).get(page).text
    finally:
        with table.store.series.writing() as series:
            series.execute("DELETE FROM alarm WHERE id = 'd1'")
    assert 'href="/alarms/d1">drifted</a>' in text


def test_an_episode_is_what_was_told_of_it_last(table: Showing) -> None:
    said = [one.output for one in read_results(table.log) if isinstance(one.output, AttackResult)]
    (found,) = episodes(table.store, MODEL, *FOREVER)

    last = said[-1]
    assert found.id == last.episode
    assert (found.count, found.expected, found.promise) == (last.count, last.expected, last.promise)
    assert [Address.parse(query.exchange) for query in found.queries] == [
        query.address for query in last.queries
    ]
    assert [(one.name, one.queries) for one in found.clients] == [("mallory", last.count)]
    assert found.evidence >= found.threshold > 0
    assert found.raised_ns is not None
    assert found.cleared_ns is None


def test_queries_are_numbered_in_the_episode(table: Showing) -> None:
    found = attack_on(table)

    assert [query.number for query in found.queries] == list(range(1, found.count + 1))
    assert found.target in found.queries


def test_a_gap_is_between_the_first_and_the_last_that_are_known(tmp_path: Path) -> None:
    queries = [{"exchange": f"inference/0/{place}", "row": 0} for place in range(50)]
    data = {
        "episode": "long",
        "target": {"exchange": "inference/0/1000", "row": 3},
        "queries": queries,
        "n": 72,
        "n_expected": 0.1,
        "clients": {},
        "log_evidence": 20.0,
        "threshold": 14.0,
        "time_ns": {"from": 1, "to": 2},
        "is_over": True,
    }
    with closing(Store(tmp_path)) as store:
        store.prepare()
        with store.series.writing() as series:
            told = ("long", MODEL, 1, 2, 72, 0.1, 1, zlib.compress(orjson.dumps(data)))
            series.execute("INSERT INTO attack VALUES (?, ?, ?, ?, ?, ?, ?, ?)", told)
        (found,) = episodes(store, MODEL, *FOREVER)

    assert [query.number for query in found.queries] == [*range(1, 11), *range(33, 73)]
    assert found.gap == 22
    assert found.target.number == 0
    assert found.raised_ns is None


def test_each_query_says_what_changed_from_the_one_before(table: Showing) -> None:
    found = attack_on(table)

    steps = sequence(table, MODEL, found, "previous").steps

    assert steps[0].changes == ()
    assert [step.against for step in steps[1:]] == list(range(1, found.count))
    assert {change.label for change in steps[1].changes} == {"claimed income"}
    half = next(step for step in steps if len(step.changes) == 2)
    assert [piece.text for piece in half.changes[1].pieces] == [
        "rent food travel",
        "tools",
        "books",
    ]
    assert {step.client for step in steps} == {"mallory"}


def test_queries_can_be_held_against_the_first_or_the_target(table: Showing) -> None:
    found = attack_on(table)

    first = sequence(table, MODEL, found, "first").steps
    target = sequence(table, MODEL, found, "target").steps

    assert {step.against for step in first[1:]} == {1}
    assert first[5].changes[0].before == "2.5"
    own = next(step for step in target if step.is_target)
    assert (own.against, own.changes) == (None, ())
    assert {step.against for step in target} == {None, found.target.number}


def test_the_whole_search_is_told_from_its_first_query_to_its_last(table: Showing) -> None:
    found = attack_on(table)

    told = sequence(table, MODEL, found, "previous")

    beta = told.whole[0]
    assert (beta.column, beta.before) == ("beta", "2.5")
    assert float(beta.after) == pytest.approx(2.5 + 0.01 * (found.count - 1))
    assert told.columns[0].label == "claimed income"
    assert told.columns[0].queries == found.count - 1


def test_a_decision_that_turned_is_marked(table: Showing) -> None:
    found = attack_on(table)

    steps = sequence(table, MODEL, found, "previous").steps

    answers = [step.outputs[1].words for step in steps]
    assert answers[0] == "0"
    assert [step.turned for step in steps] == [answer == "granted" for answer in answers]
    assert any(step.turned for step in steps)


def test_a_query_says_which_detectors_flagged_it_too(table: Showing) -> None:
    found = attack_on(table)
    said = [one.output for one in read_results(table.log)]
    rows = {
        (str(one.address), one.row)
        for one in said
        if isinstance(one, OutlierResult) and one.detector == "outlier"
    }

    steps = sequence(table, MODEL, found, "previous").steps

    flagged = {
        (step.query.exchange, step.query.row) for step in steps if "Outliers" in step.flagged_by
    }
    assert flagged
    assert flagged == rows & {(query.exchange, query.row) for query in found.queries}


def test_answers_are_drawn_by_the_number_of_the_query(table: Showing) -> None:
    steps = sequence(table, MODEL, attack_on(table), "previous").steps
    settings = table.settings.models[MODEL]

    figure = answers_figure(settings, steps)

    assert watched_output(settings, steps) == "chance"
    assert figure is not None
    line = figure["data"][0]
    assert line["x"] == [step.query.number for step in steps]
    assert line["y"] == [step.outputs[0].number for step in steps]
    assert line["customdata"][0] == f"/rows/inference/0/{ORDINARY}/0"


def test_the_line_breaks_where_queries_are_not_known(table: Showing) -> None:
    steps = sequence(table, MODEL, attack_on(table), "previous").steps

    figure = answers_figure(table.settings.models[MODEL], (*steps[:3], *steps[8:10]))

    assert figure is not None
    assert figure["data"][0]["x"] == [1, 2, 3, 4, 9, 10]
    assert figure["data"][0]["y"][3] is None


def test_the_page_opens_the_only_attack(table: Showing) -> None:
    page = client(table).get(f"/models/{MODEL}/attacks")

    assert page.status_code == 200
    assert "Attack around" in page.text
    assert "claimed income" in page.text
    assert "The model changed its decision" in page.text
    assert f'href="/alarms/{attack_on(table).id}"' in page.text


def test_an_alarm_leads_to_its_attack_whatever_time_is_shown(table: Showing) -> None:
    asked = {"episode": attack_on(table).id, "from": iso(START_NS - 10**12), "to": iso(START_NS)}

    page = client(table).get(f"/models/{MODEL}/attacks", params=asked)

    assert "No attack was seen" in page.text
    assert "Attack around" in page.text


def test_the_interface_tells_the_same(table: Showing) -> None:
    asked, found = client(table), attack_on(table)

    listed = asked.get(f"/api/models/{MODEL}/attacks").json()
    one = asked.get(f"/api/models/{MODEL}/attacks/{found.id}", params={"against": "first"}).json()
    drawn = asked.get(f"/api/models/{MODEL}/attacks/{found.id}/answers").json()

    assert [episode["id"] for episode in listed["episodes"]] == [found.id]
    assert listed["looked"]["rows"] == ORDINARY + QUERIES
    assert one["episode"]["count"] == found.count
    assert len(one["sequence"]["steps"]) == len(found.queries)
    assert drawn["data"][0]["type"] == "scatter"


@pytest.mark.parametrize("path", ["attacks/none", "attacks/none/answers"])
def test_an_attack_that_is_not_known_is_not_found(table: Showing, path: str) -> None:
    answer = client(table).get(f"/api/models/{MODEL}/{path}")

    assert answer.status_code == 404
    assert "no attack 'none'" in answer.json()["error"]


def test_pictures_and_what_changed_in_them_are_images(pictures: Showing) -> None:
    asked, found = client(pictures), attack_on(pictures)
    page = asked.get(f"/models/{MODEL}/attacks", params={"episode": found.id})
    before, after = (query.number for query in found.queries[:2])
    address = f"/api/models/{MODEL}/attacks/{found.id}/differences/digit"

    image = asked.get(address, params={"before": before, "after": after})

    assert f"{address}?before={before}&amp;after={after}" in page.text
    assert f"{found.queries[1].path}/pictures/digit" in page.text
    assert image.headers["content-type"] == "image/png"
    assert struct.unpack(">II", image.content[16:24]) == (8, 8)


def test_a_picture_of_what_is_no_feature_or_no_query_is_not_found(pictures: Showing) -> None:
    asked, found = client(pictures), attack_on(pictures)
    address = f"/api/models/{MODEL}/attacks/{found.id}/differences"

    column = asked.get(f"{address}/answer", params={"before": 1, "after": 2})
    number = asked.get(f"{address}/digit", params={"before": 1, "after": 999})

    assert (column.status_code, number.status_code) == (404, 404)


def test_queries_that_the_log_no_longer_holds_are_told_as_gone(table: Showing) -> None:
    emptied = replace(table, log=MemoryLog())

    told = sequence(emptied, MODEL, attack_on(table), "previous")
    page = client(emptied).get(f"/models/{MODEL}/attacks")

    assert all("holds nothing" in step.missing for step in told.steps)
    assert (told.whole, told.columns) == ((), ())
    assert page.status_code == 200
    assert "not in the log any longer" in page.text


def test_a_redacted_column_is_not_told(table: Showing) -> None:
    dropped = RedactSettings.model_validate({"columns": {"beta": {"action": "drop"}}})
    model = table.settings.models[MODEL].model_copy(update={"redact": dropped})
    settings = as_logged(table.settings.model_copy(update={"models": {MODEL: model}}))
    asked = client(replace(table, settings=settings))

    page = asked.get(f"/models/{MODEL}/attacks").text
    told = asked.get(f"/api/models/{MODEL}/attacks/{attack_on(table).id}").text
    strange = asked.get(f"/api/models/{MODEL}/outliers").text

    for text in (page, told, strange):
        assert "claimed income" not in text
        assert "beta" not in text
    assert "travel" in told


def test_where_attacks_are_not_looked_for_the_page_names_the_setting(showing: Showing) -> None:
    page = client(showing).get(f"/models/{MODEL}/attacks")

    assert f"models.{MODEL}.detectors.adversarial" in page.text


def test_nothing_scored_yet_says_what_is_missing(tmp_path: Path) -> None:
    with filled(tmp_path, [], settings_of(tmp_path, people(3000, 1), TABLE)) as showing:
        page = client(showing).get(f"/models/{MODEL}/attacks")

    assert "Nothing has been scored" in page.text
