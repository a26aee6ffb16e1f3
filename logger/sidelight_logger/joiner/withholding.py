"""Policy for what foreign loggers captured: applied to each half before it is first written.

A half tells less than our own captures: no path, and only one side. So what a rule needs to know is
taken from the body itself (`protocols.describing`), and where that does not tell it, the body is
not kept. Of the headers what the sender chose stays, but for the secret ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import exchanges, kserve, records
from sidelight.events.cloudevent import Attribute, CloudEvent
from sidelight.events.exchange import Exchange, Protocol
from sidelight.events.halves import Feedback, Half, exchange_of, kind_and_key
from sidelight.events.ids import derived_id
from sidelight.events.seldon_feedback import without_payloads
from sidelight.log.contract import Record
from sidelight.protocols.describing import described
from sidelight_logger.policy.kept import LEFT_OUT, SAMPLED
from sidelight_logger.policy.model import ModelPolicy
from sidelight_logger.policy.policy import Policy

REASONS = (*LEFT_OUT, "withheld")
"""Why a half, or its body (withheld: a rule could not be applied to it), is not kept."""
_PATHS: Mapping[Protocol, str] = {
    "v1": "/v1/models/m:predict",
    "v2": "/v2/models/m/infer",
    "grpc": "/inference.GRPCInferenceService/ModelInfer",
}
"""Where a body of that protocol would have been sent; KServe's events leave it out."""
_HIDDEN = "cannot be read; under rules nothing of it is shown, look for it where it came from"
_NO_TEXTS = ("recordedtime", "statuscode", "exchangeid")
"""Attributes that say nothing of what a client sent."""


class Withholding:
    """`secret` makes ids of pairs that no client can foresee, so that none can choose to be left
    out of a sample; it is asked for when it is needed. `left_out` counts by reason."""

    def __init__(self, policy: Policy, secret: Callable[[], str]) -> None:
        self.left_out: Counter[str] = Counter()
        self._policy = replace(policy, mode="all")
        self._secret = secret
        models = (policy.otherwise, *policy.models.values())
        self._is_idle = all(map(_keeps_all, models))
        limits = (one.capture.max_body for one in models)
        self._shortest = min((limit for limit in limits if limit is not None), default=inf)

    def kept(self, found: Half | Feedback | Exchange, record: Record) -> Record | None:
        """What may be written of it, under the key that its pair shares; None for nothing."""
        _, key = kind_and_key(found)
        match found:
            case Half():
                return self._of_half(found, replace(record, key=key.encode()))
            case Exchange():
                kept = self._reduced(found)
                return None if kept is None else exchanges.to_record(kept)
        return self._of_feedback(found, replace(record, key=key.encode()))

    def shown(self, record: Record, cause: MalformedPayload) -> tuple[Record, MalformedPayload]:
        """What a dead letter may show of a record that cannot be read, and of why: a cause names
        what it is about."""
        if self._is_idle:
            return record, cause
        return Record(b""), MalformedPayload(_HIDDEN, where="record")

    def _of_feedback(self, found: Feedback, record: Record) -> Record | None:
        """Seldon's has the whole request and answer in it, which no label is read from."""
        if self._is_idle:
            return record
        try:
            told = orjson.loads(found.event.data or b"")
        except orjson.JSONDecodeError:
            told = None
        if not isinstance(told, dict):
            self.left_out["withheld"] += 1
            return None
        event = replace(found.event, data=orjson.dumps(without_payloads(told)))
        return records.to_record(event, record.key)

    def _of_half(self, half: Half, record: Record) -> Record | None:
        is_idle = self._is_idle and len(record.value) <= self._shortest
        if is_idle and half.event.extensions.get("metadata", "{}") == "{}":
            return record
        one = self._seen(half)
        kept = self._reduced(one)
        if kept is None:
            return None
        if is_idle and kept.headers == one.headers:
            return record
        event = _rewritten(half, kept)
        return records.to_record(event, event.id.encode())

    def _seen(self, half: Half) -> Exchange:
        """The half as an exchange of its own, with all that can be told of it."""
        id_ = derived_id(0, self._secret(), *half.pair_key)
        one = described(exchange_of(half, exchange_id=id_, received_ns=0), half)
        if one.protocol and not one.path:
            return replace(one, method="POST", path=_PATHS[one.protocol])
        return one

    def _reduced(self, exchange: Exchange) -> Exchange | None:
        policy = replace(self._policy, headers=frozenset(exchange.headers))
        if not policy.is_sampled(_as_if_answered(exchange)):
            self.left_out[SAMPLED] += 1
            return None
        kept = policy.reduced(exchange)
        self.left_out["withheld"] += bool(kept.withheld)
        if kept.exchange is None:
            self.left_out[kept.left_out] += 1
        return kept.exchange


def _keeps_all(one: ModelPolicy) -> bool:
    """Save for secret headers, and bodies above a limit."""
    capture = one.capture
    is_whole = capture.level == "full" and min(capture.sample, capture.sample_errors) >= 1
    return is_whole and not one.rules.touch_bodies


def _as_if_answered(exchange: Exchange) -> Exchange:
    """Of a request alone nobody knows whether it failed; if it did, its answer says so."""
    return replace(exchange, outcome="answered", status=exchange.status or 200)


def _rewritten(half: Half, kept: Exchange) -> CloudEvent:
    """The half with what is kept of it, and nothing that policy has not looked at."""
    told = half.event.extensions
    body = kept.request if half.side == "request" else kept.response
    texts = {name: getattr(kept, field) for field, name in kserve.TEXTS.items()}
    texts = {**texts, **kept.extensions}
    extensions: dict[str, Attribute] = {n: texts[n] for n in told if n in texts}
    extensions |= {n: told[n] for n in _NO_TEXTS if n in told}
    extensions |= kserve.body_extensions(body)
    extensions["metadata"] = kserve.metadata_of(kept.headers)
    return CloudEvent(
        id=kept.correlation_id,
        source=kept.source,
        type=half.event.type,
        time_ns=half.event.time_ns,
        datacontenttype=body.content_type,
        extensions=extensions,
        data=body.content or None,
    )
