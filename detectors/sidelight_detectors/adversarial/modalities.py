"""The kinds of inputs there are fingerprints for, and all fingerprints of one model as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from sidelight.errors import ConfigError
from sidelight_detectors.adversarial.contract import Fingerprint, Modality, Prints
from sidelight_detectors.adversarial.hashing import joined
from sidelight_detectors.adversarial.images import fit_images, unpack_images
from sidelight_detectors.adversarial.tabular import fit_tabular, unpack_tabular
from sidelight_detectors.adversarial.wordings import fit_wordings, unpack_wordings
from sidelight_detectors.contract import Packed
from sidelight_detectors.indexed import Indexed

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

MODALITIES: Mapping[str, Modality] = {
    "tabular": Modality(frozenset({"numeric", "categorical"}), fit_tabular, unpack_tabular),
    "text": Modality(frozenset({"text"}), fit_wordings, unpack_wordings),
    "image": Modality(frozenset({"image", "tensor"}), fit_images, unpack_images),
}
"""By name; in the order of their tables."""


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Those of one model: their tables side by side."""

    kinds: tuple[Fingerprint, ...]

    @property
    def tables(self) -> int:
        return sum(kind.tables for kind in self.kinds)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for kind in self.kinds for name in kind.inputs)

    def prints(self, rows: Indexed) -> Prints:
        found = [kind.prints(rows) for kind in self.kinds]
        identity = reduce(joined, [one.identity for one in found])
        return Prints(identity, np.concatenate([one.places for one in found], axis=1))

    def pack(self) -> Packed:
        packed = [(kind.modality, kind.pack()) for kind in self.kinds]
        arrays = {
            f"{name}/{key}": array for name, one in packed for key, array in one.arrays.items()
        }
        return Packed({name: dict(one.header) for name, one in packed}, arrays)


def fit_fingerprints(reference: Reference) -> Fingerprints:
    """One of each kind of input that the model has; `ConfigError` when it names none."""
    kinds = {feature.kind for feature in reference.model.features.values()}
    found = [one for one in MODALITIES.values() if one.kinds & kinds]
    if not found:
        raise ConfigError("'detectors.adversarial' compares inputs; name some in 'features'")
    return Fingerprints(tuple(one.fit(reference) for one in found))


def unpack_fingerprints(packed: Packed) -> Fingerprints:
    return Fingerprints(
        tuple(_unpacked(name, packed) for name in MODALITIES if name in packed.header)
    )


def _unpacked(name: str, packed: Packed) -> Fingerprint:
    own = {
        key.partition("/")[2]: array
        for key, array in packed.arrays.items()
        if key.partition("/")[0] == name
    }
    return MODALITIES[name].unpack(Packed(packed.header[name], own))
