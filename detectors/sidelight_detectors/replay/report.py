"""A replay as JSON or as tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from sidelight_detectors.files.aligning import aligned
from sidelight_detectors.replay.replaying import Judged, Replayed
from sidelight_detectors.results.findings import Alarm, DriftResult, WindowResult

MAX_LISTED = 20
"""Windows a table lists, the newest; JSON has all that were kept."""


def as_json(replayed: Sequence[Replayed]) -> str:
    """One JSON object, a part a model."""
    models = {one.plan.model: _document(one) for one in replayed}
    return orjson.dumps({"models": models}, option=orjson.OPT_INDENT_2).decode()


def as_table(replayed: Sequence[Replayed]) -> str:
    """For each model what would have been said, and beside it what was."""
    return "\n\n".join("\n".join(_lines(one)) for one in replayed)


def _document(one: Replayed) -> dict[str, Any]:
    return {
        "plan": one.plan.id,
        "promise": one.plan.promise,
        "read_again": one.source,
        "exchanges": dict(one.exchanges),
        "rows": one.rows,
        "flagged": one.flagged["outlier"],
        "flagged_by": one.flagged,
        "lost_rows": dict(one.decider.lost),
        "windows": {
            **{name: one.counts[name] for name in ("windows", "drifted", "unjudged")},
            "newest": [_window(window) for window in one.windows],
        },
        "alarms": [_alarm(alarm) for alarm in one.alarms],
        "alarms_then": [_alarm(alarm) for alarm in one.really],
    }


def _window(window: Judged) -> dict[str, Any]:
    worst = window.worst if isinstance(window, DriftResult) else None
    return {
        "detector": window.detector if isinstance(window, WindowResult) else "drift",
        "version": window.about.version,
        "segment": window.about.segment,
        "from": _time(window.seen.first_ns),
        "to": _time(window.seen.last_ns),
        "rows": window.seen.rows,
        "flagged": window.seen.flagged,
        "is_drift": window.finding.is_drift,
        "worst": worst and {"column": worst.column, "effect": worst.effect, "p_val": worst.p_value},
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "time": _time(alarm.time_ns),
        "detector": alarm.detector,
        "version": alarm.about.version,
        "change": alarm.change,
        "reason": alarm.reason,
        "columns": _columns(alarm),
    }


def _lines(one: Replayed) -> Iterator[str]:
    flagged = (
        f"; {rows} rows flagged by {name} ({rows / max(one.rows, 1):.2%})"
        for name, rows in one.flagged.items()
    )
    yield f"{one.plan.model}: {one.rows} rows, plan {one.plan.id[:12]}, {one.source} read again"
    others = [f"{count} {outcome}" for outcome, count in sorted(one.exchanges.items())]
    if others:
        yield f"exchanges: {', '.join(others)}"
    told = [f"{one.counts[name]} {name}" for name in ("windows", "drifted", "unjudged")]
    yield ", ".join(told) + "".join(flagged)
    if one.windows:
        head = ("from", "to", "rows", "version", "detector", "drift", "worst", "effect")
        yield from aligned([head, *map(_window_cells, one.windows[-MAX_LISTED:])])
    yield f"alarms of this configuration: {_changes(one.alarms)}"
    yield from _alarm_lines(one.alarms)
    yield f"alarms said then: {_changes(one.really)}"
    yield from _alarm_lines(one.really)


def _changes(alarms: Sequence[Alarm]) -> str:
    raised = sum(alarm.change == "raised" for alarm in alarms)
    return f"{raised} raised, {len(alarms) - raised} cleared"


def _alarm_lines(alarms: Sequence[Alarm]) -> Iterator[str]:
    if alarms:
        head = ("time", "version", "detector", "change", "reason", "columns")
        yield from aligned([head, *map(_alarm_cells, alarms[-MAX_LISTED:])])


def _alarm_cells(alarm: Alarm) -> tuple[str, ...]:
    told = (_time(alarm.time_ns), alarm.about.version, alarm.detector, alarm.change, alarm.reason)
    return (*told, ", ".join(_columns(alarm)[:5]))


def _window_cells(window: Judged) -> tuple[str, ...]:
    told = _window(window)
    worst = told["worst"]
    return (
        told["from"],
        told["to"],
        str(told["rows"]),
        told["version"],
        told["detector"],
        "yes" if told["is_drift"] else "no",
        worst["column"] if worst else "",
        f"{worst['effect']:.4f}" if worst else "",
    )


def _columns(alarm: Alarm) -> list[str]:
    return list(dict.fromkeys(suspect.column for suspect in alarm.suspects))


def _time(time_ns: int) -> str:
    told = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return told.strftime("%Y-%m-%dT%H:%M:%SZ")
