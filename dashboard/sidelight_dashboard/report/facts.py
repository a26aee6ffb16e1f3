"""What a report says of itself: when, by which release, of what, and how that is watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from sidelight import __version__
from sidelight.config.settings import ModelSettings
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.report.wanted import Subject
from sidelight_dashboard.showing import Showing


@dataclass(frozen=True)
class OfModel:
    """Event times; `detectors` with the numbers that were set, as ``drift (window 500)``."""

    name: str
    begin_ns: int
    end_ns: int
    rows: int
    reference: str
    hidden: int
    detectors: tuple[str, ...]
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """`unread` records were in the log and not yet in the store."""

    at_ns: int
    version: str
    unread: int
    models: tuple[OfModel, ...]


def facts_of(showing: Showing, subjects: Sequence[Subject], at_ns: int, unread: int) -> Facts:
    return Facts(at_ns, __version__, unread, tuple(_of(showing, one) for one in subjects))


def _of(showing: Showing, subject: Subject) -> OfModel:
    chosen = subject.chosen
    settings = showing.settings.models[chosen.model]
    return OfModel(
        subject.name,
        chosen.begin_ns,
        chosen.end_ns,
        subject.rows,
        PurePath(str(settings.reference)).name if settings.reference else "",
        len(hidden_of(settings).names),
        tuple(_detectors(settings)),
        tuple(one or "(none told)" for one in chosen.versions),
    )


def _detectors(settings: ModelSettings) -> Iterator[str]:
    """Numbers alone: names could be those of redacted columns."""
    told = settings.detectors.model_dump(mode="json", exclude_unset=True)
    for name, given in told.items():
        if not isinstance(given, dict):
            continue
        numbers = {key: one for key, one in given.items() if type(one) in (int, float)}
        words = ", ".join(f"{key.replace('_', ' ')} {one:g}" for key, one in numbers.items())
        yield f"{name} ({words})" if words else name
