"""Alarms that stand, as words of state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from sidelight_dashboard.alarms.naming import title_of
from sidelight_dashboard.alarms.told import Alarm, Search
from sidelight_dashboard.alarms.words import suspect_words
from sidelight_dashboard.links import query
from sidelight_dashboard.overview.status import Aspect, Status
from sidelight_dashboard.overview.watched import aspect_of
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording

MOST = 1000
"""Standing alarms that are looked at; more are more of the same."""

MOST_BLAMED = 2


def standing(showing: Showing) -> tuple[Alarm, ...]:
    """Of all models."""
    return Search(state="raised").rows(showing, MOST)


def alarms_status(alarms: Sequence[Alarm], wording: Wording) -> Status:
    """Of one aspect; the earliest says since when."""
    first = min(alarms, key=lambda one: one.raised_ns)
    page = first.path if len(alarms) == 1 else _list(first)
    return Status("ALARM", " ".join(_sentences(alarms, wording)), first.raised_ns, False, page)


def of_aspect(alarms: Iterable[Alarm], aspect: Aspect) -> tuple[Alarm, ...]:
    """An alarm of a detector that nobody knows is one of drift."""
    return tuple(one for one in alarms if (aspect_of(one.detector) or "drift") == aspect)


def _sentences(alarms: Sequence[Alarm], wording: Wording) -> Iterator[str]:
    for detector, found in groupby(sorted(alarms, key=_detector), key=_detector):
        same = list(found)
        count = (
            f"{len(same)} alarms of {title_of(detector)}" if len(same) > 1 else title_of(detector)
        )
        blamed = [suspect_words(one, wording) for one in same[0].suspects]
        more = f" and {len(blamed) - MOST_BLAMED} more" if len(blamed) > MOST_BLAMED else ""
        yield f"{count}: {', '.join(blamed[:MOST_BLAMED])}{more}." if blamed else f"{count}."


def _detector(alarm: Alarm) -> str:
    return alarm.detector


def _list(alarm: Alarm) -> str:
    return f"/alarms?{query(model=alarm.model, version=alarm.version, state='raised')}"
