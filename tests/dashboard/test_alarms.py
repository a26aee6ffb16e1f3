from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sidelight.config.capturing.redact import RedactSettings
from sidelight_dashboard.alarms.links import Links
from sidelight_dashboard.alarms.one import MOST_FLAGGED, OneAlarm, one_alarm
from sidelight_dashboard.alarms.told import Search, offered
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_detectors.results.findings import DriftResult
from sidelight_detectors.results.reading import read_alarms
from tests.dashboard.attacked import attacked_table
from tests.dashboard.browsing import client
from tests.dashboard.copied import change, copied
from tests.detectors.traffic import MODEL, SECOND


@pytest.fixture
def told(showing: Showing) -> OneAlarm:
    (alarm,) = Search().rows(showing, 10)
    return one_alarm(showing, alarm.id)


@pytest.fixture
def five(showing: Showing, tmp_path: Path) -> Iterator[Showing]:
    """The drift alarm five times over, a second apart; the first two are cleared."""
    with copied(showing, tmp_path) as found:
        names = (name for _, name, *_ in found.store.series.rows("PRAGMA table_info(alarm)"))
        others = ", ".join(name for name in names if name not in ("id", "raised_ns"))
        again = (
            f"INSERT INTO alarm (id, raised_ns, {others})"  # noqa: S608 - our own column names
            f" SELECT :id, raised_ns + :later, {others} FROM alarm WHERE length(id) > 1"
        )
        for number in range(1, 5):
            change(found, again, {"id": str(number), "later": number * SECOND})
        change(
            found,
            "UPDATE alarm SET cleared_ns = raised_ns + 1, cleared_reason = 'quiet'"
            " WHERE id NOT IN ('2', '3', '4')",
        )
        yield found


def test_an_alarm_is_told_as_the_detectors_said_it(showing: Showing, told: OneAlarm) -> None:
    (said,) = (one.output for one in read_alarms(showing.log))
    assert told.alarm.id == said.id
    assert (told.alarm.raised_ns, told.alarm.reason) == (said.time_ns, said.reason)
    assert [one.column for one in told.alarm.suspects] == [one.column for one in said.suspects]
    assert told.rows_seen == said.rows_seen
    assert [one.exchange for one in told.typical] == [str(one.address) for one in said.rows]


def test_its_sizes_are_the_effects_of_the_window_with_bounds_and_tolerance(
    showing: Showing, told: OneAlarm
) -> None:
    (said,) = (one.output for one in read_alarms(showing.log))
    assert isinstance(said.result, DriftResult)
    finding = said.result.finding
    by_column = {one.column: one for one in finding.columns}
    for size in told.sizes:
        column = by_column[size.columns[0]]
        assert (size.value, size.low, size.high) == (column.effect, column.low, column.high)
        assert (size.allowed_high, size.is_beyond) == (finding.tolerance, column.drifted)
    assert told.sizes[0].columns == (said.result.worst.column,)


def test_strange_rows_are_those_of_the_judged_window_the_strangest_first(
    showing: Showing, told: OneAlarm
) -> None:
    assert told.window is not None
    found = showing.store.series.rows(
        "SELECT p_value FROM flagged WHERE time_ns BETWEEN ? AND ? AND version = '2'",
        (told.window.begin_ns, told.window.end_ns),
    )
    p_values = [one.p_value for one in told.flagged]
    assert p_values == sorted(p_value for (p_value,) in found)[:MOST_FLAGGED]
    assert len(told.flagged) == MOST_FLAGGED


def test_a_feature_is_linked_in_the_judged_windows_time(told: OneAlarm) -> None:
    assert Links(told).feature("age", "") == (
        f"/models/{MODEL}/drift?version=2&feature=age&rows=all"
        "&from=2023-11-14T22%3A13%3A50.000Z&to=2023-11-14T22%3A13%3A59.000Z"
    )


def test_the_page_shows_how_it_came_and_what_followed(told: OneAlarm) -> None:
    asked = parse_qs(urlsplit(Links(told).page).query)
    assert asked["from"] == ["2023-11-14T22:10:50.000Z"]
    assert asked["to"] == ["2023-11-14T22:14:17.000Z"]


def test_the_runbook_is_a_link_where_it_is_known_where_runbooks_are(told: OneAlarm) -> None:
    assert Links(told).runbook == ""
    assert Links(told, "https://host/path/").runbook == "https://host/path/docs/runbooks/drift.md"


def test_an_alarm_that_is_not_there_says_where_the_others_are(showing: Showing) -> None:
    with pytest.raises(NotFound, match="see /alarms"):
        one_alarm(showing, "no-such-alarm")


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        (Search(state="raised"), ["4", "3", "2"]),
        (Search(state="cleared", model=MODEL, version="2", detector="drift"), ["1", "first"]),
        (Search(after="3"), ["2", "1", "first"]),
        (Search(version="1"), []),
        (Search(detector="' OR 1 --"), []),
        (Search(after="unknown"), []),
    ],
)
def test_alarms_are_found_by_what_they_are(five: Showing, search: Search, ids: list[str]) -> None:
    found = [one.id if len(one.id) == 1 else "first" for one in search.rows(five, 10)]
    assert found == ids


def test_pages_of_alarms_follow_each_other_without_gap_or_repeat(five: Showing) -> None:
    seen: list[str] = []
    with client(five) as browser:
        after = ""
        while True:
            told = browser.get("/api/alarms", params={"most": 2, "after": after}).json()
            assert told["count"] == 5
            seen += [one["id"] for one in told["alarms"]]
            after = told["next"]
            if not after:
                break
    assert len(seen) == len(set(seen)) == 5


def test_what_can_be_filtered_by_is_what_there_is(five: Showing) -> None:
    assert offered(five.store).versions == ("2",)
    assert offered(five.store).detectors == ("drift",)


def test_the_list_tells_how_large_each_is_and_why_it_was_cleared(five: Showing) -> None:
    with client(five) as browser:
        page = browser.get("/alarms").text
    assert page.count("Effect of ") == 5
    assert page.count("it has been quiet since") == 2


def test_a_filter_that_finds_nothing_leads_back(five: Showing) -> None:
    with client(five) as browser:
        page = browser.get("/alarms?state=raised&version=9").text
    assert "No alarm is like that" in page


def test_the_page_leads_to_features_rows_and_json(showing: Showing, told: OneAlarm) -> None:
    with client(showing) as browser:
        page = browser.get(told.alarm.path).text
        figure = browser.get(f"/api{told.alarm.path}/figure").json()
    assert "feature=age" in page
    assert told.typical[0].path in page
    assert told.flagged[0].path in page
    assert f"/api/alarms/{told.alarm.id}" in page
    assert told.promise.split("&")[0][:60] in page
    assert len(figure["layout"]["yaxis"]["ticktext"]) == len(told.sizes)


def test_what_is_not_there_is_404(showing: Showing) -> None:
    with client(showing) as browser:
        for path in ("/alarms/none", "/api/alarms/none", "/api/alarms/none/figure"):
            assert browser.get(path).status_code == 404


def test_what_was_said_of_a_column_that_is_redacted_by_now_is_not_told(showing: Showing) -> None:
    model = showing.settings.models[MODEL]
    redact = RedactSettings.model_validate({"columns": {"AGE": {"action": "drop"}}})
    models = {MODEL: model.model_copy(update={"redact": redact})}
    hiding = replace(showing, settings=showing.settings.model_copy(update={"models": models}))
    (alarm,) = Search().rows(hiding, 10)
    told = one_alarm(hiding, alarm.id)
    assert [one.column for one in alarm.suspects] == ["score"]
    assert {one.columns for one in told.sizes} == {("score",), ("sex",)}
    with client(hiding) as browser:
        assert "age" not in browser.get(f"/api{alarm.path}").text.split('"promise"')[0]


def test_an_alarm_of_a_model_that_is_configured_no_more_is_still_told(showing: Showing) -> None:
    without = replace(showing, settings=showing.settings.model_copy(update={"models": {}}))
    (alarm,) = Search().rows(without, 10)
    with client(without) as browser:
        assert browser.get(alarm.path).status_code == 200
        assert browser.get("/alarms").status_code == 200
        assert "No model is configured" in browser.get("/").text


def test_an_attacks_alarm_names_its_queries_and_how_many_there_are_by_now(tmp_path: Path) -> None:
    with attacked_table(tmp_path) as showing:
        (alarm,) = Search(detector="adversarial").rows(showing, 10)
        told = one_alarm(showing, alarm.id).attack
        assert told is not None
        ((count, last_ns),) = showing.store.series.rows("SELECT queries, last_ns FROM attack")
        assert (told.count, told.last_ns) == (count, last_ns)
        with client(showing) as browser:
            page = browser.get(alarm.path).text
        assert told.target.path in page
        assert all(query.path in page for query in told.queries)
        assert f"episode={alarm.id}" in page
        change(showing, "DELETE FROM attack")
        assert one_alarm(showing, alarm.id).attack is None
