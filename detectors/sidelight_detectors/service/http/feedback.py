"""`POST /feedback`: what came true goes into the log, beside the predictions it speaks of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol
from zlib import crc32

from fastapi import Request

from sidelight.errors import DataMismatch, LimitExceeded, MalformedPayload
from sidelight.events.feedback import Feedback, to_record
from sidelight.events.feedback_http import feedback_of
from sidelight.events.ids import IdMint, id_text
from sidelight.events.labels import Label
from sidelight.log import Offsets, Writer
from sidelight.log.topics import INFERENCE
from sidelight.serving.refusals import UnknownModel
from sidelight_detectors.service.http.scoring import Scoring
from sidelight_detectors.streaming.plan import Plan


class Shelf(Writer, Offsets, Protocol):
    """The part of a log that feedback needs."""


class FeedbackDoor:
    """Looks at what is sent as closely as the scorer will, so that who sent it is told at once."""

    def __init__(self, scoring: Scoring, log: Shelf) -> None:
        self._scoring = scoring
        self._log = log
        self._mint = IdMint()

    async def take(self, request: Request) -> dict[str, Any]:
        """How many labels were taken, and the records that hold them."""
        return await self._scoring.answered(request, self._taken)

    def _taken(self, request: Request, body: bytes) -> dict[str, Any]:
        content = self._scoring.plain(request, body)
        told = feedback_of(request.headers.items(), content, lambda: id_text(self._mint()))
        count = sum(len(one.labels) for one in told)
        self._check(count)
        asked, now_ns = request.query_params.get("model", ""), time.time_ns()
        stated = [self._stated(one, asked, now_ns) for one in told]
        partitions = self._log.partitions(INFERENCE)
        records = [to_record(part) for one in stated for part in _by_partition(one, partitions)]
        addresses = self._log.append(INFERENCE, records)
        return {"labels": count, "records": [str(address) for address in addresses]}

    def _check(self, count: int) -> None:
        if not count:
            raise MalformedPayload("there is no label; send at least one", where="body")
        if count > self._scoring.settings.max_rows:
            raise LimitExceeded(
                f"{count} labels; this service takes up to {self._scoring.settings.max_rows} at "
                "once (detectors.max_rows)"
            )

    def _stated(self, feedback: Feedback, asked: str, now_ns: int) -> Feedback:
        """The feedback with its model and time, all of its labels looked at."""
        plan = self._plan(asked or feedback.model)
        number = plan.number_of_label
        if number is None:
            raise DataMismatch(
                f"no detector of {plan.model!r} wants labels; set models.{plan.model}.detectors."
                "labels"
            )
        for label in feedback.labels:
            if label.value is not None:
                number(label.value)
        known_ns = min(feedback.time_ns or now_ns, now_ns)
        return replace(feedback, model=plan.name_in_exchanges, time_ns=known_ns)

    def _plan(self, named: str) -> Plan:
        """Of the model of that name, here or at its server; of the only one that wants labels."""
        plans = list(self._scoring.plans.values())
        wanting = [plan for plan in plans if plan.number_of_label is not None]
        if not named and len(wanting) == 1:
            return wanting[0]
        for plan in plans:
            if named and named in (plan.model, plan.name_in_exchanges):
                return plan
        raise UnknownModel(
            f"no model {named[:100]!r} is watched; there are {', '.join(self._scoring.plans)}: "
            "name one of them, as ?model=NAME or in the feedback"
        )


def _by_partition(feedback: Feedback, partitions: int) -> Iterator[Feedback]:
    """One for each partition of its ids: what is said of one id keeps its order."""
    shares: dict[int, list[Label]] = {}
    for label in feedback.labels:
        shares.setdefault(crc32(label.subject.encode()) % partitions, []).append(label)
    several: Sequence[list[Label]] = list(shares.values())
    for number, labels in enumerate(several):
        id_ = feedback.id if len(several) == 1 else f"{feedback.id}-{number}"
        yield replace(feedback, id=id_, labels=tuple(labels))
