"""Opens records before their turn, so that exchanges alike are decoded together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.events import Exchange
from sidelight.events.dataref import is_elsewhere
from sidelight.events.exchanges import from_record
from sidelight.log import Stored
from sidelight.protocols.blocks import INPUTS, OUTPUTS, decode_blocks
from sidelight_detectors.streaming.intake import WatchedColumns, claim_of, why_unscored
from sidelight_detectors.streaming.opened import Opened, Rows

Exchanges = Mapping[int, Exchange]
"""By the place of their records."""


def open_ahead(stored: Sequence[Stored], watched: Mapping[str, WatchedColumns]) -> list[Stored]:
    """The same records, opened as far as they can be together.

    Nothing is refused here: what is left closed is opened alone at its turn (`intake.take`), and
    there it is told what is wrong with it.
    """
    try:
        exchanges = dict(_exchanges(stored))
        rows = {
            place: rows
            for server_name, columns in watched.items()
            for place, rows in _rows(_scored(exchanges, server_name, columns), columns)
        }
    except Exception:  # As in `intake.take`: whoever breaks our code shall not take others along.
        return list(stored)
    return [
        Opened(one.address, one.record, one.appended_ns, exchanges[place], rows.get(place))
        if place in exchanges
        else one
        for place, one in enumerate(stored)
    ]


def _exchanges(stored: Sequence[Stored]) -> Iterator[tuple[int, Exchange]]:
    for place, one in enumerate(stored):
        try:
            yield place, from_record(one.record)
        except MalformedPayload:
            continue


def _scored(exchanges: Exchanges, server_name: str, watched: WatchedColumns) -> Exchanges:
    return {
        place: exchange
        for place, exchange in exchanges.items()
        if exchange.model == server_name
        and not why_unscored(exchange, watched.model)
        and not is_elsewhere(exchange)
        and claim_of(exchange, {server_name: watched}) != "ours"
    }


def _rows(exchanges: Exchanges, watched: WatchedColumns) -> Iterator[tuple[int, Rows]]:
    """The rows of one model's exchanges that are in a block, by place."""
    places = list(exchanges)
    sides = (INPUTS, OUTPUTS) if watched.outputs else (INPUTS,)
    for block in decode_blocks(list(exchanges.values()), sides):
        try:
            columns = watched.of_block(block)
        except DataMismatch:
            continue
        each = len(columns) // len(block.members)
        for number, member in enumerate(block.members):
            yield places[member], Rows(columns, number * each, (number + 1) * each)
