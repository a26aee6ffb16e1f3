"""A model at a server, whatever carries the question: rows in parts, sent, read and checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sidelight.config.settings import PredictorSettings
from sidelight.errors import MalformedPayload, PredictorError
from sidelight.predictors.inputs import Inputs
from sidelight.predictors.spending import Spent, current
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns, split_index, split_label

Form = Literal["columns", "matrix"]
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
READY_SECONDS = 2.0
"""How long a readiness question may take."""
UNREADABLE = 200
"""Status of an answer that came and makes no sense."""
TOO_LARGE = 413
"""Status of messages that one of the two sides does not take, also where HTTP would not say so."""
WORDS = 300
"""Characters of the server's own words in an error."""


@dataclass(frozen=True, slots=True)
class Question:
    """One body to send, and how many rows it holds.

    `json_length` is set where binary tensors follow that many bytes of JSON.
    """

    body: bytes
    rows: int
    json_length: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The body that came back, and `json_length` as in `Question`."""

    body: bytes
    json_length: int | None = None


@dataclass(frozen=True)
class Wire:
    """How rows become a question, and an answer rows; `decode` raises `MalformedPayload`."""

    encode: Callable[[Columns, Form], Question]
    decode: Callable[[Answer, Limits], Columns]


class RemotePredictor(ABC):
    """Asks one model at one server; a `Predictor`.

    Parameters
    ----------
    told:
        How errors name the model and its server.
    inputs:
        What the server is asked with.
    """

    def __init__(self, told: str, settings: PredictorSettings, inputs: Inputs, wire: Wire) -> None:
        self._told = told
        self._settings = settings
        self._inputs = inputs
        self._asked = _asked_outputs(settings)
        self._wire = wire
        largest = settings.max_answer_bytes
        self._limits = Limits(body_bytes=largest, decompressed_bytes=largest)

    def __call__(self, rows: Columns) -> Columns:
        sent = self._inputs.of(rows)
        parts = list(_parts(sent, self._rows_of_a_call(sent)))
        asked = [Columns(part.columns, {**part.parameters, **self._asked}) for part in parts]
        form = self._settings.form
        answers = self._ask_all([self._wire.encode(part, form) for part in asked], current())
        decoded = [self._decoded(*pair) for pair in zip(answers, parts, strict=True)]
        return decoded[0] if len(decoded) == 1 else Columns.concatenate(decoded)

    @abstractmethod
    def ready(self) -> bool: ...

    @abstractmethod
    def close(self) -> None: ...

    def _rows_of_a_call(self, _rows: Columns) -> int:
        """The most of such rows that one call carries."""
        return self._settings.max_batch_rows

    @abstractmethod
    def _ask_all(self, questions: Sequence[Question], spent: Spent) -> list[Answer]:
        """The answers, in order, or the first failure raised; what is sent is added to `spent`."""

    def _decoded(self, answer: Answer, part: Columns) -> Columns:
        try:
            outputs = self._wire.decode(answer, self._limits)
        except MalformedPayload as exc:
            protocol = self._settings.protocol.upper()
            told = f"{self._told}: not a {protocol} answer: {exc}"
            raise PredictorError(told, status=UNREADABLE) from exc
        if len(outputs) != len(part):
            told = f"{self._told}: {len(outputs)} rows in answer to {len(part)}"
            raise PredictorError(told, status=UNREADABLE)
        return outputs


def waits(retries: int) -> Iterator[float]:
    """Seconds to wait before each repetition."""
    return (min(FIRST_WAIT_SECONDS * 2**one, LONGEST_WAIT_SECONDS) for one in range(retries))


def _asked_outputs(settings: PredictorSettings) -> dict[str, list[dict[str, str]]]:
    """V2's `outputs`: MLServer gives class probabilities only to those who name them."""
    if settings.output is None or settings.protocol == "v1":
        return {}
    return {"outputs": [{"name": split_index(split_label(settings.output)[0])[0]}]}


def _parts(rows: Columns, size: int) -> Iterator[Columns]:
    """At least one part, also of no rows."""
    return (rows.take(slice(start, start + size)) for start in range(0, max(len(rows), 1), size))
