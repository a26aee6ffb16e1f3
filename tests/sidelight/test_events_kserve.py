"""KServe's two-event form: header by header what its agent writes, and back to one exchange."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given

from sidelight.errors import MalformedPayload
from sidelight.events import Body, CloudEvent, Exchange
from sidelight.events.http import from_http
from sidelight.events.kserve import pair, to_events, to_http
from tests.sidelight.event_strategies import EXCHANGE, KSERVE_NAMES, YEAR_9999_NS, exchanges

RECORDED_NS = 1_790_000_001 * 10**9
CLIENT_NAMED = replace(
    EXCHANGE,
    correlation_id="client-7",
    headers={"x-request-id": "abc", "user-agent": "curl/8"},
    extensions={
        "inferenceservicename": "income",
        "namespace": "prod",
        "component": "predictor",
        "endpoint": "",
    },
)


def test_the_request_event_carries_kserves_headers() -> None:
    request, _ = to_events(CLIENT_NAMED, RECORDED_NS)
    message = to_http(request)
    headers = dict(message.headers)
    assert message.body == EXCHANGE.request.content
    expected = {
        "ce-specversion": "1.0",
        "ce-type": "org.kubeflow.serving.inference.request",
        "ce-id": "client-7",
        "ce-source": "http://localhost:9081/",
        "ce-time": "2026-09-21T14:13:20.123456789Z",
        "ce-recordedtime": "2026-09-21T14:13:21Z",
        "ce-inferenceservicename": "income",
        "ce-namespace": "prod",
        "ce-component": "predictor",
        "ce-endpoint": "",
        "ce-metadata": '{"User-Agent":["curl/8"],"X-Request-Id":["abc"]}',
        "content-type": "application/json",
    }
    assert {name: headers[name] for name in expected} == expected
    assert "ce-statuscode" not in headers


def test_the_response_event_has_the_same_id_a_later_time_and_the_status() -> None:
    request, response = to_events(CLIENT_NAMED, RECORDED_NS)
    headers = dict(to_http(response).headers)
    assert headers["ce-type"] == "org.kubeflow.serving.inference.response"
    assert headers["ce-id"] == request.id
    assert headers["ce-time"] == "2026-09-21T14:13:20.124691356Z"
    assert headers["ce-statuscode"] == "200"
    assert response.data == EXCHANGE.response.content


def test_without_a_client_id_ours_is_used() -> None:
    assert to_events(EXCHANGE, RECORDED_NS)[0].id == EXCHANGE.id


@pytest.mark.parametrize(
    ("exchange", "types"),
    [
        (EXCHANGE, ["request", "response"]),
        (replace(EXCHANGE, outcome="unanswered", response=Body()), ["request"]),
        (replace(EXCHANGE, response=Body(size=9)), ["request"]),
        (replace(EXCHANGE, request=Body(size=9)), ["response"]),
        (replace(EXCHANGE, request=Body(size=9, truncated=True)), ["request", "response"]),
        (replace(EXCHANGE, status=500), ["request", "response"]),
    ],
)
def test_only_the_halves_that_were_kept_are_told(exchange: Exchange, types: list[str]) -> None:
    events = to_events(exchange, RECORDED_NS)
    assert [event.type.rsplit(".", 1)[1] for event in events] == types


whole = exchanges.filter(lambda x: x.time_ns + x.duration_ns <= YEAR_9999_NS).map(
    lambda x: replace(
        x,
        status=max(x.status, 100),
        outcome="abandoned" if x.outcome == "abandoned" else "answered",
        log_id="",
        sequence=0,
        model=x.model or "m",
        correlation_id=x.correlation_id or "c",
        request=replace(x.request, sha256="", size=len(x.request.content), truncated=False),
        response=replace(x.response, sha256="", size=len(x.response.content) + 9, truncated=True),
        extensions={**dict.fromkeys(KSERVE_NAMES, ""), **x.extensions},
    )
)


@given(whole)
def test_the_pair_gives_the_exchange_back(exchange: Exchange) -> None:
    halves = []
    for event in to_events(exchange, RECORDED_NS):
        message = to_http(event)
        halves += from_http(message.headers, message.body)
    assert pair(*halves, exchange_id=exchange.id, received_ns=0) == exchange


@given(whole)
def test_the_sdk_reads_both_halves(exchange: Exchange) -> None:
    for event in to_events(exchange, RECORDED_NS):
        message = to_http(event)
        theirs = sdk.HTTPMessage(dict(message.headers), message.body)
        assert sdk.from_http(theirs, JSONFormat(), SdkEvent).get_id() == event.id


def half(kind: str, id_: str = "1", **extensions: str) -> CloudEvent:
    type_ = f"org.kubeflow.serving.inference.{kind}"
    return CloudEvent(id_, "/agent", type_, extensions=extensions, data=b"{}")


def test_a_peers_own_halves_become_an_exchange() -> None:
    request = half("request", inferenceservicename="income", metadata='{"X-A":["1","2"]}')
    exchange = pair(request, half("response"), exchange_id="x", received_ns=5)
    assert (exchange.model, exchange.status, exchange.outcome) == ("income", 200, "answered")
    assert (exchange.time_ns, exchange.correlation_id) == (5, "1")
    assert exchange.headers == {"x-a": "1, 2"}


def test_one_half_alone_is_marked() -> None:
    request = pair(half("request"), None, exchange_id="x", received_ns=5)
    assert (request.outcome, request.status, request.response) == ("unanswered", 0, Body())
    response = pair(None, half("response"), exchange_id="x", received_ns=5)
    assert (response.outcome, response.request) == ("answered", Body())


@pytest.mark.parametrize(
    ("request_half", "response_half", "told"),
    [
        (None, None, "no half"),
        (half("response"), None, "type: is"),
        (half("request"), half("response", "2"), "two exchanges"),
        (half("request", metadata="{"), None, "metadata: "),
        (half("request", metadata="[1]"), None, "metadata: "),
        (half("request", metadata='{"a":1}'), None, "metadata: "),
        (half("request"), half("response", statuscode="ok"), "statuscode: 'ok'"),
    ],
)
def test_halves_that_make_no_exchange_are_refused(
    request_half: CloudEvent | None, response_half: CloudEvent | None, told: str
) -> None:
    with pytest.raises(MalformedPayload, match=told):
        pair(request_half, response_half, exchange_id="x", received_ns=0)
