"""What the page shows: of each of its detectors whether it is asked for, and its newest window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from sidelight_dashboard.bias.findings import Bias, Estimated, Flips, Labels
from sidelight_dashboard.bias.hiding import visible
from sidelight_dashboard.bias.windows import (
    CAME_TRUE,
    DECISIONS,
    ESTIMATED,
    FLIPS,
    MOST,
    REALISED,
    Head,
    Kind,
    Source,
    Window,
    filled,
    heads,
    thinned,
)
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.hiding import hidden_in
from sidelight_dashboard.showing import Showing

JUDGED = 0
"""The least rank of a window that was judged."""


@dataclass(frozen=True, slots=True)
class Part(Generic[Kind]):
    """One detector in the chosen time: `is_watched` when it is configured, and its windows.

    `judged` is the newest window that was judged; `refused` a newer one that was not, and says why.
    `recent` are the newest windows, the last first.
    """

    is_watched: bool
    windows: int
    judged: Window[Kind] | None
    refused: Window[Kind] | None
    recent: tuple[Window[Kind], ...] = ()

    @property
    def found(self) -> Kind | None:
        """What the newest judged window says."""
        return self.judged.finding if self.judged else None


@dataclass(frozen=True, slots=True)
class Told:
    """Groups beside each other by `decisions` and by what `came_true`; performance `realised`
    by labels and `estimated` without; `flips` of decisions with the group alone."""

    model: str
    version: str
    segment: str
    begin_ns: int
    end_ns: int
    decisions: Part[Bias]
    came_true: Part[Bias]
    realised: Part[Labels]
    estimated: Part[Estimated]
    flips: Part[Flips]


@dataclass(frozen=True)
class Teller:
    """Reads the windows of one model in the chosen time."""

    showing: Showing
    chosen: Chosen

    def all(self, recent: int) -> Told:
        """Everything on the page but its charts, and so many of the newest windows."""
        chosen = self.chosen
        return Told(
            chosen.model,
            chosen.version,
            chosen.segment,
            chosen.begin_ns,
            chosen.end_ns,
            self.part(DECISIONS, recent),
            self.part(CAME_TRUE, recent),
            self.part(REALISED, recent),
            self.part(ESTIMATED, recent),
            self.part(FLIPS, recent),
        )

    def part(self, source: Source[Kind], recent: int = 0) -> Part[Kind]:
        found = heads(self.showing.store, self.chosen, source)
        judged = [head for head in found if head.rank >= JUDGED]
        refused = [head for head in found[-1:] if head.rank < JUDGED]
        return Part(
            self._is_watched(source),
            len(found),
            _first(self._filled(source, judged[-1:])),
            _first(self._filled(source, refused)),
            tuple(self._filled(source, found[: -recent - 1 : -1])),
        )

    def drawn(self, source: Source[Kind]) -> list[Window[Kind]]:
        """In their order; of too many for a chart the worst of each stretch."""
        return self._filled(source, thinned(heads(self.showing.store, self.chosen, source), MOST))

    def _filled(self, source: Source[Kind], chosen: Sequence[Head]) -> list[Window[Kind]]:
        hidden = hidden_in(self.showing.settings, self.chosen.model)
        return [visible(one, hidden) for one in filled(self.showing.store, source, chosen)]

    def _is_watched(self, source: Source[Kind]) -> bool:
        """Whether the configuration asks for all that it needs: `bias:labels` needs both."""
        detectors = self.showing.settings.models[self.chosen.model].detectors
        return all(getattr(detectors, name) is not None for name in source.detector.split(":"))


def _first(found: list[Window[Kind]]) -> Window[Kind] | None:
    return found[0] if found else None
