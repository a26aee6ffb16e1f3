"""A decider at its log: reads panes, says results and alarms once, commits its whole state."""

from __future__ import annotations

import zlib
from typing import Any

import orjson
import structlog

from sidelight.errors import MalformedPayload, OffsetOutOfRange
from sidelight.events import deadletters, records
from sidelight.log import Log, Membership, Position, Record, Stored
from sidelight.log.topics import ALARMS, DEAD_LETTERS, INFERENCE, PANES, RESULTS
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Alarm, Output
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.outbox import Outbox
from sidelight_detectors.streaming.panes import MODEL_HEADER, Pane, partition_of
from sidelight_detectors.streaming.plan import Plan

NOTE_FORMAT = 1
"""Of the committed state; raised whenever what `Decider.saved` holds changes its meaning."""

MAX_PANES = 200
"""Panes folded between two commits at most."""

logger = structlog.get_logger("sidelight.detectors")


def group_of(model: str) -> str:
    """The consumer group of a model's decider."""
    return f"decider-{model}"


class DecidingModel:
    """One model's decider. `resume` comes first, then `step` as long as there is time."""

    def __init__(self, log: Log, member: Membership, plan: Plan) -> None:
        self.decider = Decider(plan, log.partitions(INFERENCE))
        self.plan = plan
        self._log = log
        self._member = member
        self._offset = 0
        self._known_to = 0
        self._outboxes = {
            topic: Outbox(log, topic, partition_of(plan.model, log.partitions(topic)))
            for topic in (RESULTS, ALARMS, DEAD_LETTERS)
        }

    @property
    def lag(self) -> int:
        """Records of the panes' partition that were not folded yet."""
        return self._log.span(PANES, self._partition).end - self._offset

    def resume(self) -> None:
        """Go on from the committed state, knowing what was said after it."""
        position = self._member.committed(self._partition)
        if position is None:
            self._offset = self._log.span(PANES, self._partition).begin
            saved: dict[str, Any] = {"said": {}}
        else:
            self._offset = position.offset
            saved = orjson.loads(zlib.decompress(position.note))
            self._restore(saved)
        self._known_to = self._log.span(PANES, self._partition).end
        for topic, outbox in self._outboxes.items():
            outbox.recover(saved["said"].get(topic, 0), self._is_ours)

    def _restore(self, saved: dict[str, Any]) -> None:
        """A state of another release is not guessed at: a new promise begins where it ended."""
        if saved.get("format") == NOTE_FORMAT:
            self.decider.restore(saved["decider"])
        else:
            logger.warning(
                "state of another release left behind, a new promise begins",
                model=self.plan.model,
                found=saved.get("format"),
                read=NOTE_FORMAT,
            )

    def step(self) -> list[Output]:
        """Fold what panes there are, say what follows, commit."""
        found = self._read()
        if not found:
            return []
        outputs: list[Output] = []
        letters: list[Record] = []
        for stored in found:
            try:
                outputs += self._accept(stored)
            except MalformedPayload as exc:
                letters.append(self._letter(stored, exc))
        self._say(outputs, letters)
        self._offset = found[-1].address.offset + 1
        if self._offset >= self._known_to:
            self._forget()
        self._member.commit({self._partition: Position(self._offset, self._note())})
        return outputs

    @property
    def _partition(self) -> int:
        return partition_of(self.plan.model, self._log.partitions(PANES))

    def _read(self) -> list[Stored]:
        try:
            return self._log.read(PANES, self._partition, self._offset, max_records=MAX_PANES)
        except OffsetOutOfRange as exc:
            if exc.begin <= self._offset:
                raise
            # Retention took panes before they were folded; the chain counts the gap.
            self._offset = exc.begin
            return self._log.read(PANES, self._partition, self._offset, max_records=MAX_PANES)

    def _accept(self, stored: Stored) -> list[Output]:
        if dict(stored.record.headers).get(MODEL_HEADER) != self.plan.model.encode():
            return []
        return self.decider.accept(Pane.from_record(stored.record))

    def _say(self, outputs: list[Output], letters: list[Record]) -> None:
        alarms = [output for output in outputs if isinstance(output, Alarm)]
        results = [output for output in outputs if not isinstance(output, Alarm)]
        self._outboxes[RESULTS].append(map(output_record, results))
        self._outboxes[ALARMS].append(map(output_record, alarms))
        self._outboxes[DEAD_LETTERS].append(letters)

    def _forget(self) -> None:
        """What was said before the crash is said again by now, or never will be."""
        for outbox in self._outboxes.values():
            outbox.forget()

    def _note(self) -> bytes:
        said = {topic: outbox.begin for topic, outbox in self._outboxes.items()}
        state = {"format": NOTE_FORMAT, "said": said, "decider": self.decider.saved()}
        return zlib.compress(orjson.dumps(state), level=1)

    def _letter(self, stored: Stored, cause: MalformedPayload) -> Record:
        letter = deadletters.dead_letter(
            cause,
            stored.record,
            reporter=self._reporter,
            origin=str(stored.address),
            time_ns=stored.appended_ns,
        )
        event = deadletters.to_event(letter)
        return records.to_record(event, event.id.encode())

    @property
    def _reporter(self) -> str:
        return f"sidelight/detectors/{group_of(self.plan.model)}"

    def _is_ours(self, record: Record) -> bool:
        headers = dict(record.headers)
        if headers.get("ce_source") == self._reporter.encode():
            return True
        plan, model = self.plan.id.encode(), self.plan.model.encode()
        return headers.get("ce_plan") == plan and headers.get("ce_modelname") == model
