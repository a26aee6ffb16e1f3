"""Panes: what a scorer says about one run of one partition, and their compact bytes.

A pane holds additive summaries and the flagged rows; the decider needs no second look at the data.
One pane a run and model, also when the run held none of the model's rows: then it still moves the
chain of runs and the watermark on.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.log import Record
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.summary import Summary

FORMAT = 2
"""Changes when the bytes of a pane change their meaning; panes of another format are refused."""

MODEL_HEADER = "model"


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of a run of one model version in one event-time bucket.

    `bucket` is ``event time // bucket length``. `first` and `last` are the offsets of the first and
    the last exchange, `first_ns` and `last_ns` the smallest and the largest event time.
    """

    version: str
    bucket: int
    first: int
    last: int
    first_ns: int
    last_ns: int
    summary: Summary

    def __add__(self, other: Slice) -> Slice:
        return Slice(
            self.version,
            self.bucket,
            min(self.first, other.first),
            max(self.last, other.last),
            min(self.first_ns, other.first_ns),
            max(self.last_ns, other.last_ns),
            self.summary + other.summary,
        )


@dataclass(frozen=True, slots=True)
class Flag:
    """One strange row: who says so, where it is, how strange, and which columns make it so."""

    detector: str
    offset: int
    row: int
    version: str
    time_ns: int
    score: float
    p_value: float
    contributions: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Pane:
    """One run [begin, end) of an `inference` partition as one model's plan sees it.

    `flags` is bounded; the summaries have the true number. No exchange in the run has an event
    time after `watermark_ns`.
    """

    model: str
    plan: str
    partition: int
    begin: int
    end: int
    watermark_ns: int
    bucket_ns: int
    slices: tuple[Slice, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def rows(self) -> int:
        return sum(part.summary.rows for part in self.slices)

    def to_record(self) -> Record:
        content = _pack(self)
        headers = ((MODEL_HEADER, self.model.encode()),)
        return Record(content, digest(content).encode(), headers)

    @classmethod
    def from_record(cls, record: Record) -> Pane:
        """Raises `MalformedPayload` when the bytes are not a pane."""
        try:
            return _unpack(record.value)
        except (zlib.error, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
            raise MalformedPayload(f"not a pane ({exc})", where="panes record") from exc


def partition_of(model: str, partitions: int) -> int:
    """All that is said of one model goes to one partition, so that it has one order."""
    return zlib.crc32(model.encode()) % partitions


def _pack(pane: Pane) -> bytes:
    """Length of the head, the head (compressed JSON), the summaries one after the other."""
    summaries = [part.summary.to_bytes() for part in pane.slices]
    head = {name: getattr(pane, name) for name in _PLAIN}
    head["format"] = FORMAT
    head["slices"] = [
        [getattr(part, name) for name in _SLICE] + [len(summary)]
        for part, summary in zip(pane.slices, summaries, strict=True)
    ]
    head["flags"] = [[getattr(flag, name) for name in _FLAG] for flag in pane.flags]
    written = zlib.compress(orjson.dumps(head), level=1)
    return b"".join([len(written).to_bytes(4, "big"), written, *summaries])


def _unpack(content: bytes) -> Pane:
    start = 4 + int.from_bytes(content[:4], "big")
    head: dict[str, Any] = orjson.loads(zlib.decompress(content[4:start]))
    if head["format"] != FORMAT:
        raise ValueError(f"pane format {head['format']}, this version reads {FORMAT}")
    for name in _PLAIN:
        _expect(int if name not in ("model", "plan") else str, head[name], name)
    slices = tuple(_slices(head["slices"], content, start))
    flags = tuple(_flag(values) for values in head["flags"])
    return Pane(**{name: head[name] for name in _PLAIN}, slices=slices, flags=flags)


def _slices(parts: list[list[Any]], content: bytes, start: int) -> Iterator[Slice]:
    for *values, size in parts:
        named = dict(zip(_SLICE, values, strict=True))
        for name, value in named.items():
            _expect(str if name == "version" else int, value, name)
        yield Slice(**named, summary=Summary.from_bytes(content[start : start + size]))
        start += size


def _expect(kind: type, value: object, name: str) -> None:
    if type(value) is not kind:
        raise TypeError(f"{name} is {type(value).__name__}, not {kind.__name__}")


def _flag(values: list[Any]) -> Flag:
    named = dict(zip(_FLAG, values, strict=True))
    named["contributions"] = tuple((name, part) for name, part in named["contributions"])
    return Flag(**named)


_PLAIN = ("model", "plan", "partition", "begin", "end", "watermark_ns", "bucket_ns")
_SLICE = ("version", "bucket", "first", "last", "first_ns", "last_ns")
_FLAG = ("detector", "offset", "row", "version", "time_ns", "score", "p_value", "contributions")
