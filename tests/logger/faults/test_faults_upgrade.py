"""F14: what the release before wrote is taken over.

``release_before.tar.gz`` holds two folders that the code of commit 11d3689 wrote:

* ``spool``: 50 exchanges, of which the shippers of its log on Kafka and of its one sink had settled
  30 when they ended;
* ``log``: halves of foreign loggers, as they were when the joiner was killed. Halves 0 to 9 had
  met, 10 to 14 waited for their answers, 15 to 17 for their requests, 18 was disputed; then it was
  committed, and 19 was still told.
"""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event

import orjson
import pytest

from sidelight.config import Settings
from sidelight.config.settings import LogSettings
from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import Record, open_log, topics
from sidelight.log.contract import Log, Stored
from sidelight_logger.joiner.fold import TICK
from sidelight_logger.joiner.identity import Terms
from sidelight_logger.shipper.carrying.carrier import Carrier
from sidelight_logger.shipper.carrying.fates import DELIVERED, Fate
from sidelight_logger.shipper.carrying.ledger import Ledger
from sidelight_logger.shipper.carrying.letters import Letters
from sidelight_logger.shipper.carrying.patience import Backoff, Patience
from sidelight_logger.shipper.routes import LOG, routes
from tests.logger.commanding import running
from tests.logger.faults.load import asking, wait_for_more
from tests.logger.faults.oracle import exchanges_in
from tests.logger.faults.serving import serving
from tests.logger.joining import (
    SECOND,
    TimedLog,
    carry,
    join,
    kserve,
    request_body,
    response_body,
    spread,
    stored_in,
)
from tests.logger.sinks import wait_until

WRITTEN = Path(__file__).with_name("release_before.tar.gz")
AGES = Terms(ttl_ns=10**9 * SECOND, max_bytes=256 << 20)
"""Long enough for halves that were written when this release was made."""


@pytest.fixture
def before(tmp_path: Path) -> Path:
    with tarfile.open(WRITTEN) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def log(before: Path) -> Iterator[Log]:
    with closing(open_log(before / "log")) as opened:
        yield opened


class Taking:
    """A sink that has everything at once."""

    at_once = 100
    longest_wait_seconds = 1.0
    gather_seconds = 0.0

    def __init__(self) -> None:
        self.offsets: list[int] = []

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        for stored in found:
            self.offsets.append(stored.address.offset)
            yield DELIVERED


def told(log: Log) -> dict[str, set[str]]:
    """The outcomes told of each id of a client."""
    found: dict[str, set[str]] = {}
    for one in said(log):
        found.setdefault(one.correlation_id, set()).add(one.outcome)
    return found


def said(log: Log) -> list[Exchange]:
    """All that stands in the log, what was told twice among it."""
    return [from_record(stored.record) for stored in stored_in(log, topics.INFERENCE)]


def come(log: Log, *records: Record) -> None:
    """Foreign halves come in as they do today."""
    foreign = TimedLog(1)
    spread(foreign, records, [0])
    carry(foreign, log, "another-topic")


def test_the_way_to_a_log_on_kafka_goes_on_where_it_was(before: Path) -> None:
    settings = Settings.model_validate({"log": "kafka://127.0.0.1:9/old"})
    stop, taking = Event(), Taking()
    stop.set()  # it carries what is there, and ends
    with closing(open_log(LogSettings(url=str(before / "spool")))) as spool:
        member = spool.join(routes(settings)[LOG].group, topics.INFERENCE)
        patience = Patience(LOG, stop, 5.0, Backoff(0.01, 0.1))
        carrier = Carrier(LOG, spool, member, taking, Letters(LOG, spool), patience)
        carrier.run()
        account = carrier.stats()
        member.leave()
    assert taking.offsets == list(range(30, 50)), "what was settled is not sent again"
    assert (account.delivered, account.dead_lettered, account.dropped) == (47, 1, {"untold": 2})
    assert (account.reduced, account.waiting) == ({"cut": 3}, 0)


def test_the_release_before_can_go_on_from_the_place_of_the_way_to_kafka() -> None:
    """An upgrade that is taken back: it knows no other fields, and this way leaves nothing out."""
    note = Ledger(0).deliver().drop("retired", 2).position().note
    assert orjson.loads(note).keys() <= {
        "first",
        "delivered",
        "dead_lettered",
        "dropped",
        "reduced",
    }


def test_the_recorder_goes_on_in_the_log(before: Path) -> None:
    with serving() as model:
        settings = {"SIDELIGHT_LOG__URL": str(before / "spool")}
        with running(before, "--upstream", model, **settings) as logger:
            with asking(logger.address("traffic"), 1) as askers:
                wait_for_more(askers, 50)
            wait_until(lambda: logger.metric("proxy_waiting_exchanges") == 0, "the recorder")
            assert logger.stop() == 0
    found = list(exchanges_in(before / "spool"))
    assert len(found) == 50 + len(askers[0].answered)
    accounts = [(one.log_id, one.sequence) for one in found]
    assert len(set(accounts)) == len(found), "no reader takes a new one for an old one"


def test_halves_that_waited_in_the_release_before_still_meet_their_others(log: Log) -> None:
    late = [kserve("response", number, response_body(number)) for number in range(10, 15)]
    late += [kserve("request", number, request_body(number)) for number in range(15, 18)]
    come(log, *late)
    (part,) = join(log, AGES)
    found = told(log)
    assert found.keys() == {f"client-{number}" for number in range(20)}, "nothing is lost"
    for number in {*range(20)} - {18}:
        assert found[f"client-{number}"] == {"answered"}, number
    assert found["client-18"] == {"unanswered"}
    assert part.fold.memory.waiting == 1, "and of the disputed one nobody says any more"
    again = [id_ for id_, times in Counter(one.id for one in said(log)).items() if times > 1]
    [twice] = {one.correlation_id for one in said(log) if one.id in again}
    assert twice == "client-19", "told again is only what was not committed, under the same id"


def test_halves_that_waited_in_the_release_before_are_told_alone_in_the_end(log: Log) -> None:
    come(log, kserve("request", 50, request_body(50)))
    log.append(topics.HALVES, [TICK])
    (part,) = join(log)
    found = told(log)
    assert found.keys() == {f"client-{number}" for number in range(20)}
    assert all(found[f"client-{number}"] == {"unanswered"} for number in range(10, 15))
    assert all(found[f"client-{number}"] == {"unasked"} for number in range(15, 18))
    assert part.fold.memory.waiting == 1, "what came just now"


def test_it_is_this_release_that_goes_on_from_there(log: Log) -> None:
    join(log, AGES)
    already = said(log)
    (part,) = join(log, AGES)
    assert said(log) == already
    assert part.position == log.span(topics.HALVES, 0).end
