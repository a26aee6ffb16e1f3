from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from sidelight.config.showing.access import TokenSettings
from sidelight.config.showing.service import DashboardSettings
from sidelight.errors import ConfigError
from sidelight.tokens import TokenLost
from sidelight_dashboard.access.hosts import names_of
from sidelight_dashboard.access.sessions import LENGTH_SECONDS, MOST, Sessions
from sidelight_dashboard.access.tokens import Tokens, tokens_of
from sidelight_dashboard.access.who import Who
from sidelight_dashboard.app import create_app
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web import login

READ = "reads-only-0123456789"
EXPLAIN = "explains-0123456789"
TOKENS = {
    "readers": {"token": READ},
    "people": {"token": EXPLAIN, "scopes": ["explain"]},
}
PAGE = {"accept": "text/html"}
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture(autouse=True)
def _no_wait_after_wrong_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "GUESS_SECONDS", 0.0)


class Client(Protocol):
    """A browser, or program, before a dashboard with these settings; one app for the same ones."""

    def __call__(self, **dashboard: Any) -> TestClient: ...


@pytest.fixture(scope="module")
def client(showing: Showing) -> Client:
    apps: dict[str, FastAPI] = {}

    def new(**dashboard: Any) -> TestClient:
        if repr(dashboard) not in apps:
            apps[repr(dashboard)] = app_of(showing, dashboard)
        return TestClient(
            apps[repr(dashboard)], base_url="http://127.0.0.1:9084", follow_redirects=False
        )

    return new


def app_of(showing: Showing, dashboard: Mapping[str, Any]) -> FastAPI:
    told = {"dashboard": DashboardSettings.model_validate(dashboard)}
    settings = showing.settings.model_copy(update=told)
    return create_app(replace(showing, settings=settings), CollectorRegistry(), lambda: None)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def log_in(browser: TestClient, token: str, **form: str) -> Any:
    return browser.post("/login", data={"token": token, **form}, headers=OWN | PAGE)


def test_without_tokens_whoever_reaches_it_may_look(client: Client) -> None:
    assert client().get("/").status_code == 200


def test_with_tokens_programs_show_one_in_a_header(client: Client) -> None:
    asks = client(tokens=TOKENS)
    refused = asks.get("/openapi.json")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json()["error"].startswith("send 'Authorization: Bearer TOKEN'")
    wrong = asks.get("/openapi.json", headers=bearer("wrong"))
    assert "is no token of this dashboard" in wrong.json()["error"]
    assert asks.get("/openapi.json", headers=bearer(READ)).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [
        [("authorization", "Bearer wrong")],
        [("authorization", f"Basic {READ}")],
        [("authorization", f"Bearer {READ}"), ("authorization", f"Bearer {READ}")],
        [("authorization", "Bearer")],
        [("authorization", b"Bearer \xff\xfe")],
    ],
)
def test_what_is_no_token_lets_nobody_in(client: Client, shown: Any) -> None:
    assert client(tokens=TOKENS).get("/", headers=shown).status_code == 401


def test_a_browser_is_led_to_the_login_and_back_to_where_it_wanted(client: Client) -> None:
    browser = client(tokens=TOKENS)
    led = browser.get("/alarms?open=true", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (
        303,
        "/login?next=%2Falarms%3Fopen%3Dtrue",
    )
    form = browser.get(led.headers["location"], headers=PAGE)
    assert 'value="/alarms?open=true"' in form.text
    back = log_in(browser, READ, next="/alarms?open=true")
    assert (back.status_code, back.headers["location"]) == (303, "/alarms?open=true")
    assert browser.get("/", headers=PAGE).status_code == 200


def test_the_login_page_tells_nothing_of_the_models(client: Client, showing: Showing) -> None:
    page = client(tokens=TOKENS).get("/login", headers=PAGE)
    assert page.status_code == 200
    assert all(model not in page.text for model in showing.settings.models)


def test_no_script_and_no_other_site_gets_at_the_cookie(client: Client) -> None:
    given = log_in(client(tokens=TOKENS), READ).headers["set-cookie"]
    assert given.startswith("sidelight-9084=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(given.split("; "))
    assert READ not in given


def test_over_tls_the_cookie_never_travels_in_the_clear(client: Client) -> None:
    browser = client(tokens=TOKENS, public_url="https://sidelight.example")
    given = log_in(browser, READ).headers["set-cookie"]
    assert given.startswith("__Host-sidelight-9084=")
    assert "Secure" in given.split("; ")


def test_a_wrong_token_does_not_log_in(client: Client) -> None:
    browser = client(tokens=TOKENS)
    answer = log_in(browser, "wrong")
    assert answer.status_code == 401
    assert "no token of this dashboard" in answer.text
    assert "set-cookie" not in answer.headers


def test_logging_out_ends_the_session_even_for_who_kept_the_cookie(client: Client) -> None:
    browser = client(tokens=TOKENS)
    log_in(browser, READ)
    kept = dict(browser.cookies)
    assert browser.post("/logout", headers=OWN).status_code == 303
    browser.cookies.update(kept)
    assert browser.get("/openapi.json").status_code == 401


@pytest.mark.parametrize(
    "asked", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/\nx", ""]
)
def test_the_login_leads_to_no_other_site(client: Client, asked: str) -> None:
    answer = log_in(client(tokens=TOKENS), READ, next=asked)
    assert answer.headers["location"] == "/"


def test_who_may_only_read_changes_nothing(client: Client) -> None:
    asks = client(tokens=TOKENS)
    refused = asks.post("/api/nothing", headers=bearer(READ))
    assert refused.status_code == 403
    assert "'readers'" in refused.json()["error"]
    assert "'explain'" in refused.json()["error"]
    assert asks.post("/api/nothing", headers=bearer(EXPLAIN)).status_code == 404
    assert asks.get("/openapi.json", headers=bearer(EXPLAIN)).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:9084"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/api/nothing", "/login", "/logout"])
def test_no_other_site_has_a_browser_change_anything(
    client: Client, sent: dict[str, str], path: str
) -> None:
    refused = client().post(path, headers=sent)
    assert refused.status_code == 403
    assert "another site" in refused.json()["error"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        OWN,
        {"origin": "http://127.0.0.1:9084"},
        {"origin": "https://sidelight.example"},
    ],
)
def test_our_own_pages_and_programs_may(client: Client, sent: dict[str, str]) -> None:
    asks = client(public_url="https://sidelight.example")
    assert asks.post("/api/nothing", headers=sent).status_code == 404


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9084", "127.0.0.1.evil.example", "", "[::1", "localhost."],
)
def test_a_foreign_name_that_leads_here_is_refused(client: Client, host: str) -> None:
    refused = client().get("/", headers={"host": host})
    assert refused.status_code == 421
    assert "dashboard.allowed_hosts" in refused.json()["error"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3:9084", "[::1]:9084", "localhost:9084", "dashboard:9084", "Ops.Example"],
)
def test_addresses_and_own_names_are_answered(client: Client, host: str) -> None:
    answer = client(allowed_hosts=["ops.example"]).get("/", headers={"host": host})
    assert answer.status_code == 200


def test_the_names_of_the_settings_are_own() -> None:
    settings = DashboardSettings(listen="me.lan:1", public_url="https://Sidelight.example/")
    assert names_of(settings).own == {"me.lan", "sidelight.example"}


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_who_watches_the_process_needs_no_token(client: Client, path: str) -> None:
    assert client(tokens=TOKENS).get(path).status_code == 200


def test_who_watches_the_process_is_answered_while_a_token_cannot_be_read(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first-token\n")
    asks = client(tokens={"lost": {"token_file": str(file)}})
    file.unlink()
    assert asks.get("/healthz", headers=bearer("first-token")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/page.js", "/healthz", "/login"])
def test_every_answer_has_the_strict_policy(client: Client, path: str) -> None:
    headers = client().get(path, headers=PAGE).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_a_refusal_has_the_strict_policy_too(client: Client) -> None:
    refused = client(tokens=TOKENS).get("/openapi.json")
    assert "default-src 'none'" in refused.headers["content-security-policy"]


def test_a_token_file_is_read_again_and_sessions_of_the_old_one_end(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("first-token\n")
    browser = client(tokens={"people": {"token_file": str(file)}})
    log_in(browser, "first-token")
    assert browser.get("/", headers=PAGE).status_code == 200
    file.write_text("second-token-longer\n")
    assert browser.get("/openapi.json").status_code == 401
    assert browser.get("/", headers=bearer("second-token-longer")).status_code == 200


def test_a_lost_token_file_hinders_only_its_own_bearers(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first-token\n")
    tokens = {"lost": {"token_file": str(file)}, "people": {"token": READ}}
    asks = client(tokens=tokens)
    file.unlink()
    assert asks.get("/", headers=bearer(READ)).status_code == 200
    refused = asks.get("/openapi.json", headers=bearer("first-token"))
    assert refused.status_code == 503
    assert str(file) not in refused.text


def test_a_token_file_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dashboard\.tokens\.people\.token_file"):
        tokens_of({"people": TokenSettings(token_file=tmp_path / "none")})


def test_a_session_ends_by_itself() -> None:
    now = [0.0]
    sessions = Sessions(_known("t"), lambda: now[0])
    cookie = sessions.begin("t")
    now[0] = LENGTH_SECONDS - 1
    assert sessions.who(cookie) is not None
    now[0] = LENGTH_SECONDS
    assert sessions.who(cookie) is None
    assert sessions.who("") is None


def test_sessions_are_bounded_and_the_oldest_goes() -> None:
    sessions = Sessions(_known("t"))
    first, *_, last = [sessions.begin("t") for _ in range(MOST + 1)]
    assert sessions.who(first) is None
    assert sessions.who(last) is not None


def test_a_token_that_cannot_be_read_is_not_taken_for_a_wrong_one() -> None:
    def lost() -> str:
        raise TokenLost("gone")

    tokens = Tokens([(Who("a", frozenset()), lost)])
    with pytest.raises(TokenLost, match="try again"):
        tokens.bearer("anything")


def test_a_body_that_nothing_here_needs_is_refused(client: Client) -> None:
    answer = client().post("/login", content=b"x" * 20_000, headers=OWN)
    assert answer.status_code == 413


def _known(token: str) -> Tokens:
    return Tokens([(Who("a", frozenset(["read"])), lambda: token)])


@pytest.mark.parametrize("host", ["127.0.0.1/static/", "127.0.0.1/login?", "127.0.0.1/metrics#"])
def test_a_host_that_holds_a_path_opens_no_door(client: Client, host: str) -> None:
    browser = client(tokens=TOKENS)
    assert browser.get("/api/alarms", headers={"host": host}).status_code in (401, 421)
