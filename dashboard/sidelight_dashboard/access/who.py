"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from sidelight.config.showing.access import Scope


@dataclass(frozen=True)
class Who:
    """The bearer of a token, by the token's name; every scope lets its bearer read."""

    name: str
    scopes: frozenset[Scope]

    @property
    def may_explain(self) -> bool:
        """Whether they may have a model asked; all that changes anything needs it."""
        return "explain" in self.scopes


ANYBODY = Who("", frozenset[Scope](("read", "explain")))
"""Where no tokens are configured."""
NOBODY = Who("", frozenset())
"""Was not asked: sees the login page, or what watches the process."""


def who(request: Request) -> Who:
    """Whom the guard let in."""
    found: Who = getattr(request.state, "who", NOBODY)
    return found
