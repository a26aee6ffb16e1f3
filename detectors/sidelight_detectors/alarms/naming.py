"""Who is to blame for an alarm: the columns of segments whose own evidence is strong enough."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from sidelight_detectors.alarms.rule import Suspect

LARGEST = sys.float_info.max
"""JSON has no infinity."""


def named(suspects: Sequence[Suspect], threshold: float) -> tuple[Suspect, ...]:
    """The suspects that e-BH names at level ``1 / threshold``, the strongest first, at least one.

    The k strongest are named when the weakest of them has an e-value of ``K threshold / k`` or
    more, K being how many there are. Of the names given, the expected share of wrong ones is at
    most ``1 / threshold``, whatever the dependence between the e-values. When evidence is spread so
    thin over many that together they raise an alarm and none can be named, the strongest is told.

    Ruodu Wang, Aaditya Ramdas: "False discovery rate control with e-values", JRSS-B 2022.
    """
    ordered = sorted(suspects, key=lambda one: (-one.evidence, one.segment, one.column))
    ranks = np.arange(1, len(ordered) + 1)
    values = np.array([one.evidence for one in ordered])
    strong = np.flatnonzero(values * ranks >= len(ordered) * threshold)
    return tuple(ordered[: strong[-1] + 1 if len(strong) else 1])
