"""How far groups are apart, as metrics: of the last window, and of the last labels."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.errors import NotEnoughData
from sidelight.log.crew import Crew
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.bias.detector import NAME, BiasDetector
from sidelight_detectors.bias.finding import UNFAIR, UNKNOWN, BiasFinding, GapFinding
from sidelight_detectors.labels.fold import LabelsFold
from sidelight_detectors.streaming.deciding import DecidingPartition
from sidelight_detectors.streaming.watch import Watch

OF_GAPS = {
    "value": ("sidelight_bias_gap", "A bias metric of a group beside the privileged one."),
    "low": ("sidelight_bias_gap_low", "Lower end of the metric's interval."),
    "high": ("sidelight_bias_gap_high", "Upper end of the metric's interval."),
    "allowed_low": ("sidelight_bias_allowed_low", "The smallest value of no concern."),
    "allowed_high": ("sidelight_bias_allowed_high", "The largest value of no concern."),
    "seen_80": (
        "sidelight_bias_detectable",
        "The smallest gap (of a ratio the largest) that would be called unfair with 80 % chance.",
    ),
}
"""Gauges by the field of `GapFinding` they show."""

MAX_GAPS = 200
"""Gaps, and groups, of a model version that are told by metrics; results tell all."""

_LABELS = ["model", "version", "method", "feature", "group"]


class BiasCollector(Collector):
    """Gaps and sizes of groups of each model and version."""

    def __init__(self, crew: Crew[DecidingPartition]) -> None:
        self._crew = crew

    def collect(self) -> Iterator[GaugeMetricFamily]:
        known = [each for each in self._crew.workers if each.position is not None]
        watches = [one.watch for each in known for one in each.deciders.values()]
        found = [
            ((watch.plan.model, version), finding)
            for watch in watches
            for version, finding in findings_of(watch)
        ]
        yield from gauges(found)


def findings_of(watch: Watch) -> Iterator[tuple[str, BiasFinding]]:
    """By version: of the decisions of the last window, and of the labels that came last."""
    part = watch.plan.fitted.parts.get(NAME)
    if not isinstance(part, BiasDetector):
        return
    for version, window in watch.last.items():
        summary = window.of(WHOLE)
        try:
            if summary is not None:
                yield version, part.judge(summary, 1)
        except NotEnoughData:
            continue  # then nothing is known, and no gauge stands for it
    for fold in watch.folds.values():
        last = dict(fold.last) if isinstance(fold, LabelsFold) else {}
        for (version, _), finding in last.items():
            if isinstance(finding, BiasFinding):
                yield version, finding


def gauges(found: list[tuple[tuple[str, str], BiasFinding]]) -> Iterator[GaugeMetricFamily]:
    """`found` are findings by model and version."""
    families = {
        field: GaugeMetricFamily(*named, labels=_LABELS) for field, named in OF_GAPS.items()
    }
    verdict = GaugeMetricFamily(
        "sidelight_bias_unfair", "1 unfair, 0 fair, NaN not enough data.", labels=_LABELS
    )
    untold = GaugeMetricFamily(
        "sidelight_bias_gaps_untold",
        f"Gaps beyond the {MAX_GAPS} that metrics tell; results tell all.",
        labels=["model", "version", "by"],
    )
    for names, finding in found:
        for gap in told_of(finding):
            labels = [*names, gap.metric, gap.attribute, gap.group]
            for field, family in families.items():
                family.add_metric(labels, getattr(gap, field))
            is_unknown = gap.verdict == UNKNOWN
            verdict.add_metric(labels, float("nan") if is_unknown else gap.verdict == UNFAIR)
        if len(finding.gaps) > MAX_GAPS:
            by = "labels" if finding.has_labels else "decisions"
            untold.add_metric([*names, by], len(finding.gaps) - MAX_GAPS)
    yield from (*families.values(), verdict, untold)
    yield from _sizes(found)


def told_of(finding: BiasFinding) -> list[GapFinding]:
    """At most `MAX_GAPS`, unfair ones first."""
    return sorted(finding.gaps, key=lambda gap: gap.verdict != UNFAIR)[:MAX_GAPS]


def _sizes(found: list[tuple[tuple[str, str], BiasFinding]]) -> Iterator[GaugeMetricFamily]:
    labels = ["model", "version", "feature", "group"]
    rows = GaugeMetricFamily("sidelight_bias_group_rows", "Rows of a group.", labels=labels)
    rate = GaugeMetricFamily(
        "sidelight_bias_group_rate",
        "Share of favourable decisions in a group; in regression the mean prediction.",
        labels=labels,
    )
    for names, finding in found:
        if not finding.has_labels:
            for group in finding.groups[:MAX_GAPS]:
                rows.add_metric([*names, group.attribute, group.group], group.rows)
                rate.add_metric([*names, group.attribute, group.group], group.rate)
    yield rows
    yield rate
