"""The charts of the page, each from the windows of one detector, in the words of its model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from sidelight_dashboard.bias.course import (
    ALLOWED,
    REFERENCE,
    Point,
    Spot,
    close_up,
    course,
    points_of,
)
from sidelight_dashboard.bias.findings import (
    FAIR,
    UNFAIR,
    UNKNOWN,
    Bias,
    Estimated,
    Flip,
    Flips,
    Gap,
    Labels,
    Metric,
    Number,
    Verdict,
)
from sidelight_dashboard.bias.windows import Window
from sidelight_dashboard.bias.words import AXES, way_of
from sidelight_dashboard.drawing.evidence import evidence_figure
from sidelight_dashboard.drawing.figures import (
    Axis,
    Figure,
    Shape,
    after_reference,
    plain,
)
from sidelight_dashboard.drawing.forest import Line, forest
from sidelight_dashboard.drawing.marks import Said, State
from sidelight_dashboard.words.groups import (
    Unit,
    attribute_words,
    group_words,
    metric_words,
    unit_of,
)
from sidelight_dashboard.words.wording import Wording

Key = tuple[str, str, str]

MOST_LINES = 15
"""Gaps that one chart shows, the worst first; the table has more, the API all."""

_LONGEST = 26
"""Letters of a line of a name."""

_STATES: Mapping[Verdict, State] = {UNFAIR: "bad", UNKNOWN: "unknown", FAIR: "fine"}

_VERDICTS = Said(UNFAIR, UNKNOWN, FAIR)
_LABELS = Said("", "labels still come", "final")
_ESTIMATES = Said("loss beyond tolerance", "", "judged")


@dataclass(frozen=True)
class Charts:
    """`shapes` stand behind all lines over time."""

    wording: Wording
    shapes: Sequence[Shape] = ()

    def gaps(self, finding: Bias, unit: Unit) -> Figure:
        """Each group beside the privileged one, by the metrics of one unit, the worst first."""
        own = [gap for gap in finding.worst_first if unit_of(gap.metric) == unit]
        common = _common(own)
        lines = [self._gap(gap, common) for gap in own[:MOST_LINES]]
        metrics = [metric_words(gap.metric) for gap in own[:1] if gap.metric in common]
        axis = replace(_axis(unit), title=", ".join([*metrics, AXES[unit]]))
        return forest(lines, _VERDICTS, axis, 1.0 if unit == "ratio" else 0.0)

    def gap(self, windows: Sequence[Window[Bias]], key: Key) -> Figure:
        """One gap over time, between what is allowed."""
        points = points_of(windows, lambda found: _of_gap(found, key))
        axis = _axis(unit_of(key[0]))
        return course("gap", points, _VERDICTS, axis, (ALLOWED, ALLOWED), self.shapes)

    def evidence(self, windows: Sequence[Window[Bias]]) -> Figure:
        """What the alarm's rule had gathered by each window, and where it rings."""
        return evidence_figure(windows, self.shapes)

    def coverage(self, windows: Sequence[Window[Labels]], least: Number) -> Figure:
        """The share of rows with a label."""
        points = points_of(windows, lambda found: _of_coverage(found, least))
        axis = Axis("rows with a label", bad="down", share=True)
        return course("coverage", points, _LABELS, axis, (ALLOWED,), self.shapes)

    def realised(self, windows: Sequence[Window[Labels]], metric: str) -> Figure:
        """A metric by labels, and its value in the reference."""
        points = points_of(windows, lambda found: _of_labels(found, metric))
        axis = Axis(metric_words(metric), bad=way_of(metric))
        figure = course(metric_words(metric), points, _LABELS, axis, [REFERENCE], self.shapes)
        return close_up(_beside_reference(figure, points))

    def estimated(self, windows: Sequence[Window[Estimated]], metric: str) -> Figure:
        """A metric without labels; of the one that is judged also how much may be lost."""
        points = points_of(windows, lambda found: _of_estimate(found, metric))
        axis = Axis(f"estimated {metric_words(metric)}", bad=way_of(metric))
        limits = (REFERENCE, ALLOWED)
        figure = course(metric_words(metric), points, _ESTIMATES, axis, limits, self.shapes)
        return close_up(_beside_reference(figure, points))

    def flips(self, finding: Flips) -> Figure:
        """How often each group's decisions change as another group's, the worst first."""
        lines = [self._flip(one, finding.tolerance) for one in finding.worst_first[:MOST_LINES]]
        return forest(lines, _VERDICTS, Axis("decisions that change", share=True), 0.0)

    def flip(self, windows: Sequence[Window[Flips]], key: Key) -> Figure:
        """The same of one pair over time."""
        points = points_of(windows, lambda found: _of_flip(found, key))
        axis = Axis("decisions that change", bad="up", share=True)
        return course("changed", points, _VERDICTS, axis, (ALLOWED,), self.shapes)

    def _gap(self, gap: Gap, common: Collection[str]) -> Line:
        attribute = attribute_words(self.wording, gap.attribute)
        group = group_words(self.wording, gap.attribute, gap.group)
        against = group_words(self.wording, gap.attribute, gap.against)
        return Line(
            _lines(
                f"{group} beside {against}"
                if gap.attribute in common
                else f"{attribute}: {group} beside {against}",
                *(() if gap.metric in common else (metric_words(gap.metric),)),
            ),
            gap.value,
            gap.low,
            gap.high,
            gap.allowed_low,
            gap.allowed_high,
            _STATES[gap.verdict],
            _rows(gap),
        )

    def _flip(self, flip: Flip, tolerance: float) -> Line:
        attribute = attribute_words(self.wording, flip.attribute)
        group = group_words(self.wording, flip.attribute, flip.group)
        other = group_words(self.wording, flip.attribute, flip.other)
        name = _lines(attribute, f"{group} as {other}")
        state = _STATES[flip.verdict]
        rows = f"n = {flip.rows}"
        return Line(name, flip.rate, flip.low, flip.high, 0.0, tolerance, state, rows)


def _beside_reference(figure: Figure, points: Sequence[Point]) -> Figure:
    """The newest one's, which every spot's first limit is."""
    known = [one.spot.limits[0] for one in points if one.spot.limits]
    return after_reference(figure, known[-1]) if known and known[-1] is not None else figure


def _axis(unit: Unit) -> Axis:
    return Axis(AXES[unit], share=unit == "share")


def _common(gaps: Sequence[Gap]) -> set[str]:
    """The metric and the attribute that many gaps share: the chart need not repeat them."""
    if len(gaps) < 2:
        return set()
    named = ({gap.metric for gap in gaps}, {gap.attribute for gap in gaps})
    return {name for names in named if len(names) == 1 for name in names}


def _settled(found: Labels) -> State:
    return "fine" if found.is_final else "unknown"


def _of_gap(found: Bias, key: Key) -> Spot | None:
    for gap in found.gaps:
        if gap.key == key:
            limits = (gap.allowed_low, gap.allowed_high)
            state = _STATES[gap.verdict]
            return Spot(gap.value, gap.low, gap.high, state, _rows(gap), limits)
    return None


def _of_coverage(found: Labels, least: Number) -> Spot:
    state = _settled(found)
    return Spot(found.coverage, None, None, state, f"n = {found.rows}", (least,))


def _of_labels(found: Labels, metric: str) -> Spot | None:
    for one in found.metrics:
        if one.metric == metric:
            told = (one.estimate, one.low, one.high)
            return Spot(*told, _settled(found), f"n = {found.labelled}", (one.reference,))
    return None


def _of_estimate(found: Estimated, metric: str) -> Spot | None:
    is_judged = metric == found.metric
    for one in found.metrics:
        if one.metric == metric:
            limits = (one.reference, _less(one, found.tolerance) if is_judged else None)
            state: State = "bad" if is_judged and found.is_drift else "fine"
            return Spot(one.estimate, one.low, one.high, state, f"n = {found.rows}", limits)
    return None


def _of_flip(found: Flips, key: Key) -> Spot | None:
    for one in found.rates:
        if one.key == key:
            state, rows = _STATES[one.verdict], f"n = {one.rows}"
            return Spot(one.rate, one.low, one.high, state, rows, (found.tolerance,))
    return None


def _less(metric: Metric, tolerance: float) -> Number:
    return None if metric.reference is None else metric.reference - tolerance


def _rows(gap: Gap) -> str:
    return f"n = {gap.rows} and {gap.against_rows}"


def _lines(*parts: str) -> str:
    """Short ones, that leave room on a phone; charts read tags in their texts."""
    return "<br>".join(plain(line) for part in parts for line in wrap(part, _LONGEST))
