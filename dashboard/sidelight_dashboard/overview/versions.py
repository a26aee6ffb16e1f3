"""The versions of a model that are in service, and how many rows of each are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS

RATE_NS = 300 * NS
"""Rows a second are averaged over so long, and over whole slots."""

_VERSIONS = """
SELECT version, first_ns, last_ns FROM version WHERE model = ? ORDER BY last_ns DESC, version
"""

_PLAN = """
SELECT plan FROM slot WHERE model = ? ORDER BY begin_ns DESC, last_ns DESC LIMIT 1
"""

_TRAFFIC = """
SELECT version, sum(rows), min(first_ns) FROM slot
WHERE model = ? AND begin_ns >= ? AND last_ns >= ? GROUP BY version
"""


@dataclass(frozen=True, slots=True)
class Version:
    """Event times of its first and its newest scored row."""

    name: str
    first_ns: int
    last_ns: int


def versions_of(store: Store, model: str) -> tuple[Version, ...]:
    """The newest first."""
    return tuple(Version(*one) for one in store.series.rows(_VERSIONS, (model,)))


def plan_of(store: Store, model: str) -> str:
    """Under which its newest rows were counted; empty before there are any."""
    found = store.series.rows(_PLAN, (model,))
    return str(found[0][0]) if found else ""


def in_service(
    versions: Sequence[Version], alarmed: frozenset[str], stale_seconds: float
) -> tuple[Version, ...]:
    """The newest, those that have rows about as new, and those with an alarm that stands."""
    if not versions:
        return ()
    oldest_ns = versions[0].last_ns - stale_seconds * NS
    return tuple(one for one in versions if one.last_ns >= oldest_ns or one.name in alarmed)


def rows_per_second(store: Store, model: str, now_ns: int, slot_ns: int) -> dict[str, float]:
    """By version, of those that have rows among the newest."""
    begin_ns = now_ns - RATE_NS
    found = store.series.rows(_TRAFFIC, (model, begin_ns - slot_ns, begin_ns))
    return {version: rows * NS / max(now_ns - first_ns, NS) for version, rows, first_ns in found}
