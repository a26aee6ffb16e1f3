"""Makes a report: finds what it tells of, asks for its pages, and binds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from anyio.from_thread import start_blocking_portal

from sidelight_dashboard.alarms.measured import measured
from sidelight_dashboard.alarms.naming import cleared_because, title_of
from sidelight_dashboard.alarms.told import Alarm
from sidelight_dashboard.overview.lag import Lag, lag_of
from sidelight_dashboard.overview.shown import shown
from sidelight_dashboard.overview.told import overview
from sidelight_dashboard.report.binding import Binding, anchored
from sidelight_dashboard.report.contents import Page, pages
from sidelight_dashboard.report.facts import facts_of
from sidelight_dashboard.report.inside import Inside
from sidelight_dashboard.report.places import Places
from sidelight_dashboard.report.shell import shell
from sidelight_dashboard.report.wanted import Subject, Wanted, subjects
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import iso

_STATES = frozenset(("monitor", "states", "why"))
"""Of the overview."""

_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Report:
    """`name` is that of a file; `alarms` are those it tells of."""

    name: str
    html: str
    alarms: tuple[Alarm, ...]


def report(showing: Showing, wanted: Wanted, at_ns: int) -> Report:
    """As things are at `at_ns`. Raises as `subjects` does."""
    found = subjects(showing, wanted)
    alarms = tuple(told.alarm for one in found for told in one.alarms)
    bound = anchored(page for one in found for page in pages(showing, one))
    places = Places(
        ((page.address, anchor) for page, anchor in bound), showing.settings.dashboard.public_url
    )
    inside, lag = Inside(showing), lag_of(showing, at_ns)
    with start_blocking_portal() as portal:
        binding = Binding(lambda address: portal.call(inside.ask, address), places)
        leaves = [binding.leaf(*one) for one in bound]
        state = binding.of_html(*_states(inside, showing, found, lag, at_ns))
    told = {
        "title": _title(found, wanted, alarms),
        "facts": facts_of(showing, found, at_ns, lag.unread),
        "state": state,
        "alarms": alarms,
        "alarms_in_all": sum(one.alarms_in_all for one in found),
        "measured": measured(showing, alarms),
        "title_of": title_of,
        "cleared_because": cleared_because,
        "places": places,
        "leaves": leaves,
        "figures": binding.figures,
        "shell": shell(),
    }
    return Report(_name(found, wanted), inside.text("report/bound.html", told), alarms)


def _states(
    inside: Inside, showing: Showing, found: Sequence[Subject], lag: Lag, at_ns: int
) -> tuple[str, Page, str]:
    """The overview of these models alone."""
    models = {one.chosen.model for one in found}
    own = {name: one for name, one in showing.settings.models.items() if name in models}
    alone = replace(showing, settings=showing.settings.model_copy(update={"models": own}))
    told = shown(alone, overview(alone, lag, (), at_ns))
    return inside.text("overview/page.html", told), Page("/", "State", _STATES), "states"


def _title(found: Sequence[Subject], wanted: Wanted, alarms: Sequence[Alarm]) -> str:
    if wanted.alarm:
        return f"{title_of(alarms[0].detector)} of {alarms[0].subject}"
    names = [one.name for one in found]
    return (
        f"Report of {' and '.join(names)}" if len(names) < 3 else f"Report of {len(names)} models"
    )


def _name(found: Sequence[Subject], wanted: Wanted) -> str:
    """``sidelight-income-2026-11-23.html``."""
    what = f"alarm-{wanted.alarm}" if wanted.alarm else wanted.model or "models"
    day = iso(max(one.chosen.end_ns for one in found))[:10]
    return f"sidelight-{_PLAIN.sub('-', what)[:80]}-{day}.html"
