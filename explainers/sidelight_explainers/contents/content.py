"""What every kind of content has."""

from __future__ import annotations

from typing import Any, Protocol

from sidelight.config.explaining.method import Scope


class Content(Protocol):
    """What one explanation says. A frozen dataclass; whoever draws it asks for its type."""

    @property
    def kind(self) -> str: ...

    @property
    def scope(self) -> Scope: ...

    def to_json(self) -> dict[str, Any]:
        """As JSON values, under alibi's names where alibi has them."""
        ...
