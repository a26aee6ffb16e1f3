"""What is remembered of a batch of rows: integers that add up."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight_detectors.cells import Counts
from sidelight_detectors.contract import Sums

MAX_CELLS = 1 << 26
"""Cells a stored summary may claim, in its counts and in each sum; more is damage, not data."""

_MAGIC = b"SLS2"
_HEAD = struct.Struct("<32sqqqBBB")
_PART = struct.Struct("<BqB")
_UNSIGNED = ("<u1", "<u2", "<u4", "<i8")
_SIGNED = ("<i1", "<i2", "<i4", "<i8")


@dataclass(frozen=True, eq=False)
class Summary:
    """Counts of a batch, of a pane, of a window: ``a + b`` is the summary of both together.

    Parameters
    ----------
    plan:
        Hex sha256 of what the counts mean (`Fitted.plan`); only equal plans add up.
    rows:
        Rows counted.
    counts:
        Shape ``(cells,)`` int64: rows in each cell, column after column.
    sums:
        What each part adds up, by its name; int64, wrapping never: parts scale theirs to fit.
    """

    plan: str
    rows: int
    counts: Counts
    sums: Mapping[str, Sums] = field(default_factory=dict)

    def __add__(self, other: Summary) -> Summary:
        if self.plan != other.plan:
            raise DataMismatch(_unlike(self.plan, other.plan))
        sums = {name: own + other.sums[name] for name, own in self.sums.items()}
        return Summary(self.plan, self.rows + other.rows, self.counts + other.counts, sums)

    def __sub__(self, other: Summary) -> Summary:
        """Of rows that are all in this one: what is left without them."""
        sums = {name: own - other.sums[name] for name, own in self.sums.items()}
        return Summary(self.plan, self.rows - other.rows, self.counts - other.counts, sums)

    def flagged(self, part: str) -> int:
        """Rows that this part flagged; parts that score rows count them first."""
        return int(self.sums[part][0]) if part in self.sums else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def to_bytes(self, level: int = zlib.Z_BEST_COMPRESSION) -> bytes:
        """Sparse and compressed; equal content gives equal bytes under one zlib and level."""
        return _MAGIC + zlib.compress(self._content(), level)

    @classmethod
    def from_bytes(cls, data: bytes) -> Summary:
        """Reads `to_bytes`; `MalformedPayload` when they are damaged."""
        return sum_of([data])

    def _content(self) -> bytes:
        filled = np.flatnonzero(self.counts)
        steps, counts = np.diff(filled, prepend=0), self.counts[filled]
        width, depth = _width(steps), _width(counts)
        head = _HEAD.pack(
            bytes.fromhex(self.plan),
            self.rows,
            len(self.counts),
            len(filled),
            width,
            depth,
            len(self.sums),
        )
        body = steps.astype(_UNSIGNED[width]).tobytes() + counts.astype(_UNSIGNED[depth]).tobytes()
        return b"".join([head, body, *_packed(self.sums)])


def empty_summary(plan: str, cells: int, sums: Mapping[str, int] | None = None) -> Summary:
    """No rows at all: what additions begin with. `sums` are the sizes by name."""
    sizes = (sums or {}).items()
    zeros = {name: np.zeros(size, np.int64) for name, size in sizes}
    return Summary(plan, 0, np.zeros(cells, np.int64), zeros)


@dataclass(frozen=True, eq=False)
class _Filled:
    """A stored summary: of its cells only those that are filled, and how often."""

    plan: str
    rows: int
    cells: int
    places: Sums
    counts: Sums
    sums: Mapping[str, Sums]

    def add_to(self, total: Summary) -> Summary:
        """As `Summary.__add__`, but into the counts and sums of `total`."""
        is_like = (self.plan, self.cells) == (total.plan, len(total.counts))
        if not is_like or _sizes(self.sums) != _sizes(total.sums):
            raise DataMismatch(_unlike(total.plan, self.plan))
        total.counts[self.places] += self.counts
        for name, own in total.sums.items():
            own += self.sums[name]
        return replace(total, rows=total.rows + self.rows)


def sum_of(stored: Sequence[bytes]) -> Summary:
    """Stored summaries, one or more, added up as they are read.

    Raises `MalformedPayload` when one is damaged, `DataMismatch` when they are of different plans.
    """
    total: Summary | None = None
    for data in stored:
        filled = _filled(data)
        if total is None:
            total = empty_summary(filled.plan, filled.cells, _sizes(filled.sums))
        total = filled.add_to(total)
    if total is None:
        raise DataMismatch("nothing to add up; give one summary at least")
    return total


def _filled(data: bytes) -> _Filled:
    try:
        return _parse(_decompress(data))
    except (zlib.error, struct.error, ValueError) as exc:
        raise MalformedPayload(f"not a stored summary: {exc}") from exc


def _sizes(sums: Mapping[str, Sums]) -> dict[str, int]:
    return {name: len(own) for name, own in sums.items()}


def _unlike(one: str, other: str) -> str:
    return (
        f"summaries of plans {one[:12]} and {other[:12]} do not add up; "
        "a new reference or setting starts a new count"
    )


def _packed(sums: Mapping[str, Sums]) -> Iterator[bytes]:
    for name in sorted(sums):
        largest = int(np.abs(sums[name]).max(initial=0))
        width = next((code for code, limit in enumerate((7, 15, 31)) if largest < 1 << limit), 3)
        encoded = name.encode()
        yield _PART.pack(len(encoded), len(sums[name]), width) + encoded
        yield sums[name].astype(_SIGNED[width]).tobytes()


def _width(values: NDArray[np.int64]) -> int:
    top = int(values.max(initial=0))
    return next((code for code, limit in enumerate((1 << 8, 1 << 16, 1 << 32)) if top < limit), 3)


def _decompress(data: bytes) -> bytes:
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError(f"it begins with {data[:4]!r}, not {_MAGIC!r}")
    reader = zlib.decompressobj()
    content = reader.decompress(data[len(_MAGIC) :], _HEAD.size + 32 * MAX_CELLS)
    if not reader.eof or reader.unused_data:
        raise ValueError("it is cut short, too large or followed by something else")
    return content


def _parse(content: bytes) -> _Filled:
    plan, rows, cells, filled, width, depth, parts = _HEAD.unpack_from(content)
    if not (0 <= filled <= cells <= MAX_CELLS and width < 4 and depth < 4 and rows >= 0):
        raise ValueError(f"{filled} filled of {cells} cells, {rows} rows")
    place = _HEAD.size
    steps, place = _read(content, place, filled, _UNSIGNED[width])
    found, place = _read(content, place, filled, _UNSIGNED[depth])
    if found.min(initial=0) < 0:
        raise ValueError("a count is below zero")
    places = np.cumsum(steps)
    if filled and not (places[0] >= 0 and places[-1] < cells and (steps[1:] > 0).all()):
        raise ValueError("cells out of order")
    sums, place = _sums(content, place, parts)
    if place != len(content):
        raise ValueError("something belongs to no cell")
    return _Filled(plan.hex(), rows, cells, places, found, sums)


def _sums(content: bytes, place: int, parts: int) -> tuple[dict[str, Sums], int]:
    sums: dict[str, Sums] = {}
    for _ in range(parts):
        length, size, width = _PART.unpack_from(content, place)
        if not (0 <= size <= MAX_CELLS and width < 4):
            raise ValueError(f"a sum of {size} numbers")
        place += _PART.size + length
        name = content[place - length : place].decode()
        sums[name], place = _read(content, place, size, _SIGNED[width])
    if len(sums) != parts or list(sums) != sorted(sums):
        raise ValueError("sums out of order")
    return sums, place


def _read(content: bytes, place: int, length: int, dtype: str) -> tuple[Sums, int]:
    values = np.frombuffer(content, dtype, length, place)
    return values.astype(np.int64), place + values.nbytes
