"""A fitted reference as a header and arrays: what makes its identity, and how it is read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from sidelight.config.detecting.of_model import ModelDetectors
from sidelight_detectors.artifact import Arrays
from sidelight_detectors.cells import Counts
from sidelight_detectors.contract import Packed, Part
from sidelight_detectors.encoders.encoding import Encoding, unpack_encoding
from sidelight_detectors.grid import Grid
from sidelight_detectors.moments import moments_of
from sidelight_detectors.packing import integers, pack_grid, unpack_grid
from sidelight_detectors.parts import KINDS
from sidelight_detectors.segments import Segments, unpack_segments

if TYPE_CHECKING:
    from sidelight_detectors.fitted import Fitted

FORMAT = 4
"""Of cells, tables, files and judgement; a change makes a new plan."""


class Contents(NamedTuple):
    """What a `Fitted` is made of, in its order."""

    grid: Grid
    features: int
    rows: int
    reference: Counts
    grouping: Counts
    settings: ModelDetectors
    parts: Mapping[str, Part]
    segments: Segments | None
    encoding: Encoding


def identity_of(fitted: Fitted, parts: Mapping[str, Packed]) -> tuple[dict[str, Any], Arrays]:
    """All that makes it what it is; equal in every process that fits the same rows."""
    columns, points = pack_grid(fitted.grid)
    encoding = fitted.encoding.pack()
    header = {
        "format": FORMAT,
        "columns": columns,
        "features": fitted.features,
        "rows": fitted.rows,
        "settings": fitted.settings.model_dump(mode="json"),
        "parts": {name: dict(packed.header) for name, packed in parts.items()},
        "segments": None,
        "encoding": encoding.header,
    }
    arrays: dict[str, NDArray[Any]] = {
        "points": points,
        "reference": fitted.reference,
        "grouping": fitted.grouping,
    }
    if fitted.segments is not None:
        header["segments"], own = fitted.segments.pack()
        arrays.update(own)
    for name, packed in {**parts, "encoding": encoding}.items():
        arrays.update({f"{name}/{key}": array for key, array in packed.arrays.items()})
    return header, arrays


def derived_of(parts: Mapping[str, Packed]) -> Arrays:
    """What only saves time."""
    return {
        f"{name}/derived/{key}": array
        for name, packed in parts.items()
        for key, array in packed.derived.items()
    }


def contents_of(header: dict[str, Any], arrays: Arrays) -> Contents:
    """Reads both; raises `ValueError`, `KeyError`, `TypeError` or `IndexError` on anything else."""
    if header["format"] != FORMAT:
        raise ValueError(f"format {header['format']}, this version reads {FORMAT}")
    grid = unpack_grid(header["columns"], arrays["points"])
    features = header["features"]
    parts = {
        name: KINDS[name].unpack(_packed(name, head, arrays), grid, features)
        for name, head in header["parts"].items()
    }
    reference, grouping = (integers(arrays[name], grid.size) for name in ("reference", "grouping"))
    return Contents(
        grid,
        features,
        header["rows"],
        reference,
        grouping,
        ModelDetectors.model_validate(header["settings"]),
        parts,
        _segments(header["segments"], arrays, grid, parts),
        unpack_encoding(_packed("encoding", header["encoding"], arrays)),
    )


def _segments(
    head: dict[str, Any] | None, arrays: Arrays, grid: Grid, parts: Mapping[str, Part]
) -> Segments | None:
    moments = moments_of(parts)
    size = len(moments.reference) if moments else 0
    return None if head is None else unpack_segments(head, arrays, grid, size)


def _packed(name: str, header: dict[str, Any], arrays: Arrays) -> Packed:
    own = {key.partition("/")[2]: array for key, array in arrays.items() if _owner(key) == name}
    plain = {key: array for key, array in own.items() if _owner(key) != "derived"}
    derived = {key.partition("/")[2]: own[key] for key in own if _owner(key) == "derived"}
    return Packed(header, plain, derived)


def _owner(key: str) -> str:
    return key.partition("/")[0]
