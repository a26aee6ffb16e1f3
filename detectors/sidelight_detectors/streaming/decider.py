"""The decider of one model: a fold of panes, in the order of the log, into results and alarms.

No I/O and no clock: the same panes give the same outputs, from the start or from any snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sidelight.errors import MalformedPayload
from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.results.findings import About, Alarm, Output, PromiseResult
from sidelight_detectors.streaming.chain import Chain
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.watch import Watch


class Decider:
    """Accepts each run once and hands it to the watch of the plan in force.

    Panes of another plan are counted as lost rows: their cells mean something else. The first pane
    of a new plan ends the alarms of the one before and begins a promise.
    """

    def __init__(self, plan: Plan, partitions: int) -> None:
        self.plan = plan
        self.chain = Chain(partitions)
        self.watch = Watch(plan)
        self._lost: Counter[str] = Counter()
        self._before: Mapping[str, Any] | None = _NOTHING

    @property
    def lost(self) -> Counter[str]:
        """Rows that no window judged, by reason."""
        return self._lost + self.watch.lost

    def accept(self, pane: Pane) -> list[Output]:
        """What the pane lets us say; nothing when its run is known already.

        Raises `MalformedPayload`, and changes nothing, when the pane does not add up with others.
        """
        self._check(pane)
        if not self.chain.accept(pane):
            return []
        if pane.plan != self.plan.id:
            self._lost["plan"] += pane.rows
            return []
        begun = list(self._begin(pane))
        return begun + list(self.watch.accept(pane, self.chain.watermark_ns))

    def saved(self) -> dict[str, Any]:
        """All of the state, for orjson; `restore` goes on from what is read back."""
        return {
            "chain": self.chain.saved(),
            "lost": self._lost,
            "watch": self.watch.saved() if self._before is None else self._before,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.chain.restore(saved["chain"])
        self._lost = Counter(saved["lost"])
        if saved["watch"]["plan"] == self.plan.id:
            self.watch.restore(saved["watch"])
            self._before = None
        else:
            self._before = saved["watch"]

    def _check(self, pane: Pane) -> None:
        if not (0 <= pane.partition < self.chain.partitions and pane.begin <= pane.end):
            raise MalformedPayload(
                f"run [{pane.begin}, {pane.end}) of partition {pane.partition}; "
                f"there are {self.chain.partitions} partitions",
                where="pane",
            )
        if pane.plan != self.plan.id:
            return
        for part in pane.slices:
            if not self.plan.fitted.fits(part.summary):
                raise MalformedPayload(
                    f"{len(part.summary.counts)} cells of plan {part.summary.plan[:12]}, not "
                    f"{self.plan.fitted.grid.size} of {pane.plan[:12]}",
                    where="pane",
                )

    def _begin(self, pane: Pane) -> Iterator[Output]:
        """The first pane of this plan: the watch before it ends, a promise begins."""
        before, self._before = self._before, None
        if before is None:
            return
        yield from _ended(before, self.plan, pane)
        begins_at = Address(INFERENCE, pane.partition, pane.begin)
        yield PromiseResult(
            digest("promise", self.plan.model, self.plan.id, str(begins_at)),
            About(self.plan.model, "", self.plan.id),
            begins_at,
            pane.watermark_ns,
            self.plan.promise,
        )


_NOTHING: Mapping[str, Any] = {"plan": "", "versions": {}}
"""The watch before the first."""


def _ended(before: Mapping[str, Any], plan: Plan, pane: Pane) -> Iterator[Alarm]:
    for name, version in before["versions"].items():
        for detector, log in version["alarms"].items():
            if log["raised_by"]:
                yield Alarm(
                    digest("alarm", log["raised_by"], plan.id),
                    About(plan.model, name, plan.id),
                    detector,
                    "cleared",
                    "new plan",
                    log["raised_by"],
                    pane.watermark_ns,
                )
