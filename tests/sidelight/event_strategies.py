"""Random legal events and exchanges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from sidelight.events import Body, CloudEvent, Exchange

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OWN = {"specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "subject"}
OWN |= {"data"}
YEAR_1_NS = -62_135_596_800 * 10**9
YEAR_9999_NS = 253_402_300_799 * 10**9

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12).filter(
    lambda name: name not in OWN
)
times_ns = st.integers(YEAR_1_NS, YEAR_9999_NS)
events = st.builds(
    CloudEvent,
    id=texts,
    source=texts,
    type=texts,
    time_ns=st.none() | times_ns,
    datacontenttype=st.sampled_from(["", "application/octet-stream", "text/plain"]),
    dataschema=st.just("") | texts,
    subject=st.just("") | texts,
    extensions=st.dictionaries(names, st.just("") | texts, max_size=5),
    data=st.none() | st.binary(min_size=1, max_size=40),
)
"""Extensions are text: in binary mode nothing else comes back."""


def sdk_attributes(event: CloudEvent) -> dict[str, Any]:
    """The event as the SDK holds it; its times have microseconds."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "datacontenttype": event.datacontenttype,
        "dataschema": event.dataschema,
        "subject": event.subject,
    }
    if event.time_ns is not None:
        attributes["time"] = EPOCH + timedelta(microseconds=event.time_ns // 1000)
    kept = {name: value for name, value in attributes.items() if value}
    return {**kept, **event.extensions}


def sdk_data(data: Any) -> Any:
    """What the SDK read as bytes; it takes all that is UTF-8 for text."""
    return data.encode() if isinstance(data, str) else data


oracle_events = events.filter(lambda event: "partitionkey" not in event.extensions).map(
    lambda event: CloudEvent(
        event.id,
        event.source,
        event.type,
        (event.time_ns or 0) // 1000 * 1000,
        "application/octet-stream",
        event.dataschema,
        event.subject,
        event.extensions,
        event.data or b"x",
    )
)
"""What the SDK can hold: times to the microsecond, data of no format it would rewrite."""

KSERVE_NAMES = ["inferenceservicename", "namespace", "component", "endpoint", "annotations"]
counts = st.integers(0, 10**15)
free_texts = st.just("") | texts
header_names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10)
bodies = st.builds(
    Body,
    content=st.binary(max_size=40),
    content_type=st.sampled_from(["", "application/json", "application/octet-stream"]),
    content_encoding=st.sampled_from(["", "gzip"]),
    json_length=st.none() | counts,
    size=counts,
    sha256=st.sampled_from(["", "ab" * 32]),
    truncated=st.booleans(),
)
exchanges = st.builds(
    Exchange,
    id=texts,
    source=texts,
    time_ns=times_ns,
    duration_ns=counts,
    method=free_texts,
    path=free_texts,
    protocol=st.sampled_from(["v1", "v2", "grpc", ""]),
    model=free_texts,
    version=free_texts,
    status=st.integers(0, 599),
    outcome=st.sampled_from(["answered", "unanswered", "abandoned"]),
    request=bodies,
    response=bodies,
    correlation_id=free_texts,
    traceparent=free_texts,
    tracestate=free_texts,
    purpose=free_texts,
    log_id=free_texts,
    sequence=counts,
    headers=st.dictionaries(header_names, free_texts, max_size=3),
    extensions=st.dictionaries(st.sampled_from(KSERVE_NAMES), free_texts, max_size=5),
)

EXCHANGE = Exchange(
    id="018f6e2a-0000-7000-8000-000000000000",
    source="http://localhost:9081/",
    time_ns=1_790_000_000_123_456_789,
    duration_ns=1_234_567,
    method="POST",
    path="/v2/models/income/infer",
    protocol="v2",
    model="income",
    version="1",
    status=200,
    outcome="answered",
    request=Body(b'{"inputs":[]}', "application/json", size=13),
    response=Body(b'{"outputs":[]}', "application/json", size=14),
    extensions={"namespace": "prod", "endpoint": ""},
)
