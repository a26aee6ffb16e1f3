"""The fold of `labels`: what is said of each window as its labels come, and when it is final."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sidelight.errors import NotEnoughData
from sidelight_detectors.contract import Finding
from sidelight_detectors.labels.bucket import Bucket
from sidelight_detectors.labels.contract import SettledPromising, Settling
from sidelight_detectors.labels.coverage import warnings_of
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.labels.joining import Join, Terms, Window
from sidelight_detectors.labels.naming import NAME, detector_of
from sidelight_detectors.labels.recall import Recall
from sidelight_detectors.labels.ruling import Rulings
from sidelight_detectors.results.findings import About, Output, UnjudgedResult, WindowResult
from sidelight_detectors.streaming.folds import Standing, Traced, Watched
from sidelight_detectors.streaming.identity import digest

NEWS = 0.1
"""Growth of coverage after which a provisional window is told again."""

NO_ALARM = "No alarm is raised by realised performance."


Said = WindowResult | UnjudgedResult


class LabelsFold:
    """Joins rows and labels; every part that settles is asked about each window.

    `counts` says what came of rows and labels, `last` has what was said last of a version by a
    detector.
    """

    def __init__(
        self, watched: Watched, parts: Mapping[str, Settling], terms: Terms, min_coverage: float
    ) -> None:
        self.join = Join(parts, terms)
        self.counts: Counter[str] = Counter()
        self.last: dict[tuple[str, str], Finding] = {}
        self.rulings = Rulings(watched, parts)
        self.min_coverage = min_coverage
        self._watched = watched
        self._parts = parts
        self._watermark_ns = 0
        self._recall = Recall(self.join)
        self._restored: Mapping[str, Any] | None = None

    def accept(self, traced: Traced) -> Iterator[Output]:
        self._go_on()
        # As event time stood before this pane: its rows may be long before its end.
        self.join.early.advance(traced.pane, self._watermark_ns)
        self._watermark_ns = traced.watermark_ns
        self.counts.update(self.join.take([traced]))
        for window, bucket in self.join.crowd_out():
            yield from self._give_up(window, bucket)
        for window, bucket in self.join.close(traced.watermark_ns):
            yield from self._settle(window, bucket)
        for window, bucket in sorted(self.join.buckets.items(), key=lambda pair: pair[0]):
            if (window[0] + 1) * self.join.terms.window_ns <= traced.watermark_ns:
                yield from self._tell(window, bucket)

    def remember(self, traced: Traced) -> None:
        self._recall.remember(traced)

    @property
    def needs_from(self) -> int | None:
        if self._restored is not None:
            oldest: int | None = self._restored["needs_from"]
            return oldest
        return self.join.needs_from

    def close(self) -> Iterator[Output]:
        """Labels that are still waited for never come: windows stay provisional, alarms end."""
        self._go_on()
        for window, bucket in sorted(self.join.buckets.items(), key=lambda pair: pair[0]):
            if bucket.told != bucket.labelled:
                bucket.told = None
                yield from self._tell(window, bucket)
        yield from self.rulings.end(self._watermark_ns)

    def alarms(self) -> list[Standing]:
        return self.rulings.standing()

    def saved(self) -> dict[str, Any]:
        self._go_on()
        oldest = self.join.needs_from
        open_ = sorted(self.join.buckets.items(), key=lambda pair: pair[0])
        return {
            "needs_from": oldest,
            "first_open": self.join.first_open,
            "epochs": self.join.early.saved(oldest),
            "open": [[*window, bucket.told, bucket.rows, bucket.lost] for window, bucket in open_],
            "counts": self.counts,
            "watermark_ns": self._watermark_ns,
            "rulings": self.rulings.saved(),
            "raised": self.rulings.raised(),
            "last": [
                [version, finding] for (version, name), finding in self.last.items() if name == NAME
            ],
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._restored = saved
        self.join.first_open = saved["first_open"]
        self.join.early.restore(saved["epochs"])
        self.counts = Counter(saved["counts"])
        self._watermark_ns = saved["watermark_ns"]
        self.rulings.restore(saved["rulings"])
        self.last = {
            (version, NAME): LabelsFinding.from_json(found) for version, found in saved["last"]
        }

    def _go_on(self) -> None:
        """All was read again that is remembered."""
        if self._restored is None:
            return
        self._recall.end()
        for number, version, told, rows, lost in self._restored["open"]:
            bucket = self.join.buckets.get((number, version))
            gone = rows - (bucket.rows if bucket else 0)
            if gone:
                self.counts["lost_rows"] += gone
            if bucket is not None:
                bucket.told, bucket.lost = told, lost + gone
        self._restored = None

    def _tell(self, window: Window, bucket: Bucket) -> Iterator[Output]:
        """A window that ended, while it waits: at its end, and again when much has come."""
        is_news = bucket.told is None or bucket.labelled - bucket.told >= NEWS * bucket.rows
        if not is_news:
            return
        bucket.told = bucket.labelled
        results = self._results(window, bucket, is_final=False)
        yield from (one for one in results.values() if isinstance(one, WindowResult))

    def _settle(self, window: Window, bucket: Bucket) -> Iterator[Output]:
        self.counts["final_rows"] += bucket.rows
        self.counts["final_labelled"] += bucket.labelled
        self.rulings.rows[window[1]] += bucket.rows
        for name, result in self._results(window, bucket, is_final=True).items():
            yield result
            yield from self.rulings.settled(name, window[1], bucket, result)

    def _give_up(self, window: Window, bucket: Bucket) -> Iterator[Output]:
        self.counts["crowded_rows"] += bucket.rows
        reason = (
            f"{bucket.rows} rows were given up before their labels were waited for: too many wait; "
            "raise detectors.labels.max_rows or shorten its wait_seconds"
        )
        for name in self._parts:
            yield self._unjudged(name, window, bucket, reason)

    def _results(self, window: Window, bucket: Bucket, *, is_final: bool) -> dict[str, Said]:
        """What each part says; of coverage `labels` warns for all."""
        results = {
            name: self._result(name, window, bucket, is_final=is_final) for name in self._parts
        }
        findings = {
            name: one.finding for name, one in results.items() if isinstance(one, WindowResult)
        }
        own, result = findings.get(NAME), results.get(NAME)
        if isinstance(own, LabelsFinding) and isinstance(result, WindowResult):
            more = warnings_of(own, list(findings.values()), self.min_coverage)
            findings[NAME] = replace(own, warnings=(*own.warnings, *_lost(bucket), *more))
            results[NAME] = replace(result, finding=findings[NAME])
        self.last.update({(window[1], name): found for name, found in findings.items()})
        return results

    def _result(self, name: str, window: Window, bucket: Bucket, *, is_final: bool) -> Said:
        part = self._parts[name]
        try:
            finding = part.settle(bucket.sums[name], is_final)
        except NotEnoughData as exc:
            return self._unjudged(name, window, bucket, str(exc))
        promise = part.settled_promise if isinstance(part, SettledPromising) else NO_ALARM
        id_ = self._id(name, window, bucket, "final" if is_final else "provisional")
        about, detector = self._about(window), detector_of(name)
        return WindowResult(id_, about, detector, bucket.seen, finding, promise)

    def _unjudged(self, name: str, window: Window, bucket: Bucket, reason: str) -> UnjudgedResult:
        id_ = self._id(name, window, bucket, "unjudged")
        return UnjudgedResult(id_, self._about(window), detector_of(name), bucket.seen, reason)

    def _id(self, name: str, window: Window, bucket: Bucket, state: str) -> str:
        content = bucket.sums[name].astype("<i8").tobytes()
        names = (self._watched.model, self._watched.plan, window[1], window[0])
        return digest(detector_of(name), *names, state, content)

    def _about(self, window: Window) -> About:
        return About(self._watched.model, window[1], self._watched.plan)


def _lost(bucket: Bucket) -> Iterator[str]:
    if bucket.lost:
        yield (
            f"{bucket.lost} more rows were forgotten in a restart: the log had not kept their "
            "panes; keep 'panes' for longer than window_seconds and wait_seconds together"
        )
