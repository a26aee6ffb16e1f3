"""The configured tokens, and whose one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from sidelight.config.showing.access import TokenSettings
from sidelight.errors import ConfigError
from sidelight.tokens import TokenFile, TokenLost
from sidelight_dashboard.access.who import Who


@dataclass(frozen=True)
class Tokens:
    """Each with its bearer; the token as its file may hold it now."""

    known: Sequence[tuple[Who, Callable[[], str]]]

    @property
    def are_asked_for(self) -> bool:
        return bool(self.known)

    def bearer(self, given: str) -> Who | None:
        """Raises `TokenLost` when it is nobody's, and the file of one cannot be read now."""
        found: Who | None = None
        lost: TokenLost | None = None
        for who, token in self.known:
            try:
                if compare_digest(_bytes(given), _bytes(token())):
                    found = who
            except TokenLost as exc:
                lost = exc
        if found is None and lost is not None:  # whose words name a file of ours
            raise TokenLost("a token cannot be read now; try again later") from lost
        return found


def tokens_of(settings: Mapping[str, TokenSettings]) -> Tokens:
    """Raises `ConfigError` for a file without a token."""
    return Tokens(
        [
            (Who(name, frozenset(token.scopes)), _reading(name, token))
            for name, token in settings.items()
        ]
    )


def _reading(name: str, settings: TokenSettings) -> Callable[[], str]:
    if settings.token_file is None:
        return settings.token.get_secret_value if settings.token else str
    file = TokenFile(settings.token_file)
    try:
        file.token()
    except TokenLost as exc:
        raise ConfigError(f"dashboard.tokens.{name}.token_file: {exc}") from exc
    return file.token


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
