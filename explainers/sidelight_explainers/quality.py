"""How good an explanation is, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Stopped = Literal["accurate", "budget", "deadline"]
"""accurate: nothing is left to ask, or the error is as small as was wished. budget, deadline: the
rows or the seconds allowed were spent first."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What one explanation asked for, and how it ended.

    `rows` are the different rows it needed answers to; `cached` of them were known from others'
    questions. `calls` are the predictor calls that carried any of them, shared ones and retries
    included. `versions` are those of the model where several have answered: then the explanation is
    of none of them. What is true of one method only (`additivity_gap`, `interval`) stands in its
    content.
    """

    rows: int
    cached: int
    calls: int
    seconds: float
    budget: int
    stopped: Stopped
    versions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "cached": self.cached,
            "calls": self.calls,
            "seconds": self.seconds,
            "budget": self.budget,
            "stopped": self.stopped,
            **({"model_versions": list(self.versions)} if self.versions else {}),
        }
