"""Events to records and back, beside the `cloudevents` SDK: ``python -m benchmarks.events``.

One exchange with 1 KiB bodies and twenty attributes; CPU time of this process, best of the rounds.
The SDK carries the same attributes and bytes, but does not make an exchange of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent

from sidelight.events import Body, Exchange
from sidelight.events.exchanges import from_record, to_event, to_record
from sidelight.events.ids import IdMint
from sidelight.events.kserve import to_events, to_http
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.wire.captures import Capture, Side, encode
from sidelight_logger.wire.frames import Decoder

ROUNDS, CALLS = 7, 5000
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
    request=Body(b"x" * 1024, "application/json", size=1024),
    response=Body(b"y" * 1024, "application/json", size=1024),
    correlation_id="client-7",
    log_id="0123456789abcdef",
    sequence=1_790_000_000_123_456_789,
    extensions={"inferenceservicename": "income", "namespace": "prod", "component": "predictor"},
)
HEAD = (
    b"POST /v2/models/income/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
    b"User-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"


def main() -> None:
    record, event = to_record(EXCHANGE), to_event(EXCHANGE)
    format_ = JSONFormat()
    attributes = {**event.extensions, "id": event.id, "source": event.source, "type": event.type}
    attributes |= {"specversion": "1.0", "datacontenttype": "application/octet-stream"}
    message = sdk.KafkaMessage(dict(record.headers), None, record.value)
    written = _us(lambda: sdk.to_binary(SdkEvent(dict(attributes), event.data), format_))
    read = _us(partial(sdk.from_binary, message, format_, SdkEvent))

    print(f"{'command':<44}{'µs':>8}{'per s':>12}{'SDK/ours':>10}")
    _row("exchange -> record", _us(partial(to_record, EXCHANGE)), written)
    _row("record -> exchange", _us(partial(from_record, record)), read)
    _row("SDK: event -> Kafka message", written)
    _row("SDK: Kafka message -> event", read)
    _row("exchange -> KServe's two HTTP messages", _us(_halves))
    _row("mint an id", _us(IdMint()))
    frame = b"".join(encode(_capture()))
    origin = Origin("/bench", "me", EXCHANGE.extensions)
    _row("capture -> frame", _us(partial(encode, _capture())))
    _row("frame -> capture", _us(lambda: list(Decoder().feed(frame))))
    _row("capture -> exchange", _us(partial(describe, _capture(), 1, origin)))


def _halves() -> list[Any]:
    return [to_http(half) for half in to_events(EXCHANGE, EXCHANGE.time_ns)]


def _capture() -> Capture:
    body = b"x" * 1024
    sides = Side(HEAD, body, len(body)), Side(ANSWER, body, len(body))
    return Capture(b"0" * 16, EXCHANGE.time_ns, 1, "answered", *sides)


def _us(call: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = process_time()
        for _ in range(CALLS):
            call()
        best = min(best, process_time() - began)
    return best / CALLS * 1e6


def _row(name: str, us: float, peer: float | None = None) -> None:
    ratio = "" if peer is None else f"{peer / us:.1f}"
    print(f"{name:<44}{us:>8.2f}{1e6 / us:>12,.0f}{ratio:>10}")


if __name__ == "__main__":
    main()
