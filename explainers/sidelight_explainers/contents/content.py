"""What every kind of content has."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from sidelight.config.explaining.method import Scope


class Content(Protocol):
    """What one explanation says. A frozen dataclass; whoever draws it asks for its type."""

    kind: ClassVar[str]
    scope: ClassVar[Scope]

    def to_json(self) -> dict[str, Any]:
        """As JSON values, under alibi's names where alibi has them."""
        ...
