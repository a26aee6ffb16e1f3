"""Rows of one request against one model's reference: what each detector says of them alone.

Nothing of it enters windows or alarms. Scores and findings are those of the log's path: the same
cells, the same sums, judged as the first window of a stream would be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sidelight.errors import MalformedPayload, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.contract import Finding, RowScores
from sidelight_detectors.indexed import Origin
from sidelight_detectors.streaming.plan import Plan

FIRST_WINDOW = 1


@dataclass(frozen=True)
class Wish:
    """What a sender wants to be told; `detector` is empty when it wants all."""

    detector: str = ""
    instance_score: bool = True
    feature_score: bool = True


@dataclass(frozen=True)
class Answer:
    """What the detectors of one model say of a batch, by detector.

    `scores` are of its rows, `findings` of the batch as a window, or why it cannot be judged.
    """

    plan: Plan
    rows: int
    scores: Mapping[str, RowScores]
    findings: Mapping[str, Finding | NotEnoughData]

    @property
    def detectors(self) -> tuple[str, ...]:
        """Those that said something."""
        return tuple(dict.fromkeys((*self.scores, *self.findings)))


def answer(plan: Plan, columns: Columns, wish: Wish, time_ns: int) -> Answer:
    """The answer to rows that came together at one time.

    Raises `DataMismatch` when they do not fit the reference, `MalformedPayload` when the model has
    no such detector.
    """
    _refuse_unknown(plan, wish.detector)
    rows = len(columns)
    origin = Origin(np.zeros(rows, np.int64), np.full(rows, time_ns, np.int64))
    seen = plan.fitted.observe(plan.fitted.index(columns, origin=origin))
    wanted = (wish.detector,) if wish.detector else (*plan.fitted.judges, *seen.scores)
    judged = [name for name in plan.fitted.judges if name in wanted]
    findings: dict[str, Finding | NotEnoughData] = {}
    for name in judged:
        try:
            findings[name] = plan.fitted.judge_by(name, seen.summary, FIRST_WINDOW)
        except NotEnoughData as exc:
            findings[name] = exc
    scores = {name: one for name, one in seen.scores.items() if name in wanted}
    return Answer(plan, rows, scores, findings)


def _refuse_unknown(plan: Plan, detector: str) -> None:
    known = plan.fitted.at_once
    if detector and detector not in known:
        what = (
            f"{detector!r} watches traffic and answers no request; {plan.model!r} has"
            if detector in plan.fitted.detectors
            else f"{detector[:40]!r} is no detector of {plan.model!r}; it has"
        )
        raise MalformedPayload(f"{what} {', '.join(known) or 'none that does'}", where="detector")
