"""Events that other loggers post are in the log when they are answered, in every form."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import zlib
from collections.abc import Sequence

import numpy as np
import orjson
import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat

from sidelight.config import Settings
from sidelight.errors import ConfigError, LogFull, RecordTooLarge
from sidelight.events.exchanges import to_record
from sidelight.events.halves import Half, recognised
from sidelight.events.http import to_binary, to_structured
from sidelight.events.kserve import to_events
from sidelight.events.kserve import to_http as kserve_http
from sidelight.events.records import from_record
from sidelight.log.contract import Address, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import HALVES
from sidelight.protocols import v2_grpc
from sidelight.tensors import Column, Columns
from sidelight_logger.receiver import post
from tests.detectors.traffic import exchange, rows
from tests.logger.joining import request_body, response_body, stored_in
from tests.logger.receiving import Client, half, joined, plain, receiver

JSON = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def halves(log: MemoryLog) -> list[Half]:
    found = [recognised(stored.record) for stored in stored_in(log, HALVES)]
    assert all(isinstance(one, Half) for one in found)
    return [one for one in found if isinstance(one, Half)]


def envelope(side: str, number: int) -> dict[str, object]:
    message = sdk.to_structured(half(side, number), JSONFormat())
    return dict(orjson.loads(message.body))


def test_a_pair_in_binary_mode_becomes_an_exchange() -> None:
    log = MemoryLog()
    with receiver(log) as client:
        for side in ("request", "response"):
            answer = client.say(half(side, 1))
            # ModelMesh and KServe's agent want 200; Knative takes a body for a failure.
            assert (answer.status, answer.body) == (200, b"")
        assert client.metric("sidelight_receiver_events_total") == 2
        assert client.metric("sidelight_receiver_waiting_bytes") == 0
    [one] = joined(log)
    assert orjson.loads(one.request.content) == orjson.loads(request_body(1))
    assert orjson.loads(one.response.content) == orjson.loads(response_body(1))
    assert (one.model, one.protocol, one.correlation_id) == ("income", "v1", "client-1")
    assert one.extensions["namespace"] == "prod"


def test_structured_events_and_batches_are_the_same() -> None:
    log = MemoryLog(partitions=3)
    with receiver(log) as client:
        one = sdk.to_structured(half("request", 1), JSONFormat())
        assert client.post(plain(one.body), one.headers).status == 200
        batch = [envelope("response", 1), envelope("response", 2), envelope("request", 2)]
        kind = {"Content-Type": f"{BATCH}; charset=utf-8"}
        assert client.post(orjson.dumps(batch), kind).status == 200
        assert client.post(b"[]", kind).status == 200
        assert client.metric('sidelight_receiver_events_total{kind="response"}') == 2
    found = joined(log)
    assert sorted(one.correlation_id for one in found) == ["client-1", "client-2"]
    assert {one.outcome for one in found} == {"answered"}


def test_our_own_forms_come_back_as_they_were() -> None:
    """KServe's form as our sink sends it, and our exchange, binary and structured."""
    log = MemoryLog()
    sent = [exchange(rows(2, number), number) for number in (1, 2, 3)]
    own = [from_record(to_record(one)) for one in sent[1:]]
    messages = [
        *map(kserve_http, to_events(sent[0], 0)),
        to_binary(own[0]),
        to_structured(own[1]),
    ]
    with receiver(log) as client:
        for message in messages:
            assert client.post(message.body, dict(message.headers)).status == 200
    found = joined(log)
    assert [one.request for one in found] == [one.request for one in sent]
    assert [one.response.content for one in found] == [one.response.content for one in sent]
    assert [one.id for one in found[1:]] == [one.id for one in sent[1:]]


def test_seldons_events_and_feedback_are_taken() -> None:
    log = MemoryLog()
    names = {"requestid": "puid-1", "modelid": "classifier", "protocol": "tensorflow"}
    with receiver(log) as client:
        for number, side in enumerate(("request", "response")):
            kind = f"io.seldon.serving.inference.{side}"
            said = half(side, 1, type=kind, id=f"own-{number}", **names)
            assert client.say(said).status == 200
        told = half("request", 1, {"reward": 1}, type="io.seldon.serving.feedback", **names)
        assert client.say(told).status == 200
        assert client.metric('sidelight_receiver_events_total{kind="feedback"}') == 1
    [one] = joined(log)
    assert (one.model, one.outcome, one.correlation_id) == ("classifier", "answered", "puid-1")


def test_modelmesh_posts_pair_to_an_exchange_of_grpc() -> None:
    columns = Columns((Column("age", np.array([31.0, 45.0])),))
    asked = v2_grpc.encode_request(columns, "income", "1")
    answered = v2_grpc.encode_response(columns)
    called = {"x-request-id": "r1", "Authorization": "Bearer secret", "x-team": "blue"}
    request = {"id": "p1", "kind": "request", "modelid": "income__isvc-4f", "vModelId": "income"}
    log = MemoryLog()
    with receiver(log, logger={"headers": ["X-Team", "authorization"]}) as client:
        for kind, message in (("request", asked), ("response", answered)):
            status = "OK" if kind == "response" else ""
            told = {**request, "kind": kind, "status": status, "metadata": called}
            told["data"] = base64.b64encode(message).decode()
            answer = client.post(orjson.dumps(told), {}, "/consumer/kserve/v2")
            assert (answer.status, answer.body) == (200, b"")
    [one] = joined(log)
    assert (one.model, one.protocol, one.status, one.outcome) == ("income", "grpc", 200, "answered")
    assert v2_grpc.decode_request(one.request.content)["age"].values.tolist() == [31.0, 45.0]
    assert one.response.content == answered
    assert one.headers == {"x-team": "blue"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "both"}, "kind: is 'both'"),
        ({"id": None}, "id: is missing"),
        ({"data": "***"}, "data: is not base64"),
        ({"kind": "response", "status": "FINE"}, "status: 'FINE'"),
        ({"metadata": ["a"]}, "metadata: is not a JSON object"),
        ({"modelid": 7}, "modelid: is not a string"),
    ],
)
def test_what_is_wrong_with_a_modelmesh_post_is_told(
    changed: dict[str, object], message: str
) -> None:
    told = {"id": "p1", "kind": "request", "modelid": "m", "data": "", **changed}
    with receiver(MemoryLog()) as client:
        answer = client.post(orjson.dumps(told), {}, "/consumer/kserve/v2")
    assert (answer.status, message in answer.error) == (400, True), answer.error


def test_a_failed_call_keeps_its_status() -> None:
    log = MemoryLog()
    with receiver(log) as client:
        for kind, status in (("request", ""), ("response", "UNAVAILABLE")):
            told = {"id": "p", "kind": kind, "modelid": "m", "status": status, "data": ""}
            assert client.post(orjson.dumps(told), {}, "/consumer/kserve/v2/").status == 200
    assert [one.status for one in joined(log)] == [503]


def test_a_sender_that_asks_first_is_consented_to() -> None:
    """CloudEvents' webhook handshake, as Azure's Event Grid does it."""
    asking = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    with receiver(MemoryLog(), receiver={"allowed_origins": ["EventGrid.azure.net"]}) as client:
        answer = client.ask("OPTIONS", "/", asking)
        assert answer.status == 200
        assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
        assert answer.headers["webhook-allowed-rate"] == "*"
        assert "POST" in answer.headers["allow"]
        other = client.ask("OPTIONS", "/", {"WebHook-Request-Origin": "evil.example"})
        assert "webhook-allowed-origin" not in other.headers


@pytest.mark.parametrize("path", ["/s3cret", "/s3cret/"])
def test_a_token_in_the_path_lets_in_senders_without_headers(path: str) -> None:
    log = MemoryLog()
    with receiver(log, receiver={"token": "s3cret"}) as client:
        assert client.say(half("request", 1), path).status == 200
        assert client.ask("OPTIONS", path, {}).status == 200
        assert client.post(b"{}", {}, path.rstrip("/") + "/consumer/kserve/v2").status == 400
        assert client.say(half("request", 2), "/", Authorization="bearer s3cret").status == 200
        assert client.say(half("request", 3), "/?access_token=s3cret").status == 200
    assert len(halves(log)) == 3


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/s3cre", {}),
        ("/s3crets", {}),
        ("/x/s3cret", {}),
        ("/?access_token=other", {}),
        ("/", {"Authorization": "Basic s3cret"}),
        ("/", {"Authorization": "Bearer \u00e9"}),
        ("/consumer/kserve/v2", {}),
        ("/anything", {}),
    ],
)
def test_without_the_token_nobody_is_let_in(path: str, headers: dict[str, str]) -> None:
    log = MemoryLog()
    with receiver(log, receiver={"token": "s3cret"}) as client:
        answer = client.say(half("request", 1), path, **headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "s3cret" not in answer.error
        assert client.ask("OPTIONS", path, {"WebHook-Request-Origin": "a"}).status == 401
        assert client.ask("GET", "/readyz", {}).status == 200
    assert not halves(log)


def test_bodies_that_were_compressed_for_the_way_are_unpacked() -> None:
    log = MemoryLog()
    with receiver(log) as client:
        for number, name in enumerate(("gzip", "deflate")):
            plainly = orjson.dumps(envelope("request", number))
            body = gzip.compress(plainly) if name == "gzip" else zlib.compress(plainly)
            answer = client.post(body, {"Content-Type": JSON, "Content-Encoding": name})
            assert answer.status == 200
    for number, one in enumerate(halves(log)):
        assert orjson.loads(one.event.data or b"") == orjson.loads(request_body(number))


def test_a_compressed_body_of_the_model_stays_as_it_was() -> None:
    log = MemoryLog()
    message = sdk.to_binary(half("request", 1), JSONFormat())
    body = gzip.compress(plain(message.body))
    with receiver(log) as client:
        assert client.post(body, message.headers).status == 200
    [one] = halves(log)
    assert (one.event.data, one.event.extensions["contentencoding"]) == (body, "gzip")


@pytest.mark.parametrize(
    ("headers", "body", "status", "message"),
    [
        ({}, b"{}", 400, "no CloudEvent"),
        ({"Content-Type": JSON}, b"{", 400, "not JSON"),
        ({"Content-Type": JSON}, b"[]", 400, "an event is a JSON object"),
        ({"Content-Type": BATCH}, b"{}", 400, "a batch is a JSON array"),
        (
            {"Content-Type": "application/cloudevents+avro"},
            b"",
            415,
            "application/cloudevents+avro",
        ),
        ({"Content-Type": JSON, "Content-Encoding": "br"}, b"", 415, "'br' is not read"),
        ({"Content-Type": JSON, "Content-Encoding": "gzip"}, b"plain", 400, "decompressed"),
        ({"Ce-Specversion": "0.3"}, b"", 400, "only 1.0 is read"),
        ({"Ce-Specversion": "1.0", "Ce-Id": "\u00ff"}, b"", 400, "ce-id: header is not UTF-8"),
        (
            {"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "s", "Ce-Type": "t"},
            b"",
            400,
            "'t'",
        ),
    ],
)
def test_what_is_no_event_is_refused_with_its_fault(
    headers: dict[str, str], body: bytes, status: int, message: str
) -> None:
    log = MemoryLog()
    with receiver(log) as client:
        answer = client.post(body, headers)
        assert (answer.status, message in answer.error) == (status, True), answer.error
        assert client.refused("unknown_format" if status == 415 else "malformed") == 1
        assert client.say(half("request", 1)).status == 200
    assert len(halves(log)) == 1


def test_a_batch_with_one_bad_event_is_refused_whole() -> None:
    log = MemoryLog()
    bad = {**envelope("request", 2), "type": "training"}
    with receiver(log) as client:
        body = orjson.dumps([envelope("request", 1), bad])
        assert client.post(body, {"Content-Type": BATCH}).status == 400
    assert not halves(log)


def test_other_paths_and_methods_are_told_the_right_ones() -> None:
    with receiver(MemoryLog()) as client:
        missed = client.post(b"", {}, "/v1/models/income:predict")
        assert (missed.status, "/consumer/kserve/v2" in missed.error) == (404, True)
        answer = client.ask("PUT", "/", {})
        assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_post_above_the_limit_is_refused(is_announced: bool) -> None:
    log = MemoryLog()
    with receiver(log, receiver={"max_event_bytes": 2000, "buffer_bytes": 4000}) as client:
        message = sdk.to_binary(half("request", 1, "x" * 3000), JSONFormat())
        body = plain(message.body)
        headers = dict(message.headers)
        if not is_announced:
            headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        assert client.post(body, headers).status == 413
        bomb = gzip.compress(bytes(10**6))
        packed = {"Content-Type": JSON, "Content-Encoding": "gzip"}
        assert client.post(bomb, packed).status == 413
        assert client.refused("too_large") == 2
        assert client.metric("sidelight_receiver_waiting_bytes") == 0
    assert not halves(log)


class Stubborn(MemoryLog):
    """A log that refuses as it is told to, and waits as long as `free` is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.refusal: Exception | None = None
        self.free = threading.Event()
        self.free.set()

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        self.free.wait(30)
        if self.refusal is not None:
            raise self.refusal
        if any(len(record.value) > 1000 for record in records):
            raise RecordTooLarge("larger than the topic takes")
        return super().append(topic, records, partition=partition)


def test_while_the_log_is_full_senders_are_asked_to_wait() -> None:
    log = Stubborn()
    log.refusal = LogFull("/log: no space left")
    with receiver(log) as client:
        answer = client.say(half("request", 1))
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.error == "the log takes nothing now; send it again later"
        ready = client.ask("GET", "/readyz", {})
        assert (ready.status, ready.body) == (200, b"ready\n/log: no space left\n")
        assert client.metric("sidelight_receiver_log_up") == 0
        log.refusal = None
        assert client.say(half("request", 1)).status == 200
        assert client.metric("sidelight_receiver_log_up") == 1
        assert client.refused("log") == 1
    assert len(halves(log)) == 1


def test_a_log_that_is_not_as_configured_is_no_fault_of_the_sender() -> None:
    log = Stubborn()
    log.refusal = ConfigError("log.partitions is 3, topic 'halves' has 1")
    with receiver(log) as client:
        assert client.say(half("request", 1)).status == 503


def test_above_the_room_for_posts_senders_are_asked_to_wait() -> None:
    log = Stubborn()
    log.free.clear()
    with receiver(log, receiver={"max_event_bytes": 1024, "buffer_bytes": 1024}) as client:
        body = "x" * 600
        first = threading.Thread(target=client.say, args=(half("request", 1, body),))
        first.start()
        while not client.metric("sidelight_receiver_waiting_bytes"):
            pass
        answer = client.say(half("request", 2, body))
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        log.free.set()
        first.join()
        assert client.say(half("request", 2, body)).status == 200
    assert len(halves(log)) == 2


def test_an_event_that_the_log_does_not_take_harms_none_beside_it() -> None:
    log = Stubborn()
    log.free.clear()
    statuses: dict[int, int] = {}

    def say(client: Client, number: int) -> None:
        data = {"instances": [["x" * 2000 if number == 3 else "x"]]}
        statuses[number] = client.say(half("request", number, data)).status

    with receiver(log) as client:
        sending = [threading.Thread(target=say, args=(client, number)) for number in range(8)]
        for one in sending:
            one.start()
        log.free.set()
        for one in sending:
            one.join()
    assert statuses == {number: 413 if number == 3 else 200 for number in range(8)}
    assert {one.pair_id for one in halves(log)} == {f"client-{n}" for n in range(8) if n != 3}


def test_a_body_that_does_not_come_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "BODY_SECONDS", 0.2)
    with receiver(MemoryLog()) as client:
        message = sdk.to_binary(half("request", 1), JSONFormat())
        announced = {**message.headers, "Content-Length": "5000"}
        answer = client.post(plain(message.body), announced)
        assert (answer.status, "did not come" in answer.error) == (408, True)
        assert client.metric("sidelight_receiver_waiting_bytes") == 0


def test_policy_holds_for_what_others_captured() -> None:
    """Columns, levels and secret headers, before a byte is in the log."""
    log = MemoryLog()
    body = {"inputs": [tensor("ssn", 123456789), tensor("age", 31)]}
    answered = {"model_name": "income", "outputs": [tensor("y", 1)]}
    named = json.dumps({"Authorization": ["Bearer t0ken"], "X-Team": ["blue"]})
    rules = {
        "logger": {"redact": {"columns": {"ssn": "drop"}}},
        "models": {"quiet": {"capture": "none"}, "brief": {"capture": "metadata"}, "income": {}},
    }
    with receiver(log, **rules) as client:
        for side, data in (("request", body), ("response", answered)):
            assert client.say(half(side, 1, data, metadata=named)).status == 200
        for model in ("quiet", "brief"):
            said = half("request", 2, body, inferenceservicename=model)
            assert client.say(said).status == 200
        assert client.say(half("request", 3, {"text": 123456789})).status == 200
        left = "sidelight_receiver_left_out_total"
        assert client.metric(f'{left}{{reason="none"}}') == 1
        assert client.metric(f'{left}{{reason="withheld"}}') == 1
    held = list(stored_in(log, HALVES))
    assert not any(b"123456789" in stored.record.value for stored in held)
    assert not any(b"t0ken" in text for stored in held for _, text in stored.record.headers)
    found = joined(log)
    assert [one.outcome for one in found] == ["answered"]
    assert [one["name"] for one in orjson.loads(found[0].request.content)["inputs"]] == ["age"]
    assert (found[0].protocol, found[0].headers) == ("v2", {"x-team": "blue"})
    brief = next(
        one for one in halves(log) if one.event.extensions["inferenceservicename"] == "brief"
    )
    assert (brief.event.data, int(brief.event.extensions["bodysize"]) > 100) == (None, True)


def tensor(name: str, value: int) -> dict[str, object]:
    return {"name": name, "datatype": "INT64", "shape": [1], "data": [value]}


def test_a_sample_takes_both_halves_or_none_and_no_client_chooses() -> None:
    log = MemoryLog()
    with receiver(log, logger={"capture": {"sample": 0.5}}) as client:
        for number in range(60):
            for side in ("response", "request"):
                assert client.say(half(side, number)).status == 200
    found = joined(log)
    assert {one.outcome for one in found} == {"answered"}
    assert 15 <= len(found) <= 45


@pytest.mark.parametrize("token", ["a b", "a/b", "a?b", "\u00e9", ""])
def test_a_token_that_a_path_cannot_carry_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        Settings.model_validate({"receiver": {"token": token}})
