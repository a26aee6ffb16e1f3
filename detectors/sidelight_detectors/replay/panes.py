"""The short way: panes that were said then, where only the decider's settings are other ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from sidelight.config.detecting.drift import AlarmSettings, DriftSettings
from sidelight.errors import MalformedPayload
from sidelight.log import Span
from sidelight.log.topics import PANES
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.streaming.deciding import Archive
from sidelight_detectors.streaming.outbox import Readable, read_on
from sidelight_detectors.streaming.panes import MODEL_HEADER, Pane, partition_of
from sidelight_detectors.streaming.plan import Plan

_DECIDERS_OWN = {"window": 1000, "tolerance": 0.05, "alarm": AlarmSettings()}
"""Settings of drift that change no pane, and what stands for them where plans are compared."""


def adds_up_as(fitted: Fitted, other: Fitted) -> bool:
    """Whether panes of one mean the same under the other."""
    return _for_panes(fitted).plan == _for_panes(other).plan


@dataclass(frozen=True)
class Kept:
    """Panes of one model from `begin` on in their partition, read as `plan` would have said them.

    `spans` are the stretches of `inference` that they are to tell of.
    """

    log: Readable
    plan: Plan
    spans: Mapping[int, Span]
    begin: int
    archive: Archive

    @property
    def is_whole(self) -> bool:
        """Whether all of the spans is told of, by plans that count the same."""
        try:
            for _ in self:
                pass
        except _Unlike:
            return False
        return True

    def __iter__(self) -> Iterator[Pane]:
        """The panes in the order they were said, one of each run."""
        reached = {partition: span.begin for partition, span in self.spans.items()}
        like: dict[str, bool] = {self.plan.id: True}
        for pane in self._said():
            if not self._is_next(pane, reached):
                continue
            if not like.setdefault(pane.plan, pane.plan in like or self._is_like(pane.plan)):
                raise _Unlike
            reached[pane.partition] = pane.end
            yield _under(self.plan, pane)
            if self._is_through(reached):
                return
        if not self._is_through(reached):
            raise _Unlike

    def _is_next(self, pane: Pane, reached: Mapping[int, int]) -> bool:
        """Raises `_Unlike` where a run is missing, or one reaches over an end."""
        span, at = self.spans[pane.partition], reached[pane.partition]
        if pane.begin == pane.end or pane.begin < at or at >= span.end:
            return False
        if pane.begin > at or pane.end > span.end:
            raise _Unlike
        return True

    def _is_through(self, reached: Mapping[int, int]) -> bool:
        return all(reached[partition] >= span.end for partition, span in self.spans.items())

    def _is_like(self, id: str) -> bool:
        earlier = self.archive.plan(self.plan, id)
        return earlier is not None and adds_up_as(earlier.fitted, self.plan.fitted)

    def _said(self) -> Iterator[Pane]:
        model = self.plan.model
        partition = partition_of(model, self.log.partitions(PANES))
        for stored in read_on(self.log, PANES, partition, self.begin):
            if dict(stored.record.headers).get(MODEL_HEADER) == model.encode():
                with suppress(MalformedPayload):
                    yield Pane.from_record(stored.record)


class _Unlike(Exception):
    """The panes cannot stand for their exchanges."""


def _under(plan: Plan, pane: Pane) -> Pane:
    slices = (replace(part, summary=replace(part.summary, plan=plan.id)) for part in pane.slices)
    return replace(pane, plan=plan.id, slices=tuple(slices))


def _for_panes(fitted: Fitted) -> Fitted:
    drift = fitted.settings.drift or DriftSettings()
    plain = drift.model_copy(update=_DECIDERS_OWN)
    return replace(fitted, settings=fitted.settings.model_copy(update={"drift": plain}))
