"""Seeds of the fault schedules: short ones that always run, new ones for the long form.

A run prints its seed. One that found a fault is added to `KEPT`, so it is played for ever.
"""

from __future__ import annotations

import os
import time

KEPT = (1,)
"""Played by the short form in every run."""


def fresh() -> int:
    """``SIDELIGHT_SEED``, or one that no run had before."""
    return int(os.environ.get("SIDELIGHT_SEED", time.time_ns() // 1_000_000))


def soak_seconds() -> float:
    """How long the forms last that watch for slow growth: ``SIDELIGHT_SOAK_SECONDS``, an hour."""
    return float(os.environ.get("SIDELIGHT_SOAK_SECONDS", "3600"))
