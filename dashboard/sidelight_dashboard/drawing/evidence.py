"""What an alarm has gathered over time, and where it rings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sidelight_dashboard.drawing.breaks import Lasting, limit_line, line, unbroken
from sidelight_dashboard.drawing.figures import Axis, Figure, Shape, high, over_time

EVIDENCE = Axis("evidence (e-value)", bad="up", log=True)

LEAST = 1e-3
"""Evidence below this is drawn here: a logarithmic axis has no end below."""


class Gathered(Lasting, Protocol):
    """A window, and the evidence by its end where the alarm's rule gathers any."""

    @property
    def evidence(self) -> float | None: ...

    @property
    def evidence_threshold(self) -> float | None: ...


def evidence_figure(windows: Sequence[Gathered], shapes: Sequence[Shape] = ()) -> Figure:
    """By the end of each window, beside the threshold."""
    run = unbroken([one for one in windows if one.evidence is not None])
    needed = limit_line("raises the alarm", run, lambda one: one.evidence_threshold)
    gathered = line("evidence", run, lambda one: max(one.evidence or 0.0, LEAST))
    return high(over_time([needed, gathered], EVIDENCE, shapes))
