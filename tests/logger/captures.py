"""Captures as the proxy makes them, and a recorder's parts around a log."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from sidelight.events.exchange import Outcome
from sidelight.events.ids import IdMint
from sidelight_logger.wire.captures import Capture, Side

MINT = IdMint()
ANSWER = b'{"model_name":"income","model_version":"3","outputs":[]}'


def capture(
    path: str = "/v2/models/income/infer",
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    body: bytes = b'{"inputs":[]}',
    answer: bytes | None = ANSWER,
    status: int = 200,
    outcome: Outcome = "answered",
) -> Capture:
    """A capture of a V2 request and its answer; no answer at all when `answer` is None."""
    fields = {"Host": "model", "Content-Type": "application/json", **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    response = Side()
    if answer is not None:
        answer_head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n\r\n" % status
        response = Side(answer_head, answer, len(answer))
    return Capture(
        MINT(), 1_790_000_000 * 10**9, 1_500_000, outcome, Side(head, body, len(body)), response
    )


def sample(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """The value of a metric; it must be there."""
    value = registry.get_sample_value(f"sidelight_logger_{name}", labels)
    assert value is not None, name
    return value
