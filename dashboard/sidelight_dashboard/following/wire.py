"""What the follower needs of results and alarms, checked; `detectors/README.md` tells all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent
from sidelight.log import Address

PREFIX = "io.sidelight."

Whole = Annotated[int, Field(ge=0, lt=1 << 63)]


def _address(text: str) -> str:
    return str(Address.parse(text))


Place = Annotated[str, AfterValidator(_address)]
"""An address as text: ``inference/0/123``."""


class Wire(BaseModel):
    """A part of a CloudEvent's data; what it does not name is for others."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Meta(Wire):
    detector: str = Field(alias="detector_type")
    model: str
    version: str = Field(alias="model_version")
    plan: str
    segment: str
    against: str


class Times(Wire):
    begin: Whole = Field(alias="from")
    end: Whole = Field(alias="to")


class Window(Wire):
    """A window of any detector; `refused` where it could not be judged."""

    is_drift: Literal[0, 1] | None
    rows: Whole = Field(alias="n")
    flagged: Whole
    times: Times = Field(alias="time_ns")
    promise: str = ""
    refused: str = Field(alias="not_enough_data", default="")
    e_value: float | None = None
    e_value_threshold: float | None = None


class Column(Wire):
    column: str
    method: str
    rows: Whole
    distance: float | None
    effect: float | None
    low: float
    high: float
    p_value: float
    threshold: float
    drifted: bool


class Drift(Window):
    """A window against the reference, or against another version's."""

    columns: tuple[Column, ...]
    tolerance: float


class Row(Wire):
    """A strange row; a score beyond all numbers comes as null."""

    exchange: Place
    row: Whole
    score: float | None = Field(alias="instance_score")
    contributions: dict[str, float | None] = Field(alias="feature_score")
    p_value: float | None = Field(alias="p_val")
    threshold: float
    rate_bound: float | None = None
    method: str
    reasons: tuple[str, ...]


class Query(Wire):
    """One row that was asked."""

    exchange: Place
    row: Whole


class Attack(Wire):
    """An attack so far: `known` are its first and its last queries of all `queries`."""

    episode: str
    target: Query
    known: tuple[Query, ...] = Field(alias="queries", min_length=1)
    queries: Whole = Field(alias="n")
    expected: float = Field(alias="n_expected")
    clients: dict[str, Whole]
    evidence: float = Field(alias="log_evidence")
    threshold: float
    promise: str = ""
    times: Times = Field(alias="time_ns")
    is_over: bool


class Promise(Wire):
    promise: str
    begins_at: Place


class Suspect(Wire):
    column: str
    segment: str = ""
    evidence: float | None


class Typical(Wire):
    exchange: Place
    row: Whole
    log_ratio: float | None


class Alarm(Wire):
    state: Literal["raised", "cleared"]
    reason: str
    raised_by: str
    evidence: float | None
    evidence_threshold: float | None
    suspects: tuple[Suspect, ...]
    typical: tuple[Typical, ...]
    rows_seen: Whole = 0
    rows: Whole = Field(alias="n", default=0)
    times: Times | None = Field(alias="time_ns", default=None)


_KINDS: Mapping[str, type[Wire]] = {
    f"{PREFIX}result.drift.v1": Drift,
    f"{PREFIX}result.comparison.v1": Drift,
    f"{PREFIX}result.window.v1": Window,
    f"{PREFIX}result.unjudged.v1": Window,
    f"{PREFIX}result.outlier.v1": Row,
    f"{PREFIX}result.attack.v1": Attack,
    f"{PREFIX}result.promise.v1": Promise,
    f"{PREFIX}alarm.v1": Alarm,
}

Kind = TypeVar("Kind", bound=Wire)


@dataclass(frozen=True, slots=True)
class Told:
    """One result or alarm: `content` is what we need of `data`, the JSON as it came."""

    id: str
    time_ns: int
    address: str
    appended_ns: int
    meta: Meta
    content: Wire
    data: Mapping[str, Any]


def read_told(event: CloudEvent, address: Address, appended_ns: int) -> Told:
    """Raises `MalformedPayload` where the event is none of ours."""
    kind = _KINDS.get(event.type)
    if kind is None:
        raise MalformedPayload(f"{event.type[:64]!r} is none of {sorted(_KINDS)}", where="type")
    try:
        body = orjson.loads(event.data or b"")
        meta, content = Meta.model_validate(body["meta"]), kind.model_validate(body["data"])
    except ValidationError as exc:
        raise MalformedPayload(f"no {event.type}: {_first(exc)}", where="data") from exc
    except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
        raise MalformedPayload(f"no {event.type}: {exc!r}", where="data") from exc
    time_ns = checked_time(event.time_ns)
    return Told(event.id, time_ns, str(address), appended_ns, meta, content, body["data"])


def _first(error: ValidationError) -> str:
    """What is wrong and where, without the value: it may be somebody's."""
    told = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"


def checked_time(time_ns: int | None) -> int:
    """A time that the tables can hold."""
    if time_ns is None or not 0 <= time_ns < 1 << 63:
        raise MalformedPayload(f"{time_ns} is no time between 1970 and 2262", where="time")
    return time_ns
