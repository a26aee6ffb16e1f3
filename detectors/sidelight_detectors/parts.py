"""The kinds of detectors a fitted reference can have: how each is fitted and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.adversarial.detector import fit_adversarial, unpack_adversarial
from sidelight_detectors.alarms.blocks import fit_blocks, unpack_blocks
from sidelight_detectors.bias.fitting import fit_bias, unpack_bias
from sidelight_detectors.contract import Packed, Part
from sidelight_detectors.disagreement.detector import fit_disagreement, unpack_disagreement
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.joint.detector import fit_joint, unpack_joint
from sidelight_detectors.labels.detector import fit_labels, unpack_labels
from sidelight_detectors.moments import fit_moments, unpack_moments
from sidelight_detectors.outliers.detector import fit_outliers, unpack_outliers
from sidelight_detectors.performance.detector import fit_performance, unpack_performance
from sidelight_detectors.violations import fit_schema, unpack_schema


@dataclass(frozen=True, eq=False)
class Reference:
    """What a detector is fitted on.

    Parameters
    ----------
    grid:
        The cells of the watched columns: `features` features, then the model's outputs.
    rows:
        The reference rows in these cells, with their values.
    table:
        All columns of the reference as they were read, also those that are not watched.
    """

    grid: Grid
    features: int
    rows: Indexed
    table: Columns
    model: ModelSettings


@dataclass(frozen=True)
class Kind:
    """A kind of detector.

    `fit` gives None when the model does not ask for it. `unpack` reads what `Part.pack` gave and
    raises `KeyError`, `ValueError` or `TypeError` on anything else.
    """

    fit: Callable[[Reference], Part | None]
    unpack: Callable[[Packed, Grid, int], Part]


KINDS: Mapping[str, Kind] = {
    "adversarial": Kind(fit_adversarial, unpack_adversarial),
    "bias": Kind(fit_bias, unpack_bias),
    "blocks": Kind(fit_blocks, unpack_blocks),
    "joint": Kind(fit_joint, unpack_joint),
    "labels": Kind(fit_labels, unpack_labels),
    "performance": Kind(fit_performance, unpack_performance),
    "moments": Kind(fit_moments, unpack_moments),
    "outlier": Kind(fit_outliers, unpack_outliers),
    "disagreement": Kind(fit_disagreement, unpack_disagreement),
    "schema": Kind(fit_schema, unpack_schema),
}
"""By the name of their sums, results and metrics."""
