"""From a capture to an exchange: what is read from heads, path and answer, and what is kept."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.config.settings import Settings
from sidelight.errors import MalformedPayload
from sidelight.events import Exchange
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.describing.description import Origin, answered_version, describe
from sidelight_logger.recorder.describing.heads import parse_request, parse_response, whole_number
from sidelight_logger.wire.captures import Capture, Side
from tests.logger.captures import ANSWER, capture

ORIGIN = Origin("http://localhost:9081/", "log-1", {"namespace": "prod"})
ALL = Policy()
REQUESTS, RESPONSES = Policy("request"), Policy("response")


def described(one: Capture, rules: Policy = ALL) -> Exchange:
    exchange = describe(one, 7, ORIGIN)
    assert exchange is not None
    kept = rules.kept(exchange).exchange
    assert kept is not None
    return kept


def test_an_exchange_tells_all_that_is_known_of_it() -> None:
    one = capture(
        headers={"X-Request-Id": "r-1", "Traceparent": "00-a-b-01", "Sidelight-Purpose": "explain"}
    )
    exchange = described(one)
    assert exchange.id == str(uuid.UUID(bytes=one.id))
    assert (exchange.log_id, exchange.sequence) == ("log-1", 7)
    assert (exchange.protocol, exchange.model, exchange.version) == ("v2", "income", "3")
    assert (exchange.method, exchange.path) == ("POST", "/v2/models/income/infer")
    assert (exchange.status, exchange.outcome) == (200, "answered")
    assert exchange.request.content == b'{"inputs":[]}'
    assert exchange.response.content == ANSWER
    assert exchange.request.content_type == "application/json"
    assert exchange.correlation_id == "r-1"
    assert exchange.traceparent == "00-a-b-01"
    assert exchange.purpose == "explain"
    assert exchange.extensions == {"namespace": "prod"}
    assert (exchange.time_ns, exchange.duration_ns) == (one.time_ns, one.duration_ns)


@pytest.mark.parametrize("rules", [ALL, RESPONSES])
def test_a_question_of_ours_stays_provable_whatever_is_kept_of_it(rules: Policy) -> None:
    body = b'{"inputs":[]}'
    whole = capture(headers={"Sidelight-Purpose": "explain"}, body=body)
    digest = hashlib.sha256(body)
    cut = Side(whole.request.head, body[:3], len(body), digest.digest())
    for one in (whole, replace(whole, request=cut)):
        assert described(one, rules).request.sha256 == digest.hexdigest()
    assert described(capture(body=body), rules).request.sha256 == ""


def test_a_clients_event_id_beats_its_request_id() -> None:
    both = capture(headers={"X-Request-Id": "r-1", "Ce-Id": "e-1"})
    assert described(both).correlation_id == "e-1"


def test_the_query_of_a_request_is_not_kept() -> None:
    assert described(capture("/v2/models/income/infer?api_key=secret")).path.endswith("/infer")


def test_only_allowed_headers_are_kept_and_secrets_never() -> None:
    allowed = ["X-Team", "Authorization", "x-card", "Cookie"]
    said = {"headers": allowed, "redact": {"headers": ["X-Card"]}}
    rules = policy_of(Settings.model_validate({"logger": said}))
    sent = {"x-team": "a", "authorization": "Bearer s", "X-CARD": "4111", "Cookie": "c", "X-B": "b"}
    assert described(capture(headers=sent), rules).headers == {"x-team": "a"}


def test_no_secret_reaches_the_record_whatever_is_allowed() -> None:
    from sidelight.events.exchanges import to_record

    rules = Policy(headers=frozenset(("authorization", "cookie", "proxy-authorization")))
    sent = {"Authorization": "s3cret", "Cookie": "s3cret", "Proxy-Authorization": "s3cret"}
    record = to_record(described(capture(headers=sent), rules))
    assert b"s3cret" not in record.value + repr(record.headers).encode()


def test_request_mode_keeps_the_requests_body_only() -> None:
    exchange = described(capture(), REQUESTS)
    assert exchange.request.content == b'{"inputs":[]}'
    assert (exchange.response.content, exchange.response.size) == (b"", len(ANSWER))
    assert exchange.outcome == "unanswered"
    assert not exchange.response.truncated
    assert exchange.version == "3"


def test_response_mode_keeps_the_answers_body_only() -> None:
    exchange = described(capture(), RESPONSES)
    assert (exchange.request.content, exchange.request.size) == (b"", 13)
    assert exchange.response.content == ANSWER
    assert exchange.outcome == "answered"


def test_a_cut_body_is_marked_with_its_whole_size() -> None:
    one = capture()
    cut = replace(one, request=replace(one.request, size=99))
    body = described(cut).request
    assert (body.truncated, body.size, body.content) == (True, 99, b'{"inputs":[]}')


def test_a_request_without_an_answer_has_no_status() -> None:
    exchange = described(capture(answer=None, outcome="unanswered"))
    assert (exchange.status, exchange.outcome, exchange.response.size) == (0, "unanswered", 0)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/v2/health/live", {}),
        ("GET", "/v2/health/ready", {}),
        ("GET", "/v2/models/income/ready", {}),
        ("GET", "/v2/models/income", {}),
        ("GET", "/v1/models/income", {}),
        ("GET", "/v1/models", {}),
        ("GET", "/v2", {}),
        ("GET", "/", {}),
        ("GET", "/metrics", {}),
        ("HEAD", "/healthz", {}),
        ("GET", "/predict", {"K-Network-Probe": "queue"}),
        ("GET", "/anything", {"User-Agent": "kube-probe/1.33"}),
    ],
)
def test_what_asks_after_the_server_is_not_recorded(
    method: str, path: str, headers: dict[str, str]
) -> None:
    assert describe(capture(path, method=method, headers=headers), 7, ORIGIN) is None


@pytest.mark.parametrize("name", ["User-Agent", "K-Network-Probe"])
def test_a_query_cannot_hide_as_a_probe(name: str) -> None:
    hidden = capture("/v2/models/income/infer", headers={name: "kube-probe/1.33"})
    assert describe(hidden, 7, ORIGIN) is not None


@pytest.mark.parametrize(
    ("method", "path", "protocol", "model", "version"),
    [
        ("POST", "/v1/models/income:predict", "v1", "income", ""),
        ("POST", "/v1/models/income:explain", "v1", "income", ""),
        ("POST", "/v2/models/a%20b/versions/2/infer", "v2", "a b", "2"),
        ("POST", "/invocations", "", "", ""),
        ("GET", "/predict?x=1", "", "", ""),
        ("DELETE", "/v2/models/income", "", "", ""),
        ("POST", "/v2/repository/models/income/load", "v2", "income", ""),
    ],
)
def test_every_other_request_is_recorded(
    method: str, path: str, protocol: str, model: str, version: str
) -> None:
    exchange = described(capture(path, method=method, answer=b"{}"))
    assert (exchange.protocol, exchange.model, exchange.version) == (protocol, model, version)


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b'{"model_version":"3"}', "3"),
        (b'{"model_name":"m", "model_version" :\n"a\\"b"}', 'a"b'),
        (b'{"outputs":[' + b"1," * 9000 + b'1],"model_version":"7"}', "7"),
        (b'{"model_version":null}', ""),
        (b'{"model_version":3}', ""),
        (b'{"outputs":[{"data":["{\\"model_version\\":\\"9\\"}"]}]}', ""),
        (b'{"model_version":"\\ud800"}', ""),
        (b"\x1f\x8b\x00", ""),
        (b"", ""),
    ],
)
def test_the_version_is_found_without_parsing_the_answer(answer: bytes, version: str) -> None:
    assert answered_version(answer) == version


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (gzip.compress(ANSWER), "3"),
        (gzip.compress(ANSWER)[:60], "3"),
        (gzip.compress(b'{"outputs":[' + b"1," * 9000 + b'1],"model_version":"7"}'), ""),
        (gzip.compress(ANSWER)[:12] + b"\xff" * 20, ""),
        (b"\x1f\x8b", ""),
    ],
    ids=["whole", "cut", "behind the outputs", "damaged", "magic alone"],  # gzip tells the time
)
def test_the_version_is_found_at_the_beginning_of_a_compressed_answer(
    answer: bytes, version: str
) -> None:
    assert answered_version(answer) == version


def test_the_answers_version_beats_the_paths() -> None:
    assert described(capture("/v2/models/income/versions/2/infer")).version == "3"


def test_binary_tensors_keep_the_length_of_their_json() -> None:
    one = capture(headers={"Inference-Header-Content-Length": "120", "Content-Encoding": "gzip"})
    request = described(one).request
    assert (request.json_length, request.content_encoding) == (120, "gzip")


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "x", "٣", "9" * 30])
def test_a_length_that_is_none_is_passed_over(text: str | None) -> None:
    assert whole_number(text) is None


def test_repeated_fields_are_joined_and_absolute_targets_reduced() -> None:
    head = parse_request(b"POST http://h:1/a/b?c HTTP/1.1\r\nX-A: 1\r\nx-a:\t2 \r\n\r\n")
    assert (head.path, head.fields["x-a"]) == ("/a/b", "1, 2")
    assert parse_request(b"GET http://h HTTP/1.1\r\n\r\n").path == "/"


@pytest.mark.parametrize("raw", [b"", b"POST /\r\n\r\n", b"A B C D\r\n\r\n"])
def test_a_request_head_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedPayload, match="request head"):
        parse_request(raw)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 20x OK\r\n\r\n"])
def test_a_response_head_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedPayload, match="response head"):
        parse_response(raw)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_never_raises_anything_else(request: bytes, response: bytes) -> None:
    one = replace(capture(), request=Side(request), response=Side(response))
    try:
        describe(one, 7, ORIGIN)
    except MalformedPayload:
        return
