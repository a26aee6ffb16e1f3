"""Seeds of the fault schedules: short ones that always run, new ones for the long form.

A run prints its seed. One that found a fault is added to `KEPT`, so it is played for ever. The
variables do not begin with ``SIDELIGHT_``: the logger under test would take them for settings.
"""

from __future__ import annotations

import os
import time

KEPT = (1,)
"""Played by the short form in every run."""


def fresh() -> int:
    """``SOAK_SEED``, or one that no run had before."""
    return int(os.environ.get("SOAK_SEED", time.time_ns() // 1_000_000))


def soak_seconds() -> float:
    """How long the forms last that watch for slow growth: ``SOAK_SECONDS``, an hour."""
    return float(os.environ.get("SOAK_SECONDS", "3600"))
