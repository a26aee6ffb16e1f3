"""F4 and F7: sinks that are slow, stand still, or are not there, while requests come at full load.

No prediction may notice, memory stays where it is, and the account of each sink balances.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.logger.commanding import running
from tests.logger.faults.accounts import (
    proxy_balance,
    sink_account,
    wait_until_carried,
    wait_until_settled,
)
from tests.logger.faults.load import Asker, asking, total, wait_for_more
from tests.logger.faults.memory import memory_of
from tests.logger.faults.oracle import findings
from tests.logger.faults.seeds import soak_seconds
from tests.logger.faults.serving import Answer, Collecting, Reply, reply, serving
from tests.logger.sinks import wait_until
from tests.ports import free_port

PARTS = ("proxy", "recorder", "shipper kserve")
GROWTH_MIB = 24
"""What a process may grow by once it has seen all it ever holds at once."""
SMALL_LOG = {
    "SIDELIGHT_LOG__SEGMENT_BYTES": str(1 << 20),
    "SIDELIGHT_LOG__RETAIN_BYTES": str(4 << 20),
    "SIDELIGHT_LOGGER__BUFFER_BYTES": str(4 << 20),
}


def stalled(head: bytes, body: bytes) -> Reply:
    return Reply(None)


def five_seconds_late(head: bytes, body: bytes) -> Reply:
    return Reply(reply(b"", 202).data, after_seconds=5)


def one_a_second(head: bytes, body: bytes) -> Reply:
    return Reply(reply(b"", 202).data, after_seconds=1)


def always_busy(head: bytes, body: bytes) -> Reply:
    return Reply(b"HTTP/1.1 503 -\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")


BAD_SINKS: dict[str, Answer] = {
    "stalled": stalled,
    "late": five_seconds_late,
    "slow": one_a_second,
    "busy": always_busy,
}


@contextmanager
def configured_sinks(folder: Path) -> Iterator[Collecting]:
    """A configuration with every bad sink, one that is not there, and the good one."""
    good = Collecting()
    with ExitStack() as opened:
        urls = {name: opened.enter_context(serving(bad)) for name, bad in BAD_SINKS.items()}
        urls |= {"absent": "http://127.0.0.1:1/", "good": opened.enter_context(serving(good))}
        settings = {"logger": {"sinks": {name: {"url": url} for name, url in urls.items()}}}
        (folder / "sidelight.yaml").write_text(json.dumps(settings))
        yield good


def test_a_bad_sink_holds_up_neither_predictions_nor_another_sink(tmp_path: Path) -> None:
    with (
        configured_sinks(tmp_path) as good,
        serving() as model,
        running(tmp_path, "--upstream", model) as logger,
    ):
        with asking(logger.address("traffic"), 2, 0.002) as askers:
            wait_for_more(askers, 400)
        wait_until_settled(logger)
        kept = findings(tmp_path / "log")
        wait_until(lambda: set(good.ids) == set(kept.kept), "the good sink")
        assert proxy_balance(logger) == 0
        wait_until(lambda: "absent" in logger.ready(), "the sink in trouble")
    assert not any(asker.failed or asker.broken for asker in askers)
    assert kept.sound
    assert not kept.lost(askers)


def test_a_sink_that_was_away_too_long_jumps_and_counts_what_it_missed(tmp_path: Path) -> None:
    """Retention does not wait for it: the oldest segments go, and the account still balances."""
    sink, port = Collecting(), free_port()
    settings = {**SMALL_LOG, "SIDELIGHT_LOG__RETAIN_BYTES": str(1 << 20)}
    flags = ("--log-url", f"http://127.0.0.1:{port}")
    with serving() as model, running(tmp_path, "--upstream", model, *flags, **settings) as logger:
        # What retention takes before a sink's cursor has its beginning, that sink is not owed.
        wait_until(lambda: logger.tells("sink_waiting_records"), "the shipper")
        with asking(logger.address("traffic"), 4) as askers:
            wait_for_more(askers, 2500)
        wait_until_settled(logger)
        recorded = logger.metric("exchanges_recorded_total")
        with serving(sink, port):
            wait_until_carried(logger)
            account = sink_account(logger)
            assert logger.stop() == 0
    assert account.dropped > 0
    assert sum(account) == recorded
    assert len(set(sink.ids)) == account.delivered
    assert not any(asker.failed or asker.broken for asker in askers)


def memory_stays_flat(folder: Path, load: Callable[[Sequence[Asker]], None]) -> None:
    """Under a sink that stands still: the same load twice, and what each process holds after."""
    with serving() as model, serving(stalled) as sink:
        flags = ("--upstream", model, "--log-url", sink)
        with running(folder, *flags, **SMALL_LOG) as logger:
            with asking(logger.address("traffic"), 8) as askers:
                load(askers)
                before = memory_of(logger, PARTS)
                load(askers)
                after = memory_of(logger, PARTS)
            held = sum(file.stat().st_size for file in (folder / "log").rglob("*.segment"))
    print(f"{total(askers)} requests: {before} -> {after} MiB, log {held >> 20} MiB")
    assert not any(asker.failed or asker.broken for asker in askers)
    for part, mib in after.items():
        assert mib < before[part] + GROWTH_MIB, part
    assert held < 3 * int(SMALL_LOG["SIDELIGHT_LOG__RETAIN_BYTES"]), "the log is bounded too"


def test_memory_stays_where_it_is_while_a_sink_stands_still(tmp_path: Path) -> None:
    memory_stays_flat(tmp_path, lambda askers: wait_for_more(askers, 2500))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_memory_stays_where_it_is_for_an_hour(tmp_path: Path) -> None:
    """Half of it to reach what is ever held, half to see that it stays."""
    memory_stays_flat(tmp_path, lambda askers: time.sleep(soak_seconds() / 2))
