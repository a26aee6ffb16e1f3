"""Folds a stretch of the log through the service's scorer and decider, and keeps what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Log
from sidelight.log.topics import ALARMS, INFERENCE, PANES
from sidelight_detectors.replay.panes import Kept
from sidelight_detectors.replay.stretch import Between, runs
from sidelight_detectors.results.findings import (
    Alarm,
    DriftResult,
    Output,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.results.reading import read_alarms
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.deciding import Archive
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.panes import partition_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Counted
from sidelight_detectors.streaming.scorer import pane_of

MAX_WINDOWS = 10_000
"""Windows kept of a model, the newest; all are counted."""

Progress = Callable[[int], None]
"""Hears of every exchange that was read."""

Judged = DriftResult | WindowResult


@dataclass
class Replayed:
    """What would have been said of one model; `really` are the alarms that were said then.

    `windows` are the newest, `counts` has all: windows, drifted, unjudged. `exchanges` counts what
    came of them, `source` says whether exchanges were read again or panes.
    """

    plan: Plan
    decider: Decider
    source: str = "exchanges"
    windows: list[Judged] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    alarms: list[Alarm] = field(default_factory=list)
    really: Sequence[Alarm] = ()
    exchanges: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return sum(state.rows for state in self.decider.watch.versions.values())

    @property
    def flagged(self) -> Counter[str]:
        """Rows by the detector that flagged them."""
        versions = self.decider.watch.versions.values()
        return Counter(
            {
                flagger: sum(state.flagged_by.get(flagger, 0) for state in versions)
                for flagger in self.plan.fitted.flaggers
            }
        )

    @property
    def found(self) -> frozenset[str]:
        """The detectors that raised an alarm or flagged a row."""
        raised = {alarm.detector for alarm in self.alarms if alarm.change == "raised"}
        return frozenset(raised | {name for name, rows in self.flagged.items() if rows})

    def hear(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case DriftResult() | WindowResult():
                    self._judged(output)
                case UnjudgedResult():
                    self.counts["unjudged"] += 1
                case Alarm():
                    self.alarms.append(output)

    def _judged(self, result: Judged) -> None:
        self.counts["windows"] += 1
        self.counts["drifted"] += result.finding.is_drift
        self.windows.append(result)
        del self.windows[:-MAX_WINDOWS]


def replay(
    log: Log,
    plans: Mapping[str, Plan],
    settings: DetectorsSettings,
    between: Between,
    archive: Archive,
    progress: Progress = lambda exchanges: None,
) -> list[Replayed]:
    """What the plans would have said of the exchanges appended between two times.

    Every plan begins anew there, its promise with it. Nothing is written to the log and no group
    is moved. What windows are open at the end is not judged.
    """
    spans = between.spans(log, INFERENCE)
    replayed = [Replayed(plan, Decider(plan, len(spans))) for plan in plans.values()]
    slow = [one for one in replayed if not _by_panes(log, one, between, archive)]
    watched = {one.plan.name_in_exchanges: WatchedColumns.by(one.plan) for one in slow}
    counted: dict[int, Counted] = {}
    for partition, run in runs(log, spans, watched, settings) if slow else ():
        run.counted_before = counted.get(partition, {})
        for one in slow:
            one.hear(one.decider.accept(pane_of(one.plan, partition, run)))
            one.exchanges.update(_outcomes(run.outcomes, one.plan.model))
        counted[partition] = run.counted
        progress(run.end - run.begin)
    for one in replayed:
        one.really = list(_really(log, one.plan.model, between))
    return replayed


def _by_panes(log: Log, one: Replayed, between: Between, archive: Archive) -> bool:
    place = partition_of(one.plan.model, log.partitions(PANES))
    begin = between.span(log, PANES, place).begin
    kept = Kept(log, one.plan, between.spans(log, INFERENCE), begin, archive)
    if not kept.is_whole:
        return False
    one.source = "panes"
    for pane in kept:
        one.hear(one.decider.accept(pane))
    return True


def _outcomes(outcomes: Mapping[tuple[str, str], int], model: str) -> dict[str, int]:
    return {outcome: count for (of, outcome), count in outcomes.items() if of == model}


def _really(log: Log, model: str, between: Between) -> Iterator[Alarm]:
    spans = between.spans(log, ALARMS)
    begins = {partition: span.begin for partition, span in spans.items()}
    for told in read_alarms(log, begins):
        is_ours = told.output.about.model == model
        if is_ours and told.address.offset < spans[told.address.partition].end:
            yield told.output
