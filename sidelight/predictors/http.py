"""A model behind HTTP: KServe V1, or the Open Inference Protocol (V2) in JSON or binary tensors.

Callers are plain threads; the connections live in one asyncio loop, because only there can a
deadline cover a whole call: a synchronous client's timeouts start again with every byte received.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sidelight.config.settings import PredictorSettings
from sidelight.errors import PredictorError
from sidelight.predictors.certificates import tls_context
from sidelight.predictors.credentials import Credentials
from sidelight.predictors.dialects import dialect_of, says_ready
from sidelight.predictors.inputs import inputs_of
from sidelight.predictors.loop import LoopThread
from sidelight.predictors.posting import Poster
from sidelight.predictors.remote import READY_SECONDS, Answer, Question, RemotePredictor
from sidelight.predictors.spending import Spent
from sidelight.probes import Mark

NOT_UNDERSTOOD = (400, 415, 422, 500, 501)
"""What servers say to a body that they cannot read."""


class HttpPredictor(RemotePredictor):
    """Asks one model on one HTTP server; a `Predictor`.

    `name` is the model's in the configuration, `settings.name` the server's name for it.
    Raises `ConfigError` for certificates that cannot be used.
    """

    def __init__(
        self,
        name: str,
        settings: PredictorSettings,
        features: Iterable[str] = (),
        mark: Mark | None = None,
    ) -> None:
        dialect = dialect_of(settings)
        base, model = settings.url or "", settings.name or name
        url = dialect.infer_url(base, model)
        told = f"predictor {name!r} at {url}"
        super().__init__(told, settings, inputs_of(name, settings, features), dialect.wire)
        self._name = name
        self._ready_url = dialect.ready_url(base, model)
        tls, credentials = tls_context(name, settings), Credentials(name, settings)
        self._poster = Poster(url, told, settings, tls, credentials, mark)
        self._loop = LoopThread(f"predictor-{name}", told, self._poster.close)

    def ready(self) -> bool:
        try:
            told = self._loop.run(self._poster.fetch(self._ready_url, READY_SECONDS))
        except PredictorError:
            return False
        return told is not None and says_ready(told)

    def close(self) -> None:
        self._loop.close()

    def _ask_all(self, questions: Sequence[Question], spent: Spent) -> list[Answer]:
        try:
            return self._loop.run(self._poster.ask_all(questions, spent))
        except PredictorError as exc:
            if exc.status not in NOT_UNDERSTOOD or questions[0].json_length is None:
                raise
            way_out = f"if it knows no binary tensors, set models.{self._name}.predictor.tensors"
            raise PredictorError(f"{exc}; {way_out} to json", status=exc.status) from exc
