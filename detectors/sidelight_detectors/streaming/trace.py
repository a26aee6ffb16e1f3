"""Traces: what a pane remembers of each row of its run, for detectors that need them one by one.

Sums forget which rows they are made of. A detector that looks for rows that belong together (the
queries of an attack, a prediction and its late label) gets a few bytes of every row instead. They
are a part of the pane with a head of its own, so that a decider that comes back reads the traces of
what it must remember without anything else (`trace_of`).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Trail = NDArray[np.uint8]
"""What one detector remembers of rows: shape ``(rows, width)``."""

UNKNOWN = 0
"""The hash of an id, or the number of a client, that is not known."""


def subject_of(id_: str) -> int:
    """The hash that an exchange is found by: of its id, or of the id its client gave it."""
    if not id_:
        return UNKNOWN
    return int.from_bytes(hashlib.blake2b(id_.encode(), digest_size=8).digest(), "little") or 1


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Exchanges of a run in the order of the log; arrays of shape ``(n,)``.

    Parameters
    ----------
    offset, time_ns:
        int64: where each stands, and its event time.
    rows:
        int32: its rows; those of the trails follow each other exchange by exchange.
    version, client:
        int32: places in `Trace.versions` and `Trace.clients`.
    subject, correlation:
        uint64: `subject_of` its id, and of the id that its client gave it (`UNKNOWN` without one).
    """

    offset: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    rows: NDArray[np.int32]
    version: NDArray[np.int32]
    client: NDArray[np.int32]
    subject: NDArray[np.uint64]
    correlation: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.offset)


@dataclass(frozen=True, eq=False)
class Labels:
    """What came true, as feedback told it in a run; arrays of shape ``(n,)``, in log order.

    Parameters
    ----------
    offset, time_ns:
        int64: of the feedback's record, and when it says that it learned the label.
    subject:
        uint64: `subject_of` the id that it names, an exchange's own or its client's.
    row:
        int32: the row of that exchange.
    value:
        float64: the number of the label's class, or the number itself of a regression; NaN takes an
        earlier label back.
    """

    offset: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    subject: NDArray[np.uint64]
    row: NDArray[np.int32]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.offset)


_EXCHANGES = {
    "offset": "<i8",
    "time_ns": "<i8",
    "rows": "<i4",
    "version": "<i4",
    "client": "<i4",
    "correlation": "<u8",
}
_LABELS = {"offset": "<i8", "time_ns": "<i8", "row": "<i4", "value": "<f8"}

_TABLES = {"exchanges": _EXCHANGES, "labels": _LABELS}

_SUBJECT = {"subject": "<u8"}
"""Stands as it is after what is compressed: nothing makes it smaller, and trying costs most."""

NO_EXCHANGES = Exchanges(
    **{name: np.zeros(0, kind) for name, kind in {**_EXCHANGES, **_SUBJECT}.items()}
)
NO_LABELS = Labels(**{name: np.zeros(0, kind) for name, kind in {**_LABELS, **_SUBJECT}.items()})


@dataclass(frozen=True, eq=False)
class Trace:
    """The rows of one run as one model's detectors remember them.

    Parameters
    ----------
    plan, partition, begin:
        As the pane's.
    versions, clients:
        Names that `Exchanges` point into; the first client is unknown (``""``).
    trails:
        By detector; all have the rows of `exchanges`, in their order.
    """

    plan: str = ""
    partition: int = 0
    begin: int = 0
    versions: tuple[str, ...] = ()
    clients: tuple[str, ...] = ("",)
    exchanges: Exchanges = NO_EXCHANGES
    trails: Mapping[str, Trail] = field(default_factory=dict)
    labels: Labels = NO_LABELS

    @property
    def is_empty(self) -> bool:
        return not (len(self.exchanges) or len(self.labels))

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """The place of each row's exchange, ``(rows,)``."""
        return np.repeat(np.arange(len(self.exchanges)), self.exchanges.rows)

    @cached_property
    def row(self) -> NDArray[np.intp]:
        """The number of each row in its exchange, ``(rows,)``."""
        ends = np.cumsum(self.exchanges.rows)
        return np.arange(len(self.owner)) - np.repeat(
            ends - self.exchanges.rows, self.exchanges.rows
        )

    def to_bytes(self) -> bytes:
        """Nothing at all of an empty trace; else a length and what is compressed (length of the
        head, the head, the arrays), then the subjects of exchanges and labels."""
        if self.is_empty:
            return b""
        trails = {name: self.trails[name] for name in sorted(self.trails)}
        head = {
            "plan": self.plan,
            "partition": self.partition,
            "begin": self.begin,
            "versions": self.versions,
            "clients": self.clients,
            "exchanges": len(self.exchanges),
            "labels": len(self.labels),
            "trails": {name: trail.shape for name, trail in trails.items()},
        }
        arrays = [
            *_columns(self.exchanges, _EXCHANGES),
            *_columns(self.labels, _LABELS),
            *(np.ascontiguousarray(trail).tobytes() for trail in trails.values()),
        ]
        written = orjson.dumps(head)
        plain = b"".join([len(written).to_bytes(4, "big"), written, *arrays])
        packed = zlib.compress(plain, level=1)
        subjects = [*_columns(self.exchanges, _SUBJECT), *_columns(self.labels, _SUBJECT)]
        return b"".join([len(packed).to_bytes(4, "big"), packed, *subjects])

    @classmethod
    def from_bytes(cls, content: bytes) -> Trace:
        """Raises `ValueError`, `KeyError`, `TypeError` or `zlib.error` on anything else."""
        if not content:
            return NO_TRACE
        after = 4 + int.from_bytes(content[:4], "big")
        plain = zlib.decompress(content[4:after])
        start = 4 + int.from_bytes(plain[:4], "big")
        head: dict[str, Any] = orjson.loads(plain[4:start])
        arrays = _Arrays(plain, start)
        asked, said = (arrays.columns(head[name], kinds) for name, kinds in _TABLES.items())
        trails = {name: arrays.trail(*shape) for name, shape in head["trails"].items()}
        arrays.end()
        subjects = _Arrays(content, after)
        exchanges = Exchanges(**asked, **subjects.columns(head["exchanges"], _SUBJECT))
        labels = Labels(**said, **subjects.columns(head["labels"], _SUBJECT))
        subjects.end()
        rows = int(exchanges.rows.sum())
        if any(len(trail) != rows for trail in trails.values()):
            raise ValueError(f"trails of other than {rows} rows")
        versions, clients = (tuple(map(str, head[part])) for part in ("versions", "clients"))
        place = (str(head["plan"]), head["partition"], head["begin"])
        return cls(*place, versions, clients, exchanges, trails, labels)


NO_TRACE = Trace()
"""Of a run without rows or labels, or of detectors that remember none."""


class _Arrays:
    """Reads arrays one after the other."""

    def __init__(self, content: bytes, start: int) -> None:
        self._content = content
        self._at = start

    def columns(self, rows: int, kinds: Mapping[str, str]) -> dict[str, Any]:
        return {name: self._next(rows, np.dtype(kind)) for name, kind in kinds.items()}

    def trail(self, rows: int, width: int) -> Trail:
        return self._next(rows * width, np.dtype(np.uint8)).reshape(rows, width)

    def end(self) -> None:
        if self._at != len(self._content):
            raise ValueError(f"{len(self._content) - self._at} bytes after the last array")

    def _next(self, count: int, kind: np.dtype[Any]) -> NDArray[Any]:
        found = np.frombuffer(self._content, kind, count, self._at)
        self._at += found.nbytes
        return found


def _columns(table: Exchanges | Labels, kinds: Mapping[str, str]) -> list[bytes]:
    return [np.asarray(getattr(table, name), kind).tobytes() for name, kind in kinds.items()]


def labels_of(entries: Sequence[tuple[int, int, int, int, float]]) -> Labels:
    """From ``(offset, time_ns, subject, row, value)`` each."""
    if not entries:
        return NO_LABELS
    offset, time_ns, subject, row, value = zip(*entries, strict=True)
    return Labels(
        np.array(offset, np.int64),
        np.array(time_ns, np.int64),
        np.array(subject, np.uint64),
        np.array(row, np.int32),
        np.array(value, np.float64),
    )
