"""A run: the stretch of one partition that becomes one pane a model, and its note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from sidelight.events.deadletters import DeadLetter, dead_letter
from sidelight.log import Stored
from sidelight_detectors.streaming.intake import (
    Faulty,
    Labelled,
    Sample,
    Skipped,
    WatchedColumns,
    take,
)
from sidelight_detectors.streaming.marks import Marks

REPORTER = "sidelight/detectors"

Counted = Mapping[str, Mapping[str, int]]
"""Rows by model and version."""


@dataclass(frozen=True, slots=True)
class RunNote:
    """What a commit of `inference` says beside the offset.

    `end` and `letters` speak of a run that was begun: where it ends, and from where its dead
    letters stand, None when it has none. Without an `end` no run is open. At the committed offset
    `marks` are the high-water marks, and `counted` has for each model the rows of its versions
    since the last place where a count window may end (`pieces`). `behind_ns` is how far event time
    was behind the clock when the last run ended, None before the first.
    """

    marks: Mapping[str, int] = field(default_factory=dict)
    end: int | None = None
    letters: int | None = None
    counted: Counted = field(default_factory=dict)
    behind_ns: int | None = None

    def to_bytes(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_bytes(cls, note: bytes) -> RunNote:
        return cls(**orjson.loads(note)) if note else cls()


class Run:
    """Exchanges of one partition from `begin` on, taken in one after the other.

    `samples` are the rows to score by model, `labels` the feedback on earlier ones, `letters` the
    dead letters, `outcomes` counts exchanges by model and what came of them, `faults` the dead
    letters by reason, `claims` those scored that say they are probes and did not prove it, by model
    and why, `watermark_ns` is the largest event time, `seconds` the time from its end to
    its commit. `counted_before` is what the run before came to, `counted` what this one does (see
    `RunNote`).
    """

    def __init__(self, begin: int, watched: Mapping[str, WatchedColumns], marks: Marks) -> None:
        self.begin = begin
        self.end = begin
        self.rows = 0
        self.bytes = 0
        self.watermark_ns = 0
        self.seconds = 0.0
        self.samples: dict[str, list[Sample]] = {}
        self.labels: dict[str, list[Labelled]] = {}
        self.letters: list[DeadLetter] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.claims: Counter[tuple[str, str]] = Counter()
        self.counted_before: Counted = {}
        self.counted: dict[str, Mapping[str, int]] = {}
        self._stored: dict[int, Stored] = {}
        self._watched = watched
        self._marks = marks
        self._marks_before = marks.saved()

    def take(self, stored: Stored) -> None:
        """One more record."""
        self.end = stored.address.offset + 1
        model, taken = take(stored, self._watched, self._marks.is_new)
        if isinstance(taken, Skipped) and taken.reason == "probe":
            # What Sidelight asks itself moves neither the time nor the end of a run.
            self.outcomes[model, taken.reason] += 1
            return
        self.bytes += len(stored.record.value)
        if isinstance(taken, Labelled):
            # It tells when it was learned; traffic alone says how far event time has come.
            self.labels.setdefault(model, []).append(taken)
            self.outcomes[model, "feedback"] += 1
            return
        # Also of what is not scored: time goes on while a model only fails or others are asked.
        self.watermark_ns = max(self.watermark_ns, taken.time_ns)
        match taken:
            case Sample():
                self.samples.setdefault(model, []).append(taken)
                self._stored[taken.offset] = stored
                self.rows += len(taken.columns)
                self.outcomes[model, "scored"] += 1
                if taken.claim:
                    self.claims[model, taken.claim] += 1
            case Skipped():
                self.outcomes[model, taken.reason] += 1
            case Faulty():
                self._bury(model, stored, taken)

    def note_begun(self, letters: int | None) -> RunNote:
        """For the commit of `begin`: where this run ends, from where its dead letters stand."""
        return RunNote(self._marks_before, self.end, letters, self.counted_before)

    def note_done(self) -> RunNote:
        """For the commit of `end`; asked for before any later record is taken in."""
        return RunNote(self._marks.saved(), counted=self.counted)

    def refuse(self, model: str, sample: Sample, cause: Exception) -> None:
        """A sample that turned out not to fit when its rows were looked at."""
        self.outcomes[model, "scored"] -= 1
        self._bury(model, self._stored[sample.offset], Faulty.by(cause, sample.time_ns))

    def _bury(self, model: str, stored: Stored, faulty: Faulty) -> None:
        self.outcomes[model, "dead-letter"] += 1
        self.faults[faulty.reason] += 1
        letter = dead_letter(
            faulty.cause,
            stored.record,
            reporter=REPORTER,
            origin=str(stored.address),
            time_ns=stored.appended_ns,
        )
        self.letters.append(letter)
