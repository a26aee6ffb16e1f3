"""Run as a program: fits a kind, then observes and judges while nothing may touch the world.

python auditing.py KIND      prints the plan
"""

from __future__ import annotations

import sys

from sidelight_detectors.summary import Summary
from tests.detector_contract.cases import CASES, WINDOW, fitted_for, rows_of

FORBIDDEN = ("open", "socket.", "subprocess.", "os.", "shutil.", "tempfile.", "sqlite3.")

watching = False


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    if watching and event.startswith(FORBIDDEN):
        raise PermissionError(f"{event}{arguments}")


def summed(kind: str, seed: int) -> Summary:
    fitted = fitted_for(kind)
    return fitted.summarise(fitted.index(rows_of(WINDOW, seed)))


if __name__ == "__main__":
    kind = sys.argv[1]
    fitted = fitted_for(kind)
    summed(kind, 1)  # lets lazy imports happen first
    if CASES[kind].judges:
        fitted.judge_by(kind, summed(kind, 2), 1)
    batch = rows_of(WINDOW, 3)
    sys.addaudithook(refuse)
    watching = True
    seen = fitted.observe(fitted.index(batch))
    if CASES[kind].judges:
        fitted.judge_by(kind, seen.summary, 2)
    watching = False
    print(fitted.plan)
