from __future__ import annotations

import gzip
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

import sidelight_dashboard
from sidelight.errors import MalformedPayload
from sidelight.serving.refusals import UnknownModel
from sidelight_dashboard.app import create_app
from sidelight_dashboard.chosen import Asked, chosen
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS, iso, read_end, read_length, read_time
from sidelight_dashboard.web.library import installed
from sidelight_dashboard.web.pages import Pages
from tests.detectors.traffic import MODEL

PAGE = {"accept": "text/html"}
STATIC = Path(sidelight_dashboard.__file__).parent / "web" / "static"


@pytest.fixture
def browser(showing: Showing) -> TestClient:
    return TestClient(create_app(showing, CollectorRegistry(), lambda: None))


def asked(
    version: str | None = None, segment: str = "", begin: str = "", end: str = "", last: str = ""
) -> Asked:
    return Asked(version, segment, begin, end, last)


def page_of(showing: Showing, what: Asked) -> str:
    """The frame as a page of the model has it."""
    router = APIRouter()
    pages = Pages(showing, installed())
    pages.states = lambda: {MODEL: "NO DATA"}

    @router.get("/models/{model}/frame", response_class=HTMLResponse)
    def frame(request: Request, model: str) -> HTMLResponse:
        return pages.answer(request, "web/base.html", {"chosen": chosen(showing, model, what)})

    app = create_app(showing, CollectorRegistry(), lambda: None)
    app.include_router(router)
    return TestClient(app).get(f"/models/{MODEL}/frame", headers=PAGE).text


class Loaded(HTMLParser):
    """What a page has a browser load, and what a strict policy would not let it do."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("script", "img"):
            self.addresses.append(told.get("src") or "")
        if tag == "link":
            self.addresses.append(told.get("href") or "")
        if tag == "style" or (tag == "script" and "src" not in told):
            self.forbidden.append(tag)
        self.forbidden += [name for name in told if name == "style" or name.startswith("on")]


def test_a_page_loads_from_us_only_and_has_nothing_that_the_policy_forbids(
    browser: TestClient,
) -> None:
    loaded = Loaded()
    loaded.feed(browser.get("/", headers=PAGE).text)
    assert loaded.forbidden == []
    assert loaded.addresses
    for address in loaded.addresses:
        assert address.startswith("/static/")
        assert browser.get(address).status_code == 200


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_scripts_import_what_is_there(script: Path) -> None:
    for name in re.findall(r"""from ["']\./([^"']+)["']""", script.read_text()):
        assert (STATIC / name).exists(), name


def test_the_library_of_charts_comes_from_the_installed_wheel(browser: TestClient) -> None:
    library = installed()
    packed = browser.get(library.address, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    assert packed.content == library.script
    plain = browser.get(library.address, headers={"accept-encoding": "identity"})
    assert plain.content == library.script == gzip.decompress(library.packed)


def test_styles_that_the_library_would_add_are_kept_out(browser: TestClient) -> None:
    page = browser.get("/", headers=PAGE).text
    assert 'id="plotly.js-style-global" class="no-inline-styles"' in page
    assert installed().script.count(b'createElement("style")') == 1 + len(installed().styles)
    for style in installed().styles:
        assert f'<template id="{style}">' in page


def test_our_files_are_asked_for_again_but_not_sent_again(browser: TestClient) -> None:
    first = browser.get("/static/style.css")
    assert first.headers["cache-control"] == "no-cache"
    again = browser.get("/static/style.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


def test_pages_travel_compressed(browser: TestClient) -> None:
    page = browser.get("/", headers=PAGE | {"accept-encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"


def test_a_person_gets_an_error_as_a_page_and_a_program_as_json(browser: TestClient) -> None:
    page = browser.get("/nowhere", headers=PAGE)
    assert page.status_code == 404
    assert "<h1>Not Found</h1>" in page.text
    told = browser.get("/nowhere")
    assert (told.status_code, told.json()) == (404, {"error": "Not Found: GET /nowhere"})
    assert "application/json" in browser.get("/api/nowhere", headers=PAGE).headers["content-type"]


def test_a_wrong_query_is_told_in_a_sentence(showing: Showing) -> None:
    app = create_app(showing, CollectorRegistry(), lambda: None)
    router = APIRouter()

    @router.get("/api/asked/{model}")
    def asks(model: str, what: Asked = Depends()) -> str:  # noqa: B008
        return chosen(showing, model, what).version

    app.include_router(router)
    asks_for = TestClient(app)
    too_long = asks_for.get(f"/api/asked/{MODEL}", params={"last": "1" * 20})
    assert too_long.status_code == 422
    assert too_long.json()["error"].startswith("last: ")
    unknown = asks_for.get("/api/asked/other")
    assert (unknown.status_code, unknown.json()["error"].count(MODEL)) == (404, 1)


def test_an_error_that_nobody_foresaw_shows_its_kind_only(showing: Showing) -> None:
    app = create_app(showing, CollectorRegistry(), lambda: None)

    def broken() -> None:
        raise ZeroDivisionError("a secret")

    app.add_api_route("/broken", broken)
    answer = TestClient(app, raise_server_exceptions=False).get("/broken", headers=PAGE)
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.text
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_description_says_what_errors_look_like(browser: TestClient) -> None:
    paths = browser.get("/openapi.json").json()["paths"]
    assert paths["/healthz"]["get"]["responses"]["4XX"]["content"]["application/json"]
    assert all(
        "422" not in operation["responses"]
        for methods in paths.values()
        for operation in methods.values()
    )


def test_readiness_says_what_is_waited_for(showing: Showing) -> None:
    waits = TestClient(create_app(showing, CollectorRegistry(), lambda: "no log"))
    told = waits.get("/readyz")
    assert (told.status_code, told.json()["error"]) == (503, "no log")


def test_the_newest_version_and_its_last_day_are_shown_by_default(showing: Showing) -> None:
    told = chosen(showing, MODEL, asked())
    assert told.versions == ("2", "1")
    assert told.version == "2"
    assert told.is_default
    assert told.query == ""
    assert told.begin_ns < told.end_ns


def test_what_was_chosen_goes_with_the_links(showing: Showing) -> None:
    told = chosen(showing, MODEL, asked(version="1", last="6h"))
    assert replace(told, segment="a&b").query == "version=1&segment=a%26b&last=6h"
    exact = asked(begin="2026-11-23T08:00:00Z", end="2026-11-23T09:00:00.5Z")
    assert chosen(showing, MODEL, exact).query == (
        "from=2026-11-23T08%3A00%3A00.000Z&to=2026-11-23T09%3A00%3A00.599Z"
    )


def test_a_stretch_before_all_rows_is_empty_and_in_order(showing: Showing) -> None:
    told = chosen(showing, MODEL, asked(end="1980-01-01T00:00:00Z"))
    assert told.begin_ns <= told.end_ns


def test_a_stretch_after_all_rows_is_empty_and_in_order(showing: Showing) -> None:
    told = chosen(showing, MODEL, asked(begin="2199-01-01T00:00:00Z"))
    assert told.begin_ns <= told.end_ns


@pytest.mark.parametrize(
    "given",
    [
        {"begin": "yesterday"},
        {"begin": "2026-11-23T08:00:00Z", "end": "2026-11-22T08:00:00Z"},
        {"end": "9999-12-31T00:00:00Z"},
        {"end": "0001-01-01T00:00:00Z"},
        {"last": "0d"},
        {"last": "a while"},
    ],
)
def test_a_time_that_cannot_be_is_refused(showing: Showing, given: dict[str, str]) -> None:
    with pytest.raises(MalformedPayload):
        chosen(showing, MODEL, asked(**given))


def test_a_model_or_version_that_is_not_there_is_named_beside_those_that_are(
    showing: Showing,
) -> None:
    with pytest.raises(UnknownModel, match=MODEL):
        chosen(showing, "other", asked())
    with pytest.raises(NotFound, match=r"'9'.*2, 1"):
        chosen(showing, MODEL, asked(version="9"))


def test_the_form_works_without_script(showing: Showing) -> None:
    page = page_of(showing, asked(last="6h"))
    assert '<form method="get"' in page
    assert '<option value="6h" selected>' in page
    assert '<option value="1">1</option>' in page
    assert 'href="/models/income/outliers?last=6h"' in page


def test_the_menu_has_a_word_for_each_model(showing: Showing) -> None:
    assert '<span class="status no-data">NO DATA</span>' in page_of(showing, asked())


def test_an_empty_version_is_that_of_rows_which_told_none(showing: Showing, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    with store.series.writing() as series:
        series.executemany(
            "INSERT INTO version VALUES (?, ?, ?, ?)", [(MODEL, "", 1, 5), (MODEL, "2", 5, 9)]
        )
    shown = replace(showing, store=store)
    assert chosen(shown, MODEL, asked()).version == "2"
    old = chosen(shown, MODEL, asked(version=""))
    assert (old.version, old.query) == ("", "version=")
    store.close()


def test_an_empty_version_is_the_newest_where_all_rows_tell_one(showing: Showing) -> None:
    assert chosen(showing, MODEL, asked(version="")).version == "2"


def test_the_form_as_it_stands_asks_for_what_is_shown(showing: Showing) -> None:
    shown = chosen(showing, MODEL, asked())
    moments = re.findall(
        r'datetime-local" name="(\w+)" step="1" value="([^"]+)"', page_of(showing, asked())
    )
    assert [name for name, _ in moments] == ["from", "to"]
    again = chosen(showing, MODEL, asked(begin=moments[0][1], end=moments[1][1]))
    assert again.begin_ns <= shown.begin_ns
    assert again.end_ns >= shown.end_ns


def test_a_names_markup_is_text(showing: Showing) -> None:
    name = '<b>"x"&'
    settings = showing.settings.model_copy(
        update={"models": {name: showing.settings.models[MODEL]}}
    )
    told = replace(showing, settings=settings)
    page = TestClient(create_app(told, CollectorRegistry(), lambda: None)).get("/", headers=PAGE)
    assert "<b>" not in page.text
    assert "/models/%3Cb%3E%22x%22%26/drift" in page.text


@pytest.mark.parametrize(
    ("text", "length_ns"),
    [
        ("2026-11-23", 86_400 * NS),
        ("2026-11-23T08", 3600 * NS),
        ("2026-11-23T08:00", 60 * NS),
        ("2026-11-23T08:00Z", 60 * NS),
        ("2026-11-23T08:00:05", NS),
        ("2026-11-23T08:00:05+01:00", NS),
        ("2026-11-23T08:00:05.225Z", 1_000_000),
        ("2026-11-23T08:00:05.225758Z", 1000),
    ],
)
def test_an_end_is_that_of_what_is_named(text: str, length_ns: int) -> None:
    assert read_end(text, "to") - read_time(text, "to") == length_ns - 1


def test_a_plus_that_the_address_made_a_space_is_still_a_zone() -> None:
    told = read_time("2026-11-23T08:00:05+01:00", "from")
    assert read_time("2026-11-23T08:00:05 01:00", "from") == told
    assert read_time("2026-11-23 08:00", "from") == read_time("2026-11-23T08:00Z", "from")


def test_a_time_told_is_read_as_the_same_unit() -> None:
    at_ns = 1_795_419_133_225_758_246
    assert read_time(iso(at_ns), "from") <= at_ns <= read_end(iso(at_ns), "to")


def test_lengths_of_time() -> None:
    assert read_length("90s", "last") == 90 * NS
    assert read_length("30d", "last") == 30 * 86_400 * NS


@pytest.mark.parametrize("room", ["drift", "outliers", "attacks", "bias"])
def test_a_models_name_may_hold_a_slash(showing: Showing, room: str) -> None:
    model = showing.settings.models[MODEL]
    named = showing.settings.model_copy(update={"models": {"people/income": model}})
    app = create_app(replace(showing, settings=named), CollectorRegistry(), lambda: None)
    with TestClient(app) as browser:
        overview = browser.get("/", headers=PAGE).text
        page = browser.get(f"/models/people/income/{room}", headers=PAGE)
        told = browser.get(f"/api/models/people%2Fincome/{room}")
    assert 'href="/models/people/income/drift"' in overview
    assert page.status_code == told.status_code == 200
    assert f'href="/models/people/income/{room}"' in page.text
