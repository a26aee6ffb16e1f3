from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidelight.log import Address
from sidelight.log.topics import INFERENCE, RESULTS
from sidelight_dashboard.overview.alarmed import standing
from sidelight_dashboard.overview.lag import Lag, lag_of
from sidelight_dashboard.overview.lines import Line, Lines
from sidelight_dashboard.overview.pulse import UNKNOWN
from sidelight_dashboard.overview.status import Status, Word, prevailing, together
from sidelight_dashboard.overview.told import overview
from sidelight_dashboard.overview.versions import Version, in_service
from sidelight_dashboard.overview.windows import newest_windows, since
from sidelight_dashboard.showing import Showing
from tests.dashboard.browsing import client
from tests.dashboard.copied import change, copied
from tests.detectors.traffic import MODEL, SECOND, START_NS

LAST_NS = START_NS + 59 * SECOND
"""Of the newest row of `filled.drifting`."""

SOON_NS = LAST_NS + SECOND

NO_LAG = UNKNOWN


@pytest.fixture
def changeable(showing: Showing, tmp_path: Path) -> Iterator[Showing]:
    with copied(showing, tmp_path) as found:
        yield found


def lines_of(showing: Showing, now_ns: int = SOON_NS, lag: Lag = NO_LAG) -> dict[str, Line]:
    """By version."""
    made = Lines(showing.settings, showing.store, lag, now_ns)
    lines, _ = made.of_model(MODEL, standing(showing))
    return {line.version: line for line in lines}


def test_what_is_wrong_somewhere_prevails_and_missing_data_does_not_hide_what_there_is() -> None:
    assert prevailing(["OK", "NO DATA", "WATCH", "ALARM"]) == "ALARM"
    assert prevailing(["OK", "NO DATA", "not watched"]) == "OK"
    assert prevailing(["NO DATA", "not watched"]) == "NO DATA"
    assert prevailing([]) == "not watched"


def test_detectors_of_one_aspect_speak_together_since_the_first_of_them() -> None:
    found = together(
        [Status("WATCH", "a.", 5), Status("OK", "b.", 1), Status("WATCH", "c.", 3, True)]
    )
    assert found == Status("WATCH", "a. c.", 3, True)


def test_a_detector_without_data_is_told_beside_one_that_is_well() -> None:
    assert together([Status("OK", "a.", 1), Status("NO DATA", "b.")]).why == "a. b."


def test_a_calm_version_is_ok_and_a_drifting_one_has_an_alarm(showing: Showing) -> None:
    lines = lines_of(showing)
    assert lines["1"].statuses["drift"].word == "OK"
    assert lines["2"].statuses["drift"].word == "ALARM"
    assert lines["2"].word == "ALARM"


def test_the_alarm_says_whom_it_blames_since_when_and_leads_to_its_page(showing: Showing) -> None:
    status = lines_of(showing)["2"].statuses["drift"]
    ((id_, raised_ns),) = showing.store.series.rows("SELECT id, raised_ns FROM alarm")
    assert status.page == f"/alarms/{id_}"
    assert status.since_ns == raised_ns
    assert "age" in status.why


def test_drift_without_an_alarm_is_to_be_watched_since_its_first_window(
    changeable: Showing,
) -> None:
    change(changeable, "DELETE FROM alarm")
    status = lines_of(changeable)["2"].statuses["drift"]
    assert status.word == "WATCH"
    assert status.since_ns == START_NS + 39 * SECOND
    assert "Effect of age" in status.why
    assert status.page == f"/models/{MODEL}/drift?version=2"


@pytest.mark.parametrize(("evidence", "word"), [(9.1, "WATCH"), (8.9, "OK"), (0.1, "OK")])
def test_evidence_past_half_its_threshold_as_logarithms_is_to_be_watched(
    changeable: Showing, evidence: float, word: Word
) -> None:
    change(
        changeable,
        "UPDATE judged SET is_drift = 0, evidence = :evidence, evidence_threshold = 81",
        {"evidence": evidence},
    )
    assert lines_of(changeable)["1"].statuses["drift"].word == word


def test_a_window_with_too_few_rows_is_no_data(changeable: Showing) -> None:
    change(
        changeable,
        "UPDATE judged SET is_drift = NULL, refused = '7 rows' WHERE end_ns = :newest",
        {"newest": START_NS + 29 * SECOND},
    )
    status = lines_of(changeable)["1"].statuses["drift"]
    assert (status.word, status.since_ns) == ("NO DATA", START_NS + 29 * SECOND)
    assert "7 rows" in status.why


def test_nothing_scored_for_long_is_no_data_but_an_alarm_stands(showing: Showing) -> None:
    stale_ns = int(showing.settings.dashboard.stale_seconds * SECOND)
    at_the_limit = lines_of(showing, LAST_NS + stale_ns)["2"]
    assert at_the_limit.statuses["freshness"].word == "OK"
    beyond = lines_of(showing, LAST_NS + stale_ns + 1)["2"]
    assert beyond.statuses["freshness"].word == "NO DATA"
    assert beyond.statuses["outliers"].word == "NO DATA"
    assert beyond.statuses["outliers"].since_ns == LAST_NS
    assert beyond.statuses["drift"].word == "ALARM"


def test_an_aspect_without_a_detector_is_not_watched_and_says_how(showing: Showing) -> None:
    status = lines_of(showing)["1"].statuses["attacks"]
    assert status.word == "not watched"
    assert f"models.{MODEL}.detectors.adversarial" in status.why


@pytest.mark.parametrize(("detector", "word"), [("joint", "NO DATA"), ("versions", "WATCH")])
def test_windows_of_a_detector_that_was_taken_out_count_no_more(
    changeable: Showing, detector: str, word: Word
) -> None:
    change(changeable, "DELETE FROM alarm")
    change(changeable, "UPDATE judged SET detector = :detector", {"detector": detector})
    assert lines_of(changeable)["2"].statuses["drift"].word == word


def test_windows_beside_the_reference_before_say_nothing_of_a_new_one(changeable: Showing) -> None:
    change(changeable, "DELETE FROM alarm")
    change(changeable, "UPDATE slot SET plan = 'new'")
    status = lines_of(changeable)["2"].statuses["drift"]
    assert (status.word, "nothing has been judged yet" in status.why) == ("NO DATA", True)


def test_scoring_that_lags_is_to_be_watched(showing: Showing) -> None:
    patience = showing.settings.detectors.stalled_seconds
    waits_ns = SOON_NS - int((patience + 1) * SECOND)
    behind = lines_of(showing, lag=Lag(7, waits_ns, SOON_NS, 1.0))["1"].statuses["freshness"]
    assert behind.word == "WATCH"
    assert "7 records" in behind.why
    assert lines_of(showing, lag=Lag(7, SOON_NS, SOON_NS, 1.0))["1"].word == "OK"


def test_while_the_dashboard_itself_is_behind_it_says_so(showing: Showing) -> None:
    stale_ns = LAST_NS + 3600 * SECOND
    behind = Lag(500, START_NS, LAST_NS, 1.0, unread=1001)
    assert "still reads" in lines_of(showing, stale_ns, behind)["1"].statuses["drift"].why
    assert lines_of(showing, lag=behind)["1"].statuses["freshness"].word == "OK"
    almost = Lag(500, START_NS, LAST_NS, 1.0, unread=1000)
    assert lines_of(showing, lag=almost)["1"].statuses["freshness"].word == "WATCH"


def test_a_model_without_any_row_says_so(showing: Showing) -> None:
    made = Lines(showing.settings, showing.store, NO_LAG, SOON_NS)
    settings = showing.settings.model_copy(
        update={"models": {"other": showing.settings.models[MODEL]}}
    )
    (line,), retired = Lines(settings, made.store, made.lag, SOON_NS).of_model("other", ())
    assert (line.word, line.newest_ns, retired) == ("NO DATA", None, [])
    assert "No row has been scored yet" in line.statuses["drift"].why


def test_versions_in_service_are_the_newest_those_as_new_and_those_with_an_alarm() -> None:
    found = [Version("4", 0, 100 * SECOND), Version("3", 0, 95 * SECOND)]
    old = [Version("2", 0, 50 * SECOND), Version("1", 0, 40 * SECOND)]
    serving = in_service([*found, *old], frozenset({"1"}), stale_seconds=10)
    assert [one.name for one in serving] == ["4", "3", "1"]
    assert in_service([], frozenset(), 10) == ()


def test_since_when_goes_back_no_further_than_what_was_otherwise(changeable: Showing) -> None:
    change(changeable, "UPDATE judged SET is_drift = 1 WHERE version = '1'")
    change(
        changeable,
        "UPDATE judged SET is_drift = 0 WHERE end_ns = :second",
        {"second": START_NS + 19 * SECOND},
    )
    (window,) = newest_windows(changeable.store, MODEL, "1", LAST_NS)
    found = since(changeable.store, window)
    assert (found.at_ns, found.or_earlier) == (START_NS + 29 * SECOND, False)


def test_a_run_longer_than_is_looked_back_may_have_begun_earlier(changeable: Showing) -> None:
    change(
        changeable,
        "UPDATE judged SET end_ns = end_ns - :month, begin_ns = 0"
        " WHERE version = '1' AND end_ns < :third",
        {"month": 31 * 86_400 * SECOND, "third": START_NS + 20 * SECOND},
    )
    (window,) = newest_windows(changeable.store, MODEL, "1", LAST_NS)
    assert since(changeable.store, window).or_earlier


def test_dead_letters_of_the_last_day_are_counted_by_reason(showing: Showing) -> None:
    ((hour_ns,),) = showing.store.series.rows("SELECT hour_ns FROM dead_letter")
    told = overview(showing, NO_LAG, (), hour_ns + SECOND)
    (letters,) = told.dead_letters
    assert (letters.reason, letters.count) == ("MalformedPayload", 1)
    assert "not JSON" in letters.newest
    assert overview(showing, NO_LAG, (), hour_ns + 26 * 3600 * SECOND).dead_letters == ()


def test_the_worst_line_comes_first(showing: Showing) -> None:
    told = overview(showing, NO_LAG, (), SOON_NS)
    assert [line.version for line in told.lines] == ["2", "1"]
    assert told.counts["ALARM"] == 1


def test_records_that_no_pane_told_of_wait_since_the_first_was_appended(
    changeable: Showing,
) -> None:
    log, now_ns = changeable.log, 2 * LAST_NS
    newest_ns = log.get(Address(INFERENCE, 0, 60)).appended_ns
    assert lag_of(changeable, now_ns) == Lag(0, None, newest_ns, 0.0)
    change(changeable, "UPDATE chain SET reached = 58")
    oldest_ns = log.get(Address(INFERENCE, 0, 58)).appended_ns
    assert lag_of(changeable, now_ns) == Lag(3, oldest_ns, newest_ns, 0.0)


def test_a_model_that_is_watched_no_more_does_not_lag(changeable: Showing) -> None:
    change(
        changeable,
        "INSERT INTO chain (model, partition, reached, watermark_ns, appended_ns, gaps)"
        " VALUES ('gone', 0, 5, 0, 0, 0)",
    )
    assert lag_of(changeable, SOON_NS).waiting == 0


def test_what_the_follower_has_not_read_yet_is_counted(changeable: Showing) -> None:
    results = changeable.log.span(RESULTS, 0).end
    change(changeable, "UPDATE position SET offset = 0 WHERE topic = 'results'")
    assert lag_of(changeable, SOON_NS).unread == results > 0


def test_exchanges_a_second_are_those_of_the_last_minute(showing: Showing) -> None:
    first_ns = showing.log.get(Address(INFERENCE, 0, 0)).appended_ns
    lag = lag_of(showing, first_ns + 60 * SECOND)
    assert lag.per_second == pytest.approx(61 / 60)


def test_before_anything_is_scored_all_of_the_log_waits(changeable: Showing) -> None:
    change(changeable, "DELETE FROM chain")
    assert lag_of(changeable, SOON_NS).waiting == 61


def test_the_page_tells_every_version_and_the_api_the_same(showing: Showing) -> None:
    with client(showing) as browser:
        page = browser.get("/").text
        told = browser.get("/api/overview").json()
    assert page.count('scope="row"') >= 2
    assert "ALARM" in page
    assert {line["version"] for line in told["lines"]} == {"1", "2"}
    assert told["dead_letters"][0]["count"] == 1
