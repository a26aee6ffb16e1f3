"""Strange rows as the detectors flagged them, beside how many chance would."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scipy import stats

from sidelight.log import Address
from sidelight.log.topics import RESULTS
from sidelight_dashboard.chosen import Asked, Chosen, chosen
from sidelight_dashboard.comparing.compared import compared
from sidelight_dashboard.outliers.chance import Ordinary
from sidelight_dashboard.outliers.figures import p_value_figure, rate_figure
from sidelight_dashboard.outliers.rates import LENGTHS, MOST_STRETCHES, stretches
from sidelight_dashboard.outliers.reasons import Reason, reasons, reasons_of
from sidelight_dashboard.outliers.strange import Blame, Part, Search, StrangeRow, blamed
from sidelight_dashboard.outliers.told import Strange, over_time, strange
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS, iso
from sidelight_dashboard.words.numbers import amount_words, chance_words
from sidelight_dashboard.words.wording import Wording
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import About, OutlierResult
from sidelight_detectors.results.reading import read_results
from tests.dashboard.attacked import attacked_table
from tests.dashboard.browsing import client
from tests.dashboard.filled import filled, follow, settings_of
from tests.detectors.traffic import MODEL, START_NS


def of_version(showing: Showing, version: str) -> Chosen:
    return chosen(showing, MODEL, Asked(version, "", "", "", ""))


def told(showing: Showing, version: str, detector: str = "outlier") -> Strange:
    return strange(showing, of_version(showing, version), detector, "worst", 0, 500)


def results(showing: Showing, version: str) -> list[OutlierResult]:
    found = (told.output for told in read_results(showing.log))
    return [one for one in found if isinstance(one, OutlierResult) and one.about.version == version]


def test_rates_count_every_row_and_every_flagged_one(showing: Showing) -> None:
    rate = told(showing, "2").rate

    assert rate is not None
    assert rate.rows == 300
    assert rate.flagged == rate.told == len(results(showing, "2"))


def test_more_than_chance_is_told_by_the_rate_that_this_reference_may_have(
    showing: Showing,
) -> None:
    calm, moved = told(showing, "1").rate, told(showing, "2").rate

    assert calm is not None
    assert moved is not None
    assert calm.verdict == "as expected"
    assert moved.verdict == "above chance"
    assert moved.bound is not None
    assert moved.expected is not None
    assert moved.bound > moved.expected
    assert moved.chance == pytest.approx(stats.binom.sf(moved.flagged - 1, 300, moved.bound))


def test_stretches_add_up_to_the_whole(showing: Showing) -> None:
    shown = of_version(showing, "2")

    over = over_time(showing, shown, "outlier", compared(showing, shown))

    assert sum(one.rows for one in over) == 300
    assert sum(one.flagged for one in over) == len(results(showing, "2"))
    assert [one.begin_ns for one in over] == sorted(one.begin_ns for one in over)


def test_long_times_are_told_in_few_round_stretches(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, dashboard={"pane_seconds": 1}, detectors={"bucket_seconds": 1})
    with filled(tmp_path, told=settings) as showing:
        shown = of_version(showing, "1")

        over = stretches(showing.store, shown, "outlier", {})

    assert 10 < len(over) <= MOST_STRETCHES
    assert {one.end_ns - one.begin_ns for one in over[1:-1]} <= set(LENGTHS)
    assert over[0].begin_ns == shown.begin_ns
    assert over[-1].end_ns == pytest.approx(shown.end_ns, abs=NS // 1000)
    assert sum(one.rows for one in over) == 300


def test_a_plan_that_follows_another_begins_a_stretch(tmp_path: Path) -> None:
    with filled(tmp_path) as showing:
        shown = of_version(showing, "1")
        half_ns = START_NS + 15 * NS
        with showing.store.series.writing() as series:
            series.execute(
                "INSERT INTO slot SELECT model, version, 'older', segment, begin_ns, length_ns,"
                " first_ns, ?, 100, '{\"outlier\": 3}', summary FROM slot WHERE version = '1'",
                (half_ns,),
            )
            series.execute("UPDATE slot SET first_ns = ? WHERE plan != 'older'", (half_ns,))
        before, after = stretches(showing.store, shown, "outlier", {})

    assert (before.plan, before.rows, before.flagged) == ("older", 100, 3)
    assert (before.end_ns, after.begin_ns) == (half_ns, half_ns)


def test_rows_that_the_detector_did_not_look_at_are_not_counted(tmp_path: Path) -> None:
    with filled(tmp_path) as showing:
        with showing.store.series.writing() as series:
            series.execute("""UPDATE slot SET flagged = '{"schema": 0}' WHERE version = '2'""")
        found = told(showing, "2").rate

    assert found is not None
    assert (found.rows, found.verdict) == (0, "no rows")


def test_the_band_of_a_stretch_is_of_its_own_plan(showing: Showing) -> None:
    shown = of_version(showing, "1")
    (plan,) = {one.plan for one in compared(showing, shown)}

    (known,) = stretches(showing.store, shown, "outlier", {plan: Ordinary(0.02, 0.05)})
    (unknown,) = stretches(showing.store, shown, "outlier", {"another": Ordinary(0.02, 0.05)})

    assert known.expected == 0.02
    assert known.high == stats.binom.ppf(0.9995, 300, 0.05)
    assert (unknown.expected, unknown.high, unknown.is_beyond) == (None, None, False)


def test_p_values_are_those_of_all_rows(showing: Showing) -> None:
    found = told(showing, "2").p_values

    assert found is not None
    assert found.rows == 300
    assert len(found.counts) == 20
    assert found.low < found.expected < found.high
    assert found.counts[0] > found.high


def test_the_worst_come_first_or_the_newest_do(showing: Showing) -> None:
    search = Search(MODEL, "outlier", START_NS, START_NS + 10**15, "2")
    said = results(showing, "2")

    worst = search.rows(showing, "worst", 5)
    newest = search.rows(showing, "newest", 5)

    assert [one.score for one in worst] == sorted((one.score for one in said), reverse=True)[:5]
    assert [one.time_ns for one in newest] == sorted((one.time_ns for one in said), reverse=True)[
        :5
    ]
    assert search.rows(showing, "worst", 2, 3) == worst[3:]
    assert search.count(showing.store) == len(said)


def test_a_row_says_why_with_the_value_it_had(showing: Showing) -> None:
    found = told(showing, "2").rows[:3]

    told_ = reasons(showing, MODEL, found)

    for row, why in zip(found, told_, strict=True):
        assert why[0].what.startswith(f"{row.parts[0].column} = ")
        assert [one.part for one in why] == [
            amount_words(part.score) for part in row.parts[: len(why)]
        ]


def strange_row(**changed: object) -> StrangeRow:
    fields: dict[str, object] = {
        "exchange": "inference/0/1",
        "row": 2,
        "version": "",
        "detector": "schema",
        "time_ns": START_NS,
        "score": 1.0,
        "p_value": None,
        "rate": None,
        "threshold": 0.5,
        "method": "schema",
        "parts": (Part("age", 1.0),),
        "reasons": (),
    }
    return StrangeRow(**{**fields, **changed})  # type: ignore[arg-type]


def test_what_is_wrong_is_said_in_words() -> None:
    row = strange_row(reasons=("age: above", "a: b: unseen", "odd"))

    told = reasons_of(row, {"age": 400}, Wording({}))

    assert told == (
        Reason("age = 400", "above its range"),
        Reason("a: b", "a category that the reference never held"),
        Reason("", "odd"),
    )


def test_what_is_wrong_with_no_column_stands_before_the_parts() -> None:
    row = strange_row(reasons=("margin 0.1",), parts=(Part("sex", 3.0), Part("age", 0.0)))

    assert reasons_of(row, {}, Wording({})) == (Reason("", "margin 0.1"), Reason("sex", "", "3"))
    assert blamed([row]) == (Blame("sex", 1),)


def test_columns_are_blamed_by_what_is_wrong_else_by_the_largest_part() -> None:
    rows = [
        strange_row(reasons=("age: above", "sex: unseen")),
        strange_row(reasons=("age: above",)),
        strange_row(parts=(Part("sex", 3.0), Part("age", 1.0))),
        strange_row(parts=()),
    ]

    assert blamed(rows) == (Blame("age: above", 2), Blame("sex", 1), Blame("sex: unseen", 1))


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (0.34, "34 %"),
        (1 / 12, "1 in 12"),
        (1 / 344, "1 in 340"),
        (1e-9, "less than 1 in a million"),
    ],
)
def test_chances_are_said_as_people_say_them(chance: float, words: str) -> None:
    assert chance_words(chance) == words


def test_scores_beyond_all_numbers_are_told(showing: Showing) -> None:
    assert amount_words(sys.float_info.max) == amount_words(None) == "∞"
    assert amount_words(12.3456) == "12.3"


def test_the_chart_breaks_where_no_rows_came(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, dashboard={"pane_seconds": 1}, detectors={"bucket_seconds": 1})
    with filled(tmp_path, told=settings) as showing:
        shown = of_version(showing, "1")
        over = over_time(showing, shown, "outlier", compared(showing, shown))
    early, late = over[:3], over[6:8]

    figure = rate_figure((*early, *late), ["?a"] * 5)

    flagged = next(one for one in figure["data"] if one["name"] == "flagged")
    assert flagged["y"] == [
        *(one.rate for one in (early[0], *early)),
        None,
        *(one.rate for one in (late[0], *late)),
    ]
    assert flagged["x"][-1] == iso(late[-1].end_ns)


def test_a_stretch_above_chance_leads_to_its_rows(showing: Showing) -> None:
    asked = client(showing)
    figure = asked.get(f"/api/models/{MODEL}/outliers/rate?version=2").json()

    marks = next(one for one in figure["data"] if one["name"] == "above chance")
    page = asked.get(f"/models/{MODEL}/outliers{marks['customdata'][0]}")

    assert page.status_code == 200
    assert "above chance" in page.text


def test_bars_say_share_and_count(showing: Showing) -> None:
    found = told(showing, "2").p_values
    assert found is not None

    (bars,) = p_value_figure(found)["data"]

    assert sum(bars["y"]) == pytest.approx(1)
    assert bars["customdata"][0] == ["0.00 to 0.05", found.counts[0]]


def test_the_page_says_it_all_without_script(showing: Showing) -> None:
    page = client(showing).get(f"/models/{MODEL}/outliers", params={"version": "2"})

    assert page.status_code == 200
    assert "of 300 rows were flagged" in page.text
    assert "above chance" in page.text
    assert 'href="/rows/inference/0/' in page.text
    assert f'data-chart="/api/models/{MODEL}/outliers/rate?detector=outlier' in page.text


def test_the_interface_tells_the_same(showing: Showing) -> None:
    answer = client(showing).get(
        f"/api/models/{MODEL}/outliers", params={"version": "2", "order": "newest", "most": 3}
    )

    found = answer.json()
    assert [one["detector"]["name"] for one in found["rates"]] == ["outlier"]
    assert found["rates"][0]["flagged"] == len(results(showing, "2"))
    assert len(found["rows"]) == 3


def test_an_unknown_detector_has_no_rows_and_no_failure(showing: Showing) -> None:
    asked = client(showing)

    page = asked.get(f"/models/{MODEL}/outliers", params={"detector": 'x"<script>'})
    figure = asked.get(f"/api/models/{MODEL}/outliers/rate", params={"detector": 'x"<script>'})
    bars = asked.get(f"/api/models/{MODEL}/outliers/p-values", params={"detector": "x"})

    assert page.status_code == 200
    assert "<script>" not in page.text.partition("</head>")[2]
    assert figure.status_code == 200
    assert bars.status_code == 404


def test_a_stretch_without_rows_says_so(showing: Showing) -> None:
    begin, end = iso(START_NS + 4000 * NS), iso(START_NS + 5000 * NS)

    page = client(showing).get(f"/models/{MODEL}/outliers", params={"from": begin, "to": end})

    assert "No rows came in this stretch of time" in page.text


def test_without_a_detector_the_page_names_the_setting(tmp_path: Path) -> None:
    model = {"detectors": {"drift": {"window": 100}}}
    with filled(tmp_path, told=settings_of(tmp_path, model=model)) as showing:
        page = client(showing).get(f"/models/{MODEL}/outliers")

    assert f"models.{MODEL}.detectors.outlier" in page.text


def test_before_the_first_row_the_page_says_what_is_missing(tmp_path: Path) -> None:
    with filled(tmp_path, []) as showing:
        page = client(showing).get(f"/models/{MODEL}/outliers")

    assert "Nothing has been scored" in page.text


def test_each_detector_of_rows_has_its_rate(tmp_path: Path) -> None:
    with attacked_table(tmp_path) as showing:
        schema, unlike = (told(showing, "1", name) for name in ("schema", "disagreement"))
        pages = [
            client(showing).get(f"/models/{MODEL}/outliers", params={"detector": name})
            for name in ("schema", "disagreement")
        ]

    names = [one.detector.name for one in schema.rates]
    assert names == ["outlier", "schema", "disagreement"]
    assert all(one.rows == 100 for one in schema.rates)
    assert (schema.p_values, unlike.p_values is None) == (None, False)
    assert [page.status_code for page in pages] == [200, 200]


def test_of_a_segment_a_rate_is_told_without_a_verdict(tmp_path: Path) -> None:
    drift = {"window": 100, "by": "sex", "alarm": {"rule": "windows"}}
    model = {"detectors": {"drift": drift, "outlier": {"rate": 0.02}}}
    with filled(tmp_path, told=settings_of(tmp_path, model=model)) as showing:
        shown = chosen(showing, MODEL, Asked("2", "f", "", "", ""))
        part = strange(showing, shown, "outlier", "worst", 0, 5).rate
        whole = told(showing, "2").rate
        page = client(showing).get(f"/models/{MODEL}/outliers?version=2&segment=f")

    assert part is not None
    assert whole is not None
    assert whole.rows == 300
    assert 0 < (part.rows or 0) < 300
    assert (part.verdict, part.expected) == ("not compared", None)
    assert "not of a segment" in page.text


def test_of_a_sample_only_the_flagged_rows_are_told(tmp_path: Path) -> None:
    about = About(MODEL, "1", "plan")
    flagged = OutlierResult(
        "squeezed",
        about,
        "squeezing",
        Address("inference", 0, 3),
        2,
        START_NS,
        4.0,
        0.002,
        0.01,
        (("median-2", 4.0), ("bits-1", 0.0)),
        "feature-squeezing",
    )
    with filled(tmp_path) as showing:
        showing.log.append(RESULTS, [output_record(flagged)], partition=0)
        follow(showing)
        found = told(showing, "1", "squeezing")
        page = client(showing).get(
            f"/models/{MODEL}/outliers", params={"version": "1", "detector": "squeezing"}
        )

    assert found.rate is not None
    assert (found.rate.rows, found.rate.told, found.rate.verdict) == (None, 1, "a sample")
    assert (found.stretches, found.p_values) == ((), None)
    assert "median-2" in page.text
    assert "Squeezer" in page.text
    assert "/rows/inference/0/3/2" in page.text


def test_rows_whose_plan_is_gone_stay_counted(tmp_path: Path) -> None:
    with filled(tmp_path) as showing:
        with showing.store.series.writing() as series:
            series.execute("UPDATE slot SET plan = 'gone'")
        found = told(showing, "2")
        page = client(showing).get(f"/models/{MODEL}/outliers", params={"version": "2"})

    assert found.rate is not None
    assert (found.rate.verdict, found.rate.rows) == ("not compared", 300)
    assert "Not compared" in page.text
