"""The deciders of one partition of `panes`: read once, say results and alarms once, one commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog

from sidelight.errors import MalformedPayload, OffsetOutOfRange
from sidelight.events import deadletters, records
from sidelight.log import Log, Membership, Position, Record, Stored
from sidelight.log.topics import INFERENCE, PANES
from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.panes import MODEL_HEADER, Pane, partition_of, trace_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.saying import Saying
from sidelight_detectors.streaming.snapshot import FORMAT, Snapshot

GROUP = "decider"

MAX_PANES = 200
"""Panes folded in one step at most."""

COMMIT_SECONDS = 0.5
"""Between two commits: what was folded since the last is folded again after a crash, to the same
end, so a commit a step would only cost."""

REPORTER = f"sidelight/detectors/{GROUP}"

logger = structlog.get_logger("sidelight.detectors")


@dataclass
class Said:
    """What one step let us say of one model."""

    outputs: list[Output] = field(default_factory=list)
    letters: list[Record] = field(default_factory=list)


class Archive(Protocol):
    """Plans that were in force before."""

    def plan(self, current: Plan, id: str) -> Plan | None:
        """The plan of that id for the current one's model, None when it cannot be had any more."""
        ...

    def forget_before(self, current: Plan) -> None:
        """This plan has begun: no earlier one of its model is needed."""
        ...


class NoArchive:
    """Nothing is kept of earlier plans."""

    def plan(self, current: Plan, id: str) -> Plan | None:
        return None

    def forget_before(self, current: Plan) -> None:
        """There is nothing to forget."""


class DecidingPartition:
    """The deciders of all models whose panes go to one partition.

    `step` as long as there is time, `close` at the end. Nothing is read before the first step. Who
    got an error from it forgets it: a new one goes on from what is committed.
    """

    def __init__(
        self,
        log: Log,
        member: Membership,
        partition: int,
        plans: Sequence[Plan],
        clock: Clock,
        archive: Archive | None = None,
    ) -> None:
        partitions = log.partitions(PANES)
        self._archive = archive or NoArchive()
        self.partition = partition
        self.deciders: Mapping[str, Decider] = {
            plan.model: Decider(plan, log.partitions(INFERENCE), partial(self._archive.plan, plan))
            for plan in plans
            if partition_of(plan.model, partitions) == partition
        }
        self._log = log
        self._member = member
        self._clock = clock
        self._saying = Saying(log, list(self.deciders))
        self._others: dict[str, Mapping[str, Any]] = {}
        self._offset = 0
        self._committed = 0
        self._commit_due = 0.0
        self._known_to = 0
        self._resuming = self._resume()
        self._is_resumed = False

    @property
    def position(self) -> int | None:
        """The next record to read; None before the first step, and without a model here."""
        return self._offset if self._is_resumed and self.deciders else None

    @property
    def lag(self) -> int:
        """Records of the partition that were not folded yet."""
        return self._log.span(PANES, self.partition).end - self._offset if self._is_resumed else 0

    def step(self) -> list[Output]:
        """A bounded piece of work: go on where the group stands, then fold what panes there are.

        Returns what was said.
        """
        if not self._is_resumed:
            self._is_resumed = next(self._resuming, self) is self
            return []
        outputs = self._fold()
        if self._clock.monotonic() >= self._commit_due:
            self._commit()
        return outputs

    def close(self) -> list[Output]:
        """Fold what panes there are and commit."""
        if not self._is_resumed:
            return []
        outputs = self._fold()
        self._commit()
        return outputs

    def _resume(self) -> Iterator[None]:
        """Go on from the committed state, knowing what was said after it."""
        position = self._member.committed(self.partition)
        span = self._log.span(PANES, self.partition)
        if position is None:
            self._offset = span.begin
        else:
            self._offset = position.offset
        # Whoever moves a group by hand leaves no note.
        note = position.note if position else b""
        before = Snapshot.from_bytes(note) if note else Snapshot()
        self._restore(before)
        self._committed = self._offset
        self._known_to = span.end
        yield from self._remember(span.begin)
        yield from self._saying.recover(before.said, self._is_ours)

    def _remember(self, begin: int) -> Iterator[None]:
        """Read again what the deciders remember of rows, as far back as the log still has it."""
        needed = {model: decider.needs_from for model, decider in self.deciders.items()}
        wanted = {model: at for model, at in needed.items() if at is not None}
        for model in (model for model, at in wanted.items() if at < begin):
            logger.warning("retention took panes whose rows are still waited for", model=model)
        offset = max(min(wanted.values(), default=self._offset), begin)
        while offset < self._offset:
            found = self._log.read(PANES, self.partition, offset, max_records=MAX_PANES)
            for stored in found:
                at, model = stored.address.offset, _model_of(stored)
                if model in wanted and wanted[model] <= at < self._offset:
                    self._remember_one(stored, self.deciders[model])
            offset = found[-1].address.offset + 1 if found else self._offset
            yield

    def _remember_one(self, stored: Stored, decider: Decider) -> None:
        with suppress(MalformedPayload):  # Its dead letter was said when it was folded.
            decider.remember(trace_of(stored.record), stored.address.offset)

    def _restore(self, before: Snapshot) -> None:
        if before.format != FORMAT:
            logger.warning(
                "state of another release left behind, a new promise begins",
                models=list(self.deciders),
                found=before.format,
                read=FORMAT,
            )
        for model, saved in before.models.items():
            if model in self.deciders:
                self._try_restoring(model, saved)
            else:
                self._others[model] = saved

    def _try_restoring(self, model: str, saved: Mapping[str, Any]) -> None:
        """A state that another build wrote must not stop all that is watched from now on."""
        try:
            self._restore_one(self.deciders[model], saved)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as exc:
            self.deciders[model].begin_anew()
            logger.error(
                "state cannot be read and is left behind, a new promise begins",
                model=model,
                reason=f"{type(exc).__name__}: {exc}",
            )

    def _restore_one(self, decider: Decider, saved: Mapping[str, Any]) -> None:
        decider.restore(saved)
        before, now = saved["watch"]["plan"], decider.plan.id
        if decider.is_in_force:
            self._archive.forget_before(decider.plan)
        elif before and decider.watch.plan.id != before:
            logger.warning(
                "the reference of the plan before is gone, and what its open windows held",
                model=decider.plan.model,
                before=before[:12],
                now=now[:12],
            )

    def _fold(self) -> list[Output]:
        # Without a model here nothing is read, so that whoever has one finds its panes unread.
        found = self._read() if self.deciders else []
        if not found:
            return []
        said: dict[str, Said] = {}
        for stored in found:
            model = _model_of(stored)
            if model in self.deciders:
                self._accept(stored, model, said.setdefault(model, Said()))
        for model, one in said.items():
            self._saying.say(model, one.outputs, one.letters)
        self._offset = found[-1].address.offset + 1
        if self._offset >= self._known_to:
            self._saying.forget()
        return [output for one in said.values() for output in one.outputs]

    def _read(self) -> list[Stored]:
        try:
            return self._log.read(PANES, self.partition, self._offset, max_records=MAX_PANES)
        except OffsetOutOfRange as exc:
            if exc.begin <= self._offset:
                raise
            # Retention took panes before they were folded; the chain counts the gap.
            self._offset = exc.begin
            return self._log.read(PANES, self.partition, self._offset, max_records=MAX_PANES)

    def _accept(self, stored: Stored, model: str, said: Said) -> None:
        try:
            pane = Pane.from_record(stored.record)
            said.outputs += self.deciders[model].accept(pane, stored.address.offset)
        except MalformedPayload as exc:
            self.deciders[model].drop(stored.address.offset)
            said.letters.append(_letter(stored, exc))

    def _commit(self) -> None:
        self._commit_due = self._clock.monotonic() + COMMIT_SECONDS
        if self._offset == self._committed:
            return
        states = {model: decider.saved() for model, decider in self.deciders.items()}
        note = Snapshot(self._saying.begins(), {**self._others, **states})
        self._member.commit({self.partition: Position(self._offset, note.to_bytes())})
        self._committed = self._offset

    def _is_ours(self, record: Record) -> bool:
        headers = dict(record.headers)
        if headers.get("ce_source") == REPORTER.encode():
            return True
        # Of whatever plan: an earlier one may have been in force since the last commit.
        return headers.get("ce_modelname", b"").decode(errors="replace") in self.deciders


def _model_of(stored: Stored) -> str:
    return dict(stored.record.headers).get(MODEL_HEADER, b"").decode(errors="replace")


def _letter(stored: Stored, cause: MalformedPayload) -> Record:
    letter = deadletters.dead_letter(
        cause,
        stored.record,
        reporter=REPORTER,
        origin=str(stored.address),
        time_ns=stored.appended_ns,
    )
    event = deadletters.to_event(letter)
    return records.to_record(event, event.id.encode())
