"""How long ago, as people say it."""

from __future__ import annotations

from sidelight_dashboard.times import NS

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def length(begin_ns: int, end_ns: int) -> str:
    """In one unit, rounded down: ``3 h``."""
    seconds = max(end_ns - begin_ns, 0) // NS
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"
