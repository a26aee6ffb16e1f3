"""Writes a report to a file."""

from __future__ import annotations

from pathlib import Path

from sidelight.errors import ConfigError
from sidelight.serving.refusals import UnknownModel
from sidelight_dashboard.alarms.told import Alarm
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.report.making import report
from sidelight_dashboard.report.wanted import Wanted
from sidelight_dashboard.showing import Showing


def write(showing: Showing, wanted: Wanted, at_ns: int, path: Path) -> tuple[Alarm, ...]:
    """The alarms it tells of. Raises `ConfigError` when there is no such thing to tell of, or the
    file cannot be written."""
    try:
        made = report(showing, wanted, at_ns)
    except (NotFound, UnknownModel) as exc:
        raise ConfigError(str(exc)) from exc
    try:
        path.write_text(made.html, "utf-8")
    except OSError as exc:
        raise ConfigError(f"--out {path}: {exc.strerror}; name a file that can be written") from exc
    return made.alarms
