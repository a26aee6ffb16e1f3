from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from sidelight.config.showing.service import DashboardSettings
from sidelight.errors import ConfigError
from sidelight.serving.listening import bound
from sidelight_dashboard.app import create_app
from sidelight_dashboard.links import url_of
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.serving import _configured, _Server, _tell_of_open_door
from sidelight_dashboard.showing import Showing
from tests.sidelight.kafka_security import Authority

LONG = 60.0


@contextmanager
def served(showing: Showing, **dashboard: Any) -> Iterator[tuple[_Server, int]]:
    """The dashboard in a thread, as its process serves it, and its port."""
    settings = DashboardSettings(listen="127.0.0.1:0", **dashboard)
    listens = bound("dashboard.listen", settings.listen)
    showing = replace(showing, revision=Revision())
    app = create_app(showing, CollectorRegistry(), lambda: None)
    server = _Server(_configured(app, settings), showing.revision)
    thread = threading.Thread(target=server.run, args=([listens],))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server, listens.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def test_who_follows_does_not_hold_up_the_end(showing: Showing) -> None:
    with served(showing) as (server, port):
        browser = HTTPConnection("127.0.0.1", port, timeout=LONG)
        with closing(browser):
            browser.request("GET", "/events")
            events = browser.getresponse()
            assert events.headers["content-type"].startswith("text/event-stream")
            assert events.readline() == b"event: revision\n"
            server.should_exit = True
            assert events.read().startswith(b"data: ")  # to its end, which comes


def test_it_serves_tls_with_the_configured_certificate(showing: Showing, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.create()
    certificate, key = authority.sign("dashboard")
    trusting = ssl.create_default_context(cafile=str(authority.certificate))
    with served(showing, cert_file=certificate, key_file=key) as (_, port):
        browser = HTTPSConnection("127.0.0.1", port, timeout=LONG, context=trusting)
        with closing(browser):
            browser.request("GET", "/healthz")
            assert browser.getresponse().read() == b'{"live":true}'


def test_a_certificate_that_is_none_is_told_before_anything_is_served(
    showing: Showing, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    settings = DashboardSettings(cert_file=nothing, key_file=nothing)
    with pytest.raises(ConfigError, match=r"dashboard.cert_file .*nothing\.pem"):
        _configured(create_app(showing, CollectorRegistry(), lambda: None), settings)


@pytest.mark.parametrize(
    ("listen", "is_told"),
    [("127.0.0.1:1", False), ("localhost:1", False), ("[::1]:1", False), ("0.0.0.0:1", True)],
)
def test_a_door_that_is_open_to_a_network_is_told(listen: str, is_told: bool) -> None:
    with capture_logs() as told:
        _tell_of_open_door(DashboardSettings(listen=listen))
    assert bool(told) == is_told


def test_links_lead_to_how_people_reach_it() -> None:
    over_tls = DashboardSettings(cert_file=Path("c"), key_file=Path("k"))
    assert url_of(DashboardSettings(listen="0.0.0.0:9084")) == "http://localhost:9084"
    assert url_of(over_tls) == "https://127.0.0.1:9084"
    assert url_of(DashboardSettings(public_url="https://ops.example/")) == "https://ops.example"
