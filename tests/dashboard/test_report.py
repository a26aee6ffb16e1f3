"""What a report tells, that it needs nothing beside it, and who may have it."""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidelight.config.capturing.redact import RedactSettings
from sidelight.errors import MalformedPayload
from sidelight.serving.refusals import UnknownModel
from sidelight_dashboard.alarms.one import one_alarm
from sidelight_dashboard.alarms.told import Search
from sidelight_dashboard.explaining.keeping import Head, Kept, keep
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.report import routes
from sidelight_dashboard.report.making import Report
from sidelight_dashboard.report.wanted import MOST_ALARMS, Wanted, subjects
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.library import installed
from tests.dashboard.attacked import attacked_pictures, attacked_table
from tests.dashboard.browsing import client
from tests.dashboard.copied import change, copied
from tests.dashboard.hostile import BAD, COLUMN, VALUES, hostile
from tests.dashboard.reported import Found, asked, digest, made
from tests.dashboard.test_explain_shown import told as explained
from tests.detectors.traffic import MODEL


@pytest.fixture(scope="module")
def told(showing: Showing) -> Report:
    return made(showing)


@pytest.fixture(scope="module")
def found(told: Report) -> Found:
    return Found(told.html)


@pytest.fixture(scope="module")
def hostile_found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    with hostile(tmp_path_factory.mktemp("hostile")) as showing:
        yield Found(made(showing).html)


def test_it_tells_states_alarms_columns_rows_and_what_it_is_of(
    showing: Showing, found: Found
) -> None:
    (alarm,) = Search().rows(showing, 10)
    one = one_alarm(showing, alarm.id)
    for words in (
        "Report of income, version 2",
        "State when this was written",
        "Waiting to be scored",
        "Newest row",
        "Drift of income",
        "Strange rows of income",
        "Attacks on income",
        "Bias and performance of income",
        "How seldom such an alarm is false",
        "drift (window 100); outlier (rate 0.02)",
        "reference.parquet",
        one.promise[:60],
        f"Row {one.typical[0].row} of {one.typical[0].exchange}",
    ):
        assert words in found.text, words


def test_its_figures_are_those_of_the_api(showing: Showing, found: Found) -> None:
    (alarm,) = Search().rows(showing, 10)
    with client(showing) as browser:
        sizes = browser.get(f"/api/alarms/{alarm.id}/figure").json()
        ranked = browser.get(f"/api/models/{MODEL}/drift/ranked").json()
    figures = list(found.figures.values())
    assert sizes in figures
    bars = [figure["data"][0]["x"] for figure in figures]
    assert ranked["data"][0]["x"] in bars


def test_a_browser_has_nothing_to_ask_for(found: Found) -> None:
    for tag, given in found.elements:
        assert tag not in ("link", "iframe", "object", "embed", "form", "button") or (
            given.get("id") == "theme"
        ), tag
        assert given.get("src", "data:").startswith("data:"), given
        assert "url(" not in given.get("style", "")
        assert "http-equiv" not in given or given["http-equiv"] == "Content-Security-Policy"
    assert all("url(" not in text and "@import" not in text for tag, _, text in found.raw[:2])


def test_its_policy_lets_only_its_own_scripts_and_styles_be(found: Found) -> None:
    assert found.policy.startswith("default-src 'none';")
    assert "unsafe" not in found.policy
    for tag, given, text in found.raw:
        if given.get("type", "module") == "module":
            assert digest(text) in found.policy, (tag, text[:80])
    (packed,) = (text for _, given, text in found.raw if given.get("id") == "library")
    library = gzip.decompress(base64.b64decode(packed))
    assert library == installed().script
    assert digest(library.decode()) in found.policy


def test_what_it_refers_to_is_in_it(found: Found) -> None:
    assert not found.unclosed
    assert len(found.ids) == len(set(found.ids))
    known = set(found.ids)
    links = [given["href"] for tag, given in found.elements if tag == "a"]
    assert links
    for href in links:
        assert href.startswith("#"), href
        assert href[1:] in known, href
    for _, given in found.elements:
        for name in ("data-chart", "aria-labelledby", "aria-describedby"):
            assert set(given.get(name, "").split()) <= known, given


def test_headings_are_in_order(found: Found) -> None:
    levels = [int(tag[1]) for tag, _ in found.elements if tag in ("h1", "h2", "h3", "h4", "h5")]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_hostile_names_and_values_stay_text(hostile_found: Found) -> None:
    assert not hostile_found.unclosed
    assert f"age {BAD}" in hostile_found.text
    assert VALUES[1][:60] in hostile_found.text
    assert "img" not in [tag for tag, _ in hostile_found.elements]
    runs = [text for _, given, text in hostile_found.raw if given.get("type", "module") == "module"]
    assert len(runs) == 4  # two styles, the theme, the module
    assert all(digest(text) in hostile_found.policy for text in runs)
    assert hostile_found.figures
    for _, given, text in hostile_found.raw:
        if given.get("type") == "application/json":
            assert not {"<", ">", "&", "\u2028"} & set(text)
    assert COLUMN not in [given.get("id") for _, given in hostile_found.elements]


def test_a_redacted_column_is_not_in_it(showing: Showing) -> None:
    model = showing.settings.models[MODEL]
    redact = RedactSettings.model_validate({"columns": {"sex": {"action": "drop"}}})
    models = {MODEL: model.model_copy(update={"redact": redact})}
    hiding = replace(showing, settings=showing.settings.model_copy(update={"models": models}))
    html = made(hiding).html
    text = Found(html).text.casefold()
    assert "1, which are not in this report" in text
    assert "sex" not in text.replace("1, which", "")
    assert all("sex" not in str(figure) for figure in Found(html).figures.values())


def test_an_alarm_comes_in_its_own_time_with_the_columns_it_rests_on(showing: Showing) -> None:
    (alarm,) = Search().rows(showing, 10)
    told = made(showing, "", alarm.id)
    found = Found(told.html)
    assert [one.id for one in told.alarms] == [alarm.id]
    assert "Drift of income, version 2" in found.text
    assert "when drift of income, version 2 was found" in found.text
    assert told.name.startswith(f"sidelight-alarm-{alarm.id}"[:60])
    known = set(found.ids)
    assert all(given["href"][1:] in known for tag, given in found.elements if tag == "a")


def test_explanations_that_are_kept_of_its_rows_are_in_it(showing: Showing, tmp_path: Path) -> None:
    (alarm,) = Search().rows(showing, 10)
    row = one_alarm(showing, alarm.id).typical[0]
    with copied(showing, tmp_path) as changed:
        head = Head(
            "e1", MODEL, "2", row.exchange, row.row, "shapley", {}, alarm.raised_ns, 1, "ann"
        )
        keep(changed.store, Kept(head, explained("shapley")), 0)
        found = Found(made(changed).html)
    assert f"Why: shapley of row {row.row} of {row.exchange}" in found.text
    assert "What raised it most" in found.text
    assert "Forget it" not in found.text


def test_attacks_come_query_by_query(tmp_path: Path) -> None:
    with attacked_table(tmp_path) as showing:
        found = Found(made(showing).html)
    assert "Query by query" in found.text
    assert "Held against" not in found.text


def test_pictures_stand_in_the_file(tmp_path: Path) -> None:
    with attacked_pictures(tmp_path) as showing:
        found = Found(made(showing).html)
    pictures = [given["src"] for tag, given in found.elements if tag == "img"]
    assert pictures
    assert all(one.startswith("data:image/png;base64,") for one in pictures)


def test_links_lead_to_the_dashboard_where_people_reach_it(showing: Showing) -> None:
    public = showing.settings.dashboard.model_copy(update={"public_url": "https://side.example/s/"})
    settings = showing.settings.model_copy(update={"dashboard": public})
    found = Found(made(replace(showing, settings=settings)).html)
    links = [given["href"] for tag, given in found.elements if tag == "a"]
    assert any(one.startswith("https://side.example/s/rows/") for one in links)
    assert all(one.startswith(("#", "https://side.example/s/")) for one in links)


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        (Wanted("nobody"), UnknownModel, "no model 'nobody' is configured; there are income"),
        (Wanted(MODEL, asked(version="9")), NotFound, "no version '9' of income was seen"),
        (Wanted(alarm="none"), NotFound, "no alarm 'none' is known"),
        (Wanted(MODEL, asked(begin="soon")), MalformedPayload, "'soon' is no time"),
        (Wanted(MODEL, asked(last="1y")), MalformedPayload, "'1y' is no length of time"),
        (
            Wanted(MODEL, asked(begin="2020-01-01", end="2020-01-02")),
            NotFound,
            "nothing to tell: no row of income was scored",
        ),
    ],
)
def test_what_is_not_there_is_refused(
    showing: Showing, wanted: Wanted, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        subjects(showing, wanted)


def test_a_version_needs_its_model_where_there_are_more(showing: Showing) -> None:
    model = showing.settings.models[MODEL]
    models = {MODEL: model, "another": model}
    both = replace(showing, settings=showing.settings.model_copy(update={"models": models}))
    with pytest.raises(MalformedPayload, match="name the model too"):
        subjects(both, Wanted(asked=asked(version="2")))
    assert [one.name for one in subjects(both, Wanted())] == ["income, version 2"]


def test_a_log_without_rows_has_nothing_to_tell(showing: Showing, tmp_path: Path) -> None:
    with copied(showing, tmp_path) as empty:
        empty.store.forget_series()
        with pytest.raises(NotFound, match="nothing of income has been scored yet"):
            subjects(empty, Wanted())


def test_pages_of_models_and_alarms_offer_it_as_a_file(showing: Showing) -> None:
    (alarm,) = Search().rows(showing, 10)
    with client(showing) as browser:
        page = browser.get(f"/models/{MODEL}/drift?version=1").text
        assert f'href="/models/{MODEL}/report?version=1" download' in page
        assert f'href="{alarm.path}/report" download' in browser.get(alarm.path).text
        answer = browser.get(f"/models/{MODEL}/report?version=1")
        assert answer.headers["content-disposition"].startswith('attachment; filename="sidelight-')
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["content-encoding"] == "gzip"
        assert "Report of income, version 1" in answer.text
        plain = browser.get(f"{alarm.path}/report", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert Found(plain.text).figures
        assert browser.get("/models/nobody/report").status_code == 404
        assert browser.get("/alarms/none/report").status_code == 404
        assert browser.get(f"/models/{MODEL}/report?last=soon").status_code == 400


def test_only_so_many_are_made_at_once(showing: Showing, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(*given: Any) -> Report:
        begun.release()
        go_on.wait(30)
        return Report("report.html", "", ())

    monkeypatch.setattr(routes, "report", slow)
    with client(showing) as browser:
        asking = [
            threading.Thread(target=browser.get, args=(f"/models/{MODEL}/report",))
            for _ in range(routes.AT_ONCE)
        ]
        for one in asking:
            one.start()
        for _ in asking:
            assert begun.acquire(timeout=30)
        refused = browser.get(f"/models/{MODEL}/report")
        go_on.set()
        for one in asking:
            one.join()
    assert refused.status_code == 503
    assert "retry-after" in refused.headers


def test_of_many_alarms_some_are_told_and_the_rest_are_counted(
    showing: Showing, tmp_path: Path
) -> None:
    with copied(showing, tmp_path) as many:
        names = (name for _, name, *_ in many.store.series.rows("PRAGMA table_info(alarm)"))
        others = ", ".join(name for name in names if name != "id")
        for number in range(MOST_ALARMS + 2):
            again = f"INSERT INTO alarm (id, {others}) SELECT :id, {others} FROM alarm LIMIT 1"  # noqa: S608
            change(many, again, {"id": f"again-{number}"})
        told = made(many)
    assert len(told.alarms) == MOST_ALARMS
    assert f"{MOST_ALARMS + 3} alarms stood in this time" in Found(told.html).text
