"""How large it is: what a detector measured when the alarm was raised, with bounds and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sidelight.config.glossary import GlossaryEntry
from sidelight_dashboard.hiding import Hidden, is_told
from sidelight_dashboard.words.groups import (
    attribute_words,
    attributes_of,
    group_words,
    metric_words,
)
from sidelight_dashboard.words.wording import Wording

Json = Mapping[str, Any]
Number = float | None
NOTHING_HIDDEN = Hidden(frozenset())

QUERIES = "different queries"
"""What an attack is measured by."""
EFFECT = "effect"
CORRELATION = "change of a correlation"
CHANGED = "share of decisions that change"

Verdict = Literal["beyond", "within", "not clear", "no limit"]


@dataclass(frozen=True, slots=True)
class Size:
    """A measured value between `low` and `high`, and from where to where it is of no concern.

    `what` is the quantity: values of one quantity share an axis, others do not. `label` says of
    what it is, of `segment`; `columns` are the model's own names of those it is about. `rows` is
    how many it rests on, None where that was not told; `metric` the name of what compares groups.
    """

    what: str
    label: str
    value: Number
    low: Number
    high: Number
    allowed_low: Number
    allowed_high: Number
    is_beyond: bool
    rows: int | None = None
    columns: tuple[str, ...] = ()
    segment: str = ""
    metric: str = ""

    @property
    def verdict(self) -> Verdict:
        """By the bounds where there are some: an interval that reaches beyond the limit tells
        nothing."""
        if self.is_beyond:
            return "beyond"
        if self.value is None or (self.allowed_low is None and self.allowed_high is None):
            return "no limit"
        ends = (self.value if end is None else end for end in (self.low, self.high))
        is_open = any(_is_outside(end, self.allowed_low, self.allowed_high) for end in ends)
        return "not clear" if is_open else "within"


def sizes_of(
    data: Json, glossary: Mapping[str, GlossaryEntry], hidden: Hidden = NOTHING_HIDDEN
) -> tuple[Size, ...]:
    """From the data of an alarm on the wire: what is beyond its limit first, then the largest.

    Nothing of what another release of the detectors measured in a form of its own.
    """
    try:
        read = [one for one in _Sizes(glossary).of(data) if _is_sound(one)]
        found = [one for one in read if is_told(one.columns, hidden)]
    except (KeyError, TypeError, AttributeError):
        return ()
    return tuple(sorted(found, key=_rank))


def _is_sound(one: Size) -> bool:
    """Whether what stands in the place of numbers and names is what it should be."""
    numbers = (one.value, one.low, one.high, one.allowed_low, one.allowed_high, one.rows)
    names = (one.what, one.label, one.segment, one.metric, *one.columns)
    return all(isinstance(told, int | float | None) for told in numbers) and all(
        isinstance(name, str) for name in names
    )


def _rank(one: Size) -> tuple[bool, float, float, str]:
    """The surest first; of those that are as sure the largest."""
    return not one.is_beyond, -_excess(one), -abs(one.value or 0.0), one.label


class _Sizes:
    """Reads each kind of finding, and names it by the glossary."""

    def __init__(self, glossary: Mapping[str, GlossaryEntry]) -> None:
        self._wording = Wording(glossary)

    def of(self, data: Json) -> Iterator[Size]:
        if segment := data.get("segment"):
            yield from self._columns(segment, segment["name"])
        if "columns" in data:
            yield from self._columns(data, "")
        elif "episode" in data:
            yield _queries(data)
        elif finding := data.get("finding"):
            yield from self._finding(finding)

    def _finding(self, finding: Json) -> Iterator[Size]:
        """Told apart by a part that only findings of that kind have."""
        readers = {
            "gaps": self._gaps,
            "rates": self._rates,
            "pairs": self._joint,
            "statistic": self._statistics,
            "metrics": _metrics,
        }
        reader = next((readers[part] for part in readers if part in finding), None)
        return iter(()) if reader is None else reader(finding)

    def _columns(self, data: Json, segment: str) -> Iterator[Size]:
        """Drift: of each column the effect, a distance with what chance gives taken off."""
        for one in data["columns"]:
            if one["effect"] is not None:
                yield Size(
                    EFFECT,
                    self._wording.column(one["column"]),
                    *_three(one, "effect"),
                    None,
                    data["tolerance"],
                    bool(one["drifted"]),
                    one["rows"],
                    (one["column"],),
                    segment,
                )

    def _gaps(self, finding: Json) -> Iterator[Size]:
        for gap in finding["gaps"]:
            yield Size(
                metric_words(gap["metric"]),
                self._groups(gap, "beside", gap["against"]),
                *_three(gap, "value"),
                gap["allowed_low"],
                gap["allowed_high"],
                gap["verdict"] == "unfair",
                gap["rows"],
                attributes_of(gap["attribute"]),
                metric=gap["metric"],
            )

    def _rates(self, finding: Json) -> Iterator[Size]:
        for rate in finding["rates"]:
            yield Size(
                CHANGED,
                self._groups(rate, "as", rate["other"]),
                *_three(rate, "rate"),
                None,
                finding["tolerance"],
                rate["verdict"] == "unfair",
                rate["rows"],
                attributes_of(rate["attribute"]),
            )

    def _groups(self, told: Json, between: str, other: str) -> str:
        attribute = told["attribute"]
        group, beside = (
            group_words(self._wording, attribute, one) for one in (told["group"], other)
        )
        return f"{attribute_words(self._wording, attribute)}: {group} {between} {beside}"

    def _joint(self, finding: Json) -> Iterator[Size]:
        """All columns together, then pairs of them."""
        limit = finding["tolerance"]
        beyond = finding["p_value"] < finding["threshold"] and finding["effect"] > limit
        three = _three(finding, "effect")
        yield Size(EFFECT, "all columns together", *three, None, limit, beyond, finding["rows"])
        for pair in finding["pairs"]:
            label = " and ".join(map(self._wording.column, pair["columns"]))
            limit = finding["correlation_tolerance"]
            drifted = bool(pair["drifted"])
            three = _three(pair, "effect")
            columns = tuple(pair["columns"])
            yield Size(CORRELATION, label, *three, None, limit, drifted, columns=columns)

    def _statistics(self, finding: Json) -> Iterator[Size]:
        """alibi-detect's: a p-value is beyond its threshold below it, a statistic above it."""
        thresholds, p_values = finding["threshold"], finding["p_value"]
        is_each = len(finding["columns"]) == len(thresholds)
        columns = [(name,) for name in finding["columns"]] if is_each else [()]
        values = p_values or finding["statistic"]
        for of, value, threshold in zip(columns, values, thresholds, strict=False):
            least, most = (threshold, None) if p_values else (None, threshold)
            beyond = _is_outside(value, least, most)
            what = "p-value" if p_values else "statistic"
            label = self._wording.column(*of) if of else "all columns"
            yield Size(what, label, value, None, None, least, most, beyond, finding["rows"], of)


def _queries(data: Json) -> Size:
    most = data["n_expected"]
    return Size(QUERIES, "around one row", data["n"], None, None, None, most, True)


def _metrics(finding: Json) -> Iterator[Size]:
    """Estimated performance: only the judged metric has a limit."""
    for metric in finding["metrics"]:
        is_judged = metric["metric"] == finding.get("metric")
        least = metric["reference"] - finding["tolerance"] if is_judged else None
        beyond = is_judged and bool(finding["is_drift"])
        name = metric_words(metric["metric"])
        three = _three(metric, "estimate")
        yield Size(name, "estimated", *three, least, None, beyond, finding["rows"])


def _three(told: Json, name: str) -> tuple[Number, Number, Number]:
    return told[name], told["low"], told["high"]


def _is_outside(value: Number, low: Number, high: Number) -> bool:
    if value is None:
        return False
    return (low is not None and value < low) or (high is not None and value > high)


def _excess(one: Size) -> float:
    """How far the nearer bound is from what is allowed, the value where it has no bounds."""
    least = one.value if one.low is None else one.low
    most = one.value if one.high is None else one.high
    above = None if one.allowed_high is None or least is None else least - one.allowed_high
    below = None if one.allowed_low is None or most is None else one.allowed_low - most
    return max((told for told in (above, below) if told is not None), default=0.0)
