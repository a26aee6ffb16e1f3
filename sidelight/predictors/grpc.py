"""A model behind gRPC: the Open Inference Protocol, tensors as raw bytes or typed fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sidelight.config.settings import PredictorSettings
from sidelight.predictors.calling import Caller, open_channel
from sidelight.predictors.credentials import Credentials
from sidelight.predictors.dialects import named
from sidelight.predictors.inputs import inputs_of
from sidelight.predictors.remote import Answer, Form, Question, RemotePredictor, Wire
from sidelight.predictors.sizes import MESSAGE_BYTES, bytes_of
from sidelight.predictors.spending import Spent
from sidelight.probes import Mark
from sidelight.protocols import v2_grpc
from sidelight.protocols.grpc.open_inference import (
    DecodeError,
    ModelReadyRequest,
    ModelReadyResponse,
)
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns


class GrpcPredictor(RemotePredictor):
    """Asks one model on one gRPC server; a `Predictor`.

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
        told = f"predictor {name!r} at {settings.url}"
        self._model = settings.name or name
        super().__init__(
            told, settings, inputs_of(name, settings, features), Wire(self._encode, _rows)
        )
        credentials = Credentials(name, settings)
        self._caller = Caller(open_channel(name, settings), told, settings, credentials, mark)

    def ready(self) -> bool:
        answer = self._caller.is_ready(ModelReadyRequest(name=self._model).SerializeToString())
        try:
            return answer is not None and ModelReadyResponse.FromString(answer).ready
        except DecodeError:
            return False

    def close(self) -> None:
        self._caller.close()

    def _encode(self, rows: Columns, form: Form) -> Question:
        contents: v2_grpc.Contents = "typed" if self._settings.tensors == "typed" else "raw"
        asked = v2_grpc.encode_request(named(rows), self._model, form=form, contents=contents)
        return Question(asked, len(rows))

    def _rows_of_a_call(self, rows: Columns) -> int:
        fitting = MESSAGE_BYTES * len(rows) // max(bytes_of(rows), 1)
        return min(super()._rows_of_a_call(rows), max(fitting, 1))

    def _ask_all(self, questions: Sequence[Question], spent: Spent) -> list[Answer]:
        return self._caller.ask_all(questions, spent)


def _rows(answer: Answer, limits: Limits) -> Columns:
    return v2_grpc.decode_response(answer.body, limits)
