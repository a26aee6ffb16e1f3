"""What is remembered of a batch of rows: integers that add up."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight_detectors.cells import Counts

P_VALUE_BINS = 20
"""Bins of equal width over the conformal p-values (0, 1]."""

MAX_CELLS = 1 << 26
"""Cells a stored summary may claim; more is damage, not data."""

_MAGIC = b"SLS1"
_HEAD = struct.Struct("<32sqqqqBB")
_WIDTHS = ("<u1", "<u2", "<u4", "<i8")


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
    flagged:
        Rows the outlier detector flagged.
    p_values:
        Shape ``(P_VALUE_BINS,)`` int64: rows whose conformal p-value fell into each bin.
    """

    plan: str
    rows: int
    counts: Counts
    flagged: int
    p_values: Counts

    def __add__(self, other: Summary) -> Summary:
        if self.plan != other.plan:
            raise DataMismatch(
                f"summaries of plans {self.plan[:12]} and {other.plan[:12]} do not add up; "
                "a new reference or setting starts a new count"
            )
        return Summary(
            self.plan,
            self.rows + other.rows,
            self.counts + other.counts,
            self.flagged + other.flagged,
            self.p_values + other.p_values,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Summary) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def to_bytes(self) -> bytes:
        """Sparse and compressed; equal content gives equal bytes under one zlib."""
        return _MAGIC + zlib.compress(self._content(), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> Summary:
        """Reads `to_bytes`; `MalformedPayload` when they are damaged."""
        try:
            return _parse(_decompress(data))
        except (zlib.error, struct.error, ValueError) as exc:
            raise MalformedPayload(f"not a stored summary: {exc}") from exc

    def _content(self) -> bytes:
        filled = np.flatnonzero(self.counts)
        steps, counts = np.diff(filled, prepend=0), self.counts[filled]
        width, depth = _width(steps), _width(counts)
        head = _HEAD.pack(
            bytes.fromhex(self.plan),
            self.rows,
            self.flagged,
            len(self.counts),
            len(filled),
            width,
            depth,
        )
        body = steps.astype(_WIDTHS[width]).tobytes() + counts.astype(_WIDTHS[depth]).tobytes()
        return head + self.p_values.astype("<i8").tobytes() + body


def empty_summary(plan: str, cells: int) -> Summary:
    """No rows at all: what sums begin with."""
    bins = np.zeros(P_VALUE_BINS, np.int64)
    return Summary(plan, 0, np.zeros(cells, np.int64), 0, bins)


def _width(values: NDArray[np.int64]) -> int:
    top = int(values.max(initial=0))
    return next((code for code, limit in enumerate((1 << 8, 1 << 16, 1 << 32)) if top < limit), 3)


def _decompress(data: bytes) -> bytes:
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError(f"it begins with {data[:4]!r}, not {_MAGIC!r}")
    reader = zlib.decompressobj()
    content = reader.decompress(data[len(_MAGIC) :], _HEAD.size + 8 * P_VALUE_BINS + 16 * MAX_CELLS)
    if not reader.eof or reader.unused_data:
        raise ValueError("it is cut short, too large or followed by something else")
    return content


def _parse(content: bytes) -> Summary:
    plan, rows, flagged, cells, filled, width, depth = _HEAD.unpack_from(content)
    if not (0 <= filled <= cells <= MAX_CELLS and width < 4 and depth < 4):
        raise ValueError(f"{filled} filled of {cells} cells")
    types = ((P_VALUE_BINS, "<i8"), (filled, _WIDTHS[width]), (filled, _WIDTHS[depth]))
    parts, offset = [], _HEAD.size
    for length, dtype in types:
        parts.append(np.frombuffer(content, dtype, length, offset).astype(np.int64))
        offset += parts[-1].size * np.dtype(dtype).itemsize
    counts = np.zeros(cells, np.int64)
    places = np.cumsum(parts[1])
    if filled and not (places[0] >= 0 and places[-1] < cells and (parts[1][1:] > 0).all()):
        raise ValueError("cells out of order")
    if offset != len(content) or min(rows, flagged, *(part.min(initial=0) for part in parts)) < 0:
        raise ValueError("a count is below zero or belongs to no cell")
    counts[places] = parts[2]
    return Summary(plan.hex(), rows, counts, flagged, parts[0])
