"""What goes with each call beside its body: a token, and the headers that gateways route by."""

from __future__ import annotations

from contextlib import suppress

from sidelight.config.predicting import PredictorSettings
from sidelight.errors import ConfigError, PredictorError
from sidelight.tokens import TokenFile, TokenLost

AUTHORIZATION = "authorization"
SHORTEST = 6
"""Characters of a value that is worth concealing: in place of shorter ones words would be lost."""


class Credentials:
    """The headers of one predictor's calls, names in lower case.

    A token file is read again when it has changed, as mounted secrets do. `name` is the model's,
    for errors: `ConfigError` when made with a file that cannot be read.
    """

    def __init__(self, name: str, settings: PredictorSettings) -> None:
        self._headers = {key: one.get_secret_value() for key, one in settings.headers.items()}
        if settings.token is not None:
            self._headers[AUTHORIZATION] = f"Bearer {settings.token.get_secret_value()}"
        self._file: TokenFile | None = None
        if settings.token_file is not None:
            self._file = TokenFile(settings.token_file)
            try:
                self._file.token()
            except TokenLost as exc:
                raise ConfigError(f"models.{name}.predictor.token_file: {exc}") from exc

    def headers(self) -> dict[str, str]:
        """Those of a call that is made now; `PredictorError` when the token is lost."""
        if self._file is None:
            return dict(self._headers)
        try:
            return {**self._headers, AUTHORIZATION: f"Bearer {self._file.token()}"}
        except TokenLost as exc:
            raise PredictorError(str(exc)) from exc

    def concealed(self, words: str) -> str:
        """What a server has said, without those values of ours that it has echoed."""
        with suppress(PredictorError):
            secrets = [value.rpartition(" ")[2] for value in self.headers().values()]
            for secret in filter(lambda one: len(one) >= SHORTEST, secrets):
                words = words.replace(secret, "***")
        return words
