"""The shipper against a real sink that fails on purpose: in order, at least once, accounted for."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from sidelight.config.capturing.sinks import OnlySettings
from sidelight.config.settings import LogSettings, SinkSettings
from sidelight.errors import LogFull
from sidelight.events import CloudEvent, deadletters, records
from sidelight.events.exchanges import to_record
from sidelight.log import open_log, topics
from sidelight.log.contract import Address, Log, Record, Stored
from sidelight_logger.parts import SHIPPER, Part
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.carrying.carrier import Carrier
from sidelight_logger.shipper.carrying.choosing import chosen
from sidelight_logger.shipper.carrying.fates import Fate
from sidelight_logger.shipper.carrying.letters import Letters
from sidelight_logger.shipper.carrying.patience import Backoff, Patience
from sidelight_logger.shipper.http.later import following
from sidelight_logger.shipper.http.posting import Posting
from sidelight_logger.shipper.http.sink import HttpSink
from sidelight_logger.wire.sinks import SinkStats
from tests.logger.captures import capture
from tests.logger.carrying import at_work, caught_up
from tests.logger.sinks import Answer, SinkServer, Taken, sink_server, wait_until


def exchange_record(number: int, status: int = 200) -> Record:
    headers = {"Ce-Id": f"e{number:05d}"}
    one = capture(headers=headers, body=b'{"n":%d}' % number, status=status)
    exchange = describe(one, number, Origin("/test", "me"))
    assert exchange is not None
    return to_record(exchange)


def fill(log: Log, count: int, start: int = 0) -> list[str]:
    """Append exchanges; the ids under which a sink must see them, in order."""
    log.append(topics.INFERENCE, [exchange_record(start + number) for number in range(count)])
    return [f"e{start + number:05d}" for number in range(count)]


@contextmanager
def carrying(
    log: Log, server: SinkServer, *, timeout_seconds: float = 5.0, **settings: Any
) -> Iterator[Carrier]:
    """A shipper in a thread, stopped at the end."""
    sink = SinkSettings(url=server.url, timeout_seconds=timeout_seconds)
    choice = chosen(settings.get("only", OnlySettings()))
    stop = Event()
    membership = log.join("shipper-test", topics.INFERENCE)
    sinks = [HttpSink(sink) for _ in range(settings.get("connections", 1))]
    delivery = Posting(sinks, settings.get("form", "kserve"), following(log, choice))
    grace_seconds = settings.get("grace_seconds", 5.0)
    failing = settings.get("failing_grace_seconds", 0.0)
    patience = Patience("sink", stop, grace_seconds, Backoff(0.001, 0.01), failing)
    letters = Letters("sink", log)
    carrier = Carrier("sink", log, membership, delivery, letters, patience, choice)
    with closing(delivery), at_work(carrier, stop, membership):
        yield carrier


def first_seen(ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def test_each_exchange_becomes_two_events_in_order(log: Log) -> None:
    ids = fill(log, 250)
    with sink_server() as server, carrying(log, server) as carrier:
        caught_up(log, carrier)
        assert server.ids() == [id_ for id_ in ids for _ in range(2)]
        kinds = [taken.headers["ce-type"].rpartition(".")[2] for taken in server.taken[:4]]
        assert kinds == ["request", "response", "request", "response"]
        assert carrier.stats() == SinkStats(
            "sink", delivered=250, failures=carrier.stats().failures
        )


def test_our_own_form_is_one_event_an_exchange(log: Log) -> None:
    fill(log, 5)
    with sink_server() as server, carrying(log, server, form="exchange") as carrier:
        caught_up(log, carrier)
        assert [taken.headers["ce-type"] for taken in server.taken] == [
            "io.sidelight.exchange.v1"
        ] * 5


def test_only_what_a_sink_asks_for_is_sent_and_the_rest_is_counted(log: Log) -> None:
    """By status; then the shares of two sinks are the same, whatever else they ask for."""
    ids = fill(log, 200)
    records_ = [exchange_record(200 + number, status=503) for number in range(50)]
    log.append(topics.INFERENCE, records_)
    only = OnlySettings(statuses=("2xx",), sample=0.3)
    with sink_server() as server, carrying(log, server, only=only) as carrier:
        caught_up(log, carrier)
        stats = carrier.stats()
        taken = first_seen(server.ids())
    assert stats.left_out == {"filtered": 50, "sampled": 200 - len(taken)}
    assert stats.delivered == len(taken)
    assert stats.accepted == 250
    assert 30 < len(taken) < 90
    assert set(taken) < set(ids)


def test_what_is_left_out_survives_the_shipper(log: Log) -> None:
    fill(log, 20)
    nothing = OnlySettings(models=("other-*",))
    with sink_server() as server:
        for _ in range(2):
            with carrying(log, server, only=nothing) as carrier:
                caught_up(log, carrier)
                assert carrier.stats().left_out == {"filtered": 20}
        assert server.taken == []


def test_a_slow_sink_is_posted_to_over_several_connections(log: Log) -> None:
    ids = fill(log, 40)
    now, most = [0], [0]

    def script(event: Taken) -> Answer:
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.02)
        now[0] -= 1
        return Answer()

    with sink_server(script) as server, carrying(log, server, connections=4) as carrier:
        caught_up(log, carrier)
        assert server.connections == 4
    assert 1 < most[0] <= 4
    assert sorted(first_seen(server.ids())) == ids
    assert carrier.stats().delivered == 40
    kinds: dict[str, list[str]] = {}
    for taken in server.taken:
        kinds.setdefault(taken.id, []).append(taken.headers["ce-type"].rpartition(".")[2])
    assert set(map(tuple, kinds.values())) == {("request", "response")}


def test_in_an_outage_one_connection_asks_as_the_sink_advises(log: Log) -> None:
    """What the others had begun is all that came beside it."""
    fill(log, 60)
    asked: list[float] = []

    def script(event: Taken) -> Answer:
        asked.append(time.monotonic())
        return Answer(429, {"Retry-After": "1"}) if len(asked) < 8 else Answer()

    with sink_server(script) as server, carrying(log, server, connections=4) as carrier:
        caught_up(log, carrier)
        assert carrier.stats().delivered == 60
    after_the_first_four = [later - earlier for earlier, later in pairwise(asked[3:8])]
    assert min(after_the_first_four) >= 0.9


def test_what_is_no_exchange_is_sent_as_it_is(log: Log) -> None:
    feedback = CloudEvent("f1", "/client", "feedback", data=b"1")
    log.append(topics.INFERENCE, [records.to_record(feedback)])
    with sink_server() as server, carrying(log, server) as carrier:
        caught_up(log, carrier)
        assert [(taken.id, taken.body) for taken in server.taken] == [("f1", b"1")]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_failing_sink_loses_nothing_and_the_account_balances(log: Log, seed: int) -> None:
    ids = fill(log, 120)
    chance = random.Random(seed)
    refused = set(chance.sample(ids, 9))

    def script(event: Taken) -> Answer:
        if event.id in refused:
            return Answer(422)
        choices = [Answer(), Answer(503), Answer(0), Answer(429, {"Retry-After": "0"})]
        return chance.choices(choices, [6, 1, 1, 1])[0]

    with sink_server(script) as server, carrying(log, server) as carrier:
        caught_up(log, carrier)
        stats = carrier.stats()
        taken = server.ids()
    assert (stats.delivered, stats.dead_lettered, stats.dropped) == (111, 9, {})
    assert stats.failures["busy"] > 0
    assert stats.failures["unreachable"] > 0
    assert first_seen(taken) == [id_ for id_ in ids if id_ not in refused]
    assert [id_ for id_, _ in groupby(taken)] == first_seen(taken)
    letters = [
        deadletters.from_event(records.from_record(stored.record))
        for stored in log.read(topics.DEAD_LETTERS, 0, 0)
    ]
    assert [log.get(Address.parse(letter.origin)).record.value for letter in letters] == [
        letter.value for letter in letters
    ]
    assert {letter.error for letter in letters} == {"SinkRefused"}
    assert len(letters) == 9


def test_a_slow_sink_is_asked_again(log: Log) -> None:
    ids = fill(log, 2)
    slow = iter([Answer(wait_seconds=0.4)])
    script: Callable[[Taken], Answer] = lambda event: next(slow, Answer())  # noqa: E731
    with sink_server(script) as server, carrying(log, server, timeout_seconds=0.1) as carrier:
        caught_up(log, carrier)
        assert carrier.stats().failures["timeout"] == 1
        assert first_seen(server.ids()) == ids


def test_a_record_that_cannot_be_read_costs_one_dead_letter(log: Log) -> None:
    good = exchange_record(0)
    broken = replace(good, value=b"too short")
    log.append(topics.INFERENCE, [good, broken, exchange_record(1), Record(b"?")])
    with sink_server() as server, carrying(log, server) as carrier:
        caught_up(log, carrier)
        assert first_seen(server.ids()) == ["e00000", "e00001"]
        assert carrier.stats().dead_lettered == 2
    [letter, _] = log.read(topics.DEAD_LETTERS, 0, 0)
    event = records.from_record(letter.record)
    assert (event.subject, event.extensions["error"]) == ("inference/0/1", "MalformedPayload")


def test_records_that_break_the_sink_cost_a_dead_letter_each(log: Log) -> None:
    """Two in a row; the sink answers 500 to them for ever, and takes every other."""
    ids = fill(log, 5)
    poison = set(ids[1:3])
    with (
        sink_server(lambda event: Answer(500 if event.id in poison else 202)) as server,
        carrying(log, server) as carrier,
    ):
        caught_up(log, carrier)
        assert (carrier.stats().delivered, carrier.stats().dead_lettered) == (3, 2)
    assert set(server.ids()) == set(ids) - poison
    letters = [records.from_record(one.record) for one in log.read(topics.DEAD_LETTERS, 0, 0)]
    assert [letter.subject for letter in letters] == ["inference/0/1", "inference/0/2"]


def test_a_record_that_breaks_the_sink_waits_for_another_to_tell(log: Log) -> None:
    """As long as it is the only one, the sink may be down; then another is taken."""
    [poison] = fill(log, 1)
    with (
        sink_server(lambda event: Answer(0 if event.id == poison else 202)) as server,
        carrying(log, server) as carrier,
    ):
        wait_until(lambda: carrier.stats().failures["unreachable"] > 12)
        assert carrier.stats().waiting == 1
        fill(log, 1, 1)
        caught_up(log, carrier)
        assert (carrier.stats().delivered, carrier.stats().dead_lettered) == (1, 1)


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_sink_that_takes_nothing_costs_no_dead_letter(log: Log, status: int) -> None:
    fill(log, 20)
    with (
        sink_server(lambda event: Answer(status)) as server,
        carrying(log, server) as carrier,
    ):
        wait_until(lambda: sum(carrier.stats().failures.values()) > 30)
        assert (carrier.stats().waiting, carrier.stats().dead_lettered) == (20, 0)


def test_a_stop_in_an_outage_leaves_the_record_with_the_log(log: Log) -> None:
    ids = fill(log, 3)
    down = [True]

    def script(event: Taken) -> Answer:
        return Answer(503) if down[0] and event.id == ids[1] else Answer()

    with sink_server(script) as server:
        with carrying(log, server) as carrier:
            wait_until(lambda: carrier.stats().failures["busy"] > 2)
        assert (carrier.stats().delivered, carrier.stats().waiting) == (1, 2)
        down[0] = False
        with carrying(log, server) as carrier:
            caught_up(log, carrier)
            assert carrier.stats().delivered == 3
        assert server.ids() == [id_ for id_ in ids for _ in range(2)]


def test_where_the_log_ends_too_a_failing_sink_is_asked_until_the_grace_is_over(log: Log) -> None:
    fill(log, 3)
    stopped, after = Event(), [0]

    def script(event: Taken) -> Answer:
        after[0] += stopped.is_set()
        return Answer(503 if after[0] < 3 else 202)

    with sink_server(script) as server:
        with carrying(log, server, failing_grace_seconds=20.0, grace_seconds=20.0) as carrier:
            wait_until(lambda: carrier.stats().failures["busy"] > 2)
            stopped.set()
        assert carrier.stats().delivered == 3


def test_a_stop_drains_what_is_there(log: Log) -> None:
    with sink_server(lambda event: Answer(wait_seconds=0.002)) as server:
        with carrying(log, server) as carrier:
            ids = fill(log, 150)
        assert carrier.stats().waiting == 0
        assert first_seen(server.ids()) == ids


def test_a_drain_ends_with_its_grace(log: Log) -> None:
    fill(log, 150)
    with sink_server(lambda event: Answer(wait_seconds=0.05)) as server:
        with carrying(log, server, grace_seconds=0.0) as carrier:
            wait_until(lambda: carrier.stats().delivered > 0)
        stats = carrier.stats()
        assert 0 < stats.delivered < 150
        assert stats.accepted == 150


def test_records_that_retention_took_are_counted(tmp_path: Path) -> None:
    settings = LogSettings(url=str(tmp_path / "log"), segment_bytes=64 << 10, retain_bytes=1 << 20)
    down = [True]
    with (
        closing(open_log(settings)) as log,
        sink_server(lambda event: Answer(503 if down[0] else 202)) as server,
    ):
        fill(log, 1)
        with carrying(log, server) as carrier:
            wait_until(lambda: carrier.stats().failures["busy"] > 0)
            for start in range(1, 4001, 500):
                fill(log, 500, start)
            down[0] = False
            span = log.span(topics.INFERENCE, 0)
            assert span.begin > 101, "the test needs retention to have taken unread records"
            wait_until(lambda: carrier.stats().waiting == 0, "the end", 60)
            stats = carrier.stats()
    assert stats.dropped.keys() == {"retired"}
    assert stats.delivered + stats.dropped["retired"] == 4001 == stats.accepted


def test_what_went_before_a_killed_shipper_delivered_anything_is_counted(tmp_path: Path) -> None:
    settings = LogSettings(url=str(tmp_path / "log"), segment_bytes=64 << 10, retain_bytes=1 << 20)
    with (
        closing(open_log(settings)) as log,
        sink_server(lambda event: Answer(202)) as server,
    ):
        fill(log, 1)
        membership = log.join("shipper-test", topics.INFERENCE)
        dying = Carrier(
            "sink", log, membership, Killed(), Letters("sink", log), Patience("sink", Event(), 0.0)
        )
        with pytest.raises(KeyboardInterrupt):
            dying._carry_all()
        membership.leave()
        for start in range(1, 4001, 500):
            fill(log, 500, start)
        assert log.span(topics.INFERENCE, 0).begin > 1
        with carrying(log, server) as carrier:
            wait_until(
                lambda: carrier.stats().accepted == 4001 and not carrier.stats().waiting,
                "the end",
                60,
            )
            stats = carrier.stats()
    assert stats.delivered + stats.dropped["retired"] == 4001 == stats.accepted


class Killed:
    """A delivery in which the process ends."""

    at_once = 100
    gather_seconds = 0.0
    longest_wait_seconds = 1.0

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        raise KeyboardInterrupt


class NoRoomForLetters:
    """A log that is full for dead letters only."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        raise LogFull("no space")


def test_a_refusal_that_cannot_be_told_is_counted(log: Log) -> None:
    fill(log, 2)
    full: Any = NoRoomForLetters(log)
    with sink_server(lambda event: Answer(400)) as server, carrying(full, server) as carrier:
        caught_up(log, carrier)
        assert carrier.stats().dropped == {"untold": 2}


@pytest.mark.parametrize("connections", [1, 4])
def test_a_shipper_killed_again_and_again_loses_nothing_and_keeps_the_order(
    tmp_path: Path, connections: int
) -> None:
    """Over one connection that of all events; over several that of each exchange's."""
    url = str(tmp_path / "log")
    chance = random.Random(7)
    with (
        closing(open_log(url)) as log,
        sink_server(lambda event: Answer(wait_seconds=0.001)) as server,
    ):
        ids = fill(log, 1500)
        for _ in range(4):
            before = len(server.taken)
            process = shipper(tmp_path, url, server.url, connections)
            wait_until(lambda seen=before: len(server.taken) > seen + 50)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            process.wait()
        process = shipper(tmp_path, url, server.url, connections)
        wait_until(lambda: set(ids[-10:]) <= set(server.ids()[-40:]), "the last records", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        seen = first_seen(server.ids())
        assert (seen if connections == 1 else sorted(seen)) == ids
        taken = [(taken.id, taken.headers["ce-type"]) for taken in server.taken]
    assert len(set(taken)) == 2 * len(ids)
    for id_, events in groupby(sorted(dict.fromkeys(taken), key=itemgetter(0)), itemgetter(0)):
        kinds = [type_.rpartition(".")[2] for _, type_ in events]
        assert kinds == sorted(kinds), id_  # "request" is before "response"
    # Sent again is only what lay behind the last commit: at most one delivery for each kill.
    assert len(taken) - len(set(taken)) <= 4 * 2 * 100


def shipper(folder: Path, log_url: str, sink_url: str, connections: int) -> subprocess.Popen[bytes]:
    flags = {
        "log.url": log_url,
        "logger.sinks.there.url": sink_url,
        "logger.sinks.there.connections": connections,
        "logger.upstream": "http://127.0.0.1:1",
    }
    part = Part(None, str(folder / "none"), "127.0.0.1:1", "/test", 5.0, flags, route="there")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(part.command(SHIPPER), env=environ, cwd=folder)
