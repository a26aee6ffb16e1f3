"""A model behind HTTP: KServe V1 or the Open Inference Protocol (V2), in JSON.

Callers are plain threads; the connections live in one asyncio loop, because only there can a
deadline cover a whole call: a synchronous client's timeouts start again with every byte received.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sidelight.config.settings import PredictorSettings
from sidelight.errors import MalformedPayload, PredictorError
from sidelight.predictors.dialects import DIALECTS, says_ready
from sidelight.predictors.loop import LoopThread
from sidelight.predictors.posting import Poster, Question
from sidelight.predictors.spending import current
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns, split_index

READY_SECONDS = 2.0
"""How long a readiness question may take."""


class HttpPredictor:
    """Asks one model on one server; a `Predictor`.

    Parameters
    ----------
    name:
        The model's name in the configuration; `settings.name` is the server's name for it.
    features:
        The inputs in the model's order; empty sends the columns as they come.
    """

    def __init__(
        self, name: str, settings: PredictorSettings, features: Iterable[str] = ()
    ) -> None:
        dialect = DIALECTS[settings.protocol]
        base, model = settings.url or "", settings.name or name
        url = dialect.infer_url(base, model)
        self._settings = settings
        self._features = tuple(features)
        self._asked = _asked_outputs(settings)
        self._dialect = dialect
        largest = settings.max_answer_bytes
        self._limits = Limits(body_bytes=largest, decompressed_bytes=largest)
        self._ready_url = dialect.ready_url(base, model)
        self._told = f"predictor {name!r} at {url}"
        self._poster = Poster(url, self._told, settings)
        self._loop = LoopThread(f"predictor-{name}")

    def __call__(self, rows: Columns) -> Columns:
        ordered = rows.select(self._features) if self._features else rows
        parts = list(_parts(ordered, self._settings.max_batch_rows))
        form = self._settings.form
        asked = [Columns(part.columns, {**part.parameters, **self._asked}) for part in parts]
        questions = [Question(self._dialect.encode(part, form), len(part)) for part in asked]
        answers = self._loop.run(self._poster.ask_all(questions, current()))
        decoded = [self._decoded(*pair) for pair in zip(answers, parts, strict=True)]
        return decoded[0] if len(decoded) == 1 else Columns.concatenate(decoded)

    def ready(self) -> bool:
        told = self._loop.run(self._poster.fetch(self._ready_url, READY_SECONDS))
        return told is not None and says_ready(told)

    def close(self) -> None:
        self._loop.run(self._poster.close())
        self._loop.close()

    def _decoded(self, answer: bytes, part: Columns) -> Columns:
        try:
            outputs = self._dialect.decode(answer, self._limits)
        except MalformedPayload as exc:
            protocol = self._settings.protocol.upper()
            raise PredictorError(f"{self._told}: not a {protocol} answer: {exc}") from exc
        if len(outputs) != len(part):
            raise PredictorError(f"{self._told}: {len(outputs)} rows in answer to {len(part)}")
        return outputs


def _asked_outputs(settings: PredictorSettings) -> dict[str, list[dict[str, str]]]:
    """V2's `outputs`: MLServer gives class probabilities only to those who name them."""
    if settings.output is None or settings.protocol != "v2":
        return {}
    return {"outputs": [{"name": split_index(settings.output)[0]}]}


def _parts(rows: Columns, size: int) -> Iterator[Columns]:
    """At least one part, also of no rows."""
    return (rows.take(slice(start, start + size)) for start in range(0, max(len(rows), 1), size))
