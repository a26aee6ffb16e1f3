"""What is known of labels, read from the deciders' state at each scrape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.log.crew import Crew
from sidelight_detectors.labels.coverage import Grouped
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.labels.fold import LabelsFold
from sidelight_detectors.streaming.deciding import DecidingPartition

Family = CounterMetricFamily | GaugeMetricFamily
Known = Sequence[tuple[str, LabelsFold]]
"""Folds by model."""

OUTCOMES = (
    "joined",
    "repeated",
    "corrected",
    "withdrawn",
    "superseded",
    "early",
    "late",
    "no_row",
)
"""What came of a label. `repeated`: it says what is known; `superseded`: something learned later is
known; `early`: no open window has its row, which may yet come; `late`: it was learned after its
row's window had stopped waiting; `no_row`: its exchange has no such row."""

ROWS = {
    "rows": "waited",
    "late_rows": "late",
    "crowded_rows": "crowded",
    "lost_rows": "lost",
    "final_rows": "settled",
    "final_labelled": "settled with a label",
}
"""Counts of rows, and what happened to these."""


class LabelCollector(Collector):
    """Labels, coverage, realised performance and memory of each model."""

    def __init__(self, crew: Crew[DecidingPartition]) -> None:
        self._crew = crew

    def collect(self) -> Iterator[Family]:
        read = [each for each in self._crew.workers if each.position is not None]
        deciders = [(model, one) for each in read for model, one in each.deciders.items()]
        known = [
            (model, fold)
            for model, one in deciders
            for fold in one.watch.folds.values()
            if isinstance(fold, LabelsFold)
        ]
        yield _counted(known, "sidelight_labels", "Labels, by what came of them.", OUTCOMES)
        yield _rows(known)
        yield from _memory(known)
        yield from _coverage(known)
        yield _performance(known)


def _counted(known: Known, name: str, told: str, outcomes: Sequence[str]) -> Family:
    family = CounterMetricFamily(name, told, labels=["model", "outcome"])
    for model, fold in known:
        for outcome in outcomes:
            family.add_metric([model, outcome], fold.counts[outcome])
    return family


def _rows(known: Known) -> Family:
    family = CounterMetricFamily(
        "sidelight_labels_rows",
        "Rows that waited for a label, came after their window had stopped waiting, were given up "
        "because too many waited, were lost in a restart because the log had not kept their panes, "
        "or were settled.",
        labels=["model", "outcome"],
    )
    for model, fold in known:
        for name, outcome in ROWS.items():
            family.add_metric([model, outcome.replace(" ", "_")], fold.counts[name])
    return family


def _memory(known: Known) -> Iterator[Family]:
    waiting = GaugeMetricFamily(
        "sidelight_labels_waiting_rows",
        "Rows in windows that still wait for labels.",
        labels=["model"],
    )
    early = GaugeMetricFamily(
        "sidelight_labels_remembered",
        "Labels remembered for rows that may still come.",
        labels=["model"],
    )
    memory = GaugeMetricFamily(
        "sidelight_labels_memory_bytes",
        "Memory for rows that wait and labels that are remembered.",
        labels=["model"],
    )
    for model, fold in known:
        waiting.add_metric([model], fold.join.rows)
        early.add_metric([model], len(fold.join.early))
        memory.add_metric([model], fold.join.bytes)
    yield from (waiting, early, memory)


def _coverage(known: Known) -> Iterator[Family]:
    coverage = GaugeMetricFamily(
        "sidelight_labels_coverage_ratio",
        "Share of the last told window's rows that have a label.",
        labels=["model", "version"],
    )
    wanted = GaugeMetricFamily(
        "sidelight_labels_coverage_wanted_ratio",
        "Below this share a window gets a warning.",
        labels=["model"],
    )
    groups = GaugeMetricFamily(
        "sidelight_labels_group_coverage_ratio",
        "Share of a group's rows in the last told window that have a label.",
        labels=["model", "version", "feature", "group"],
    )
    for model, fold in known:
        wanted.add_metric([model], fold.min_coverage)
        for (version, _), finding in list(fold.last.items()):
            if isinstance(finding, LabelsFinding):
                coverage.add_metric([model, version], finding.coverage)
            elif isinstance(finding, Grouped):
                for group in finding.groups:
                    share = group.labelled / group.rows if group.rows else 0.0
                    groups.add_metric([model, version, group.attribute, group.group], share)
    yield from (coverage, wanted, groups)


def _performance(known: Known) -> Family:
    family = GaugeMetricFamily(
        "sidelight_labels_performance",
        "Realised performance in the last told window, by metric; final says whether it still "
        "waited for labels.",
        labels=["model", "version", "method", "final"],
    )
    for model, fold in known:
        for (version, _), finding in list(fold.last.items()):
            if isinstance(finding, LabelsFinding):
                final = "yes" if finding.is_final else "no"
                for one in finding.metrics:
                    family.add_metric([model, version, one.metric, final], one.estimate)
    return family
