"""Who may look, and who may ask for explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import SecretStr, model_validator

from sidelight.config.section import Section
from sidelight.tokens import is_token

Scope = Literal["read", "explain"]
"""`read` sees every page; `explain` may also have a model asked, which costs it calls."""


class TokenSettings(Section):
    """A bearer token, and what its bearer may do."""

    token: SecretStr | None = None
    """The token itself; `token_file` keeps it out of this file."""
    token_file: Path | None = None
    """A file that holds the token, such as a mounted secret; read again whenever it changes."""
    scopes: tuple[Scope, ...] = ("read",)
    """What it lets its bearer do: ``read``, ``explain``; who may explain may read."""

    @model_validator(mode="after")
    def _one_token(self) -> TokenSettings:
        if (self.token is None) == (self.token_file is None):
            raise ValueError("set one of 'token' and 'token_file'")
        if self.token is not None and not is_token(self.token.get_secret_value()):
            raise ValueError("the token is empty, or has characters that no header can hold")
        if not self.scopes:
            raise ValueError("a token without scopes lets nobody in; name 'read' or 'explain'")
        return self
