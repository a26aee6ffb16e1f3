"""What the deciders know, read from their state at each scrape: it survives a restart exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.log.crew import Crew
from sidelight_detectors.alarms.rule import Weighing
from sidelight_detectors.fitted import DRIFT
from sidelight_detectors.results.findings import VERSIONS
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.deciding import DecidingPartition
from sidelight_detectors.streaming.states import Tally
from sidelight_detectors.streaming.watch import Watch
from sidelight_detectors.streaming.windows import LOSSES

Family = CounterMetricFamily | GaugeMetricFamily

COUNTED = {
    "rows": ("sidelight_detectors_rows", "Rows summed up in panes."),
    "flagged": ("sidelight_detectors_outliers", "Rows flagged as outliers."),
}
"""Counters by the field of `VersionState` they show."""

JUDGED = {
    "windows": ("sidelight_drift_windows", "Windows judged."),
    "drifted": ("sidelight_drift_drifted_windows", "Windows judged to have drifted."),
}
"""Counters by the field of `Tally` they show."""

BY_COLUMN = {
    "distance": (
        "sidelight_drift_distance_ratio",
        "Distance of the last window from the reference: KS or total variation.",
    ),
    "effect": (
        "sidelight_drift_effect_ratio",
        "The distance with what chance gives taken off: what is held against the tolerance.",
    ),
    "p_value": ("sidelight_drift_p_value", "The p-value of the last window."),
    "threshold": (
        "sidelight_drift_p_value_threshold",
        "A p-value below this is a change; the effect must be above the tolerance too.",
    ),
}
"""Gauges by the field of `ColumnFinding` they show; NaN before the first window."""


class StateCollector(Collector):
    """Rows, windows, alarms and the last finding of each model and version."""

    def __init__(self, crew: Crew[DecidingPartition]) -> None:
        self._crew = crew

    def collect(self) -> Iterator[Family]:
        # Before its state is read a decider would say that nothing has ever been.
        known = [each for each in self._crew.workers if each.position is not None]
        deciders = [one for each in known for one in each.deciders.values()]
        watches = [decider.watch for decider in deciders]
        yield from (_counter(field, watches) for field in COUNTED)
        yield from (_judged(field, watches) for field in JUDGED)
        yield from (_by_column(field, watches) for field in BY_COLUMN)
        yield from _alarms(watches)
        yield from _evidence(watches)
        yield from _settings(watches)
        yield from _flagged(watches)
        yield _lost(deciders)
        yield _gaps(deciders)


def _settings(watches: Sequence[Watch]) -> Iterator[Family]:
    tolerance = GaugeMetricFamily(
        "sidelight_drift_tolerance_ratio",
        "An effect up to this is of no practical interest.",
        labels=["model"],
    )
    rate = GaugeMetricFamily(
        "sidelight_detectors_outlier_expected_ratio",
        "Share of ordinary rows that may be flagged.",
        labels=["model"],
    )
    for watch in watches:
        if watch.plan.fitted.drift:
            tolerance.add_metric([watch.plan.model], watch.plan.fitted.drift.tolerance)
        if watch.plan.outlier_rate:
            rate.add_metric([watch.plan.model], watch.plan.outlier_rate)
    yield tolerance
    yield rate


def _flagged(watches: Sequence[Watch]) -> Iterator[Family]:
    rows = CounterMetricFamily(
        "sidelight_detectors_flagged_rows",
        "Rows flagged, by detector.",
        labels=["model", "version", "detector"],
    )
    rate = GaugeMetricFamily(
        "sidelight_detectors_flagged_expected_ratio",
        "Share of rows like the reference's that this detector flags, averaged over references.",
        labels=["model", "detector"],
    )
    for watch in watches:
        for detector, flagger in watch.plan.flaggers.items():
            rate.add_metric([watch.plan.model, detector], flagger.expected_rate)
            for version, state in watch.known():
                names = [watch.plan.model, version, detector]
                rows.add_metric(names, state.flagged_by.get(detector, 0))
    yield rows
    yield rate


def _lost(deciders: Sequence[Decider]) -> Family:
    family = CounterMetricFamily(
        "sidelight_detectors_lost_rows",
        "Rows that came into no window: too late, crowded out, or of another plan.",
        labels=["model", "reason"],
    )
    for decider in deciders:
        lost = decider.lost
        for reason in LOSSES:
            family.add_metric([decider.plan.model, reason], lost[reason])
    return family


def _gaps(deciders: Sequence[Decider]) -> Family:
    family = CounterMetricFamily(
        "sidelight_detectors_gaps",
        "Times that exchanges were gone from the log before they were scored.",
        labels=["model"],
    )
    for decider in deciders:
        family.add_metric([decider.plan.model], decider.chain.gaps)
    return family


def _counter(field: str, watches: Sequence[Watch]) -> Family:
    family = CounterMetricFamily(*COUNTED[field], labels=["model", "version"])
    for watch in watches:
        for version, state in watch.known():
            family.add_metric([watch.plan.model, version], getattr(state, field))
    return family


def _judged(field: str, watches: Sequence[Watch]) -> Family:
    labels = ["model", "version", "segment", "detector"]
    family = CounterMetricFamily(*JUDGED[field], labels=labels)
    for model, version, detector, segment, tally in _tallies(watches):
        family.add_metric([model, version, segment, detector], getattr(tally, field))
    return family


def _by_column(field: str, watches: Sequence[Watch]) -> Family:
    labels = ["model", "version", "segment", "detector", "feature", "method"]
    family = GaugeMetricFamily(*BY_COLUMN[field], labels=labels)
    for model, version, detector, segment, tally in _tallies(watches):
        for column in tally.columns:
            names = [model, version, segment, detector, column.column, column.method]
            family.add_metric(names, getattr(column, field))
    return family


def _tallies(watches: Sequence[Watch]) -> Iterator[tuple[str, str, str, str, Tally]]:
    """Model, version, detector, segment and what was judged: all there can be, from the start."""
    for watch in watches:
        plan = watch.plan
        for version, state in watch.known():
            for detector in plan.fitted.judges:
                unseen = Tally(columns=plan.columns_unseen if detector == DRIFT else ())
                for segment in plan.scopes_of(detector):
                    known = state.judged.get(detector, {}).get(segment, unseen)
                    yield plan.model, version, detector, segment, known


def _alarms(watches: Sequence[Watch]) -> Iterator[Family]:
    labels = ["model", "version", "detector"]
    raised = CounterMetricFamily(
        "sidelight_detectors_alarms", "Alarms raised, by detector.", labels=labels
    )
    active = GaugeMetricFamily(
        "sidelight_detectors_alarm",
        "1 while the detector's alarm is raised, 0 when all is quiet.",
        labels=labels,
    )
    for watch in watches:
        for version, state in watch.known():
            for detector, rule in state.rules.items():
                names = [watch.plan.model, version, detector]
                log = state.alarms.get(detector)
                raised.add_metric(names, log.raised if log else 0)
                active.add_metric(names, float(rule.active))
            if watch.plan.compares_versions:
                pairs = watch.comparisons.of(version)
                names = [watch.plan.model, version, VERSIONS]
                raised.add_metric(names, sum(pair.log.raised for pair in pairs))
                active.add_metric(names, float(any(pair.rule.active for pair in pairs)))
        for one in (standing for fold in watch.folds.values() for standing in fold.alarms()):
            names = [watch.plan.model, one.version, one.detector]
            raised.add_metric(names, one.raised)
            active.add_metric(names, float(one.active))
    yield raised
    yield active


def _evidence(watches: Sequence[Watch]) -> Iterator[Family]:
    labels = ["model", "version", "detector"]
    evidence = GaugeMetricFamily(
        "sidelight_drift_e_value",
        "Evidence against the null: that on which the alarm was raised, while it is.",
        labels=labels,
    )
    needed = GaugeMetricFamily(
        "sidelight_drift_e_value_threshold", "Evidence that raises the alarm.", labels=labels
    )
    for watch in watches:
        for version, state in watch.known():
            for detector, rule in state.rules.items():
                if isinstance(rule, Weighing):
                    evidence.add_metric([watch.plan.model, version, detector], rule.e_value)
                    needed.add_metric([watch.plan.model, version, detector], rule.threshold)
    yield evidence
    yield needed
