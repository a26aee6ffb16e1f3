"""One row of one exchange, from the log, as people may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidelight.config.services import served_as
from sidelight.errors import DataMismatch, MalformedPayload, OffsetOutOfRange
from sidelight.events.dataref import whole
from sidelight.events.exchange import Exchange
from sidelight.events.exchanges import from_record
from sidelight.events.feedback import is_feedback
from sidelight.events.store import open_store
from sidelight.log.contract import Address
from sidelight.log.topics import INFERENCE
from sidelight.protocols.decoding import decode_inputs, decode_outputs, model_version
from sidelight.tensors import Columns
from sidelight_dashboard.exchanges.columns import Side, sides_of
from sidelight_dashboard.refusals import NotFound

if TYPE_CHECKING:
    from sidelight.config.settings import Settings
    from sidelight_dashboard.showing import Showing

MOST_DIGITS = 20


@dataclass(frozen=True, eq=False)
class OpenedRow:
    """A row as it was asked and answered, without the columns that redaction drops.

    Of `changed` columns the log holds other values: it is older than the rules for them.
    `model` is its name in the configuration, `rows` how many the exchange has. `inputs` and
    `outputs` hold this one row; of what cannot be told the reason stands in `no_inputs` and
    `no_outputs`, and they are None.
    """

    address: Address
    exchange: Exchange
    model: str
    version: str
    row: int
    rows: int
    inputs: Columns | None
    outputs: Columns | None
    no_inputs: str = ""
    no_outputs: str = ""
    changed: frozenset[str] = frozenset()


def address_of(text: str) -> Address:
    """``inference/0/123``; raises `MalformedPayload`."""
    topic, *numbers = text.split("/")
    is_one = len(numbers) == 2 and all(map(_is_number, numbers))
    if topic != INFERENCE or not is_one:
        raise MalformedPayload(
            f"{text[:100]!r} is no address of an exchange; write {INFERENCE}/0/123",
            where="exchange",
        )
    return Address(topic, *map(int, numbers))


def open_row(showing: Showing, exchange: str, row: int) -> OpenedRow:
    """The row at that address (``inference/0/123``).

    Raises `NotFound` when the log does not hold it (any longer), `MalformedPayload`, `LogError`,
    `StoreUnreachable`.
    """
    address = address_of(exchange)
    found = open_exchange(showing, address)
    model = model_named(showing.settings, found)
    sides = sides_of(showing.settings.models[model])
    inputs, no_inputs, rows, changed = _opened(found, sides.inputs, row)
    outputs, no_outputs, answers, others = _opened(found, sides.outputs, row)
    count = rows or answers
    if count and row >= count:
        raise NotFound(f"{address} has {count} rows, the first is 0; there is no row {row}")
    version = model_version(found)
    told = (address, found, model, version, row, count, inputs, outputs, no_inputs, no_outputs)
    return OpenedRow(*told, changed | others)


def open_exchange(showing: Showing, address: Address) -> Exchange:
    """The exchange there, with its bodies; errors as `open_row`."""
    if address.partition >= showing.log.partitions(INFERENCE):
        raise NotFound(f"the log has no partition {address.partition} of {INFERENCE}")
    try:
        record = showing.log.get(address).record
    except OffsetOutOfRange as gone:
        raise NotFound(_gone(address, gone)) from gone
    if is_feedback(record):
        raise NotFound(f"{address} is a label that came later, and no exchange")
    store = showing.settings.log.store
    try:
        return whole(from_record(record), open_store(store) if store else None)
    except MalformedPayload as exc:
        raise NotFound(f"what lies at {address} cannot be read: {exc}") from exc


def model_named(settings: Settings, exchange: Exchange) -> str:
    """What the configuration calls the exchange's model; raises `NotFound`."""
    for name, model in settings.models.items():
        if exchange.model in (name, served_as(name, model)):
            return name
    there = ", ".join(settings.models) or "none"
    raise NotFound(
        f"exchange {exchange.id} was sent to model {exchange.model!r}, which the configuration"
        f" does not name; it has {there}"
    )


Opened = tuple[Columns | None, str, int, frozenset[str]]
"""The row's columns or why there are none, how many rows there are, and what was changed."""


def _opened(exchange: Exchange, side: Side, row: int) -> Opened:
    decode = decode_inputs if side.is_input else decode_outputs
    try:
        rows = decode(exchange)
        if row >= len(rows):
            return None, f"there is no row {row}", len(rows), frozenset()
        shown, changed = side.redaction.rows(side.shown(rows.take([row])))
        return shown, "", len(rows), changed
    except (MalformedPayload, DataMismatch) as exc:
        return None, str(exc), 0, frozenset()


def _gone(address: Address, gone: OffsetOutOfRange) -> str:
    if address.offset >= gone.end:
        return f"the log holds nothing at {address} yet; its partition ends at {gone.end}"
    return (
        f"the log no longer holds {address}: retention took all below {gone.begin};"
        " log.retain_bytes and log.retain_seconds say how much is kept"
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < MOST_DIGITS
