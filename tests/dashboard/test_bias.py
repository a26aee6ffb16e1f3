"""The bias page: what the detectors said, told and drawn as they said it."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from sidelight.config.capturing.redact import RedactSettings
from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.log.testing import MemoryLog
from sidelight_dashboard.bias.windows import Head, merged, thinned
from sidelight_dashboard.bias.words import MEANINGS, favourable
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import iso
from sidelight_dashboard.words.wording import Wording
from sidelight_detectors.bias.finding import BiasFinding, GapFinding, GroupFinding
from sidelight_detectors.bias.metrics import COME_TRUE, DECIDED, MEASURED, PREDICTED
from sidelight_detectors.contract import Finding
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import About, Seen, WindowResult
from sidelight_detectors.results.reading import read_results
from tests.dashboard.browsing import client
from tests.dashboard.filled import settings_of, shown
from tests.dashboard.judged import (
    EXCHANGES,
    LABELLED,
    PER,
    SETTINGS,
    WINDOW,
    flipped,
    flips,
    people,
    results_of,
    said,
    unjudged,
    unlike,
)
from tests.detectors.traffic import MODEL, SECOND, START_NS

PAGE = f"/models/{MODEL}/bias"
API = f"/api/models/{MODEL}/bias"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    with unlike(tmp_path_factory.mktemp("judged")) as showing:
        yield showing


@pytest.fixture(scope="module")
def browser(judged: Showing) -> TestClient:
    return client(judged)


def asked(browser: TestClient, address: str, **query: str | int) -> Any:
    answer = browser.get(address, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def text_of(browser: TestClient, **query: str) -> str:
    answer = browser.get(PAGE, params=query)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_the_newest_window_is_told_as_the_detector_said_it(
    judged: Showing, browser: TestClient
) -> None:
    told = asked(browser, API)
    results = [one.output for one in read_results(judged.log)]
    for part, detector in (
        ("decisions", "bias"),
        ("came_true", "bias:labels"),
        ("realised", "labels"),
        ("estimated", "performance"),
        ("flips", "flips"),
    ):
        windows = [
            one for one in results if isinstance(one, WindowResult) and one.detector == detector
        ]
        newest = max(windows, key=lambda one: (one.seen.last_ns, windows.index(one)))
        finding = orjson.loads(orjson.dumps(newest.finding))
        found = told[part]["judged"]["finding"]
        # What the page has no use for is left out.
        assert found == {name: finding[name] for name in found}
        assert told[part]["judged"]["rows"] == newest.seen.rows


def test_a_gap_is_the_difference_of_the_rows_that_were_decided_about(browser: TestClient) -> None:
    rows = people(EXCHANGES * PER, 2).take(slice((EXCHANGES - WINDOW // PER) * PER, None))
    sex, answer = rows["sex"].values, rows["answer"].values
    found = asked(browser, API)["decisions"]["judged"]["finding"]["gaps"]
    (gap,) = [
        one
        for one in found
        if (one["metric"], one["attribute"]) == ("statistical_parity_difference", "sex")
    ]
    assert gap["value"] == pytest.approx(answer[sex == "f"].mean() - answer[sex == "m"].mean())
    assert (gap["rows"], gap["against_rows"]) == ((sex == "f").sum(), (sex == "m").sum())
    assert gap["low"] < gap["value"] < gap["high"]


def test_a_window_whose_labels_come_late_is_told_once_as_it_was_told_last(
    judged: Showing, browser: TestClient
) -> None:
    ((times,),) = judged.store.series.rows("SELECT count(*) FROM judged WHERE detector = 'labels'")
    part = asked(browser, API, recent=10)["realised"]
    assert (times, part["windows"]) == (5, 3)
    last, *before = part["recent"]
    assert [one["finding"]["is_final"] for one in (last, *before)] == [False, True, True]
    for one in before:
        assert one["finding"]["labelled"] == one["finding"]["rows"] * LABELLED / PER


def test_the_page_says_in_words_what_is_unfair_and_how_sure_that_is(browser: TestClient) -> None:
    page = text_of(browser)
    assert "gender × age: male × below 40 beside male × 40 and above" in page
    assert "gender: female beside male" in page
    assert "A decision is favourable when answer is granted (1)." in page
    assert "statistical parity difference" in page
    assert "Labels still come for this window" in page
    assert "Evidence gathered for an alarm" in page
    assert "<strong>ALARM</strong> since" in page
    assert "What its alarm promises" in page
    assert "truly granted" in page
    assert "gender: female as male" in page


def test_the_table_of_gaps_has_what_is_allowed_and_what_could_have_been_seen(
    browser: TestClient,
) -> None:
    page = text_of(browser)
    gaps = asked(browser, API)["decisions"]["judged"]["finding"]["gaps"]
    (gap,) = [
        one
        for one in gaps
        if (one["metric"], one["attribute"]) == ("statistical_parity_difference", "sex")
    ]
    assert "−5.0% to +5.0%" in page
    assert f"{gap['value']:+.1%}" in page
    assert f"{gap['seen_80']:+.1%}" in page
    assert f"{gap['rows']} and {gap['against_rows']}" in page


def test_a_link_chooses_the_gap_that_is_drawn_over_time(browser: TestClient) -> None:
    page = text_of(
        browser, by="decisions", metric="disparate_impact_ratio", attribute="sex", group="f"
    )
    assert "Over time: gender, female, disparate impact ratio" in page
    other = text_of(browser, by="decisions", metric="none", attribute="sex", group="f")
    assert "Over time: gender, female, disparate impact ratio" not in other


def test_gaps_are_drawn_upon_what_is_allowed_and_units_never_share_an_axis(
    browser: TestClient,
) -> None:
    shares = asked(browser, f"{API}/gaps", by="decisions", unit="share")
    ratios = asked(browser, f"{API}/gaps", by="decisions", unit="ratio")
    names, titles = (
        [one["layout"]["yaxis"]["ticktext"] for one in (shares, ratios)],
        [one["layout"]["xaxis"]["title"]["text"] for one in (shares, ratios)],
    )
    assert [len(one) for one in names] == [5, 5]
    assert not any("difference" in name or "ratio" in name for one in names for name in one)
    assert titles == [
        "statistical parity difference, difference of shares",
        "disparate impact ratio, ratio of shares",
    ]
    bands = [one for one in shares["layout"]["shapes"] if one["type"] == "rect"]
    assert {(one["x0"], one["x1"]) for one in bands} == {(-0.05, 0.05)}
    assert ratios["layout"]["shapes"][-1]["x0"] == 1.0
    states = {trace["name"]: trace["marker"]["symbol"] for trace in shares["data"]}
    assert states == {"unfair": "diamond", "not enough data": "circle-open"}


def test_a_gap_over_time_has_a_mark_for_each_window_and_its_limits(browser: TestClient) -> None:
    key = {"metric": "statistical_parity_difference", "attribute": "sex", "group": "f"}
    figure = asked(browser, f"{API}/gap", by="decisions", **key)
    marks = [one for one in figure["data"] if one.get("mode") == "markers"]
    windows = asked(browser, API, recent=300)["decisions"]["recent"]
    assert sum(len(one["x"]) for one in marks) == len(windows) == 16
    ends = sorted(at for one in marks for at in one["x"])
    assert ends == sorted(iso(one["end_ns"]) for one in windows)
    limits = [one for one in figure["data"] if one.get("line", {}).get("dash") == "dash"]
    assert [set(one["y"]) for one in limits] == [{-0.05}, {0.05}]
    spans = [one for one in figure["layout"]["shapes"] if one["type"] == "rect"]
    assert len(spans) == 1


def test_a_window_that_was_not_judged_is_a_gap_and_not_a_zero(
    judged: Showing, tmp_path: Path
) -> None:
    at_ns, reason = START_NS + (EXCHANGES + 5) * SECOND, "no two groups have 30 rows each"
    records = [*results_of(judged.log), unjudged(at_ns, reason)]
    with said(tmp_path, records) as showing:
        browser = client(showing)
        told = asked(browser, API)
        assert told["decisions"]["refused"]["refused"] == reason
        assert told["decisions"]["judged"]["finding"]
        assert f"was not judged: {reason}" in text_of(browser)
        key = {"metric": "statistical_parity_difference", "attribute": "sex", "group": "f"}
        figure = asked(browser, f"{API}/gap", by="decisions", **key)
        (line,) = [one for one in figure["data"] if one.get("name") == "gap"]
        assert line["y"][-1] is None


def test_a_finding_of_another_release_is_passed_by_in_words(
    judged: Showing, tmp_path: Path
) -> None:
    with said(tmp_path, results_of(judged.log)) as showing:
        with showing.store.series.writing() as series:
            strange = zlib.compress(b'{"rows": "many"}')
            series.execute("UPDATE judged SET data = ? WHERE detector = 'bias'", (strange,))
        browser = client(showing)
        assert "another release of the detectors told this window" in text_of(browser)
        assert asked(browser, API)["decisions"]["judged"]["finding"] is None
        assert browser.get(f"{API}/gaps").status_code == 404


def test_performance_over_time_stands_beside_its_reference(browser: TestClient) -> None:
    figure = asked(browser, f"{API}/realised", metric="accuracy")
    assert {"final", "labels still come", "reference", "accuracy"} <= {
        one["name"] for one in figure["data"]
    }
    estimated = asked(browser, f"{API}/estimated", metric="accuracy")
    by_name = {one["name"]: one for one in estimated["data"]}
    reference, least = by_name["reference"]["y"], by_name["allowed"]["y"]
    assert np.subtract(reference, least) == pytest.approx(0.02)
    other = asked(browser, f"{API}/estimated", metric="recall")
    assert set({one["name"]: one for one in other["data"]}["allowed"]["y"]) == {None}


def test_coverage_is_drawn_beside_what_is_wanted(browser: TestClient) -> None:
    figure = asked(browser, f"{API}/coverage")
    by_name = {one["name"]: one for one in figure["data"]}
    assert by_name["final"]["y"] == pytest.approx([LABELLED / PER] * 2)
    assert set(by_name["allowed"]["y"]) == {0.5}


def test_calibration_has_a_mark_for_each_band(browser: TestClient) -> None:
    bands = asked(browser, API)["realised"]["judged"]["finding"]["calibration"]
    line, marks = asked(browser, f"{API}/calibration")["data"]
    assert (line["x"], line["y"]) == ([0, 1], [0, 1])
    assert marks["y"] == [one["came_true"] for one in bands]
    ends = np.add(marks["y"], marks["error_y"]["array"])
    assert ends == pytest.approx([one["high"] for one in bands])


def test_flips_are_drawn_with_the_worst_pair_first(browser: TestClient) -> None:
    figure = asked(browser, f"{API}/flips")
    assert figure["layout"]["yaxis"]["ticktext"] == [
        "gender<br>female as male",
        "gender<br>male as female",
    ]
    pair = {"attribute": "sex", "group": "f", "other": "m"}
    over_time = asked(browser, f"{API}/flip", **pair)
    (marks,) = [one for one in over_time["data"] if one.get("mode") == "markers"]
    assert marks["y"] == [flips().rates[1].rate] * 2


def test_evidence_is_drawn_alone_beside_where_the_alarm_rings(browser: TestClient) -> None:
    figure = asked(browser, f"{API}/evidence", by="decisions")
    rings, evidence = figure["data"]
    assert len(evidence["y"]) == len(rings["y"]) == 16 + 1  # and where the first window begins
    assert figure["layout"]["yaxis"]["type"] == "log"


def test_an_earlier_stretch_of_time_shows_its_own_newest_window(browser: TestClient) -> None:
    to = iso(START_NS + 60 * SECOND)
    told = asked(browser, API, to=to, **{"from": iso(START_NS)})
    assert told["decisions"]["judged"]["end_ns"] == START_NS + 59 * SECOND
    assert told["realised"]["judged"] is None
    page = text_of(browser, to=to, **{"from": iso(START_NS)})
    assert "No window of labels was judged" in page
    assert "/feedback -d" in page


def test_a_model_without_groups_is_told_what_to_configure(showing: Showing) -> None:
    page = text_of(client(showing))
    assert "No groups are declared for this model." in page
    assert "bias: protected: {COLUMN: {privileged: GROUP}}" in page
    assert "this model waits for no labels" in page
    assert f"models.{MODEL}.detectors.performance" in page
    assert f"models.{MODEL}.detectors.flips" in page
    assert page.count("not watched") == 5


def test_before_anything_was_scored_no_stretch_of_time_is_told(tmp_path: Path) -> None:
    with shown(settings_of(tmp_path, people(300, 1), model=SETTINGS), MemoryLog()) as showing:
        page = text_of(client(showing))
    assert "was judged yet: nothing has been scored of this model." in page
    assert "1970" not in page


def test_charts_of_what_was_never_judged_are_refused_in_a_sentence(showing: Showing) -> None:
    browser = client(showing)
    for name in ("gaps", "calibration", "flips"):
        answer = browser.get(f"{API}/{name}")
        assert answer.status_code == 404
        assert f"of model '{MODEL}' was judged in this stretch of time" in answer.json()["error"]
    empty = asked(browser, f"{API}/coverage")
    assert all(trace["x"] == [] for trace in empty["data"])


def test_names_with_tags_are_text(tmp_path: Path) -> None:
    rate = replace(flips().rates[1], attribute="sex", other="<img src=x onerror=alert(1)>")
    with said(tmp_path, [flipped(3, replace(flips(), rates=(rate,)))]) as showing:
        browser = client(showing)
        assert "gender: female as &lt;img" in text_of(browser)
        (name,) = asked(browser, f"{API}/flips")["layout"]["yaxis"]["ticktext"]
        assert "<img" not in name


def test_groups_of_a_redacted_column_are_not_told(judged: Showing) -> None:
    model = judged.settings.models[MODEL].model_copy(
        update={"redact": RedactSettings.model_validate({"columns": {"SEX": "drop"}})}
    )
    settings = judged.settings.model_copy(update={"models": {MODEL: model}})
    browser = client(replace(judged, settings=settings))
    told = asked(browser, API, recent=5)
    for part in ("decisions", "came_true"):
        finding = told[part]["judged"]["finding"]
        assert {one["attribute"] for one in finding["gaps"] + finding["groups"]} == {"age"}
    assert told["flips"]["judged"]["finding"] is None
    assert "gender" not in text_of(browser)


def test_numbers_are_told_as_numbers_and_labels_may_measure_nothing(tmp_path: Path) -> None:
    groups = (GroupFinding("sex", "f", 300, 41_000.0), GroupFinding("sex", "m", 300, 44_500.0))
    gap = GapFinding(
        metric="mean_prediction_difference",
        attribute="sex",
        group="f",
        against="m",
        rows=300,
        against_rows=300,
        value=-3500.0,
        low=-math.inf,
        high=-3000.0,
        allowed_low=-1000.0,
        allowed_high=1000.0,
        verdict="unfair",
        seen_80=math.nan,
        seen_90=math.nan,
    )
    findings: dict[str, Finding] = {
        "bias": BiasFinding(600, 1, 0.95, True, groups, (gap,)),
        "labels": LabelsFinding(600, 10, False, ()),
    }
    seen = Seen(600, 0, (), START_NS, START_NS + 90 * SECOND)
    about = About(MODEL, "1", "plan")
    records = [
        output_record(WindowResult(name, about, name, seen, finding, "promise"))
        for name, finding in findings.items()
    ]
    with said(tmp_path, records) as showing:
        browser = client(showing)
        page = text_of(browser)
        assert "no end to −3,000" in page
        assert "no gap" in page
        assert "1.7% have a label by now." in page
        figure = asked(browser, f"{API}/gaps", unit="number")
        (marks,) = figure["data"]
        left, right = figure["layout"]["xaxis"]["range"]
        assert marks["x"][0] - marks["error_x"]["arrayminus"][0] < left < right


def heads(ranks: list[int]) -> list[Head]:
    return [
        Head(str(place), place * 10, place * 10 + 9, rank, (0, str(place)))
        for place, rank in enumerate(ranks)
    ]


@given(st.lists(st.sampled_from((-1, 0, 1)), max_size=60), st.integers(1, 20))
def test_a_thinned_chart_keeps_the_worst_of_each_stretch_and_counts_all(
    ranks: list[int], most: int
) -> None:
    found = heads(ranks)
    kept = thinned(found, most)
    assert len(kept) <= most
    assert sum(one.stands_for for one in kept) == len(found)
    assert [one.end_ns for one in kept] == sorted(one.end_ns for one in kept)
    assert max((one.rank for one in kept), default=None) == max(ranks, default=None)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), max_size=30))
def test_of_one_window_what_was_told_last_holds_whatever_the_order(
    told: list[tuple[int, int]],
) -> None:
    found = [
        Head(str(place), window * 10 + late, window * 10 + 9, 0, (len(str(place)), str(place)))
        for place, (window, late) in enumerate(told)
    ]
    kept = merged(found)
    assert kept == merged(reversed(found))
    last = {window: str(place) for place, (window, _) in enumerate(told)}
    assert [one.id for one in kept] == [last[window] for window in sorted(last)]


def test_every_metric_that_the_detectors_know_has_a_meaning() -> None:
    names = {metric.name for metric in (*DECIDED, *PREDICTED, *COME_TRUE, *MEASURED)}
    assert names <= set(MEANINGS)


def test_a_favourable_decision_is_named_by_the_outcome() -> None:
    words = Wording({})
    assert favourable(None, {}, words) == ""
    many = OutcomeSettings(prediction="answer", favorable=("yes", "perhaps"))
    assert (
        favourable(many, {"limit": ("high",)}, words)
        == "A decision is favourable when answer is yes or perhaps and limit is high."
    )
    regression = OutcomeSettings(kind="regression", prediction="wage")
    assert favourable(regression, {}, words) == (
        "Predictions are numbers: their means are compared."
    )


def test_the_parts_of_the_page_are_kept_by_name_when_it_is_swapped(browser: TestClient) -> None:
    page = browser.get(PAGE).text
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert all('id="' in tag for tag in re.findall(r"<figure[^>]*data-chart[^>]*>", page))
    assert all('id="' in tag for tag in re.findall(r"<details[^>]*>", page) if "menu" not in tag)
    for chart in re.findall(r'data-chart="([^"]+)"', page):
        assert browser.get(chart.replace("&amp;", "&")).status_code == 200, chart
