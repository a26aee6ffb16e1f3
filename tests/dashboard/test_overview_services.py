from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import orjson

from sidelight.config.settings import Settings
from sidelight_dashboard.overview.pulse import Pulse
from sidelight_dashboard.overview.services import Service, ask, services_of
from tests.dashboard.filled import filled, settings_of


class _Answers(BaseHTTPRequestHandler):
    """503 with its words, 200 once it is ready."""

    def do_GET(self) -> None:
        ready = self.path == "/ready"
        told = {"ready": True} if ready else {"ready": False, "error": "reads the log"}
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(orjson.dumps(told))

    def log_message(self, *_told: object) -> None:
        """Quiet."""


@contextmanager
def answering() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(url: str) -> Service:
    (found,) = asyncio.run(ask((Service("detectors", url, "not asked yet"),)))
    return found


def test_a_service_is_up_or_says_in_its_own_words_why_it_is_not() -> None:
    with answering() as url:
        assert asked(f"{url}/ready").state == "up"
        waits = asked(f"{url}/other")
    assert (waits.state, waits.why) == ("not ready", "reads the log")


def test_nobody_there_is_no_answer() -> None:
    with answering() as url:
        pass
    assert asked(f"{url}/ready").state == "no answer"


def test_services_that_the_configuration_runs_are_asked_at_its_addresses() -> None:
    told = Settings.model_validate(
        {
            "models": {"m": {"detectors": {"drift": {}}, "explainers": {"shapley": {}}}},
            "detectors": {"listen": "0.0.0.0:9082"},
            "explainers": {"listen": "127.0.0.1:0"},
            "dashboard": {"explainers": "https://why.example:8443/"},
        }
    )
    assert {one.name: one.url for one in services_of(told)} == {
        "detectors": "http://localhost:9082/readyz",
        "explainers": "https://why.example:8443/v2/health/ready",
    }


def test_pages_are_made_anew_when_time_or_a_service_changes_what_they_say(tmp_path: Path) -> None:
    with ExitStack() as service:
        listen = service.enter_context(answering()).removeprefix("http://")
        with filled(tmp_path, told=settings_of(tmp_path, detectors={"listen": listen})) as showing:
            pulse = Pulse(showing)
            before = showing.revision.number
            asyncio.run(pulse.beat())
            assert showing.revision.number == before + 1
            asyncio.run(pulse.beat())
            assert showing.revision.number == before + 1
            assert [one.state for one in pulse.overview().services] == ["not ready"]
            service.close()
            asyncio.run(pulse.beat())
            assert showing.revision.number == before + 2
            assert [one.state for one in pulse.overview().services] == ["no answer"]
