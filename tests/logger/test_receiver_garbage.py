"""Whatever is posted is read or refused: nothing else is raised, nothing unreadable is written."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidelight.config import Settings
from sidelight.errors import MalformedPayload
from sidelight.events.halves import recognised
from sidelight.log.testing import MemoryLog
from sidelight_logger.joiner.withholding import Withholding
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.receiver import waiting
from sidelight_logger.receiver.post import Post
from sidelight_logger.receiver.reading import CloudEvents, Payloads, Reading
from tests.logger.receiving import receiver

LIMIT = 10_000
REDACTED = Settings.model_validate(
    {"logger": {"redact": {"columns": {"ssn": "drop"}, "patterns": ["[0-9]{9}"]}}}
)
KINDS = [
    f"{owner}.{side}"
    for side in ("request", "response")
    for owner in ("org.kubeflow.serving.inference", "io.seldon.serving.inference")
]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
ODD = st.sampled_from(
    (
        *KINDS,
        *(
            "io.seldon.serving.feedback",
            "io.sidelight.exchange.v1",
            "v1",
            "grpc",
            "gzip",
            "deflate",
        ),
        *("application/cloudevents+json", "application/cloudevents-batch+json", "1.0", "200", "-1"),
        *("2026-09-21T12:00:00Z", "9" * 30, "%FF", "%", '"a\\', "{}", "[]", '{"A":["b"]}'),
    )
)
EXTRA = st.dictionaries(
    st.sampled_from(
        (
            *(
                "time",
                "metadata",
                "statuscode",
                "jsonlength",
                "truncatedfrom",
                "bodysize",
                "subject",
            ),
            *("protocol", "requestid", "modelid", "modelname", "dataref", "recordedtime"),
            *("contentencoding", "annotations", "datacontenttype", "Upper", "a_b", ""),
        )
    ),
    ODD | TEXTS,
    max_size=5,
)
NUMBERS = st.integers(-(2**70), 2**70)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXTS | ODD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["inputs", "instances", "outputs", "name"]) | TEXTS, inner
        )
    ),
    max_leaves=8,
)


@st.composite
def attributes(draw: st.DrawFn) -> dict[str, Any]:
    """Those of an event, some of them wrong or missing."""
    sound = {"specversion": "1.0", "id": "1", "source": "s", "type": draw(st.sampled_from(KINDS))}
    told: dict[str, Any] = {**sound, **draw(EXTRA)}
    for name in draw(st.lists(st.sampled_from([*sound]), max_size=1)):
        told[name] = draw(ODD | TEXTS)
    return told


@st.composite
def posts(draw: st.DrawFn) -> Post:
    told, document = draw(attributes()), draw(DOCUMENTS)
    data = draw(st.binary(max_size=100) | st.just(json.dumps(document).encode()))
    match draw(st.sampled_from(["binary", "structured", "batch", "payload", "anything"])):
        case "binary":
            headers = [(f"ce-{name}", str(text)) for name, text in told.items()]
            headers.append(("content-type", draw(ODD | TEXTS)))
            body = data
        case "structured":
            headers = [("content-type", "application/cloudevents+json")]
            body = json.dumps(
                {**told, draw(st.sampled_from(["data", "data_base64"])): document}
            ).encode()
        case "batch":
            headers = [("content-type", "application/cloudevents-batch+json")]
            body = json.dumps([{**told, "data": document}] * draw(st.integers(0, 3))).encode()
        case "payload":
            headers = []
            named = {"id": "1", "kind": "request", "modelid": "m", "data": "", "status": "OK"}
            body = json.dumps({**named, draw(st.sampled_from([*named])): document}).encode()
        case _:
            headers = draw(st.lists(st.tuples(ODD, ODD), max_size=3))
            body = data
    if draw(st.booleans()):
        headers.append(("content-encoding", draw(st.sampled_from(["gzip", "deflate", "br", ""]))))
        body = gzip.compress(body) if draw(st.booleans()) else body
    return Post(tuple(headers), body)


def readings(told: Settings) -> list[Reading]:
    withholding = Withholding(policy_of(told), lambda: "log")
    return [CloudEvents(withholding, LIMIT), Payloads(withholding, LIMIT, frozenset({"a"}))]


@pytest.mark.parametrize("told", [Settings(), REDACTED], ids=["plain", "redacted"])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(posts())
def test_a_post_is_read_or_refused(told: Settings, post: Post) -> None:
    for read in readings(told):
        try:
            said = read(post)
        except MalformedPayload:
            continue
        for one in said:
            recognised(one.record)


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nA: "])
def test_a_head_that_does_not_end_ends_its_connection(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "HEAD_SECONDS", 0.2)
    with receiver(MemoryLog()) as client:
        assert client.raw(sent) == b""


def test_between_requests_only_a_head_that_has_begun_is_hurried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "HEAD_SECONDS", 0.2)
    with (
        receiver(MemoryLog()) as client,
        closing(HTTPConnection("127.0.0.1", client.port, timeout=30)) as kept,
    ):
        for _ in range(2):
            kept.request("GET", "/healthz")
            assert kept.getresponse().read() == b"alive\n"
            time.sleep(0.5)
        kept.sock.sendall(b"POST / HTTP/1.1\r\n")
        assert kept.sock.recv(1) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nCe-Metadata: " + b"x" * (1 << 20),
    ],
)
def test_what_is_no_http_ends_that_connection_only(head: bytes) -> None:
    with receiver(MemoryLog()) as client:
        answered = client.raw(head)
        assert not answered.startswith(b"HTTP/1.1 2"), answered
        assert client.metric("sidelight_receiver_waiting_bytes") == 0
