"""Which pages a report binds, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sidelight_dashboard.alarms.links import Links
from sidelight_dashboard.alarms.naming import title_of
from sidelight_dashboard.alarms.one import OneAlarm
from sidelight_dashboard.attacks.episodes import episodes
from sidelight_dashboard.drift.comparisons import Comparisons
from sidelight_dashboard.drift.links import Links as DriftLinks
from sidelight_dashboard.drift.links import Shown
from sidelight_dashboard.drift.told import drift
from sidelight_dashboard.explaining.keeping import kept_of_row
from sidelight_dashboard.links import page_of, query, row_page
from sidelight_dashboard.outliers.strange import strangest
from sidelight_dashboard.report.wanted import Subject
from sidelight_dashboard.showing import Showing

MOST_COLUMNS = 5
"""Columns that drifted, of one model or alarm, each with its charts."""
MOST_ATTACKS = 5
MOST_ROWS = 10
"""Rows of one model or alarm that are told in full."""
MOST_EXPLANATIONS = 20
_OF_ALARM = 3
"""Rows of each kind that one alarm brings in, so that each has some."""
_LOOKED_AT = 100
"""Rows among which those that were explained are looked for."""

_COLUMN = frozenset(("column", "over-time"))


@dataclass(frozen=True)
class Page:
    """A page of the dashboard, or `parts` of one."""

    address: str
    title: str
    parts: frozenset[str] = frozenset()


def pages(showing: Showing, subject: Subject) -> Iterator[Page]:
    """What the detectors say, the alarms, the worst rows, and why the model answered so."""
    yield from _rooms(showing, subject)
    for told in subject.alarms:
        title = f"{title_of(told.alarm.detector)}: alarm of {told.alarm.subject}"
        yield Page(told.alarm.path, title)
        yield from _columns_of(told)
    yield from _rows(showing, subject)


def _rooms(showing: Showing, subject: Subject) -> Iterator[Page]:
    model, asked = subject.chosen.model, subject.chosen.query
    yield Page(page_of(model, "drift", asked), f"Drift of {subject.name}")
    yield from _columns(showing, subject)
    yield Page(page_of(model, "outliers", asked), f"Strange rows of {subject.name}")
    yield Page(page_of(model, "attacks", asked), f"Attacks on {model}")
    for id_ in _attacks(showing, subject):
        address = page_of(model, "attacks", f"{asked}&{query(episode=id_)}")
        yield Page(address, "One attack", frozenset(("episode",)))
    yield Page(page_of(model, "bias", asked), f"Bias and performance of {subject.name}")


def _columns(showing: Showing, subject: Subject) -> Iterator[Page]:
    """Those that drifted after the first, which the page of drift tells itself."""
    shown = Shown(subject.chosen)
    told = drift(Comparisons(showing, shown))
    links = DriftLinks(Shown(subject.chosen, rows=told.rows))
    for column in told.columns[1:MOST_COLUMNS]:
        if column.drifted:
            address = links.with_feature(column.name).partition("#")[0]
            yield Page(address, f"Drift of {column.label} in {subject.name}", _COLUMN)


def _columns_of(told: OneAlarm) -> Iterator[Page]:
    """What an alarm of drift rests on, in exactly the rows that were judged."""
    links = Links(told)
    if links.room != "drift" or told.alarm.against or told.window is None:
        return
    beyond = [one for one in told.sizes if one.is_beyond and len(one.columns) == 1]
    for one in beyond[:MOST_COLUMNS]:
        address = links.feature(one.columns[0], one.segment).partition("#")[0]
        title = f"{one.label} when drift of {told.alarm.subject} was found"
        yield Page(address, title, frozenset(("column",)))


def _attacks(showing: Showing, subject: Subject) -> list[str]:
    """Where there is but one, the page of attacks has it opened."""
    chosen = subject.chosen
    found = episodes(showing.store, chosen.model, chosen.begin_ns, chosen.end_ns)
    return [one.id for one in found[:MOST_ATTACKS]] if len(found) > 1 else []


def _rows(showing: Showing, subject: Subject) -> Iterator[Page]:
    """Those that somebody had explained come first."""
    concerned = list(dict.fromkeys(_concerned(showing, subject)))[:_LOOKED_AT]
    kept = {place: kept_of_row(showing.store, *place) for place in concerned}
    concerned.sort(key=lambda place: not kept[place])
    for exchange, row in concerned[:MOST_ROWS]:
        yield Page(row_page(exchange, row), f"Row {row} of {exchange}")
    heads = [head for found in kept.values() for head in found]
    for head in heads[:MOST_EXPLANATIONS]:
        title = f"Why: {head.method} of row {head.row} of {head.exchange}"
        yield Page(f"/explanations/{head.id}", title)


def _concerned(showing: Showing, subject: Subject) -> Iterator[tuple[str, int]]:
    """Of each alarm a few, then the strangest of the whole time, then all others of alarms."""
    chosen = subject.chosen
    for told in subject.alarms:
        yield from _few(told.typical)
        yield from _few(told.flagged)
        if told.attack is not None:
            yield from _few((told.attack.target, *told.attack.queries[-1:]))
    times = (chosen.begin_ns, chosen.end_ns)
    strange = strangest(showing, chosen.model, chosen.version, *times, _LOOKED_AT)
    yield from ((one.exchange, one.row) for one in strange)
    for told in subject.alarms:
        yield from ((one.exchange, one.row) for one in told.typical)
        yield from ((one.exchange, one.row) for one in told.flagged)


class _Row(Protocol):
    @property
    def exchange(self) -> str: ...

    @property
    def row(self) -> int: ...


def _few(rows: Iterable[_Row]) -> list[tuple[str, int]]:
    return [(one.exchange, one.row) for one in rows][:_OF_ALARM]
