"""How soon an explanation ends at its deadline, and after whoever asked has left.

Over every registered method: a predictor that never answers, and one that answers once. `late` is
the time beyond the deadline as a share of it; issue 6 allows 10 %.

    python -m benchmarks.explainer_deadlines
"""

from __future__ import annotations

import contextlib
import threading
import time

from sidelight_explainers.asking import Cancelled, OutOfTime, Watcher, unwatched
from sidelight_explainers.explanation import Explanation
from tests.explainer_contract.cases import CASES, Case, Hanging, explain

DEADLINE = 1.0
"""Seconds."""


class Leaving:
    """Somebody who leaves some time after the predictor has begun to hang."""

    def __init__(self, hanging: Hanging) -> None:
        self.left_at = 0.0
        self._left = threading.Event()
        self._waits = threading.Thread(target=self._leave, args=(hanging,), daemon=True)
        self._waits.start()

    def show(self, partial: Explanation) -> None:
        """Nobody looks."""

    def gone(self) -> bool:
        return self._left.is_set()

    def _leave(self, hanging: Hanging) -> None:
        hanging.hangs.wait()
        time.sleep(0.1)
        self.left_at = time.monotonic()
        self._left.set()


def seconds(case: Case, answers: int, watcher: Watcher = unwatched) -> float:
    """How long one explanation takes that gets so many answers."""
    with Hanging(case.world.function, answers) as hanging:
        model = case.model(hanging)
        started = time.monotonic()
        with contextlib.suppress(OutOfTime):
            explain(model, case.row(0), watcher, deadline_seconds=DEADLINE)
        return time.monotonic() - started


def seconds_after_leaving(case: Case) -> float:
    with Hanging(case.world.function) as hanging:
        leaving = Leaving(hanging)
        try:
            explain(case.model(hanging), case.row(0), leaving)
        except Cancelled:
            return time.monotonic() - leaving.left_at
    raise RuntimeError(f"{case} did not notice that nobody waits")


def main() -> None:
    """Print a row for each method."""
    print(f"{'method':34} {'late, no answer':>16} {'late, one answer':>17} {'after leaving':>14}")
    for case in CASES:
        late = [max(0.0, seconds(case, answers) / DEADLINE - 1) for answers in (0, 1)]
        left = 1000 * seconds_after_leaving(case)
        print(f"{case!s:34} {late[0]:16.1%} {late[1]:17.1%} {left:11.0f} ms", flush=True)


if __name__ == "__main__":
    main()
