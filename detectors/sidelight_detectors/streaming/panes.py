"""Panes: what a scorer says about one run of one partition, and their compact bytes.

A pane holds additive summaries and the flagged rows; the decider needs no second look at the data.
One pane a run and model, also when the run held none of the model's rows: then it still moves the
chain of runs and the watermark on.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.log import Record
from sidelight_detectors.streaming.draws import (
    Draw,
    drawn_at,
    packed_cells,
    smallest,
    unpacked_cells,
)
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.trace import NO_TRACE, Trace
from sidelight_detectors.summary import Summary

FORMAT = 4
"""Changes when the bytes of a pane change their meaning; panes of another format are refused."""

MODEL_HEADER = "model"

_LENGTHS = struct.Struct(">II")


Place = tuple[str, int, int, str]
"""Version, piece, bucket and segment of a slice."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows of a run: those of one model version, piece, event-time bucket and segment.

    `piece` numbers what lies between two places where a count window may end; 0 with event time.
    `bucket` is ``event time // bucket length``. `segment` is empty where nothing is cut apart.
    `first` and `last` are the offsets of the first and the last exchange, `first_ns` and `last_ns`
    the smallest and the largest event time. `draw` has a few of the rows.
    """

    version: str
    piece: int
    bucket: int
    segment: str
    first: int
    last: int
    first_ns: int
    last_ns: int
    summary: Summary
    draw: Draw = ()

    @property
    def place(self) -> Place:
        """Slices of one place add up."""
        return self.version, self.piece, self.bucket, self.segment

    def __add__(self, other: Slice) -> Slice:
        return Slice(
            *self.place,
            min(self.first, other.first),
            max(self.last, other.last),
            min(self.first_ns, other.first_ns),
            max(self.last_ns, other.last_ns),
            self.summary + other.summary,
            smallest([self.draw, other.draw]),
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
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pane:
    """One run [begin, end) of an `inference` partition as one model's plan sees it.

    `flags` is bounded; the summaries have the true number. No exchange in the run has an event
    time after `watermark_ns`. `trace` has what detectors want to know of each row.
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
    trace: Trace = NO_TRACE

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
            raise _refused(exc) from exc


def trace_of(record: Record) -> Trace:
    """The trace of a pane alone, for much less; raises `MalformedPayload`."""
    try:
        end, start = _ends(record.value)
        return Trace.from_bytes(record.value[end:start])
    except (zlib.error, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
        raise _refused(exc) from exc


def _refused(cause: Exception) -> MalformedPayload:
    told = f"not a pane of format {FORMAT}, which this release reads and writes ({cause})"
    return MalformedPayload(told, where="panes record")


def drawn_among(slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """The slices of one draw for each version and bucket, shared by its pieces and segments."""
    draws: dict[tuple[str, int], list[Draw]] = {}
    for part in slices:
        draws.setdefault((part.version, part.bucket), []).append(part.draw)
    chosen = {place: set(smallest(found)) for place, found in draws.items()}
    return tuple(
        replace(
            part,
            draw=tuple(row for row in part.draw if row in chosen[part.version, part.bucket]),
        )
        for part in slices
    )


def partition_of(model: str, partitions: int) -> int:
    """All that is said of one model goes to one partition, so that it has one order."""
    return zlib.crc32(model.encode()) % partitions


def _pack(pane: Pane) -> bytes:
    """Lengths of head and trace, the head (compressed JSON), the trace, summaries, cells."""
    summaries = [part.summary.to_bytes() for part in pane.slices]
    cells, width = packed_cells(part.draw for part in pane.slices)
    head = {name: getattr(pane, name) for name in _PLAIN}
    head["format"] = FORMAT
    head["cell_bytes"] = width
    head["slices"] = [
        [*(getattr(part, name) for name in _SLICE), len(summary), _drawn(part)]
        for part, summary in zip(pane.slices, summaries, strict=True)
    ]
    head["flags"] = [[getattr(flag, name) for name in _FLAG] for flag in pane.flags]
    written, trace = zlib.compress(orjson.dumps(head), level=1), pane.trace.to_bytes()
    lengths = _LENGTHS.pack(len(written), len(trace))
    return b"".join([lengths, written, trace, *summaries, zlib.compress(cells, level=9)])


def _drawn(part: Slice) -> list[int]:
    """Where its drawn rows stand: offset and row of each."""
    return [number for row in part.draw for number in (row.offset - part.first, row.row)]


def _unpack(content: bytes) -> Pane:
    end, start = _ends(content)
    head: dict[str, Any] = orjson.loads(zlib.decompress(content[_LENGTHS.size : end]))
    if head["format"] != FORMAT:
        raise ValueError(f"its format is {head['format']}")
    for name in _PLAIN:
        _expect(int if name not in ("model", "plan") else str, head[name], name)
    slices = tuple(_slices(head, content, start))
    flags = tuple(_flag(values) for values in head["flags"])
    trace = Trace.from_bytes(content[end:start])
    plain = {name: head[name] for name in _PLAIN}
    return Pane(**plain, slices=slices, flags=flags, trace=trace)


def _ends(content: bytes) -> tuple[int, int]:
    """Where the head ends, and where the trace after it does."""
    if len(content) < _LENGTHS.size:
        raise ValueError(f"{len(content)} bytes are too few")
    head, trace = _LENGTHS.unpack_from(content)
    end = _LENGTHS.size + head
    return end, end + trace


def _slices(head: dict[str, Any], content: bytes, start: int) -> Iterator[Slice]:
    end = start + sum(size for *_, size, _ in head["slices"])
    rows = sum(len(drawn) // 2 for *_, drawn in head["slices"])
    cells = iter(unpacked_cells(zlib.decompress(content[end:]), head["cell_bytes"], rows))
    for *values, size, drawn in head["slices"]:
        named = dict(zip(_SLICE, values, strict=True))
        for name, value in named.items():
            _expect(str if name in ("version", "segment") else int, value, name)
        summary = Summary.from_bytes(content[start : start + size])
        places = zip(drawn[::2], drawn[1::2], strict=True)
        draw = drawn_at([(named["first"] + offset, row) for offset, row in places], cells)
        yield Slice(**named, summary=summary, draw=draw)
        start += size


def _expect(kind: type, value: object, name: str) -> None:
    if type(value) is not kind:
        raise TypeError(f"{name} is {type(value).__name__}, not {kind.__name__}")


def _flag(values: list[Any]) -> Flag:
    named = dict(zip(_FLAG, values, strict=True))
    named["contributions"] = tuple((name, part) for name, part in named["contributions"])
    named["reasons"] = tuple(named["reasons"])
    return Flag(**named)


_PLAIN = ("model", "plan", "partition", "begin", "end", "watermark_ns", "bucket_ns")
_SLICE = ("version", "piece", "bucket", "segment", "first", "last", "first_ns", "last_ns")
_FLAG = (
    "detector",
    "offset",
    "row",
    "version",
    "time_ns",
    "score",
    "p_value",
    "contributions",
    "reasons",
)
