"""The chain of runs: which panes are next, which are known already, how far event time has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight_detectors.streaming.panes import Pane


class Chain:
    """Accepts each run of each partition once, by its expected begin.

    `gaps` counts the times that exchanges between two runs had no pane (retention took them before
    they were scored), `overlaps` panes of runs that were known already (a scorer that died between
    its pane and its commit leaves one, and so does one that was taken for dead and was not).

    A pane without a run says that its partition is quiet: all that was there has been scored. Such
    a partition holds the others back no further than they have come by then.
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.gaps = 0
        self.overlaps = 0
        self._expected: dict[int, int] = {}
        self._watermarks: dict[int, int] = {}

    def accept(self, pane: Pane) -> bool:
        """Whether the pane's run is new; if so the chain moves on to its end."""
        expected = self._expected.get(pane.partition, pane.begin)
        if pane.begin < expected:
            self.overlaps += 1
            return False
        self.gaps += pane.begin > expected
        self._expected[pane.partition] = pane.end
        reached = [self._watermarks.get(pane.partition, 0), pane.watermark_ns]
        if pane.begin == pane.end:
            reached.append(self._least_of_others(pane.partition))
        self._watermarks[pane.partition] = max(reached)
        return True

    def _least_of_others(self, partition: int) -> int:
        others = (at for number, at in self._watermarks.items() if number != partition and at)
        return min(others, default=0)

    @property
    def watermark_ns(self) -> int:
        """The event time every partition has reached; 0 while of one nothing is known."""
        if len(self._watermarks) < self.partitions:
            return 0
        return min(self._watermarks.values())

    def saved(self) -> dict[str, Any]:
        return {
            "expected": sorted(self._expected.items()),
            "watermarks": sorted(self._watermarks.items()),
            "gaps": self.gaps,
            "overlaps": self.overlaps,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._expected = dict(saved["expected"])
        self._watermarks = dict(saved["watermarks"])
        self.gaps = saved["gaps"]
        self.overlaps = saved["overlaps"]
