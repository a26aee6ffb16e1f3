"""The decider of one model: a fold of panes, in the order of the log, into results and alarms.

No I/O and no clock: the same panes give the same outputs, from the start or from any snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sidelight.errors import MalformedPayload
from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.results.findings import VERSIONS, About, Alarm, Output, PromiseResult
from sidelight_detectors.streaming.chain import Chain
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.panes import Pane, Slice
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.raising import Raised
from sidelight_detectors.streaming.trace import Trace
from sidelight_detectors.streaming.watch import Watch
from sidelight_detectors.streaming.windows import given_up

Earlier = Callable[[str], Plan | None]
"""A plan of the same model by its id, None when it cannot be had any more."""

_NOTHING: Mapping[str, Any] = {"plan": "", "versions": {}, "comparisons": {"pairs": []}}
"""The watch before the first."""


def _no_plan(id: str) -> None:
    """Nothing is known of earlier plans."""


class Decider:
    """Accepts each run once and hands it to the watch of the plan in force.

    A plan comes into force with its first pane: the open windows of the one before are judged as
    they are, its alarms end, and a promise begins. Until the decider's own plan has begun that may
    be any plan that `earlier` still knows by its id, so what the scorers of an old plan left is
    folded as they meant it. Other panes are counted as lost rows: their cells mean something else.
    """

    def __init__(self, plan: Plan, partitions: int, earlier: Earlier = _no_plan) -> None:
        self.plan = plan
        self._partitions = partitions
        self._earlier = earlier
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing is known of what came before."""
        self.chain = Chain(self._partitions)
        self.watch = Watch(self.plan)
        self._lost: Counter[str] = Counter()
        self._dropped: list[int] = []
        self._before: Mapping[str, Any] | None = _NOTHING

    @property
    def lost(self) -> Counter[str]:
        """Rows that no window judged, by reason."""
        return self._lost + self.watch.lost

    def accept(self, pane: Pane, at: int = 0) -> list[Output]:
        """What the pane at that offset lets us say; nothing when its run is known already.

        Raises `MalformedPayload`, and changes nothing, when the pane does not add up with others.
        """
        plan = self._plan_of(pane)
        self._check(pane, plan)
        if not self.chain.accept(pane):
            self.drop(at)
            return []
        if plan is None:
            self._lost["plan"] += pane.rows
            return []
        begun = [] if plan.id == self._in_force else list(self._begin(plan, pane))
        return begun + list(self.watch.accept(pane, self.chain.watermark_ns, at))

    def drop(self, at: int) -> None:
        """What stands at that offset is no pane of ours: it is not remembered either."""
        self._dropped.append(at)

    def remember(self, trace: Trace, at: int) -> None:
        """The trace of a pane from `needs_from` on, after `restore`."""
        if at not in self._dropped:
            self.watch.remember(trace, self.chain.watermark_ns, at)

    @property
    def needs_from(self) -> int | None:
        """Offset of the oldest pane that must be remembered to go on; None when none must."""
        return self.watch.needs_from if self._before is None else None

    def saved(self) -> dict[str, Any]:
        """All of the state, for orjson; `restore` goes on from what is read back.

        `needs_from` tells which panes must be remembered then.
        """
        oldest = self.needs_from
        self._dropped = [at for at in self._dropped if oldest is not None and at >= oldest]
        return {
            "dropped": self._dropped,
            "chain": self.chain.saved(),
            "lost": self._lost,
            "watch": self.watch.saved() if self._before is None else self._before,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from there; of a plan that nobody knows any more only the alarms are left."""
        self.chain.restore(saved["chain"])
        self._lost = Counter(saved["lost"])
        self._dropped = list(saved["dropped"])
        plan = self._known(saved["watch"]["plan"])
        if plan is None:
            self._before = saved["watch"]
            return
        self._before = None
        self.watch = Watch(plan)
        self.watch.restore(saved["watch"])

    @property
    def is_in_force(self) -> bool:
        """Whether this decider's own plan has begun."""
        return self._in_force == self.plan.id

    @property
    def _in_force(self) -> str:
        return self.watch.plan.id if self._before is None else ""

    def _known(self, plan: str) -> Plan | None:
        return self.plan if plan == self.plan.id else self._earlier(plan)

    def _plan_of(self, pane: Pane) -> Plan | None:
        """What the pane is folded by; None when it comes too late, or nobody knows its plan."""
        if pane.plan == self._in_force:
            return self.watch.plan
        if self.is_in_force:
            return None
        return self._known(pane.plan)

    def _check(self, pane: Pane, plan: Plan | None) -> None:
        if not (0 <= pane.partition < self.chain.partitions and pane.begin <= pane.end):
            raise MalformedPayload(
                f"run [{pane.begin}, {pane.end}) of partition {pane.partition}; "
                f"there are {self.chain.partitions} partitions",
                where="pane",
            )
        if plan is not None:
            _refuse_other_sizes(pane, plan)

    def _begin(self, plan: Plan, pane: Pane) -> Iterator[Output]:
        """The first pane of a plan: the watch before it ends, a promise begins."""
        if self._before is None:
            yield from self.watch.close()
            self._lost += self.watch.lost
            raised = self.watch.raised()
        else:
            self._lost += given_up(self._before.get("windows", {}))
            raised = _raised(self._before)
        yield from _ended(raised, plan, pane.watermark_ns)
        self._before, self.watch = None, Watch(plan)
        begins_at = Address(INFERENCE, pane.partition, pane.begin)
        yield PromiseResult(
            digest("promise", plan.model, plan.id, str(begins_at)),
            About(plan.model, "", plan.id),
            begins_at,
            pane.watermark_ns,
            plan.promise,
        )


def _refuse_other_sizes(pane: Pane, plan: Plan) -> None:
    for part in pane.slices:
        if not (_fits(part, plan) and part.segment in plan.parts):
            raise MalformedPayload(
                f"{len(part.summary.counts)} cells of plan {part.summary.plan[:12]} and segment "
                f"{part.segment!r}, not {plan.fitted.grid.size} of {pane.plan[:12]} and one of "
                f"{plan.parts}",
                where="pane",
            )


def _fits(part: Slice, plan: Plan) -> bool:
    drawn = sum(len(row.cells) for row in part.draw)
    return plan.fitted.fits(part.summary) and drawn == len(part.draw) * 4 * len(plan.fitted.columns)


def _raised(saved: Mapping[str, Any]) -> Iterator[Raised]:
    """As `Watch.raised`, of a watch whose plan cannot be had any more."""
    for name, version in saved["versions"].items():
        for detector, log in version["alarms"].items():
            if log["raised_by"]:
                yield Raised(name, "", detector, log["raised_by"])
    for name, against, pair in saved["comparisons"]["pairs"]:
        if pair["log"]["raised_by"]:
            yield Raised(name, against, VERSIONS, pair["log"]["raised_by"])
    for detector, fold in saved.get("folds", {}).items():
        for version, raised_by, *told in fold.get("raised", []):
            yield Raised(version, "", told[0] if told else detector, raised_by)


def _ended(raised: Iterable[Raised], plan: Plan, time_ns: int) -> Iterator[Alarm]:
    for one in raised:
        yield Alarm(
            digest("alarm", one.raised_by, plan.id),
            About(plan.model, one.version, plan.id, against=one.against),
            one.detector,
            "cleared",
            "new plan",
            one.raised_by,
            time_ns,
        )
