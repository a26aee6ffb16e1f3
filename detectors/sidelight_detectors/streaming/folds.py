"""Folds: what a decider makes of the rows of all runs, one after the other, for one detector.

Where windows and rules look at sums, a fold looks at the rows' traces (`trace`), in the order of
the log. It has no clock and does no I/O.

What a fold remembers of rows may be large, so a snapshot does not hold it. Instead the fold says
from which pane on it must read again (`needs_from`), and `saved` is only what cannot be had from
there: a decider that comes back calls `restore`, then `remember` with every trace since
`needs_from`, and goes on to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming.trace import Trace

if TYPE_CHECKING:
    from sidelight_detectors.contract import Part


@dataclass(frozen=True, slots=True)
class Traced:
    """A trace as the decider met it: the offset of its pane, and what event time had come to.

    `watermark_ns` is the event time that every partition has reached, 0 while one is unknown.
    """

    trace: Trace
    pane: int
    watermark_ns: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The alarms of one detector on a version (all of them: ``""``): raised so far, and now."""

    version: str
    detector: str
    raised: int
    active: bool


class Fold(Protocol):
    """One detector's memory of one model, under one plan."""

    def alarms(self) -> list[Standing]:
        """How its alarms stand; may be asked from another thread."""
        ...

    def accept(self, traced: Traced) -> Iterator[Output]:
        """The next pane's rows and labels, in the log's order; called also for an empty trace.

        The iterator is always read to its end.
        """
        ...

    def remember(self, traced: Traced) -> None:
        """A trace that was accepted before the snapshot. Nothing is said, nothing counted again.

        `watermark_ns` is that of the snapshot, not of then.
        """
        ...

    @property
    def needs_from(self) -> int | None:
        """Offset of the oldest pane that it must `remember` to go on; None when it needs none."""
        ...

    def close(self) -> Iterator[Output]:
        """No more will come under this plan: what is open ends."""
        ...

    def saved(self) -> dict[str, Any]:
        """All of the state that is not remembered, for orjson; a few kilobytes.

        Under ``raised`` stand version and id of each alarm that is raised, and its detector's name
        where that is not the part's, for a successor that does not know this plan any more.
        """
        ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose rows a fold follows, and all detectors of that model by name."""

    model: str
    plan: str
    parts: Mapping[str, Part] = field(default_factory=dict)


@runtime_checkable
class Folding(Protocol):
    """A part whose decider remembers rows; `observe` gives their trail."""

    def fold(self, watched: Watched) -> Fold:
        """One that has seen nothing yet."""
        ...
