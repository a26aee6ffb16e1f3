"""Run as a program: fits a kind, then observes and judges while nothing may touch the world.

python auditing.py KIND      prints the plan
"""

from __future__ import annotations

import sys

from tests.detector_contract.cases import CASES, WINDOW, fitted_for, rows_of

FORBIDDEN = ("open", "socket.", "subprocess.", "os.", "shutil.", "tempfile.", "sqlite3.")

watching = False


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    if watching and event.startswith(FORBIDDEN):
        raise PermissionError(f"{event}{arguments}")


if __name__ == "__main__":
    name = sys.argv[1]
    case, fitted = CASES[name], fitted_for(name)
    kind, batch = case.kind, rows_of(WINDOW, 3)
    summary = fitted.summarise(fitted.index(rows_of(WINDOW, 1)))  # lets lazy imports happen first
    if case.judges:
        fitted.judge_by(kind, summary, 1)
    sys.addaudithook(refuse)
    watching = True
    seen = fitted.observe(fitted.index(batch))
    if case.judges:
        fitted.judge_by(kind, seen.summary, 2)
    watching = False
    print(fitted.plan)
