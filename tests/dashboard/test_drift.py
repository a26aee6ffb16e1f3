"""The drift page: what changed most, since when, and how its values changed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from sidelight.config.capturing.redact import RedactSettings
from sidelight.panes import open_panes
from sidelight_dashboard.comparing.compared import Compared
from sidelight_dashboard.drift.told import Drift
from sidelight_dashboard.showing import Showing
from sidelight_detectors.fitted import fit
from sidelight_detectors.service.fitting import folder_of
from tests.dashboard.browsing import client
from tests.dashboard.filled import filled, settings_of
from tests.detectors.traffic import MODEL, START_NS, rows, settings, traffic

SECOND = 1_000_000_000
PAGE = f"/models/{MODEL}/drift"
API = f"/api{PAGE}"


@pytest.fixture(scope="module")
def browser(showing: Showing) -> TestClient:
    return client(showing)


def got(browser: TestClient, address: str) -> Any:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_columns_come_with_the_surest_change_first(browser: TestClient) -> None:
    told = got(browser, API)
    assert [one["name"] for one in told["columns"]] == ["age", "score", "sex"]
    lows = [one["low"] for one in told["columns"]]
    assert lows == sorted(lows, reverse=True)
    assert [one["role"] for one in told["columns"]] == ["feature", "output", "feature"]
    assert told["window"]["is_drift"]
    assert told["window"]["rows"] == 100


def test_all_rows_of_a_stretch_are_compared_anew(browser: TestClient) -> None:
    (told,) = got(browser, f"{API}/compare")
    shifted = rows(300, seed=3, shift=1.5)
    fitted = fit(rows(2000, seed=1), settings())
    judged = fitted.judge(fitted.summarise(fitted.index(shifted)), 1)
    assert told["rows"] == 300
    for column, finding in zip(told["comparison"]["columns"], judged.columns, strict=True):
        assert column["effect"] == pytest.approx(finding.effect)
        assert column["p_value"] == pytest.approx(finding.p_value)


def test_all_rows_together_may_be_judged_instead_of_the_newest_window(browser: TestClient) -> None:
    (anew,) = got(browser, f"{API}/compare")
    told = got(browser, f"{API}?rows=all")
    assert [one["rows"] for one in told["columns"]] == [300] * 3
    effects = {one["name"]: one["effect"] for one in told["columns"]}
    assert effects == {one["name"]: one["effect"] for one in anew["comparison"]["columns"]}
    text = browser.get(f"{PAGE}?rows=all").text
    assert (
        "Of all 300 rows together, 2 of 3 columns drifted from the reference: age, score." in text
    )
    assert got(browser, f"{API}/ranked?rows=all")["data"][0]["x"][0] == effects["age"]


def test_an_earlier_version_is_shown_when_it_is_asked_for(browser: TestClient) -> None:
    told = got(browser, f"{API}?version=1")
    assert not told["window"]["is_drift"]
    assert not any(one["drifted"] for one in told["columns"])
    assert "no column drifted" in browser.get(f"{PAGE}?version=1").text


def test_the_page_tells_the_verdict_in_words_and_the_alarm(browser: TestClient) -> None:
    text = browser.get(PAGE).text
    assert "2 of 3 columns drifted from the reference: age, score." in text
    assert 'href="/alarms/' in text
    assert 'data-chart="/api/models/income/drift/over-time?feature=age"' in text


@pytest.mark.parametrize(
    ("part", "axis"),
    [
        ("over-time?feature=age", "effect (up is worse)"),
        ("over-time?feature=age&measure=p-value", "p-value (down is worse)"),
    ],
)
def test_a_column_over_time_stands_beside_its_own_threshold(
    browser: TestClient, part: str, axis: str
) -> None:
    figure = got(browser, f"{API}/{part}")
    assert figure["layout"]["yaxis"]["title"]["text"] == axis
    by_name = {trace["name"]: trace for trace in figure["data"]}
    value = by_name[axis.split(" ")[0]]
    limit = by_name["tolerance" if "effect" in axis else "threshold"]
    assert value["x"] == limit["x"]
    assert value["line"]["shape"] == "vh"
    assert len(by_name["drifted"]["x"]) == 3
    told = got(browser, API)
    age = told["columns"][0]
    assert value["y"][-1] == age["effect" if "effect" in axis else "p_value"]
    assert limit["y"][-1] == (told["tolerance"] if "effect" in axis else age["p_threshold"])


def test_deploys_and_alarms_stand_behind_the_line(browser: TestClient) -> None:
    shapes = got(browser, f"{API}/over-time?feature=age")["layout"]["shapes"]
    assert "version 2" in [shape.get("label", {}).get("text") for shape in shapes]
    spans = [one for one in shapes if (one["type"], one["xref"]) == ("rect", "x")]
    assert [one["fillcolor"] for one in spans] == ["$alarm"]


def test_a_mark_leads_to_the_rows_of_its_window(browser: TestClient) -> None:
    figure = got(browser, f"{API}/over-time?feature=age")
    address = next(one for one in figure["data"] if one["name"] == "drifted")["customdata"][0]
    told = got(browser, f"/api{address}")
    assert told["window"]["rows"] == 100
    assert told["window"]["begin_ns"] == START_NS + 30 * SECOND
    assert [one["windows"] for one in told["columns"]] == [1, 1, 1]


def test_few_windows_are_drawn_with_those_around_them(browser: TestClient) -> None:
    figure = got(browser, f"{API}/over-time?feature=age&version=2&last=1s")
    marks = next(one for one in figure["data"] if one["name"] == "drifted")
    assert len(marks["x"]) == 3
    assert "$reference" in [shape.get("fillcolor") for shape in figure["layout"]["shapes"]]


def test_what_changed_most_leads_to_its_column(browser: TestClient) -> None:
    figure = got(browser, f"{API}/ranked")
    assert figure["layout"]["yaxis"]["categoryarray"] == ["age", "score", "sex"]
    drifted = next(one for one in figure["data"] if one["name"] == "drifted")
    assert drifted["y"] == ["age", "score"]
    address = drifted["customdata"][1]
    assert 'aria-label="score, window by window"' in browser.get(address).text


def test_values_before_and_now_each_add_up_to_one(browser: TestClient) -> None:
    figure = got(browser, f"{API}/distribution?feature=sex")
    assert sorted(figure["data"][0]["y"]) == ["f", "m"]
    for side in figure["data"]:
        assert sum(side["x"]) == pytest.approx(1)
    ages = got(browser, f"{API}/distribution?feature=age&rows=all")
    for side in ages["data"]:
        assert sum(side["y"]) == pytest.approx(1)


def test_a_column_that_is_not_watched_is_said(browser: TestClient) -> None:
    assert "is not watched" in browser.get(f"{PAGE}?feature=income").text
    answer = browser.get(f"{API}/distribution?feature=income")
    assert answer.status_code == 404
    assert "name another with 'feature'" in answer.json()["error"]


def test_a_stretch_without_rows_says_where_some_are(browser: TestClient) -> None:
    text = browser.get(f"{PAGE}?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z").text
    assert "No rows of this version came then" in text


@pytest.mark.parametrize(
    "address",
    [
        f"{PAGE}?measure=mood",
        f"{PAGE}?rows=some",
        f"{API}/over-time?feature=age&from=now",
        "/models/nobody/drift",
        f"{PAGE}?feature={'x' * 600}",
    ],
)
def test_what_cannot_be_meant_is_refused(browser: TestClient, address: str) -> None:
    assert 400 <= browser.get(address, headers={"accept": "application/json"}).status_code < 500


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Two versions at one time, judged by sex too, with evidence."""
    folder = tmp_path_factory.mktemp("segmented")
    drift = {"by": "sex", "min_reference_rows": 100, "window_seconds": 20}
    told = settings_of(folder, model={"detectors": {"drift": drift}})
    one = traffic(rows(600, seed=2), per_exchange=10, version="1")
    other = traffic(rows(600, seed=3, shift=1.0), per_exchange=10, version="2")
    records = [record for pair in zip(one, other, strict=True) for record in pair]
    with filled(folder, records, told) as showing:
        yield client(showing)


def test_evidence_is_drawn_against_what_raises_the_alarm(segmented: TestClient) -> None:
    figure = got(segmented, f"{API}/over-time?measure=evidence&version=2")
    by_name = {trace["name"]: trace for trace in figure["data"]}
    assert by_name["evidence"]["y"][-1] > by_name["raises the alarm"]["y"][-1]
    assert figure["layout"]["yaxis"]["type"] == "log"
    text = segmented.get(f"{PAGE}?measure=evidence&version=2").text
    assert "Evidence of the alarm as a table" in text


def test_a_segment_is_compared_with_its_own_reference(segmented: TestClient) -> None:
    (women,) = got(segmented, f"{API}/compare?segment=f&version=1")
    (men,) = got(segmented, f"{API}/compare?segment=m&version=1")
    (everybody,) = got(segmented, f"{API}/compare?version=1")
    assert women["rows"] + men["rows"] == everybody["rows"] == 600
    sides = [one["comparison"]["reference_rows"] for one in (women, men, everybody)]
    assert sides[0] + sides[1] == sides[2] == 2000
    assert got(segmented, f"{API}?segment=f&version=1")["columns"][0]["rows"] < 200


def test_a_segment_that_nobody_judged_is_refused_by_name(
    segmented: TestClient, browser: TestClient
) -> None:
    refused = segmented.get(f"{API}?segment=x")
    assert refused.status_code == 404
    assert refused.json()["error"] == f"no segment 'x' of {MODEL} was judged; there are f, m"
    assert "detectors.drift.by names" in browser.get(f"{API}?segment=x").json()["error"]


def test_versions_of_one_time_are_shown_beside_each_other(segmented: TestClient) -> None:
    text = segmented.get(f"{PAGE}?version=2").text
    assert "against=1" in text
    told = got(segmented, f"{API}?version=2&against=1")
    assert [one["name"] for one in told["columns"]][:1] == ["age"]
    assert told["columns"][0]["drifted"]
    assert told["parts"] == []
    beside = segmented.get(f"{PAGE}?version=2&against=1").text
    assert "columns drifted from version 1" in beside
    assert "Values of two versions are not kept beside each other" in beside


def test_a_model_that_is_not_watched_says_what_to_set(tmp_path: Path) -> None:
    told = settings_of(tmp_path, model={"detectors": {"outlier": {"rate": 0.02}}})
    with filled(tmp_path, [], told) as showing:
        text = client(showing).get(PAGE).text
    assert "detectors.drift: {}" in text


def test_before_the_first_window_is_full_its_rows_are_shown(tmp_path: Path) -> None:
    with filled(tmp_path, traffic(rows(60, seed=2), 10)) as showing:
        browser = client(showing)
        text = browser.get(PAGE).text
        assert "A window is judged when it has 100 rows" in text
        assert "60 came" in text
        told = got(browser, API)
        assert (told["rows"], told["window"]) == ("all", None)
        assert [one["rows"] for one in told["columns"]] == [60] * 3
        assert sum(got(browser, f"{API}/distribution?feature=age")["data"][1]["y"]) == 1


def test_before_anything_came_the_way_there_is_shown(tmp_path: Path) -> None:
    with filled(tmp_path, []) as showing:
        assert "sidelight detectors" in client(showing).get(PAGE).text


def test_a_redacted_column_is_nowhere_though_it_was_counted_once(tmp_path: Path) -> None:
    with filled(tmp_path) as showing:
        model = showing.settings.models[MODEL]
        redact = RedactSettings.model_validate({"columns": {"sex": "drop"}})
        hiding = model.model_copy(update={"redact": redact})
        hidden = showing.settings.model_copy(update={"models": {MODEL: hiding}})
        browser = client(replace(showing, settings=hidden))
        for address in (PAGE, API, f"{API}/compare", f"{API}/ranked"):
            assert "sex" not in browser.get(address).text
        assert browser.get(f"{API}/distribution?feature=sex").status_code == 404
        for trace in got(browser, f"{API}/over-time?feature=sex")["data"]:
            assert trace["y"] == []


def test_without_its_reference_a_stretch_says_why_it_is_not_compared(tmp_path: Path) -> None:
    other = settings_of(tmp_path, model={"features": {"age": "numeric"}})
    with filled(tmp_path) as showing, open_panes(other) as reader:
        for kept in folder_of(showing.settings).iterdir():
            kept.unlink()
        browser = client(replace(showing, panes=reader))
        newest, whole = browser.get(PAGE).text, browser.get(f"{PAGE}?rows=all").text
    assert "2 of 3 columns drifted" in newest
    assert "Its values cannot be shown: the reference of plan" in newest
    assert "300 rows until" in whole
    assert "are not judged: the reference of plan" in whole


def test_columns_judged_together_are_shown_with_the_pairs_that_changed(tmp_path: Path) -> None:
    told = settings_of(tmp_path, model={"detectors": {"drift": {"window": 100}, "joint": {}}})
    records = traffic(rows(400, seed=2, shift=1.5), per_exchange=10, version="1")
    with filled(tmp_path, records, told) as showing:
        browser = client(showing)
        text = browser.get(PAGE).text
        figure = got(browser, f"{API}/jointly")
    assert "Columns judged together" in text
    assert "4 of 4 windows drifted" in text
    effect = next(one for one in figure["data"] if one["name"] == "effect")
    assert len([at for at in effect["y"] if at is not None]) == 5
    assert effect["y"][-1] > 0.1


ALIBI = """INSERT INTO judged (id, model, version, segment, against, detector, plan, begin_ns,
 end_ns, rows, flagged, is_drift, refused, promise, address, data) VALUES ('x', :model, '1', '', '',
 'alibi:ks', 'p', :begin, :begin + 1, 60, 0, 1, '', '', 'results/0/1', :data)"""


@pytest.mark.parametrize(
    ("numbers", "words", "axis"),
    [
        ({"p_value": [0.4, 0.001], "threshold": [0.05, 0.05]}, "p-value 0.001", "p-value"),
        (
            {"p_value": [], "statistic": [0.4], "threshold": [0.3]},
            "statistic 0.4, threshold 0.3",
            "test",
        ),
    ],
)
def test_a_detector_of_alibi_detect_is_told_by_what_it_knows(
    tmp_path: Path, numbers: dict[str, Any], words: str, axis: str
) -> None:
    finding = {"type": "KSDrift", "columns": ["age", "sex"], "statistic": [0.1, 0.2], **numbers}
    data = zlib.compress(orjson.dumps(finding))
    with filled(tmp_path, traffic(rows(60, seed=2), 10, version="1")) as showing:
        with showing.store.series.writing() as series:
            series.execute(ALIBI, {"model": MODEL, "begin": START_NS, "data": data})
        browser = client(showing)
        text = browser.get(PAGE).text
        figure = got(browser, f"{API}/jointly?detector=alibi:ks")
    assert "ks (KSDrift of alibi-detect)" in text
    assert words in text
    assert figure["layout"]["yaxis"]["title"]["text"].startswith(axis)


@pytest.mark.parametrize("asked", ["", "?rows=all", "?version=1&last=5s", "?against=1"])
def test_the_api_answers_as_it_is_described(browser: TestClient, asked: str) -> None:
    TypeAdapter(Drift).validate_json(browser.get(API + asked).content, strict=True)
    compared = browser.get(f"{API}/compare{asked}").content
    TypeAdapter(list[Compared]).validate_json(compared, strict=True)
