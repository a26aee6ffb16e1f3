"""From a log record to rows a model is watched by, or the reason why not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sidelight.errors import DataMismatch, MalformedPayload, StoreUnreachable
from sidelight.events import Exchange
from sidelight.events.dataref import Keeper, whole
from sidelight.events.exchanges import from_record
from sidelight.events.feedback import from_record as from_record_of_feedback
from sidelight.events.feedback import is_feedback, model_of
from sidelight.log import Stored
from sidelight.probes import TRUST_NOBODY, Standing, Verifier
from sidelight.protocols.blocks import Block
from sidelight.protocols.decoding import decode_inputs, decode_outputs
from sidelight.tensors import Columns
from sidelight_detectors.encoders.encoding import PLAIN, Encoding
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.opened import Opened, Rows
from sidelight_detectors.streaming.plan import Plan

Skip = Literal[
    "abandoned",
    "duplicate",
    "failed",
    "feedback",
    "other",
    "probe",
    "truncated",
    "unanswered",
    "unasked",
    "unknown-model",
]
"""Why a record is not scored. `failed`: its status was not 200; `feedback`: it speaks of earlier
rows, and no detector of the model wants labels; `other`: it is no prediction; `probe`: Sidelight
asked it itself (`sidelight.probes`)."""

MAX_CLIENT = 128
"""Characters of a client's name."""

MAX_VERSION = 128
"""Characters of a model version; of a longer one the beginning and a hash."""

Fault = Literal["internal", "malformed", "mismatch", "row-count", "unreachable"]
"""Why an exchange is a dead letter: it broke our own code, cannot be decoded, lacks a column of the
reference, its response has another number of rows than its request, or the store that has its
bodies could not be read."""

SKIPS: tuple[str, ...] = get_args(Skip)
FAULTS: tuple[str, ...] = get_args(Fault)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asked, as far as that is known, and what the exchange is called.

    `headers` are the values of `WatchedColumns.headers`, in their order; empty where not sent.
    """

    id: str = ""
    correlation_id: str = ""
    client: str = ""
    headers: tuple[str, ...] = ()


NOBODY = Sender()


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of one exchange. `time_ns` is its event time, not after it was appended.

    `claim` is set where it says that it is a probe of ours, and did not prove it.
    """

    offset: int
    time_ns: int
    version: str
    columns: Columns | Rows
    sender: Sender = NOBODY
    claim: Standing | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """What came true of earlier rows: the id of each one's exchange, its number there, the label.

    `time_ns` is when the feedback says that it was learned. A label that is NaN takes an earlier
    one back.
    """

    offset: int
    time_ns: int
    labels: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is not scored; `time_ns` as a sample's, 0 for feedback."""

    reason: Skip
    time_ns: int


@dataclass(frozen=True, slots=True)
class Faulty:
    """An exchange that cannot be scored, and the error that says why.

    `time_ns` as a sample's, 0 when even that could not be read.
    """

    reason: Fault
    cause: Exception
    time_ns: int

    @classmethod
    def by(cls, cause: Exception, time_ns: int) -> Faulty:
        kinds = (kind for error, kind in _FAULTS.items() if isinstance(cause, error))
        return cls(next(kinds, "internal"), cause, time_ns)


class RowCountMismatch(DataMismatch):
    """A response with another number of rows than its request."""


_FAULTS: Mapping[type[Exception], Fault] = {
    MalformedPayload: "malformed",
    RowCountMismatch: "row-count",
    DataMismatch: "mismatch",
    StoreUnreachable: "unreachable",
}


@dataclass(frozen=True, slots=True)
class WatchedColumns:
    """A model's name in the configuration, and the inputs and outputs that its reference knows.

    `store` has the bodies that were too large for their record. `beside` are inputs that are taken
    along where they are sent, `headers` and `client` names of headers, in lower case.
    `number_of_label` reads a label; None where no detector wants any.
    """

    model: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    store: Keeper | None = None
    encoding: Encoding = PLAIN
    beside: Sequence[str] = ()
    headers: Sequence[str] = ()
    client: str = ""
    probes: Verifier = TRUST_NOBODY
    number_of_label: Callable[[Any], float] | None = None

    @classmethod
    def by(cls, plan: Plan) -> WatchedColumns:
        fitted = plan.fitted
        return cls(
            plan.model,
            fitted.inputs,
            fitted.answers,
            plan.store,
            fitted.encoding,
            fitted.asks_inputs,
            fitted.asks_headers,
            plan.client_header,
            plan.probes,
            plan.number_of_label,
        )

    def sender(self, exchange: Exchange) -> Sender:
        """Who asked this."""
        headers = exchange.headers
        return Sender(
            exchange.id,
            exchange.correlation_id,
            headers.get(self.client, "")[:MAX_CLIENT] if self.client else "",
            tuple(headers.get(name, "") for name in self.headers),
        )

    def of(self, exchange: Exchange) -> Columns:
        """Raises `MalformedPayload`, `DataMismatch` or `StoreUnreachable`."""
        exchange = whole(exchange, self.store)
        return self._joined(decode(exchange) for decode in (decode_inputs, decode_outputs))

    def of_block(self, block: Block) -> Columns:
        """Raises `DataMismatch`, not worded for any one member."""
        return self._joined(iter(block.sides))

    def _joined(self, sides: Iterator[Columns]) -> Columns:
        sent = next(sides)
        inputs = self.encoding.select(sent, self.inputs).columns
        if self.beside:
            inputs += tuple(column for column in sent if column.name in self.beside)
        if not self.outputs:
            # Without what the request says of itself: a client must not choose its version.
            return Columns(inputs)
        outputs = self.encoding.select(next(sides), self.outputs)
        rows = len(inputs[0]) if inputs else 0
        if rows != len(outputs):
            raise RowCountMismatch(
                f"{rows} rows were asked and {len(outputs)} answered; every row needs one answer"
            )
        return Columns(inputs + outputs.columns, outputs.parameters)


def take(
    stored: Stored, watched: Mapping[str, WatchedColumns], is_new: Callable[[Exchange], bool]
) -> tuple[str, Sample | Labelled | Skipped | Faulty]:
    """The model a record speaks of ("" when it is none of `watched`), and what came of it.

    `watched` is by the model's name at its server.
    """
    model, time_ns = "", 0
    try:
        if is_feedback(stored.record):
            return _labelled(stored, watched)
        opened = stored if isinstance(stored, Opened) else None
        exchange = opened.exchange if opened else from_record(stored.record)
        # The log's clock bounds the sender's: a time in the future would hold every window open.
        time_ns = min(exchange.time_ns, stored.appended_ns)
        known = watched.get(exchange.model)
        model = known.model if known else ""
        claim = claim_of(exchange, watched)
        if claim == "ours":
            # First of all: it leaves nothing behind that a log without it would not have.
            return model, Skipped("probe", time_ns)
        if not is_new(exchange):
            return model, Skipped("duplicate", time_ns)
        if reason := why_unscored(exchange, model):
            return model, Skipped(reason, time_ns)
        rows = opened.rows if opened else None
        columns = watched[exchange.model].of(exchange) if rows is None else rows
    except Exception as exc:  # Whatever one event breaks costs one dead letter, not the consumer.
        return model, Faulty.by(exc, time_ns)
    version = str(columns.parameters.get("model_version") or exchange.version)
    sender = watched[exchange.model].sender(exchange)
    return model, Sample(stored.address.offset, time_ns, _bounded(version), columns, sender, claim)


def claim_of(exchange: Exchange, watched: Mapping[str, WatchedColumns]) -> Standing | None:
    """What becomes of its claim to be a probe, also of a model that is not watched; None without.

    All models of a deployment share one key.
    """
    any_model = next(iter(watched.values()), None)
    if not exchange.purpose or any_model is None:
        return None
    return any_model.probes.standing(exchange)


def _labelled(
    stored: Stored, watched: Mapping[str, WatchedColumns]
) -> tuple[str, Labelled | Skipped]:
    """Feedback on a watched model, which it calls by its name here or at its server.

    Where it names none, the only model that wants labels is meant. What nobody wants is not read.
    """
    wanting = [known for known in watched.values() if known.number_of_label is not None]
    if not wanting:
        return "", Skipped("feedback", 0)
    named = {known.model: known for known in watched.values()} | dict(watched)
    model = model_of(stored.record)
    known = named.get(model) if model or len(wanting) > 1 else wanting[0]
    if known is None:
        return "", Skipped("unknown-model", 0)
    number = known.number_of_label
    if number is None:
        return known.model, Skipped("feedback", 0)
    feedback = from_record_of_feedback(stored.record)
    time_ns = min(feedback.time_ns or stored.appended_ns, stored.appended_ns)
    labels = tuple(
        (label.subject, label.row, math.nan if label.value is None else number(label.value))
        for label in feedback.labels
    )
    return known.model, Labelled(stored.address.offset, time_ns, labels)


def _bounded(version: str) -> str:
    """The version itself, or its beginning and a hash: it is copied into all that is said of it."""
    if len(version) <= MAX_VERSION:
        return version
    return f"{version[: MAX_VERSION - 33]}~{digest(version)}"


def why_unscored(exchange: Exchange, model: str) -> Skip | None:
    """Why an exchange that was not seen before is not scored; None when it is."""
    if not exchange.protocol or not exchange.model:
        return "other"
    if not model:
        return "unknown-model"
    if exchange.outcome != "answered":
        return exchange.outcome
    if exchange.status != 200:
        return "failed"
    if exchange.request.truncated or exchange.response.truncated:
        return "truncated"
    return None
