"""Whether more rows are flagged than chance explains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import orjson

from sidelight_dashboard.outliers.chance import Ordinary, is_beyond
from sidelight_dashboard.outliers.flaggers import Flagger
from sidelight_dashboard.overview.status import Status, Word
from sidelight_dashboard.store.opening import Store

EXPECTED = 10
"""Flagged rows that ordinary traffic would bring to a stretch that is tested: enough to tell a rate
that doubled."""

MOST_SLOTS = 288
"""Slots that are looked at, the newest: a day of five minutes each."""

MOST_ROWS = 100_000
"""Of a stretch, however low the rate."""

_SLOTS = """
SELECT first_ns, last_ns, rows, flagged FROM slot WHERE model = ? AND version = ?
ORDER BY begin_ns DESC LIMIT ?
"""

_ORDINARY = """
SELECT rate, rate_bound FROM flagged WHERE model = ? AND detector = ?
ORDER BY time_ns DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """Rows of a few minutes, and how many of them each detector flagged."""

    first_ns: int
    last_ns: int
    rows: int
    flagged: dict[str, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots one after the other."""

    first_ns: int
    rows: int
    flagged: int


def slots_of(store: Store, model: str, version: str) -> tuple[Slot, ...]:
    """The newest first."""
    found = store.series.rows(_SLOTS, (model, version, MOST_SLOTS))
    return tuple(
        Slot(first_ns, last_ns, rows, orjson.loads(flagged))
        for first_ns, last_ns, rows, flagged in found
    )


def ordinary(store: Store, model: str, detector: str, configured: float) -> Ordinary:
    """As told with the newest flagged row; as configured where none was flagged."""
    for rate, bound in store.series.rows(_ORDINARY, (model, detector)):
        if rate is not None:
            return Ordinary(rate, bound)
    return Ordinary(configured)


def flags_status(flagger: Flagger, slots: Sequence[Slot], usual: Ordinary) -> Status:
    """The newest stretch beside what is usual; since when the stretches before were like it."""
    title = flagger.title
    if not flagger.is_counted:
        return Status("OK", f"{title}: of the rows it looks at it tells those that it flags.")
    runs = groupby(_stretches(flagger.name, slots, usual), partial(_is_beyond, usual))
    beyond, alike = next(runs, (False, iter(())))
    run = list(alike)
    if not run:
        return Status("NO DATA", f"{title}: no rows yet.")
    or_earlier = next(runs, None) is None and len(slots) == MOST_SLOTS
    word: Word = "WATCH" if beyond else "OK"
    return Status(word, f"{title}: {_words(run[0], usual)}", run[-1].first_ns, or_earlier)


def _is_beyond(usual: Ordinary, one: Stretch) -> bool:
    return is_beyond(one.flagged, one.rows, usual)


def _words(newest: Stretch, usual: Ordinary) -> str:
    more = "; chance does not explain so many." if _is_beyond(usual, newest) else "."
    return (
        f"{newest.flagged:,} of the newest {newest.rows:,} rows were flagged "
        f"({newest.flagged / newest.rows:.1%}); {_usual_words(usual)} of ordinary rows are{more}"
    )


def _stretches(detector: str, slots: Sequence[Slot], usual: Ordinary) -> Iterator[Stretch]:
    """From the newest slot back; the oldest stretch may be short."""
    wanted = min(math.ceil(EXPECTED / usual.rate), MOST_ROWS) if usual.rate > 0 else MOST_ROWS
    rows = flagged = 0
    first_ns = 0
    for slot in slots:
        if detector in slot.flagged:
            rows, flagged = rows + slot.rows, flagged + slot.flagged[detector]
            first_ns = slot.first_ns
        if rows >= wanted:
            yield Stretch(first_ns, rows, flagged)
            rows = flagged = 0
    if rows:
        yield Stretch(first_ns, rows, flagged)


def _usual_words(usual: Ordinary) -> str:
    if usual.bound is None:
        return f"{usual.rate:.1%}"
    return f"{usual.rate:.1%}, with this reference at most {usual.bound:.1%},"
