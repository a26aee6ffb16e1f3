"""What foreign loggers put on a topic is recognised, whoever encoded it."""

from __future__ import annotations

import gzip
from dataclasses import replace

import orjson
import pytest

from sidelight.errors import MalformedPayload
from sidelight.events import Exchange
from sidelight.events.exchanges import to_record
from sidelight.events.halves import Feedback, Half, exchange_of, recognised
from sidelight.events.kserve import to_events
from sidelight.events.records import to_record as event_record
from sidelight.log import Record
from tests.logger.joining import encoded, kserve, request_body, response_body
from tests.sidelight.event_strategies import EXCHANGE

SELDON = {
    "source": "http://:8000/",
    "modelid": "classifier",
    "requestid": "puid-1",
    "inferenceservicename": "income",
    "namespace": "prod",
    "endpoint": "default",
    "protocol": "tensorflow",
    "datacontenttype": "application/json",
}


def seldon(kind: str, id_: str, data: bytes) -> Record:
    return encoded({**SELDON, "id": id_, "type": f"io.seldon.serving.{kind}"}, data)


def direct(kind: str, data: bytes) -> Record:
    """Seldon's own form: no CloudEvent, header names without a prefix."""
    names = {"type": f"io.seldon.serving.{kind}", "content-type": "application/json", **SELDON}
    del names["source"], names["datacontenttype"]
    return Record(data, b"", tuple((name, text.encode()) for name, text in names.items()))


def half(record: Record) -> Half:
    found = recognised(record)
    assert isinstance(found, Half)
    return found


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_kserves_halves_in_both_modes(mode: str) -> None:
    request = half(kserve("request", 1, request_body(1), mode=mode))
    response = half(kserve("response", 1, response_body(1), mode=mode))
    assert (request.side, response.side) == ("request", "response")
    assert request.pair_key == response.pair_key
    exchange = exchange_of(response, request, exchange_id="x", received_ns=0)
    assert orjson.loads(exchange.request.content) == orjson.loads(request_body(1))
    assert (exchange.model, exchange.correlation_id) == ("income", "client-1")


def test_a_structured_half_with_its_datas_content_type_is_read() -> None:
    """As the SDK's release 1.13 writes it to Kafka, the one that KServe's own SDK comes with."""
    record = kserve("request", 1, request_body(1), mode="structured")
    mistyped = replace(record, headers=(("content-type", b"application/json"),))
    assert half(mistyped) == half(record)


def test_what_a_knative_broker_adds_changes_nothing() -> None:
    plain = half(kserve("request", 1, request_body(1)))
    added = {
        "knativearrivaltime": "2026-09-21T12:00:00.000000001Z",
        "knativebrokerttl": "254",
        "partitionkey": "7",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    through = half(kserve("request", 1, request_body(1), **added))
    assert through.pair_key == plain.pair_key
    exchange = exchange_of(through, exchange_id="x", received_ns=0)
    assert exchange.traceparent == added["traceparent"]
    assert exchange.outcome == "unanswered"


def test_seldons_halves_share_requestid_and_name_their_model() -> None:
    request = half(seldon("inference.request", "a", request_body(1)))
    response = half(seldon("inference.response", "b", response_body(1)))
    assert request.pair_key == response.pair_key
    assert (request.pair_id, request.event_id, response.event_id) == ("puid-1", "a", "b")
    exchange = exchange_of(request, response, exchange_id="x", received_ns=5)
    assert (exchange.model, exchange.protocol, exchange.correlation_id) == (
        "classifier",
        "v1",
        "puid-1",
    )


def test_seldons_own_form_is_the_same_pair() -> None:
    request = half(direct("inference.request", request_body(1)))
    response = half(direct("inference.response", response_body(1)))
    assert request.pair_key == response.pair_key
    exchange = exchange_of(request, response, exchange_id="x", received_ns=5)
    assert (exchange.model, exchange.protocol, exchange.time_ns) == ("classifier", "v1", 5)
    assert exchange.response.content == response_body(1)


def test_two_models_of_one_seldon_graph_are_two_pairs() -> None:
    first = half(direct("inference.request", request_body(1)))
    other = direct("inference.request", request_body(1))
    headers = tuple((n, b"router" if n == "modelid" else v) for n, v in other.headers)
    assert half(replace(other, headers=headers)).pair_key != first.pair_key


def test_seldons_feedback_is_feedback() -> None:
    for record in (
        seldon("feedback", "c", b'{"truth":{"data":{"ndarray":[1]}}}'),
        direct("feedback", b"{}"),
    ):
        found = recognised(record)
        assert isinstance(found, Feedback)
        assert found.pair_id == "puid-1"


def test_a_protocol_that_is_none_of_ours_is_left_open() -> None:
    names = {
        **SELDON,
        "protocol": "seldon",
        "id": "a",
        "type": "io.seldon.serving.inference.request",
    }
    exchange = exchange_of(half(encoded(names, b"{}")), exchange_id="x", received_ns=0)
    assert exchange.protocol == ""


def test_compressed_bodies_are_marked_as_such() -> None:
    found = half(kserve("request", 1, gzip.compress(request_body(1))))
    exchange = exchange_of(found, exchange_id="x", received_ns=0)
    assert exchange.request.content_encoding == "gzip"


def test_our_own_exchanges_and_our_own_halves_are_read() -> None:
    found = recognised(to_record(EXCHANGE))
    assert isinstance(found, Exchange)
    assert found == EXCHANGE
    sides = [half(event_record(event)) for event in to_events(EXCHANGE, 5)]
    again = exchange_of(*sides, exchange_id=EXCHANGE.id, received_ns=0)
    assert (again.path, again.protocol, again.model) == (
        EXCHANGE.path,
        EXCHANGE.protocol,
        EXCHANGE.model,
    )


@pytest.mark.parametrize(
    "record",
    [
        Record(b""),
        Record(b"x", b"", (("type", b"io.seldon.serving.inference.request"),)),
        Record(b"x", b"", (("type", b"\xff"),)),
        Record(b"{}", b"", (("content-type", b"application/cloudevents+json"),)),
        Record(b"x", b"", (("ce_type", b"\xff"),)),
    ],
)
def test_nothing_else_is_read(record: Record) -> None:
    with pytest.raises(MalformedPayload):
        recognised(record)
