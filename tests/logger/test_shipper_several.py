"""Several sinks at once: each has its own cursor, filter and outage."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from sidelight.config.settings import LogSettings
from sidelight.events.exchanges import to_record
from sidelight.log import open_log, topics
from sidelight.log.contract import Log
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.routes import LOG
from tests.logger.captures import capture
from tests.logger.shipping import Shipper, carried, counted_once, made, shipping
from tests.logger.sinks import Answer, sink_server, wait_until

COUNT = 300


def fill(log: Log, first: int, count: int) -> None:
    """Every third is a failure of another model."""
    for start in range(first, first + count, 500):
        numbers = range(start, min(start + 500, first + count))
        log.append(topics.INFERENCE, [to_record(described(number)) for number in numbers])


def described(number: int) -> Any:
    model, status = ("other", 503) if number % 3 == 0 else ("income", 200)
    one = capture(f"/v2/models/{model}/infer", headers={"Ce-Id": f"e{number:06d}"}, status=status)
    exchange = describe(one, number, Origin("/test", "spool-1"))
    assert exchange is not None
    return exchange


@pytest.fixture
def unreachable() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def settled(shipper: Shipper, count: int) -> None:
    wait_until(
        lambda: shipper.stats.accepted == count and shipper.stats.waiting == 0,
        f"{count} records ({shipper.stats})",
        90,
    )


def test_every_sink_gets_its_own_and_a_dead_one_holds_back_nobody(
    tmp_path: Path, unreachable: str, kafka_url: str
) -> None:
    there = made(kafka_url)
    with (
        closing(open_log(tmp_path / "spool")) as spool,
        sink_server() as failures,
        sink_server(lambda event: Answer(wait_seconds=0.2)) as slow,
        ExitStack() as running,
    ):
        fill(spool, 1, COUNT)
        sinks = {
            "failures": {"url": failures.url, "only": {"statuses": ["5xx"]}},
            "dead": {"url": unreachable},
            "slow": {"url": slow.url, "only": {"sample": 0.1}},
            "files": {
                "url": f"file://{tmp_path}/out",
                "only": {"models": ["inc*"]},
                "files": {"batch_records": 50, "batch_seconds": 60},
            },
        }
        settings = {
            "log.url": there.url,
            "log.partitions": 3,
            "logger.spool": str(tmp_path / "spool"),
            "logger.sinks": sinks,
        }
        each: dict[str, Shipper] = {
            name: running.enter_context(shipping(tmp_path, settings, route=name))
            for name in (LOG, *sinks)
        }
        for name in (LOG, "failures", "files", "slow"):
            settled(each[name], COUNT)
        assert each["failures"].stats.delivered == COUNT // 3
        assert each["failures"].stats.left_out == {"filtered": COUNT - COUNT // 3}
        assert each["slow"].stats.left_out["sampled"] == COUNT - each["slow"].stats.delivered > 0
        wait_until(lambda: each["dead"].stats.trouble != "")
        assert each["dead"].stats.waiting == each["dead"].stats.accepted == COUNT
        with closing(open_log(there)) as log:
            assert counted_once(carried(log)) == list(range(1, COUNT + 1))
    assert {taken.headers["ce-modelname"] for taken in failures.taken} == {"other"}
    filed = [
        row for file in (tmp_path / "out").rglob("*.json") for row in json.loads(file.read_bytes())
    ]
    assert len(filed) == 2 * (COUNT - COUNT // 3)
    assert len(list((tmp_path / "out").rglob("*.json"))) == 8


def test_a_sink_that_was_left_behind_jumps_and_counts_while_others_have_all(
    tmp_path: Path, unreachable: str
) -> None:
    """Retention drops the oldest segments, whoever has not had them."""
    log_settings = LogSettings(
        url=str(tmp_path / "log"), segment_bytes=64 << 10, retain_bytes=1 << 20
    )
    down = [True]
    with (
        closing(open_log(log_settings)) as log,
        sink_server(lambda event: Answer(503 if down[0] else 202)) as late,
        sink_server() as quick,
    ):
        settings = {
            "log.url": log_settings.url,
            "log.segment_bytes": 64 << 10,
            "log.retain_bytes": 1 << 20,
            "logger.sinks": {"late": {"url": late.url}, "quick": {"url": quick.url}},
        }
        with (
            shipping(tmp_path, settings, route="late") as left,
            shipping(tmp_path, settings, route="quick") as other,
        ):
            fill(log, 1, 1)
            wait_until(lambda: left.stats.failures.get("busy", 0) > 0 < other.stats.delivered)
            for start in range(2, 4000, 500):
                fill(log, start, 500)
                end = log.span(topics.INFERENCE, 0).end
                wait_until(lambda end=end: other.stats.delivered == end, "the other", 60)  # type: ignore[misc]
            assert log.span(topics.INFERENCE, 0).begin > 200
            down[0] = False
            settled(left, end)
            assert left.stats.dropped["retired"] + left.stats.delivered == end
            assert other.stats.dropped == {}
    assert len({taken.id for taken in quick.taken}) == end


def test_a_sink_that_is_added_later_begins_at_the_first_record_kept(tmp_path: Path) -> None:
    url = str(tmp_path / "log")
    with closing(open_log(url)) as log, sink_server() as server:
        fill(log, 1, 20)
        settings = {"log.url": url, "logger.sinks": {"new": {"url": server.url}}}
        with shipping(tmp_path, settings, route="new") as shipper:
            settled(shipper, 20)
        assert len(server.taken) == 40
