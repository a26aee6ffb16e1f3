"""Fingerprints of pictures and embeddings: small distance, parts left alone, patches moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight_detectors.adversarial.codes import identities
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.hashing import joined
from sidelight_detectors.adversarial.lattices import Lattice, lattices, neighbour_distance
from sidelight_detectors.adversarial.patches import Levels, quarters, smallest_patches
from sidelight_detectors.adversarial.pooling import Pictures, Units, pooled
from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.fixed_point import FixedPoint, fixed_point_for
from sidelight_detectors.encoders.tensor_form import (
    TensorForm,
    tensor_form,
    unpack_tensor_form,
)
from sidelight_detectors.indexed import Indexed

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

IMAGE = "image"

SHARP, MIDDLE, SMALL = 28, 14, 7
"""Bands an axis (see `pooled`): of what quarters compare finely, of patches, of distances."""

PATCH_TABLES = 4
PATCH_LEVELS, MIDDLE_LEVELS, SHARP_LEVELS = 3, 8, 4

BLOCK = 1 << 17
"""Elements of pictures worked on at once: what a processor keeps near."""

SAMPLE = 2000
"""Reference rows at most whose nearest neighbours are looked for."""


@dataclass(frozen=True)
class PictureColumn:
    """Places of one column of pictures or embeddings.

    Sees: queries that stay close to each other in low resolution, that leave a quarter alone, or
    that show the same patches elsewhere. Misses: a search that turns, scales or distorts the whole
    picture by much more than its own steps before each query, which costs it most of its answers.

    Parameters
    ----------
    neighbour:
        The median distance between nearest neighbours of the reference in low resolution, in units.
    levels:
        The range of the reference's elements, in units.
    """

    form: TensorForm
    fixed: FixedPoint
    neighbour: int
    levels: Levels

    @property
    def tables(self) -> int:
        return sum(lattice.tables for lattice in self._lattices) + 8 + PATCH_TABLES

    def prints(self, rows: Indexed) -> Prints:
        """Raises `DataMismatch` when the column was not sent."""
        column = rows.sent(self.form.name)
        if column is None:
            raise DataMismatch(f"column {self.form.name!r} is missing; send the pictures")
        values, _ = self.form.read(column)
        step = max(1, BLOCK // self.form.size)
        blocks = [self._places(values[at : at + step]) for at in range(0, len(values), step)]
        found = np.concatenate(blocks) if blocks else np.zeros((0, self.tables), np.uint16)
        return Prints(identities(row.tobytes() for row in values), found)

    @property
    def header(self) -> dict[str, Any]:
        return {
            "name": self.form.name,
            "form": self.form.pack(),
            "unit": self.fixed.unit,
            "neighbour": self.neighbour,
            "levels": [self.levels.low, self.levels.high],
        }

    def _places(self, values: NDArray[np.float32]) -> NDArray[np.uint16]:
        sharp = pooled(Pictures(self.form.shape, self.fixed).of(values), SHARP)
        middle = pooled(sharp, MIDDLE)
        small = pooled(middle, SMALL).reshape(len(values), -1)
        near = [lattice.places(small) for lattice in self._lattices]
        alone = [
            quarters(self.levels.of(middle, MIDDLE_LEVELS), MIDDLE_LEVELS),
            quarters(self.levels.of(sharp, SHARP_LEVELS), SHARP_LEVELS),
        ]
        moved = smallest_patches(self.levels.of(middle, PATCH_LEVELS), PATCH_TABLES)
        return np.hstack([*near, *alone, moved])

    @cached_property
    def _lattices(self) -> tuple[Lattice, ...]:
        return lattices(_low_size(self.form, self.fixed), self.neighbour)


@dataclass(frozen=True, eq=False)
class ImageFingerprint:
    """All columns of pictures and embeddings of a model."""

    columns: tuple[PictureColumn, ...]

    @property
    def modality(self) -> str:
        return IMAGE

    @property
    def tables(self) -> int:
        return sum(column.tables for column in self.columns)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(column.form.name for column in self.columns)

    def prints(self, rows: Indexed) -> Prints:
        """Raises `DataMismatch` when a column was not sent."""
        found = [column.prints(rows) for column in self.columns]
        identity = reduce(joined, [one.identity for one in found])
        return Prints(identity, np.hstack([one.places for one in found]))

    def pack(self) -> Packed:
        return Packed({"columns": [column.header for column in self.columns]})


def fit_images(reference: Reference) -> ImageFingerprint:
    """Raises `DataMismatch` when a column holds no tensors."""
    features = reference.model.features.items()
    asked = [name for name, feature in features if feature.kind in ("image", "tensor")]
    return ImageFingerprint(tuple(_fitted(name, reference) for name in asked))


def unpack_images(packed: Packed) -> ImageFingerprint:
    """Raises `KeyError`, `ValueError` or `TypeError` on anything else than `pack` gave."""
    return ImageFingerprint(tuple(map(_unpacked, packed.header["columns"])))


def _fitted(name: str, reference: Reference) -> PictureColumn:
    column = reference.rows.sent(name)
    if column is None:
        raise DataMismatch(f"column {name!r} is not in the reference")
    form = tensor_form(column, reference.model.features[name])
    step = max(1, len(column) // SAMPLE)
    values, _ = form.read(column.take(slice(None, None, step)))
    fixed = fixed_point_for(values)
    units = Pictures(form.shape, fixed).of(values)
    levels = Levels(int(units.min()), int(units.max()))
    return PictureColumn(form, fixed, neighbour_distance(_low(units)), levels)


def _unpacked(head: Mapping[str, Any]) -> PictureColumn:
    low, high = map(int, head["levels"])
    form = unpack_tensor_form(str(head["name"]), head["form"])
    fixed = FixedPoint(float(head["unit"]))
    return PictureColumn(form, fixed, int(head["neighbour"]), Levels(low, high))


def _low(units: Units) -> Units:
    small = pooled(pooled(pooled(units, SHARP), MIDDLE), SMALL)
    return small.reshape(len(units), -1)


def _low_size(form: TensorForm, fixed: FixedPoint) -> int:
    blank = np.zeros((1, form.size), np.float32)
    return int(_low(Pictures(form.shape, fixed).of(blank)).shape[1])
