"""An alarm in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sidelight_dashboard.alarms.sizes import CHANGED, CORRELATION, EFFECT, QUERIES, Size
from sidelight_dashboard.alarms.told import Alarm, Suspect
from sidelight_dashboard.outliers.strange import StrangeRow
from sidelight_dashboard.words.groups import compared_words, gap_words
from sidelight_dashboard.words.numbers import large, number
from sidelight_dashboard.words.wording import Wording

Number = float | None

_LARGEST_LOG = 700.0
"""Of a number that a double can hold."""


def headline(sizes: Sequence[Size]) -> str:
    """What was found and how large it is; empty where nothing was measured."""
    return size_words(sizes[0]) if sizes else ""


def size_words(one: Size) -> str:
    """``Effect of age: 0.12 (0.08 to 0.16); up to 0.05 is of no concern.``"""
    if one.what == QUERIES:
        return (
            f"{number(one.value)} {one.what} {one.label}, "
            f"where traffic like the reference brings {number(one.allowed_high)}."
        )
    of = one.label + (f" in {one.segment}" if one.segment else "")
    bounds = "" if one.low is None else f" ({amount(one, one.low)} to {amount(one, one.high)})"
    allowed = allowed_words(one)
    limit = f"; {allowed} is of no concern" if allowed else ""
    what = one.what[:1].upper() + one.what[1:]
    return f"{what} of {of}: {amount(one, one.value)}{bounds}{limit}."


def allowed_words(one: Size) -> str:
    """``up to 0.05``, ``from 0.8 to 1.25``, ``0.8 or more``."""
    least, most = (_limit_words(one, end) for end in (one.allowed_low, one.allowed_high))
    if least and most:
        return f"from {least} to {most}"
    if least:
        return f"{least} or more"
    return f"up to {most}" if most else ""


def amount(one: Size, value: Number) -> str:
    """The value, or a bound of it, as the page of what is measured writes it."""
    if value is None:
        return "–"
    if one.metric:
        return gap_words(one.metric, value)
    if one.what in (EFFECT, CORRELATION):
        return f"{value:.3f}"
    return f"{value:.1%}" if one.what == CHANGED else number(value)


def _limit_words(one: Size, limit: Number) -> str:
    if limit is None:
        return ""
    return number(limit) if one.what in (EFFECT, CORRELATION) else amount(one, limit)


def evidence_words(alarm: Alarm) -> str:
    """The evidence against its threshold, by what it is: they share no scale."""
    evidence, threshold = alarm.evidence, alarm.evidence_threshold
    if evidence is None or threshold is None:
        return ""
    if alarm.detector == "adversarial":
        return (
            f"Such queries are 10^{_tens(evidence)} times likelier in an attack than in ordinary"
            f" traffic; 10^{_tens(threshold)} times raises the alarm."
        )
    if threshold == 1.0:
        return f"It is beyond its limit by a factor of {large(evidence)}." if evidence > 1 else ""
    return f"The e-value is {large(evidence)}; {large(threshold)} raises the alarm."


def _tens(log_ratio: float) -> str:
    """Of a natural logarithm, as the page of attacks tells it."""
    return f"{log_ratio / math.log(10):.1f}"


def suspect_words(suspect: Suspect, wording: Wording) -> str:
    """``age``, or ``age in country=DE``."""
    of = compared_words(suspect.column, wording) or wording.column(suspect.column) or "all columns"
    return f"{of} in {suspect.segment}" if suspect.segment else of


def because(row: StrangeRow, wording: Wording) -> str:
    """What is wrong with a row, else the columns that add most to its score."""
    parts = (wording.column(part.column) for part in row.parts[:3])
    return ", ".join(row.reasons or parts)


def ratio_words(log_ratio: Number) -> str:
    """``27 times``."""
    if log_ratio is None:
        return "–"
    return f"{math.exp(min(log_ratio, _LARGEST_LOG)):,.3g} times"
