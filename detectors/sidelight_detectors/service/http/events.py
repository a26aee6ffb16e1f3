"""From a request that carries CloudEvents to rows, and back to the answering event.

Read are what the log's joiner reads: KServe's and Seldon's events and our own exchange, binary,
structured, or a request and its response in one batch. A response alone has no features.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import orjson

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.events import exchanges, http
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.dataref import whole
from sidelight.events.exchange import EXCHANGE_TYPE, Exchange
from sidelight.events.halves import Half, exchange_of, half_of
from sidelight.protocols.decoding import decode_inputs
from sidelight.protocols.describing import described
from sidelight.protocols.limits import Limits
from sidelight.serving.refusals import UnknownModel
from sidelight.tensors import Columns
from sidelight_detectors.results.events import SOURCE
from sidelight_detectors.streaming.intake import WatchedColumns, why_unscored
from sidelight_detectors.streaming.plan import Plan

SCORED_TYPE = "io.sidelight.scored.v1"

ECHOED = ("inferenceservicename", "namespace", "component", "endpoint")
"""Extensions that the answer repeats, as Seldon's servers do."""

MAX_ECHOED = 256
"""Characters of a repeated attribute; a longer one is left out."""


def read_events(headers: Iterable[tuple[str, str]], body: bytes, now_ns: int) -> Exchange:
    """The one exchange that a request tells of, described as far as its bodies tell.

    Raises `MalformedPayload` when it tells of none, or of several.
    """
    events = http.from_http(headers, body)
    if len(events) == 1 and events[0].type == EXCHANGE_TYPE:
        return exchanges.from_event(events[0])
    halves = [half_of(event) for event in events]
    _refuse_strangers(halves)
    exchange = exchange_of(*halves, exchange_id=events[0].id, received_ns=now_ns)
    return described(exchange, *halves)


def plan_of(exchange: Exchange, plans: Mapping[str, Plan], named: str) -> Plan:
    """The plan of the model the sender `named`, else of the exchange's, else the only one."""
    for plan in plans.values():
        if (named or exchange.model) in (plan.name_in_exchanges, plan.model):
            return plan
    if not (named or exchange.model) and len(plans) == 1:
        return next(iter(plans.values()))
    told = named or exchange.model
    raise UnknownModel(
        f"no model {told[:100]!r} is watched; there are {', '.join(plans)}: name one of them, "
        "as ?model=NAME or in the event"
    )


def rows_of(exchange: Exchange, plan: Plan, limits: Limits) -> Columns:
    """The rows as the log's path sees them; without a response its outputs are not observed.

    Raises `DataMismatch` for what the log's path would not score, `MalformedPayload`,
    `StoreUnreachable`.
    """
    watched = WatchedColumns.by(plan)
    if exchange.outcome == "unasked":
        raise DataMismatch(
            "a response alone has no features; send its request event, or both in one batch"
        )
    if exchange.outcome == "unanswered" and exchange.protocol:
        inputs = decode_inputs(whole(exchange, plan.store), limits)
        return Columns(watched.encoding.select(inputs, watched.inputs).columns)
    asked = replace(exchange, model=plan.name_in_exchanges)
    reason = why_unscored(asked, plan.model)
    if reason == "other":
        raise DataMismatch("its bodies are no V1 or V2 inference; send what the model was sent")
    if reason:
        raise DataMismatch(f"the exchange is not scored: {reason} (status {exchange.status})")
    return watched.of(exchange)


def reply(exchange: Exchange, document: object) -> http.HttpMessage:
    """The answering event in binary mode: the sender's id, its extensions, the answer as data."""
    told = exchange.correlation_id or exchange.id
    return http.to_binary(
        CloudEvent(
            id=told[:MAX_ECHOED],
            source=SOURCE,
            type=SCORED_TYPE,
            datacontenttype="application/json",
            extensions=_echoed(exchange),
            data=orjson.dumps(document),
        )
    )


def _echoed(exchange: Exchange) -> dict[str, str]:
    texts = {name: text_of(exchange.extensions.get(name, "")) for name in ECHOED}
    return {name: text for name, text in texts.items() if 0 < len(text) <= MAX_ECHOED}


def _refuse_strangers(halves: Sequence[Half]) -> None:
    sides = sorted(half.side for half in halves)
    keys = {half.pair_key for half in halves}
    if len(keys) != 1 or sides not in (["request"], ["response"], ["request", "response"]):
        raise MalformedPayload(
            f"{len(halves)} events ({', '.join(sides[:4])}) are no one exchange; send a request "
            "event, alone or with the response event of its id",
            where="body",
        )
