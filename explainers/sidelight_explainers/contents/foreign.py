"""What an explainer of another library says, as it says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sidelight.config.explaining.method import Scope


@dataclass(frozen=True, slots=True)
class Foreign:
    """`data` are JSON values by the library's own names; `title` says whose.

    `prediction` is what the model said of the explained row, None where there is no such row.
    """

    kind: ClassVar[str] = "alibi"

    title: str
    scope: Scope
    data: Mapping[str, Any]
    prediction: Any = None

    def to_json(self) -> dict[str, Any]:
        return dict(self.data)
