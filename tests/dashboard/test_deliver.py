"""Alarms are told: once each, until they are taken, over restarts, and no longer than is of use."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from sidelight.config.showing.telling import AlertsSettings
from sidelight_dashboard.delivering.alertmanager import alert_of
from sidelight_dashboard.delivering.delivering import Delivering
from sidelight_dashboard.delivering.notice import notice_of
from sidelight_dashboard.delivering.posting import advised_seconds
from sidelight_dashboard.delivering.receiver import receivers
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS
from tests.dashboard.asking import rules
from tests.dashboard.browsing import client
from tests.dashboard.filled import filled, settings_of
from tests.dashboard.scraping import until
from tests.dashboard.told import (
    NOW_NS,
    Inbox,
    alertmanager,
    change,
    inbox,
    state_of,
    telling,
)
from tests.ports import free_port

CLEAR = "UPDATE alarm SET cleared_ns = raised_ns + 60000000000, cleared_reason = 'quiet'"
STANDS = "UPDATE alarm SET cleared_ns = NULL, cleared_reason = ''"
JUST_NOW = f"UPDATE alarm SET appended_ns = {NOW_NS + NS}"  # noqa: S608 - a number
ANOTHER = """
INSERT INTO alarm SELECT 'another-{number}', model, version, against, detector, plan, raised_ns,
  NULL, '', {appended_ns}, reason, evidence, evidence_threshold, suspects, typical, address, data
FROM alarm LIMIT 1
"""

needs_alertmanager = pytest.mark.skipif(
    which("prometheus-alertmanager") is None,
    reason="no prometheus-alertmanager: apt-get install prometheus-alertmanager",
)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    folder = tmp_path_factory.mktemp("deliver")
    told = settings_of(folder, dashboard={"public_url": "https://sidelight.example/"})
    with filled(folder, told=told) as found:
        change(found, STANDS)
        change(found, "CREATE TABLE before AS SELECT * FROM alarm")
        yield found


@pytest.fixture
def showing(once: Showing) -> Showing:
    """A store with one alarm, which stands, and of which nobody was told."""
    change(once, "DELETE FROM alarm; INSERT INTO alarm SELECT * FROM before")
    with once.store.kept.writing() as kept:
        kept.execute("DELETE FROM delivery")
    return once


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as found:
        yield found


def test_a_webhook_gets_each_change_once_as_a_cloud_event(showing: Showing, box: Inbox) -> None:
    at = telling(showing, box.url, token="secret")
    at.turn()
    at.turn(1)
    change(showing, CLEAR)
    at.turn(1)
    at.turn(3600)

    raised, cleared = box.bodies
    assert raised["specversion"] == "1.0"
    assert raised["type"] == "io.sidelight.alarm.told.v1"
    assert (raised["id"], cleared["id"]) == (
        f"{raised['data']['alarm']}-raised",
        f"{raised['data']['alarm']}-cleared",
    )
    assert raised["modelname"] == "income"
    assert raised["data"]["url"] == f"https://sidelight.example/alarms/{raised['data']['alarm']}"
    assert raised["data"]["summary"] == "Drift of income, version 2"
    assert "age" in raised["data"]["suspects"]
    assert raised["data"]["runbook"] == "docs/runbooks/drift.md"
    assert cleared["data"]["cleared_reason"] == "quiet"
    assert box.headers[0]["authorization"] == "Bearer secret"
    assert box.headers[0]["content-type"] == "application/cloudevents+json"
    assert state_of(showing) == [("raised", "taken", 1), ("cleared", "taken", 1)]


def test_the_page_of_an_alarm_says_who_was_told(showing: Showing, box: Inbox) -> None:
    box.answers = [(503, {})]
    at = telling(showing, box.url)
    at.turn()
    ((id_,),) = showing.store.series.rows("SELECT id FROM alarm")
    page = client(showing).get(f"/alarms/{id_}").text
    at.turn(10)
    (told,) = client(showing).get(f"/api/alarms/{id_}/deliveries").json()

    assert "webhook/pager, raised: waiting: it answers 503" in page
    assert (told["receiver"], told["outcome"], told["tries"]) == ("webhook/pager", "taken", 2)


def test_nothing_is_told_twice_over_a_restart(showing: Showing, box: Inbox) -> None:
    at = telling(showing, box.url)
    at.turn()
    at.restart()
    at.turn(1)

    assert len(box.bodies) == 1


def test_a_new_receiver_is_told_what_stands_and_not_what_is_over(
    showing: Showing, box: Inbox
) -> None:
    change(showing, CLEAR)
    at = telling(showing, box.url)
    at.turn()

    assert box.bodies == []


def test_what_was_raised_and_cleared_while_nobody_looked_is_told_in_order(
    showing: Showing, box: Inbox
) -> None:
    change(showing, CLEAR)
    at = telling(showing, box.url)
    at.turn()
    change(showing, JUST_NOW)
    at.turn(1)
    at.turn(1)

    assert [one["data"]["state"] for one in box.bodies] == ["raised", "cleared"]


def test_a_failing_receiver_is_tried_again_ever_more_seldom(showing: Showing, box: Inbox) -> None:
    box.answers = [(500, {})] * 6
    at = telling(showing, box.url)
    tries = []
    for _ in range(200):
        before = len(box.bodies)
        at.turn(0.5)
        if len(box.bodies) > before:
            tries.append((at.now_ns - NOW_NS) / NS)

    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert len(box.bodies) == 7
    assert len({one["id"] for one in box.bodies}) == 1
    for number, wait in enumerate(waits):
        assert 2**number / 2 <= wait <= 2**number + 0.5
    assert (at.counted("failed"), at.counted("taken")) == (6, 1)
    assert state_of(showing) == [("raised", "taken", 7)]


@pytest.mark.parametrize("advice", ["120", "Fri, 15 Jan 2027 08:02:00 GMT"])
def test_a_receiver_that_says_when_is_not_asked_before(
    showing: Showing, box: Inbox, advice: str
) -> None:
    told = advised_seconds(advice, datetime(2027, 1, 15, 8, 0, tzinfo=UTC))
    box.answers = [(429, {"retry-after": "120"})]
    at = telling(showing, box.url)
    at.turn()
    at.turn(119)
    assert len(box.bodies) == 1
    at.turn(2)

    assert told == 120
    assert len(box.bodies) == 2


@pytest.mark.parametrize("advice", ["", "soon", "nan", "inf", "-5", "Wed, 99 Foo 2026"])
def test_advice_that_says_nothing_is_none(advice: str) -> None:
    assert advised_seconds(advice, datetime.now(UTC)) == 0


def test_what_nobody_takes_is_given_up_in_the_end(showing: Showing, box: Inbox) -> None:
    box.answers = [(503, {})] * 100
    at = telling(showing, box.url, give_up_seconds=600)
    for _ in range(60):
        at.turn(30)

    assert [state for _, state, _ in state_of(showing)] == ["given up"]
    assert at.counted("given_up") == 1


def test_what_is_refused_for_good_is_not_tried_again(showing: Showing, box: Inbox) -> None:
    box.answers = [(422, {})]
    at = telling(showing, box.url)
    at.turn()
    at.turn(3600)

    assert len(box.bodies) == 1
    assert state_of(showing) == [("raised", "given up", 1)]


def test_a_wrong_address_or_login_may_be_mended(showing: Showing, box: Inbox) -> None:
    box.answers = [(401, {}), (404, {}), (302, {"location": "https://elsewhere.example/"})]
    at = telling(showing, box.url)
    for _ in range(4):
        at.turn(10)

    assert state_of(showing) == [("raised", "taken", 4)]


def test_a_receiver_that_is_not_there_is_tried_again(showing: Showing) -> None:
    at = telling(showing, f"http://127.0.0.1:{free_port()}/")
    at.turn()

    assert at.counted("failed") == 1
    labels = {"receiver": "webhook/pager"}
    assert at.registry.get_sample_value("sidelight_dashboard_receiver_up", labels) == 0


def test_an_alarm_is_told_to_be_over_only_after_it_was_told(showing: Showing, box: Inbox) -> None:
    box.answers = [(500, {})] * 3
    at = telling(showing, box.url)
    at.turn()
    change(showing, CLEAR)
    for _ in range(30):
        at.turn(1)

    assert [one["data"]["state"] for one in box.bodies] == [*["raised"] * 4, "cleared"]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"models": ["inc*"]}, 1),
        ({"models": ["other"]}, 0),
        ({"detectors": ["bias*"]}, 0),
        ({"detectors": ["bias*", "drift"]}, 1),
    ],
)
def test_a_receiver_gets_what_it_wants(
    showing: Showing, box: Inbox, wanted: dict[str, Any], count: int
) -> None:
    telling(showing, box.url, **wanted).turn()

    assert len(box.bodies) == count


def test_alertmanager_is_told_again_while_an_alarm_stands(showing: Showing, box: Inbox) -> None:
    at = telling(showing, box.url.removesuffix("/hook"), "alertmanagers")
    for _ in range(12):
        at.turn(10)
    change(showing, CLEAR)
    at.turn(10)
    at.turn(600)

    ends = [body[0]["endsAt"] for body in box.bodies]
    assert len(ends) == 3
    assert ends[0] < ends[1]
    assert ends[2] < ends[0]
    assert all(len(body) == 1 for body in box.bodies)


def test_an_alert_is_as_severe_as_that_of_prometheus(showing: Showing) -> None:
    ((id_,),) = showing.store.series.rows("SELECT id FROM alarm")
    notice = notice_of(showing, id_, "raised")
    for rule in rules("alert"):
        for named in re.findall(r'alarm:max\{detector=~?"([^"]+)"\} == 1', rule["expr"]):
            for detector in named.replace(".*", "").split("|"):
                labels = alert_of(replace(notice, detector=detector), NOW_NS)["labels"]
                assert labels["severity"] == rule["labels"]["severity"], detector


def test_a_slow_or_dead_receiver_holds_up_no_other(tmp_path: Path, box: Inbox) -> None:
    alerts = {
        "webhooks": {
            "dead": {"url": f"http://127.0.0.1:{free_port()}/"},
            "well": {"url": box.url},
        }
    }
    told = settings_of(tmp_path, dashboard={"alerts": alerts})
    with filled(tmp_path, told=told) as showing:
        change(showing, STANDS)
        stop, waits = threading.Event(), ["the log has not been read yet"]
        delivering = Delivering(
            showing, lambda: waits[0] if waits else None, CollectorRegistry(), stop
        )
        thread = threading.Thread(target=delivering.run)
        thread.start()
        time.sleep(1.0)
        before = len(box.bodies)
        waits.clear()
        until(lambda: box.bodies)
        stop.set()
        thread.join(10)

    assert before == 0, "what is not read to the end may be over by now"
    assert not thread.is_alive()


def test_changes_in_quick_succession_do_not_keep_standing_alarms_from_being_told_again(
    showing: Showing, box: Inbox
) -> None:
    at = telling(showing, box.url.removesuffix("/hook"), "alertmanagers")
    for number in range(30):
        change(showing, ANOTHER.format(number=number, appended_ns=at.now_ns))
        at.turn(10)

    first = box.bodies[0][0]["labels"]["alarm"]
    told = [one["labels"]["alarm"] for body in box.bodies for one in body]
    assert 5 <= told.count(first) <= 7


def test_one_alarm_that_is_refused_takes_no_other_with_it(showing: Showing, box: Inbox) -> None:
    for number in range(2):
        change(showing, ANOTHER.format(number=number, appended_ns=NOW_NS))
    box.answers = [(400, {}), (400, {})]
    at = telling(showing, box.url.removesuffix("/hook"), "alertmanagers")
    at.turn()

    assert sorted(state for _, state, _ in state_of(showing)) == ["given up", "taken", "taken"]


def test_an_alarm_that_cannot_be_told_holds_up_no_other(showing: Showing, box: Inbox) -> None:
    change(showing, ANOTHER.format(number=0, appended_ns=NOW_NS))
    change(showing, "UPDATE alarm SET data = x'00', appended_ns = 0 WHERE id = 'another-0'")
    at = telling(showing, box.url)
    with pytest.raises(zlib.error):
        at.turn()
    asyncio.run(at.send())

    assert len(box.bodies) == 1


def test_what_the_book_forgot_is_not_told_again(showing: Showing, box: Inbox) -> None:
    at = telling(showing, box.url)
    at.turn()
    change(showing, CLEAR)
    at.turn(1)
    at.turn(showing.settings.dashboard.keep_seconds + 1)
    at.turn(1)

    assert state_of(showing) == []
    assert len(box.bodies) == 2


@needs_alertmanager
def test_a_real_alertmanager_shows_the_alarm_and_then_that_it_is_over(
    showing: Showing, tmp_path: Path
) -> None:
    with alertmanager(tmp_path) as running:
        at = telling(showing, f"http://{running.address}", "alertmanagers")
        at.now_ns = time.time_ns()
        at.turn()
        until(lambda: running.alerts() != [])
        (alert,) = running.alerts()
        at.restart()
        at.turn(1)
        again = running.alerts()
        change(showing, CLEAR)
        at.turn(1)
        until(lambda: running.alerts() == [])

    assert alert["labels"]["alertname"] == "SidelightAlarm"
    assert alert["labels"]["severity"] == "warning"
    assert alert["status"]["state"] == "active"
    assert alert["annotations"]["dashboard_url"].startswith("https://sidelight.example/alarms/")
    assert [one["fingerprint"] for one in again] == [alert["fingerprint"]]
    assert state_of(showing) == [("raised", "taken", 1), ("cleared", "taken", 1)]


def test_an_address_may_name_the_path_of_alertmanager_itself() -> None:
    urls = {
        receiver.url
        for url in ("http://am:9093", "http://am:9093/", "http://am:9093/api/v2/alerts")
        for receiver in receivers(
            AlertsSettings.model_validate({"alertmanagers": {"am": {"url": url}}})
        )
    }

    assert urls == {"http://am:9093/api/v2/alerts"}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: nonsense\r\n\r\n",
        b"HTTP/1.1 999999 No\r\n\r\n",
        b"HTTP/1.1 500 No\r\ncontent-length: 1000000000\r\n\r\nendless",
        b"HTTP/1.1 503 Busy\r\nretry-after: 99999999999999999999\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_a_receiver_that_talks_nonsense_has_taken_nothing(showing: Showing, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_say, args=(server, said))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret-path"
        at = telling(showing, url, timeout_seconds=1)
        at.turn()
        thread.join()

    ((error,),) = showing.store.kept.rows("SELECT error FROM delivery WHERE change = 'raised'")
    assert state_of(showing) == [("raised", "waiting", 1)]
    assert error
    assert "secret" not in error


def _say(server: socket.socket, said: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(said)
        with contextlib.suppress(OSError):
            while said and connection.recv(65536):
                pass


def test_a_receiver_that_never_answers_is_left_in_time(showing: Showing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        at = telling(showing, url, timeout_seconds=0.2)
        at.turn()

    ((error,),) = showing.store.kept.rows("SELECT error FROM delivery WHERE change = 'raised'")
    assert error == "no answer within 0.2 s"
