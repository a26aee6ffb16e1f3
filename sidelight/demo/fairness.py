"""What came out about women and men: at once by decisions, and by what came true, late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.demo.prepare import FALSE_POSITIVES
from sidelight.demo.watching import Gap, Unfair


@dataclass(frozen=True)
class Fairness:
    """The gaps that were told, in order, and the alarms of bias."""

    gaps: tuple[Gap, ...]
    alarms: tuple[Unfair, ...]

    @property
    def shown(self) -> tuple[Gap, ...]:
        """All that was told of the false positives of one window: the largest that is final."""
        told = [gap for gap in self.gaps if gap.metric == FALSE_POSITIVES]
        final = max((gap for gap in told if gap.is_final), key=_rows, default=None)
        if final is None:
            return ()
        return tuple(gap for gap in told if gap.window_ns == final.window_ns)

    def shortfalls(self) -> Iterator[str]:
        """What did not come out as the data are known to be."""
        if not self.shown:
            yield "no window was settled by its labels"
        elif self.shown[-1].low <= 0:
            yield "women and men were not told apart by their false positives"

    def table(self) -> list[tuple[str, str]]:
        """Rows of the summary."""
        at_once, by_labels = self._alarm("bias"), self._alarm("bias:labels")
        rows = [("women and men", f"taken for employed, known at once: {at_once}")]
        rows += [("", f"wrongly so, known as labels come: {by_labels}")]
        return rows + [("", _told(gap)) for gap in self.shown]

    def _alarm(self, detector: str) -> str:
        rows = next((alarm.rows for alarm in self.alarms if alarm.detector == detector), None)
        return "no alarm" if rows is None else f"alarm after {rows:,} rows"


def _rows(gap: Gap) -> int:
    return gap.rows


def _told(gap: Gap) -> str:
    known = f"{gap.labelled:,} of {gap.rows:,} labels" + (", final" if gap.is_final else "")
    size = f"{100 * gap.value:+.1f} points for women"
    bounds = f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f}"
    return f"{known}: {size}, 95 %: {bounds}, {gap.verdict}"
