"""What a log must hold when compared with the ledger of the clients who were answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sidelight.errors import OffsetOutOfRange
from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log, topics
from tests.logger.faults.load import Asker, body_of, order_of


@dataclass
class Findings:
    """Of one reading of the log, oldest record first."""

    kept: list[str] = field(default_factory=list)
    """The correlation ids; one that was asked again is there again."""
    exchanges: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    """Exchanges whose bodies are not those that were sent."""
    disordered: list[str] = field(default_factory=list)
    """Exchanges of a client that come after a later one of the same client, or whose sequence
    does not grow."""

    def lost(self, askers: Sequence[Asker]) -> set[str]:
        """Answered, and not in the log."""
        return {id_ for asker in askers for id_ in asker.answered}.difference(self.kept)

    @property
    def repeated(self) -> int:
        """Records of an exchange that had one already."""
        return len(self.exchanges) - len(set(self.exchanges))

    @property
    def sound(self) -> bool:
        return not (self.altered or self.disordered or self.repeated)


def findings(place: Path) -> Findings:
    """Read the whole log and hold every exchange against what its id stands for."""
    return compared(exchanges_in(place))


def compared(exchanges: Iterable[Exchange]) -> Findings:
    """The exchanges of one partition, in its order."""
    found = Findings()
    newest: dict[str, int] = {}
    sequences: dict[str, int] = {}
    for exchange in exchanges:
        client, number = order_of(exchange.correlation_id)
        found.kept.append(exchange.correlation_id)
        found.exchanges.append(exchange.id)
        if not _as_sent(exchange):
            found.altered.append(exchange.correlation_id)
        grows = exchange.sequence > sequences.get(exchange.log_id, 0)
        if number < newest.get(client, 0) or not grows:
            found.disordered.append(exchange.correlation_id)
        newest[client] = number
        sequences[exchange.log_id] = exchange.sequence
    return found


def records_in(place: Path) -> int:
    """How many exchanges a local log holds, without reading them."""
    with closing(open_log(place)) as log:
        span = log.span(topics.INFERENCE, 0)
        return span.end - span.begin


def exchanges_in(place: Path) -> Iterator[Exchange]:
    """Every exchange of a local log, also beyond records that are gone."""
    with closing(open_log(place)) as log:
        offset = log.span(topics.INFERENCE, 0).begin
        while True:
            try:
                stored = log.read(topics.INFERENCE, 0, offset)
            except OffsetOutOfRange as gone:
                offset = gone.begin
                continue
            if not stored:
                return
            yield from (from_record(one.record) for one in stored)
            offset = stored[-1].address.offset + 1


def _as_sent(exchange: Exchange) -> bool:
    """A request that broke off may be a beginning of it, and its answer too."""
    sent = body_of(exchange.correlation_id)
    bodies = (exchange.request.content, exchange.response.content)
    if exchange.outcome == "answered":
        return bodies == (sent, sent)
    return all(sent.startswith(body) for body in bodies)
