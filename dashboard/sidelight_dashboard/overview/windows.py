"""The newest judged windows, and since when they say what they say."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS

RECENT_NS = 86_400 * NS
"""The newest window of a segment counts when it is at most so much older than the newest row."""

LOOK_BACK_NS = 30 * 86_400 * NS
"""Since when something holds is looked for so far back."""

Verdict = Literal["beyond", "evidence", "within", "unknown"]
"""evidence: within its limits, but the alarm's evidence is past half its threshold, as logarithms.
unknown: not enough data."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is judged by itself, window after window."""

    model: str
    version: str
    detector: str
    segment: str
    against: str


@dataclass(frozen=True, slots=True)
class Window:
    """The newest of its key. `refused` says why it was not judged; `head` is what was found, of
    drift without its columns."""

    key: Key
    plan: str
    end_ns: int
    rows: int
    verdict: Verdict
    refused: str
    evidence: float | None
    evidence_threshold: float | None
    head: Mapping[str, Any]


_VERDICT = """
CASE WHEN is_drift IS NULL THEN 'unknown' WHEN is_drift THEN 'beyond'
  WHEN evidence > 1 AND evidence * evidence >= evidence_threshold THEN 'evidence'
  ELSE 'within' END
"""

_KEYS = """
SELECT detector, segment, against, max(end_ns) FROM judged
WHERE model = ? AND version = ? AND end_ns >= ? GROUP BY detector, segment, against
"""

# A window is told again as labels come; what was told last stands furthest in the log.
_NEWEST = f"SELECT plan, end_ns, rows, {_VERDICT}, refused, evidence, evidence_threshold, data"
_NEWEST += """
FROM judged
WHERE model = ? AND version = ? AND end_ns = ? AND detector = ? AND segment = ? AND against = ?
ORDER BY length(address) DESC, address DESC LIMIT 1
"""

_OF_KEY = """
FROM judged WHERE model = :model AND version = :version AND end_ns BETWEEN :from AND :to
  AND detector = :detector AND segment = :segment AND against = :against
"""

_OTHERWISE = f"SELECT end_ns {_OF_KEY} AND {_VERDICT} <> :verdict ORDER BY end_ns DESC LIMIT 1"
_FIRST = f"SELECT end_ns {_OF_KEY} ORDER BY end_ns LIMIT 1"


def newest_windows(store: Store, model: str, version: str, last_ns: int) -> tuple[Window, ...]:
    """One for each detector, segment and other version; `last_ns` is when the newest row came."""
    found = store.series.rows(_KEYS, (model, version, last_ns - RECENT_NS))
    return tuple(
        _newest(store, Key(model, version, detector, segment, against), end_ns)
        for detector, segment, against, end_ns in found
    )


def _newest(store: Store, key: Key, end_ns: int) -> Window:
    asked = (key.model, key.version, end_ns, key.detector, key.segment, key.against)
    ((plan, end_ns, rows, verdict, refused, evidence, threshold, data),) = store.series.rows(
        _NEWEST, asked
    )
    head = orjson.loads(zlib.decompress(data))
    return Window(key, plan, end_ns, rows, verdict, refused, evidence, threshold, head)


@dataclass(frozen=True, slots=True)
class Since:
    """The end of the first window of an unbroken run; `or_earlier` where the run may be longer."""

    at_ns: int
    or_earlier: bool


def since(store: Store, window: Window) -> Since:
    """Since when windows of this key say the same."""
    begin_ns = window.end_ns - LOOK_BACK_NS
    asked = {**asdict(window.key), "from": begin_ns, "to": window.end_ns}
    otherwise = _time(store, _OTHERWISE, asked | {"verdict": window.verdict})
    after = begin_ns if otherwise is None else otherwise + 1
    first = _time(store, _FIRST, asked | {"from": after})
    older = _time(store, _FIRST, asked | {"from": 0, "to": begin_ns - 1})
    return Since(first or window.end_ns, otherwise is None and older is not None)


def _time(store: Store, query: str, given: dict[str, str | int]) -> int | None:
    found = store.series.rows(query, given)
    return int(found[0][0]) if found else None
